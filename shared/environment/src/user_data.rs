//! The instances' user data: a plain script. It is encoded once, where the launch template is made.

use crate::names::Names;

/// What AWS takes, in bytes before encoding (the EC2 user guide).
pub const LONGEST_USER_DATA: usize = 16_384;

/// The line that ends the user's script inside the user data.
pub(crate) const USER_SCRIPT_END: &str = "ENVKEEPER-END-OF-USER-SCRIPT";

/// The file whose presence says that user data ran to its end.
const READY_MARKER: &str = "/var/lib/envkeeper/ready";

/// The script, in its order and stopping at the first failure: a log of itself; the SSM agent enabled, started and
/// checked; the `CloudWatch` agent installed, configured and started; the user's own script; the ready marker.
#[must_use]
pub fn user_data(names: &Names, user_script: Option<&str>) -> String {
    let region = &names.region;
    let log_group = names.instance_log_group().name;
    let own = user_script.map(run_user_script).unwrap_or_default();
    format!(
        r#"#!/bin/bash
set -euo pipefail
exec > >(tee -a /var/log/user-data.log) 2>&1
trap 'echo "envkeeper: user data failed at line $LINENO"' ERR

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
    {{ "file_path": "/var/log/user-data.log", "log_group_name": "{log_group}", "log_stream_name": "{{instance_id}}/user-data" }}
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
{own}
mkdir -p "$(dirname {READY_MARKER})"
touch {READY_MARKER}
echo "envkeeper: ready"
"#
    )
}

fn run_user_script(script: &str) -> String {
    let interpreter = if script.starts_with("#!") { "" } else { "#!/bin/bash\n" };
    let end_of_line = if script.ends_with('\n') { "" } else { "\n" };
    format!(
        r#"
echo "envkeeper: your script"
mkdir -p /var/lib/envkeeper
cat > /var/lib/envkeeper/user-script <<'{USER_SCRIPT_END}'
{interpreter}{script}{end_of_line}{USER_SCRIPT_END}
chmod 700 /var/lib/envkeeper/user-script
/var/lib/envkeeper/user-script
"#
    )
}
