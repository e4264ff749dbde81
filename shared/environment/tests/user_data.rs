//! The instances' script, as they get it.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

mod common;

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{names, read, spec};
use environment::{Defaults, Spec, check_change, user_data};
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

/// What is told of a script by each of the two properties, the same of both but for the name.
fn told_of_script(script: &str) -> Option<String> {
    let told = |property: &str| {
        let violations = read(json!({ "EnvironmentSuffix": "dev", property: script })).err()?;
        assert_eq!(violations.len(), 1, "{violations:?}");
        let told = violations.first()?.to_string();
        Some(told.strip_prefix(property).expect("it begins with its name").to_owned())
    };
    let both = (told("UserDataScript"), told("DrainScript"));
    assert_eq!(both.0, both.1);
    both.0
}

#[test]
fn what_is_no_script_is_refused_with_what_it_is() {
    let other_formats = [
        "#cloud-config\npackages: [nginx]\n",
        "\n#Cloud-Config\n",
        "#include\nhttps://example.com/script\n",
        "#cloud-boothook\n#!/bin/bash\n",
        "## template: jinja\n#!/bin/bash\n",
        "Content-Type: multipart/mixed; boundary=\"x\"\n",
        "MIME-Version: 1.0\n",
        "<powershell>\nStart-Service nginx\n</powershell>\n",
    ];
    for format in other_formats {
        let told = told_of_script(format).expect(format);
        assert!(told.contains("no other format of user data"), "{told}");
    }
    // Of `#!/bin/bash …`, `#cloud-config …`, `Content-Type: …`, `MIME-Version: …`; in lines; and of `true` with an end of
    // line, which bash takes for an assignment.
    let in_base64 = [
        "IyEvYmluL2Jhc2gKZG5mIGluc3RhbGwgLXkgbmdpbngK",
        "I2Nsb3VkLWNvbmZpZwpwYWNrYWdlczogW25naW54XQo=\n",
        "Q29udGVudC1UeXBlOiBtdWx0aXBhcnQvbWl4ZWQK",
        "TUlNRS1WZXJzaW9uOiAxLjAK",
        "IyEvYmluL2Jhc2gK\nZG5mIGluc3RhbGwg\n  LXkgbmdpbngK\n",
        "dHJ1ZQo=",
    ];
    for encoded in in_base64 {
        let told = told_of_script(encoded).expect(encoded);
        assert!(told.ends_with("the script as it is, not in base64: Envkeeper encodes it once"), "{told}");
    }
    for windows in ["#!/bin/bash\r\necho a\r\n", "echo a\r"] {
        assert!(told_of_script(windows).expect(windows).contains("lines that end in LF alone"), "{windows:?}");
    }
    let scripts = [
        "#!/bin/bash\ncat > /etc/cloud/x.cfg <<EOF\n#cloud-config\nEOF\n",
        "#!/usr/bin/env python3\nprint('bye')\n",
        "# includes all that we need\ntrue",
        "printf 'a\\r\\n'\nprintf 'b\r\n'\n",
        "reboot",
        "/opt/app/run",
        "IyEvYmluL2Jhc2gK --flag",
        "A=1\nexport A",
    ];
    for script in scripts {
        assert_eq!(told_of_script(script), None, "{script:?}");
    }
}

#[test]
fn a_script_that_an_older_version_took_is_still_read_from_its_record() {
    let mut record = serde_json::to_value(spec(json!({}))).expect("JSON");
    record["UserDataScript"] = json!("IyEvYmluL2Jhc2gK");
    record["DrainScript"] = json!("#cloud-config\n");
    let recorded = Spec::recorded(&record, &Defaults::from_vars(|_| None)).expect("it can be read");
    assert_eq!(recorded.user_data_script.as_deref(), Some("IyEvYmluL2Jhc2gK"));
    assert_eq!(recorded.hooks.drain_script.as_deref(), Some("#cloud-config\n"));
    assert!(check_change(&recorded, &spec(json!({ "UserDataScript": "echo good" }))).is_empty());
}
