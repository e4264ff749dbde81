//! The instances' script, as they get it.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

mod common;

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{names, read, spec};
use environment::user_data;
use serde_json::json;

fn with_everything() -> String {
    let spec = spec(json!({
        "UserDataScript": "dnf install -y nginx\nsystemctl enable --now nginx",
        "DrainServices": ["nginx", "worker@2.service"],
        "DrainScript": "#!/usr/bin/env python3\nprint('bye')\n",
    }));
    user_data(&names(), &spec)
}

#[test]
fn it_is_the_script_that_people_read() {
    insta::assert_snapshot!(with_everything());
}

#[test]
fn bash_reads_it_and_the_scripts_in_it() {
    let whole = with_everything();
    let (_, drain) = whole.split_once("<<'ENVKEEPER-END-OF-DRAIN'\n").expect("it is in it");
    let (drain, _) = drain.split_once("ENVKEEPER-END-OF-DRAIN\n").expect("it ends");
    for script in [whole.as_str(), drain] {
        let mut bash = Command::new("bash").args(["-n", "-s"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let bash = bash.as_mut().expect("there is a bash");
        bash.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("it reads");
        assert!(bash.wait().expect("it ends").success(), "{script}");
    }
}

/// Runs the script with every program as a function that does nothing, but where CreateTags is throttled so often. What the
/// tag was set to, and how long it waited.
fn run(script: &str, throttled: u32) -> (Vec<String>, u64) {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let number = RUNS.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("envkeeper-user-data-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let at = folder.display();
    let stubs = format!(
        r#"
dnf() {{ :; }}; rpm() {{ :; }}; systemctl() {{ :; }}; chmod() {{ :; }}
sleep() {{ echo "$1" >> {at}/slept; }}
curl() {{ echo i-0a1b2c3d4e5f60718; }}
aws() {{
  echo x >> {at}/tries
  [ "$(wc -l < {at}/tries)" -gt {throttled} ] || return 1
  echo "$@" >> {at}/tags
}}
"#
    );
    let (_, script) = script.split_once("set -euo pipefail\n").expect("its beginning");
    let script = script
        .replacen("exec > >(tee -a /var/log/user-data.log) 2>&1\n", &stubs, 1)
        .replace("/var/lib/envkeeper", &format!("{at}/lib"))
        .replace("/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl", ":")
        .replace("/opt/aws", &format!("{at}/opt"));
    let mut bash = Command::new("bash");
    let bash = bash.args(["-euo", "pipefail", "-c", &script]).stdout(Stdio::null()).stderr(Stdio::null());
    bash.status().expect("there is a bash");
    let lines = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    let told = lines("tags").lines().map(|line| line.rsplit("Value=").next().unwrap_or_default().to_owned()).collect();
    let slept = lines("slept").lines().map(|line| line.parse::<u64>().expect("seconds")).sum();
    std::fs::remove_dir_all(&folder).expect("it goes");
    (told, slept)
}

#[test]
fn an_instance_that_is_well_is_never_called_failed_because_its_tag_had_to_wait() {
    let script = user_data(&names(), &spec(json!({})));
    assert_eq!(run(&script, 0), (vec!["done".to_owned()], 0));
    let (told, slept) = run(&script, 9);
    assert_eq!(told, ["done"]);
    assert!((200..600).contains(&slept), "for minutes, within the launch gate's time: {slept}");
    let (told, _) = run(&script, 12);
    assert_eq!(told, [""; 0], "then it says nothing, and certainly not that it failed");
}

#[test]
fn a_script_that_fails_says_where() {
    let script = user_data(&names(), &spec(json!({}))).replace("echo \"envkeeper: ready\"", "");
    let script = script.replacen("echo \"envkeeper: SSM agent\"", "false", 1);
    let (told, _) = run(&script, 0);
    assert!(told.len() == 1 && told[0].starts_with("failed at line "), "{told:?}");
}

#[test]
fn a_unit_name_that_is_more_than_a_name_is_refused() {
    for bad in ["nginx; rm -rf /", "$(reboot)", "a b", "'", "-all", "nginx,nginx", ""] {
        let violations = read(json!({ "EnvironmentSuffix": "dev", "DrainServices": bad })).expect_err(bad);
        assert_eq!(violations.first().map(|it| it.property.as_str()), Some("DrainServices"), "{bad}");
    }
}
