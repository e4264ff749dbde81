//! The instances' user data: a plain-text script. Only the call that creates the launch template version encodes it.

use super::hook_settings::{DONE, DRAIN_SCRIPT, FAILED, USER_DATA};

/// The maximum size of user data, in bytes before encoding (the EC2 user guide).
pub(crate) const MAX_USER_DATA_BYTES: usize = 16_384;

/// The longest time in seconds in which installs and checks are retried. Systems Manager updates its agent while user data
/// runs, which takes some minutes (amazonlinux/amazon-linux-2023, issue 397).
const LONGEST_RETRIES: u32 = 300;

/// The line that marks the end of a stack author's script in the user data.
pub(crate) const SCRIPT_END: &str = "ENVKEEPER-END-OF-USER-SCRIPT";

const USER_SCRIPT: &str = "/var/lib/envkeeper/user-script";
const USER_DRAIN_SCRIPT: &str = "/var/lib/envkeeper/drain-script";

/// A script in the folder whose scripts cloud-init runs at every start. cloud-init runs user data at the first start
/// only.
const NEXT_START: &str = "/var/lib/cloud/scripts/per-boot/envkeeper";

/// The parts of the user data that differ between environments.
#[derive(Clone, Copy)]
pub(crate) struct UserData<'a> {
    /// The region with dashes, such as `us-west-2`.
    pub region: &'a str,
    /// The log group of the environment's instances.
    pub log_group: &'a str,
    /// Seconds of the launch gate (`LaunchGateSeconds`): they bound the retries.
    pub gate_seconds: u32,
    /// Names of the systemd units that a drain stops, in this order.
    pub drain_services: &'a [String],
    /// The stack author's script that a drain runs.
    pub drain_script: Option<&'a str>,
    /// The stack author's script that every new instance runs.
    pub script: Option<&'a str>,
}

impl UserData<'_> {
    /// The user data script. Its steps, in this order: write a log of the script; install the `CloudWatch` agent, and the SSM
    /// agent where it is missing; enable, start and check the SSM agent; configure, start and check the `CloudWatch` agent; write
    /// the drain script for later; run the stack author's script; set the marker tag to [`DONE`]. The first failure stops the
    /// script, which then sets the tag to [`FAILED`] with the line, or with the status of the stack author's script: a line of
    /// this text means nothing to its author. bash names the line of that script in the log.
    ///
    /// Installs and checks are retried, because SSM updates its agent at the same time: the update holds the lock of the RPM
    /// database, and restarts the agent. A started agent may begin that update, so a missing one is installed last. The
    /// retries end at half of the gate's time, and at [`LONGEST_RETRIES`]; the stack author's script and the tag have the rest.
    pub(crate) fn text(&self) -> String {
        let UserData { region, log_group, .. } = self;
        let retry_seconds = (self.gate_seconds / 2).min(LONGEST_RETRIES);
        let drain = drain(self.drain_services, self.drain_script);
        let user_script = self.script.map(run_user_script).unwrap_or_default();
        format!(
            r#"#!/bin/bash
set -euo pipefail
exec > >(tee -a /var/log/user-data.log) 2>&1
mkdir -p /var/lib/envkeeper

# Reports the result of this script in a tag of the instance. EC2 throttles the call when many instances start at the same
# time, so it is retried for some minutes. The instance id spreads the retries.
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
  echo "envkeeper: tag {USER_DATA} could not be set: $1"
  return 1
}}
failed() {{
  trap - ERR
  echo "envkeeper: user data failed$1"
  mark "{FAILED}$1"
}}
trap 'failed " at line $LINENO"' ERR
# Repeats a command while an update of an agent holds the RPM lock or restarts the agent.
retry() {{
  until "$@"; do
    [ "$SECONDS" -lt {retry_seconds} ] || return 1
    echo "envkeeper: failed after $SECONDS s, will be retried: $*"
    sleep 5
  done
}}

echo "envkeeper: installing the agents"
command -v aws > /dev/null || retry dnf install -y awscli-2
rpm -q amazon-cloudwatch-agent rsyslog || retry dnf install -y amazon-cloudwatch-agent rsyslog
rpm -q amazon-ssm-agent || retry dnf install -y amazon-ssm-agent

echo "envkeeper: starting the SSM agent"
retry systemctl enable amazon-ssm-agent
retry systemctl start amazon-ssm-agent
retry systemctl is-active --quiet amazon-ssm-agent

echo "envkeeper: starting the CloudWatch agent"
retry systemctl enable --now rsyslog
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
retry /opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s \
  -c file:/opt/aws/amazon-cloudwatch-agent/etc/envkeeper.json
retry systemctl enable amazon-cloudwatch-agent
retry systemctl is-active --quiet amazon-cloudwatch-agent
{drain}{user_script}
# User data is done. A failure to report this is not a failure of the instance.
trap - ERR
mark {DONE}
echo "envkeeper: user data done"
"#
        )
    }
}

/// Writes the drain script. The drain script stops the services in their order, runs the stack author's drain script,
/// and gives the `CloudWatch` agent the time to ship the last logs. Concurrent drains wait for a lock, so the work is
/// done once. A drain that is done is not repeated until the next start of the instance. Processes that the stack
/// author's script leaves running hold neither the lock nor the command's output, because a drain waits for the lock
/// and its caller for the output.
fn drain(services: &[String], script: Option<&str>) -> String {
    let user_script = script.map(|script| write_script(USER_DRAIN_SCRIPT, script)).unwrap_or_default();
    let stop_unit = |unit: &String| format!("systemctl stop -- '{unit}' || failed=1\n");
    let stops = services.iter().map(stop_unit).collect::<Vec<_>>().concat();
    let run = |script| format!("{} 9>&- || failed=1\n", command(USER_DRAIN_SCRIPT, script));
    let run = script.map(run).unwrap_or_default();
    format!(
        r#"
echo "envkeeper: writing the drain script"
{user_script}cat > {DRAIN_SCRIPT} <<'ENVKEEPER-END-OF-DRAIN'
#!/bin/bash
over() {{ [ -s /run/envkeeper-drained ] && exit "$(cat /run/envkeeper-drained)"; }}
over
exec 9> /run/envkeeper-drain.lock
flock 9
over
exec >> /var/log/envkeeper-drain.log 2>&1
failed=0
{stops}{run}sync
# The CloudWatch agent ships new log lines every 5 s.
sleep 6
echo $failed > /run/envkeeper-drained
exit $failed
ENVKEEPER-END-OF-DRAIN
chmod 700 {DRAIN_SCRIPT}
"#
    )
}

/// Writes and runs the stack author's script. Before the run, it writes the script for the next start, which reports
/// the result if a restart interrupts this run. If the restart is the last command of the stack author's script, bash
/// still receives the successful exit of that script.
fn run_user_script(script: &str) -> String {
    let write = write_script(USER_SCRIPT, script);
    let run = command(USER_SCRIPT, script);
    format!(
        r#"
echo "envkeeper: running UserDataScript"
{write}next_start() {{
  printf '%s\n' '#!/bin/bash' "$(declare -f mark)" "mark '$1'" > {NEXT_START}
  chmod 700 {NEXT_START}
}}
next_start "{FAILED}: the instance restarted before your script ended"
status=0
{run} || status=$?
if [ $status != 0 ]; then
  failed ": your script ended with status $status"
  exit 1
fi
next_start {DONE}
"#
    )
}

/// Writes a script to a file, without a line of Envkeeper's own: an interpreter's messages have the lines of the author.
fn write_script(path: &str, script: &str) -> String {
    let text = without_byte_order_mark(script);
    let script = if names_interpreter(script) { text.trim_start() } else { text };
    let end_of_line = if script.ends_with('\n') { "" } else { "\n" };
    format!("cat > {path} <<'{SCRIPT_END}'\n{script}{end_of_line}{SCRIPT_END}\nchmod 700 {path}\n")
}

/// The command that runs a script. The interpreter is the one that a first line with `#!` names, also after blank lines and in
/// an indented script; else bash.
fn command(path: &str, script: &str) -> String {
    if names_interpreter(script) { path.to_owned() } else { format!("bash {path}") }
}

fn names_interpreter(script: &str) -> bool {
    without_byte_order_mark(script).trim_start().starts_with("#!")
}

/// The text without U+FEFF at its start, which some editors write there. Linux would not find the interpreter behind it.
pub(crate) fn without_byte_order_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}
