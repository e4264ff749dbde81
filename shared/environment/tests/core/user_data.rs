//! The user data of the instances.
#![allow(clippy::expect_used, reason = "a test fails on an unexpected value")]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::{deployment, names, read, spec};
use environment::hook_settings::DRAIN_SCRIPT;
use environment::{Defaults, Spec, check_change};
use serde_json::{Value, json};

fn with_everything() -> String {
    let spec = spec(json!({
        "UserDataScript": "dnf install -y nginx\nsystemctl enable --now nginx",
        "DrainServices": ["nginx", "worker@2.service"],
        "DrainScript": "#!/usr/bin/env python3\nprint('bye')\n",
    }));
    spec.user_data(&names())
}

#[test]
fn the_script_matches_the_reviewed_snapshot() {
    insta::assert_snapshot!(with_everything());
}

#[test]
fn bash_parses_the_script_and_the_drain_script_in_it() {
    let whole = with_everything();
    let (_, drain) = whole.split_once("<<'ENVKEEPER-END-OF-DRAIN'\n").expect("a drain script");
    let (drain, _) = drain.split_once("ENVKEEPER-END-OF-DRAIN\n").expect("an end of the drain script");
    for script in [whole.as_str(), drain] {
        let mut bash = Command::new("bash").args(["-n", "-s"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let bash = bash.as_mut().expect("bash is installed");
        bash.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("bash reads its input");
        assert!(bash.wait().expect("bash exits").success(), "{script}");
    }
}

/// A folder that simulates an instance's disk. Every program is a stub that does nothing, except that the first `throttled`
/// calls of CreateTags are throttled, that CreateTags kills the instance if a file `stops` exists, and that `machine`
/// replaces stubs. `sleep` advances the shell's clock, `$SECONDS`.
struct Instance {
    disk: PathBuf,
    throttled: u32,
    machine: String,
}

impl Instance {
    fn new(throttled: u32) -> Self {
        Instance::with(throttled, "")
    }

    fn with(throttled: u32, machine: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let disk = std::env::temp_dir().join(format!("envkeeper-user-data-{}-{number}", std::process::id()));
        std::fs::create_dir_all(disk.join("cloud/scripts/per-boot")).expect("a folder");
        std::fs::create_dir_all(disk.join("lib")).expect("a folder");
        Instance { disk, throttled, machine: machine.to_owned() }
    }

    /// Runs user data.
    fn start(&self, script: &str) {
        let (_, script) = script.split_once("set -euo pipefail\n").expect("the head of the script");
        self.bash(&format!("set -euo pipefail\n{script}"));
    }

    /// Runs the scripts that cloud-init runs at every start.
    fn restart(&self) {
        let _ = std::fs::remove_file(self.disk.join("lib/stops"));
        self.bash("for each in /var/lib/cloud/scripts/per-boot/*; do if [ -x \"$each\" ]; then . \"$each\"; fi; done");
    }

    fn bash(&self, script: &str) {
        let (at, throttled, machine) = (self.disk.display(), self.throttled, &self.machine);
        let stubs = format!(
            r#"
at={at}
log() {{ echo "$@" >> {at}/commands; }}
dnf() {{ log dnf "$@"; }}; rpm() {{ :; }}; systemctl() {{ log systemctl "$@"; }}
sleep() {{ echo "$1" >> {at}/slept; SECONDS=$((SECONDS + $1)); }}
curl() {{ echo i-0a1b2c3d4e5f60718; }}
aws() {{
  [ ! -e {at}/lib/stops ] || kill -KILL $$
  echo x >> {at}/tries
  [ "$(wc -l < {at}/tries)" -gt {throttled} ] || return 1
  echo "$@" >> {at}/tags
}}
{machine}
"#
        );
        let script = script
            .replacen("exec > >(tee -a /var/log/user-data.log) 2>&1\n", "", 1)
            .replace("/var/lib/envkeeper", &format!("{at}/lib"))
            .replace("/var/lib/cloud", &format!("{at}/cloud"))
            .replace("/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl", "agent_ctl")
            .replace("/opt/aws", &format!("{at}/opt"));
        let mut bash = Command::new("bash");
        let stubs = format!("agent_ctl() {{ :; }}{stubs}");
        let bash = bash.arg("-c").arg(stubs + &script).stdout(Stdio::null()).stderr(Stdio::null());
        bash.status().expect("bash is installed");
    }

    fn lines(&self, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.disk.join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The values of the marker tag, in the order of the calls.
    fn tag_values(&self) -> Vec<String> {
        self.lines("tags").iter().map(|line| line.rsplit("Value=").next().unwrap_or_default().to_owned()).collect()
    }

    fn slept_seconds(&self) -> u64 {
        self.lines("slept").iter().map(|line| line.parse::<u64>().expect("seconds")).sum()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.disk);
    }
}

#[test]
fn a_throttled_marker_tag_never_marks_a_healthy_instance_as_failed() {
    let script = spec(json!({})).user_data(&names());
    let of = |throttled| {
        let instance = Instance::new(throttled);
        instance.start(&script);
        (instance.tag_values(), instance.slept_seconds())
    };
    assert_eq!(of(0), (vec!["done".to_owned()], 0));
    let (values, slept) = of(9);
    assert_eq!(values, ["done"]);
    assert!((200..600).contains(&slept), "retried for minutes, within the launch gate's time limit: {slept}");
    let (values, _) = of(12);
    assert_eq!(values, [""; 0], "without retries left the tag is unset, and never set to failed");
}

/// An image without the agents, whose RPM database another process has locked until this second.
fn locked_until(second: u32) -> String {
    format!(
        r#"rpm() {{ return 1; }}
dnf() {{
  log dnf "$@"
  [ "$SECONDS" -ge {second} ] || {{ echo "RPM: error: can't create transaction lock on /var/lib/rpm/.rpm.lock"; return 1; }}
}}"#
    )
}

fn started(machine: &str, properties: Value) -> Instance {
    let instance = Instance::with(0, machine);
    instance.start(&spec(properties).user_data(&names()));
    instance
}

#[test]
fn a_held_rpm_lock_is_waited_for_within_the_gates_time() {
    let instance = started(&locked_until(120), json!({}));
    assert_eq!(instance.tag_values(), ["done"]);
    assert!((115..=125).contains(&instance.slept_seconds()), "{}", instance.slept_seconds());
    for (gate, longest) in [("60", 30), ("120", 60), ("600", 300), ("7200", 300)] {
        let instance = started(&locked_until(100_000), json!({ "LaunchGateSeconds": gate }));
        let values = instance.tag_values();
        assert!(values.len() == 1 && values[0].starts_with("failed at line "), "{values:?}");
        // The shell's clock also advances by the time that the test takes.
        let slept = instance.slept_seconds();
        assert!((longest / 2..=longest).contains(&slept), "of {gate} s, {slept} s were spent on retries");
    }
}

#[test]
fn a_restarting_agent_does_not_fail_the_instance() {
    for agent in ["amazon-ssm-agent", "amazon-cloudwatch-agent"] {
        // While the agent is updated, systemd first does not know its unit, and then the unit does not run.
        let machine = format!(
            r#"systemctl() {{
  log systemctl "$@"
  case "$*" in
    *{agent}) echo x >> $at/asked; [ "$(wc -l < $at/asked)" -gt 6 ];;
  esac
}}"#
        );
        let instance = started(&machine, json!({}));
        assert_eq!(instance.tag_values(), ["done"], "{agent}");
        assert_eq!(instance.slept_seconds(), 30, "{agent}");
    }
    let machine = r#"agent_ctl() { echo x >> $at/asked; [ "$(wc -l < $at/asked)" -gt 2 ]; }"#;
    assert_eq!(started(machine, json!({})).tag_values(), ["done"]);
}

#[test]
fn an_agent_that_never_runs_fails_the_instance() {
    let machine = r#"systemctl() { [ "$1" != is-active ]; }"#;
    let values = started(machine, json!({})).tag_values();
    assert!(values.len() == 1 && values[0].starts_with("failed at line "), "{values:?}");
}

/// A started SSM agent may begin to update itself, which locks the RPM database.
#[test]
fn a_missing_ssm_agent_is_installed_last_and_started_afterwards() {
    let commands = started(&locked_until(0), json!({})).lines("commands");
    let at = |command: &str| commands.iter().position(|it| it == command).expect(command);
    let last_install = commands.iter().rposition(|it| it.starts_with("dnf install")).expect("installs");
    assert_eq!(at("dnf install -y amazon-ssm-agent"), last_install, "{commands:#?}");
    let of_agent = ["systemctl enable", "systemctl start", "systemctl is-active --quiet"];
    let places: Vec<usize> = of_agent.iter().map(|it| at(&format!("{it} amazon-ssm-agent"))).collect();
    assert!(last_install < places[0] && places.is_sorted(), "{commands:#?}");
    let present = started("", json!({})).lines("commands");
    assert!(present.iter().all(|it| !it.starts_with("dnf")), "an image with the agents installs nothing: {present:#?}");
}

#[test]
fn a_failed_script_reports_the_line() {
    let script = spec(json!({})).user_data(&names()).replace("echo \"envkeeper: user data done\"", "");
    let script = script.replacen("echo \"envkeeper: starting the SSM agent\"", "false", 1);
    let instance = Instance::new(0);
    instance.start(&script);
    let values = instance.tag_values();
    assert!(values.len() == 1 && values[0].starts_with("failed at line "), "{values:?}");
}

#[test]
fn every_call_that_sets_the_marker_tag_has_a_timeout() {
    let script = with_everything();
    let lines = |program: &str| script.lines().filter(|line| line.contains(program)).collect::<Vec<_>>();
    let (curls, calls) = (lines("curl "), lines("aws ec2 create-tags"));
    assert_eq!((curls.len(), calls.len()), (2, 1));
    assert!(curls.iter().all(|line| line.contains("--max-time 5 ")), "{curls:?}");
    assert!(calls[0].contains("--cli-connect-timeout 5 --cli-read-timeout 20 "), "{calls:?}");
}

#[test]
fn the_next_start_reports_a_restart_within_user_data_once() {
    let after = |script: &str| {
        let instance = Instance::new(0);
        instance.start(&spec(json!({ "UserDataScript": script })).user_data(&names()));
        let first_start = instance.tag_values();
        instance.restart();
        instance.restart();
        (first_start, instance.tag_values())
    };
    let text = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let within = after("kill -KILL $PPID; exit");
    assert_eq!(within, (text(&[]), text(&["failed: the instance restarted before your script ended"])));
    let at_its_end = after("touch /var/lib/envkeeper/stops");
    assert_eq!(at_its_end, (text(&[]), text(&["done"])));
    let never = after("true");
    assert_eq!(never, (text(&["done"]), text(&["done"])));
    let failed = text(&["failed: your script ended with status 1"]);
    assert_eq!(after("false"), (failed.clone(), failed));
}

/// The author does not know the lines of Envkeeper's own part.
#[test]
fn a_failing_script_of_the_author_is_reported_with_its_status_and_logged_with_its_own_line() {
    let scripts = [
        ("true\nexit 3", "3", None),
        ("true\n\nif then\n", "2", Some("line 3: syntax error near unexpected token `then'")),
        ("\n\ntrue\nno-such-command", "127", Some("line 4: no-such-command: command not found")),
        ("#!/bin/bash -eu\ntrue\necho $absent\ntrue", "1", Some("line 3: absent: unbound variable")),
    ];
    for (script, status, line) in scripts {
        let instance = started("exec >> $at/output 2>&1", json!({ "UserDataScript": script }));
        assert_eq!(instance.tag_values(), [format!("failed: your script ended with status {status}")], "{script:?}");
        let output = instance.lines("output");
        let is_logged = |expected: &str| output.iter().any(|it| it.ends_with(expected));
        assert!(line.is_none_or(is_logged), "{script:?}: {output:#?}");
        assert!(
            is_logged(&format!("envkeeper: user data failed: your script ended with status {status}")),
            "{output:#?}"
        );
    }
}

#[test]
fn a_drain_is_done_although_its_script_left_a_process_running() {
    let instance = Instance::new(0);
    let at = instance.disk.display();
    // A drain that waits for this process ends after it.
    let left = format!("(for _ in {{1..300}}; do sleep 1; done; touch {at}/ended) & echo $! > {at}/left; exit 3");
    let whole = spec(json!({ "DrainScript": left })).user_data(&names());
    let (_, part) = whole.split_once("envkeeper: writing the drain script\"\n").expect("a drain script");
    let (part, _) = part.split_once(&format!("chmod 700 {DRAIN_SCRIPT}\n")).expect("an end of the drain script");
    let written = part.replace("sleep 6", ":").replace("/var/lib/envkeeper", &format!("{at}/lib"));
    let written = written.replace("/run/", &format!("{at}/")).replace("/var/log/", &format!("{at}/"));
    assert!(Command::new("bash").arg("-c").arg(written).status().expect("bash is installed").success());

    let drain = || Command::new("bash").arg(instance.disk.join("lib/drain")).output().expect("bash is installed");
    let codes = [drain().status.code(), drain().status.code()];
    let has_ended = instance.disk.join("ended").exists();
    let kill = Command::new("kill").args(instance.lines("left")).status().expect("kill is installed");
    assert_eq!(
        (codes, has_ended, kill.success()),
        ([Some(1), Some(1)], false, true),
        "the script ran once, and the process that it left is still running"
    );
}

#[test]
fn an_invalid_unit_name_is_rejected() {
    for bad in ["nginx; rm -rf /", "$(reboot)", "a b", "'", "-all", "nginx,nginx", ""] {
        let violations = read(json!({ "EnvironmentSuffix": "dev", "DrainServices": bad })).expect_err(bad);
        assert_eq!(violations.first().map(|it| it.property.as_str()), Some("DrainServices"), "{bad}");
    }
}

/// The violation of a script, which is the same for both script properties, except for the name.
fn script_violation(script: &str) -> Option<String> {
    let violation = |property: &str| {
        let violations = read(json!({ "EnvironmentSuffix": "dev", property: script })).err()?;
        assert_eq!(violations.len(), 1, "{violations:?}");
        let text = violations.first()?.to_string();
        Some(text.strip_prefix(property).expect("the property's name first").to_owned())
    };
    let both = (violation("UserDataScript"), violation("DrainScript"));
    assert_eq!(both.0, both.1);
    both.0
}

#[test]
fn a_text_that_is_not_a_script_is_rejected_with_its_format() {
    let other_formats = [
        "#cloud-config\npackages: [nginx]\n",
        "\n#Cloud-Config\n",
        "\u{feff}#cloud-config\n",
        "#include-once\nhttps://example.com/script\n",
        "#include\r\nhttps://example.com/script\r\n",
        "#include\nhttps://example.com/script\n",
        "#cloud-boothook\n#!/bin/bash\n",
        "## template: jinja\n#!/bin/bash\n",
        "Content-Type: multipart/mixed; boundary=\"x\"\n",
        "MIME-Version: 1.0\n",
        "<powershell>\nStart-Service nginx\n</powershell>\n",
    ];
    for format in other_formats {
        let violation = script_violation(format).expect(format);
        assert!(violation.contains("not another format of user data"), "{violation}");
    }
    // `#!/bin/bash …`, `#cloud-config …`, `Content-Type: …`, `MIME-Version: …`; a text in lines; and `true` with a line end,
    // which bash reads as an assignment.
    let in_base64 = [
        "IyEvYmluL2Jhc2gKZG5mIGluc3RhbGwgLXkgbmdpbngK",
        "I2Nsb3VkLWNvbmZpZwpwYWNrYWdlczogW25naW54XQo=\n",
        "Q29udGVudC1UeXBlOiBtdWx0aXBhcnQvbWl4ZWQK",
        "TUlNRS1WZXJzaW9uOiAxLjAK",
        "IyEvYmluL2Jhc2gK\nZG5mIGluc3RhbGwg\n  LXkgbmdpbngK\n",
        "dHJ1ZQo=",
        // `#!` after a byte order mark, and gzip.
        "77u/IyEvYmluL2Jhc2gKZWNobyBoaQo",
        "H4sIAAAAAAAAA1NW1E/KzNNPSizOUOBKTc7IV8jIBAAMHqzLFAAAAA",
    ];
    for encoded in in_base64 {
        let violation = script_violation(encoded).expect(encoded);
        assert!(violation.ends_with("the plain-text script, not base64: Envkeeper encodes it once"), "{violation}");
    }
    for windows in ["#!/bin/bash\r\necho a\r\n", "\u{feff}#!/bin/bash\r\necho a\r\n", "echo a\r"] {
        assert!(script_violation(windows).expect(windows).contains("a script with LF line endings"), "{windows:?}");
    }
    let scripts = [
        "#!/bin/bash\ncat > /etc/cloud/x.cfg <<EOF\n#cloud-config\nEOF\n",
        "#!/usr/bin/env python3\nprint('bye')\n",
        "# includes all that we need\ntrue",
        "#include the proxy settings\ntrue",
        "## Template: web server\ntrue",
        "printf 'a\\r\\n'\nprintf 'b\r\n'\n",
        "reboot",
        "/opt/app/run",
        "IyEvYmluL2Jhc2gK --flag",
        "A=1\nexport A",
        "\u{1f}\u{8}binary",
        "#!/bin/bash\ncat <<ENVKEEPER-END-OF-DRAIN\nx\nENVKEEPER-END-OF-DRAIN\n",
    ];
    for script in scripts {
        assert_eq!(script_violation(script), None, "{script:?}");
    }
}

#[test]
fn a_script_runs_with_the_interpreter_of_its_first_line_in_every_form_of_that_line() {
    let scripts = [
        ("#!/usr/bin/env python3\nprint('of', 'python')\n", "of python"),
        ("\n\n#!/usr/bin/env python3\nprint('of', 'python')\n", "of python"),
        ("\u{feff}#!/usr/bin/env python3\nprint('of', 'python')\n", "of python"),
        ("  #!/bin/bash\n  echo \"of ${BASH##*/}\"\n", "of bash"),
        ("echo \"of ${BASH##*/}\"", "of bash"),
        ("\u{feff}echo \"of ${BASH##*/}\"", "of bash"),
        ("\n\n  echo \"of ${BASH##*/}\"\n", "of bash"),
        ("cat <<ENVKEEPER-END-OF-DRAIN\nof bash\nENVKEEPER-END-OF-DRAIN\n", "of bash"),
    ];
    for (script, expected) in scripts {
        let instance = started("exec >> $at/output", json!({ "UserDataScript": script }));
        assert_eq!(instance.tag_values(), ["done"], "{script:?}");
        let output = instance.lines("output");
        assert!(output.iter().any(|it| it == expected), "{script:?}: {output:?}");
    }
}

#[test]
fn a_script_that_an_older_version_accepted_is_still_read_from_its_record() {
    let mut record = serde_json::to_value(spec(json!({}))).expect("JSON");
    record["UserDataScript"] = json!("IyEvYmluL2Jhc2gK");
    record["DrainScript"] = json!("#cloud-config\n");
    let recorded = Spec::recorded(&record, &Defaults::from_vars(|_| None)).expect("a readable record");
    assert_eq!(recorded.user_data_script.as_deref(), Some("IyEvYmluL2Jhc2gK"));
    assert_eq!(recorded.hooks.drain_script.as_deref(), Some("#cloud-config\n"));
    assert!(check_change(&recorded, &spec(json!({ "UserDataScript": "echo good" }))).is_empty());
}

#[test]
fn a_rollback_to_properties_that_an_older_version_accepted_is_not_rejected() {
    let mut record = serde_json::to_value(spec(json!({}))).expect("JSON");
    record["UserDataScript"] = json!("IyEvYmluL2Jhc2gK");
    record["Tags"] = json!({ "Team": "a", "team": "b" });
    let recorded = Spec::recorded(&record, &Defaults::from_vars(|_| None)).expect("a readable record");
    let read = |before, change: Value| {
        let given = json!({ "EnvironmentSuffix": "dev", "UserDataScript": "IyEvYmluL2Jhc2gK", "Tags": { "Team": "a", "team": "b" } });
        let mut given = given.as_object().cloned().expect("properties");
        given.extend(change.as_object().cloned().expect("properties"));
        Spec::read_after(before, &given, &Defaults::from_vars(|_| None), &deployment())
    };
    assert!(read(Some(&recorded), json!({})).is_ok(), "the rollback");
    assert!(read(Some(&recorded), json!({ "MaxSize": "2" })).is_ok(), "another property");
    assert_eq!(read(None, json!({})).expect_err("both").len(), 2);
    let duplicates = json!({ "Tags": { "Team": "a", "team": "b", "TEAM": "c" } });
    assert_eq!(read(Some(&recorded), duplicates).expect_err("other tags")[0].property, "Tags");
}
