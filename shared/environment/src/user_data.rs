//! The instances' user data: a plain script. It is encoded once, where the launch template is made.

use crate::hook_settings::{DONE, DRAIN_SCRIPT, FAILED, USER_DATA};
use crate::names::Names;
use crate::spec::Spec;

/// What AWS takes, in bytes before encoding (the EC2 user guide).
pub const LONGEST_USER_DATA: usize = 16_384;

/// The line that ends a script of the user's inside the user data.
pub(crate) const SCRIPT_END: &str = "ENVKEEPER-END-OF-USER-SCRIPT";

const USER_SCRIPT: &str = "/var/lib/envkeeper/user-script";
const USER_DRAIN_SCRIPT: &str = "/var/lib/envkeeper/drain-script";

/// cloud-init runs what is in this folder at every start, and user data at the first alone.
const NEXT_START: &str = "/var/lib/cloud/scripts/per-boot/envkeeper";

/// The script, in its order and stopping at the first failure: a log of itself; the SSM agent enabled, started and
/// checked; the `CloudWatch` agent installed, configured and started; what drains the instance, for later; the user's own
/// script; the mark that it is done. Where it fails it marks that instead.
#[must_use]
pub fn user_data(names: &Names, spec: &Spec) -> String {
    let region = &names.region;
    let log_group = names.instance_log_group().name;
    let drain = drain(&spec.hooks.drain_services, spec.hooks.drain_script.as_deref());
    let own = spec.user_data_script.as_deref().map(run_user_script).unwrap_or_default();
    format!(
        r#"#!/bin/bash
set -euo pipefail
exec > >(tee -a /var/log/user-data.log) 2>&1
mkdir -p /var/lib/envkeeper

# Tells how this script ended, by a tag of the instance. Where many start at once EC2 asks for patience, so it tries for some
# minutes, and the instance's own id spreads the tries.
mark() {{
  local metadata=http://169.254.169.254/latest token instance try
  token=$(curl -sf --max-time 5 --retry 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$metadata/api/token")
  instance=$(curl -sf --max-time 5 --retry 5 -H "X-aws-ec2-metadata-token: $token" "$metadata/meta-data/instance-id")
  for try in 1 2 3 4 5 6 7 8 9 10; do
    aws ec2 create-tags --region {region} --cli-connect-timeout 5 --cli-read-timeout 20 \
      --resources "$instance" --tags "Key={USER_DATA},Value=$1" \
      && rm -f {NEXT_START} && return
    sleep $((try * 5 + 16#${{instance: -4}} % (try * 5)))
  done
  echo "envkeeper: the instance could not be marked: $1"
  return 1
}}
failed() {{
  trap - ERR
  echo "envkeeper: user data failed at line $1"
  mark "{FAILED} at line $1"
}}
trap 'failed $LINENO' ERR
command -v aws > /dev/null || dnf install -y awscli-2

echo "envkeeper: SSM agent"
rpm -q amazon-ssm-agent || dnf install -y amazon-ssm-agent
systemctl enable amazon-ssm-agent
systemctl start amazon-ssm-agent
systemctl is-active --quiet amazon-ssm-agent

echo "envkeeper: CloudWatch agent"
dnf install -y amazon-cloudwatch-agent rsyslog
systemctl enable --now rsyslog
mkdir -p /opt/aws/amazon-cloudwatch-agent/etc
cat > /opt/aws/amazon-cloudwatch-agent/etc/envkeeper.json <<'ENVKEEPER-AGENT-CONFIG'
{{
  "agent": {{ "region": "{region}" }},
  "logs": {{ "logs_collected": {{ "files": {{ "collect_list": [
    {{ "file_path": "/var/log/messages", "log_group_name": "{log_group}", "log_stream_name": "{{instance_id}}/messages" }},
    {{ "file_path": "/var/log/user-data.log", "log_group_name": "{log_group}", "log_stream_name": "{{instance_id}}/user-data" }},
    {{ "file_path": "/var/log/envkeeper-drain.log", "log_group_name": "{log_group}", "log_stream_name": "{{instance_id}}/drain" }}
  ] }} }} }},
  "metrics": {{
    "append_dimensions": {{ "AutoScalingGroupName": "${{aws:AutoScalingGroupName}}", "InstanceId": "${{aws:InstanceId}}" }},
    "metrics_collected": {{
      "mem": {{ "measurement": ["mem_used_percent"] }},
      "disk": {{ "measurement": ["used_percent"], "resources": ["/"] }}
    }}
  }}
}}
ENVKEEPER-AGENT-CONFIG
/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s \
  -c file:/opt/aws/amazon-cloudwatch-agent/etc/envkeeper.json
systemctl enable amazon-cloudwatch-agent
systemctl is-active --quiet amazon-cloudwatch-agent
{drain}{own}
# All of it is done: what can't be said of that is no failure of the instance.
trap - ERR
mark {DONE}
echo "envkeeper: ready"
"#
    )
}

/// Writes the script that drains the instance: stops its services in their order, runs the user's own script, and leaves the
/// `CloudWatch` agent the time to ship the last logs. Two at once become one, and one that is done is not done again until
/// the instance starts anew. What the user's script leaves running holds neither the lock nor the command's output, for both are
/// waited for.
fn drain(services: &[String], script: Option<&str>) -> String {
    let own = script.map(|script| write_script(USER_DRAIN_SCRIPT, script)).unwrap_or_default();
    let stop = |unit: &String| format!("systemctl stop -- '{unit}' || failed=1\n");
    let stops = services.iter().map(stop).collect::<Vec<_>>().concat();
    let runs = script.map(|_| format!("{USER_DRAIN_SCRIPT} 9>&- || failed=1\n")).unwrap_or_default();
    format!(
        r#"
echo "envkeeper: drain"
{own}cat > {DRAIN_SCRIPT} <<'ENVKEEPER-END-OF-DRAIN'
#!/bin/bash
over() {{ [ -s /run/envkeeper-drained ] && exit "$(cat /run/envkeeper-drained)"; }}
over
exec 9> /run/envkeeper-drain.lock
flock 9
over
exec >> /var/log/envkeeper-drain.log 2>&1
failed=0
{stops}{runs}sync
# The agent ships what is new every 5 s.
sleep 6
echo $failed > /run/envkeeper-drained
exit $failed
ENVKEEPER-END-OF-DRAIN
chmod 700 {DRAIN_SCRIPT}
"#
    )
}

/// Runs it, once it is written down what the next start is to say if a restart cuts this one short. Where the restart is the
/// script's last command, bash still hears that the script ended well.
fn run_user_script(script: &str) -> String {
    let written = write_script(USER_SCRIPT, script);
    format!(
        r#"
echo "envkeeper: your script"
{written}next_start() {{
  printf '%s\n' '#!/bin/bash' "$(declare -f mark)" "mark '$1'" > {NEXT_START}
  chmod 700 {NEXT_START}
}}
next_start "{FAILED}: the instance restarted before your script ended"
{USER_SCRIPT}
next_start {DONE}
"#
    )
}

fn write_script(path: &str, script: &str) -> String {
    let interpreter = if script.starts_with("#!") { "" } else { "#!/bin/bash\n" };
    let end_of_line = if script.ends_with('\n') { "" } else { "\n" };
    format!("cat > {path} <<'{SCRIPT_END}'\n{interpreter}{script}{end_of_line}{SCRIPT_END}\nchmod 700 {path}\n")
}
