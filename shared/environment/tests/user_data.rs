//! The instances' script, as they get it.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

mod common;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::{deployment, names, read, spec};
use environment::hook_settings::DRAIN_SCRIPT;
use environment::{Defaults, Spec, check_change, user_data};
use serde_json::{Value, json};

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

/// A folder that stands for an instance's disk. Every program is a function that does nothing, but CreateTags is throttled so
/// often, and stops the instance where there is a file `stops`.
struct Instance {
    disk: PathBuf,
    throttled: u32,
}

impl Instance {
    fn new(throttled: u32) -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let disk = std::env::temp_dir().join(format!("envkeeper-user-data-{}-{number}", std::process::id()));
        std::fs::create_dir_all(disk.join("cloud/scripts/per-boot")).expect("a folder");
        std::fs::create_dir_all(disk.join("lib")).expect("a folder");
        Instance { disk, throttled }
    }

    /// Runs user data.
    fn starts(&self, script: &str) {
        let (_, script) = script.split_once("set -euo pipefail\n").expect("its beginning");
        self.bash(&format!("set -euo pipefail\n{script}"));
    }

    /// Runs what cloud-init runs at every start.
    fn restarts(&self) {
        let _ = std::fs::remove_file(self.disk.join("lib/stops"));
        self.bash("for each in /var/lib/cloud/scripts/per-boot/*; do if [ -x \"$each\" ]; then . \"$each\"; fi; done");
    }

    fn bash(&self, script: &str) {
        let (at, throttled) = (self.disk.display(), self.throttled);
        let stubs = format!(
            r#"
dnf() {{ :; }}; rpm() {{ :; }}; systemctl() {{ :; }}
sleep() {{ echo "$1" >> {at}/slept; }}
curl() {{ echo i-0a1b2c3d4e5f60718; }}
aws() {{
  [ ! -e {at}/lib/stops ] || kill -KILL $$
  echo x >> {at}/tries
  [ "$(wc -l < {at}/tries)" -gt {throttled} ] || return 1
  echo "$@" >> {at}/tags
}}
"#
        );
        let script = script
            .replacen("exec > >(tee -a /var/log/user-data.log) 2>&1\n", "", 1)
            .replace("/var/lib/envkeeper", &format!("{at}/lib"))
            .replace("/var/lib/cloud", &format!("{at}/cloud"))
            .replace("/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl", ":")
            .replace("/opt/aws", &format!("{at}/opt"));
        let mut bash = Command::new("bash");
        let bash = bash.arg("-c").arg(stubs + &script).stdout(Stdio::null()).stderr(Stdio::null());
        bash.status().expect("there is a bash");
    }

    fn lines(&self, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.disk.join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// What the tag was set to, one after the other.
    fn summary(&self) -> Vec<String> {
        self.lines("tags").iter().map(|line| line.rsplit("Value=").next().unwrap_or_default().to_owned()).collect()
    }

    fn slept(&self) -> u64 {
        self.lines("slept").iter().map(|line| line.parse::<u64>().expect("seconds")).sum()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.disk);
    }
}

#[test]
fn an_instance_that_is_well_is_never_called_failed_because_its_tag_had_to_wait() {
    let script = user_data(&names(), &spec(json!({})));
    let of = |throttled| {
        let instance = Instance::new(throttled);
        instance.starts(&script);
        (instance.summary(), instance.slept())
    };
    assert_eq!(of(0), (vec!["done".to_owned()], 0));
    let (told, slept) = of(9);
    assert_eq!(told, ["done"]);
    assert!((200..600).contains(&slept), "for minutes, within the launch gate's time: {slept}");
    let (told, _) = of(12);
    assert_eq!(told, [""; 0], "then it says nothing, and certainly not that it failed");
}

#[test]
fn a_script_that_fails_says_where() {
    let script = user_data(&names(), &spec(json!({}))).replace("echo \"envkeeper: ready\"", "");
    let script = script.replacen("echo \"envkeeper: SSM agent\"", "false", 1);
    let instance = Instance::new(0);
    instance.starts(&script);
    let told = instance.summary();
    assert!(told.len() == 1 && told[0].starts_with("failed at line "), "{told:?}");
}

#[test]
fn nothing_that_marks_an_instance_hangs() {
    let script = with_everything();
    let lines = |program: &str| script.lines().filter(|line| line.contains(program)).collect::<Vec<_>>();
    let (curls, calls) = (lines("curl "), lines("aws ec2 create-tags"));
    assert_eq!((curls.len(), calls.len()), (2, 1));
    assert!(curls.iter().all(|line| line.contains("--max-time 5 ")), "{curls:?}");
    assert!(calls[0].contains("--cli-connect-timeout 5 --cli-read-timeout 20 "), "{calls:?}");
}

#[test]
fn a_restart_within_user_data_is_told_by_the_next_start_and_once() {
    let after = |script: &str| {
        let instance = Instance::new(0);
        instance.starts(&user_data(&names(), &spec(json!({ "UserDataScript": script }))));
        let at_first = instance.summary();
        instance.restarts();
        instance.restarts();
        (at_first, instance.summary())
    };
    let text = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let within = after("kill -KILL $PPID; exit");
    assert_eq!(within, (text(&[]), text(&["failed: the instance restarted before your script ended"])));
    let at_its_end = after("touch /var/lib/envkeeper/stops");
    assert_eq!(at_its_end, (text(&[]), text(&["done"])));
    let never = after("true");
    assert_eq!(never, (text(&["done"]), text(&["done"])));
    let (at_first, told) = after("false");
    assert!(told.len() == 1 && told[0].starts_with("failed at line ") && at_first == told, "{told:?}");
}

#[test]
fn a_drain_is_over_though_its_script_left_something_running() {
    let instance = Instance::new(0);
    let at = instance.disk.display();
    let left = format!("sleep 30 & echo $! > {at}/left; exit 3");
    let whole = user_data(&names(), &spec(json!({ "DrainScript": left })));
    let (_, own) = whole.split_once("envkeeper: drain\"\n").expect("it is in it");
    let (own, _) = own.split_once(&format!("chmod 700 {DRAIN_SCRIPT}\n")).expect("it ends");
    let written = own.replace("sleep 6", ":").replace("/var/lib/envkeeper", &format!("{at}/lib"));
    let written = written.replace("/run/", &format!("{at}/")).replace("/var/log/", &format!("{at}/"));
    assert!(Command::new("bash").arg("-c").arg(written).status().expect("there is a bash").success());

    let began = Instant::now();
    let drain = || Command::new("bash").arg(instance.disk.join("lib/drain")).output().expect("there is a bash");
    let codes = [drain().status.code(), drain().status.code()];
    let took = began.elapsed();
    let kill = Command::new("kill").args(instance.lines("left")).status().expect("there is a kill");
    assert_eq!((codes, kill.success()), ([Some(1), Some(1)], true), "it ran once, and what it left runs on");
    assert!(took < Duration::from_secs(15), "{took:?}");
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
        "#include the proxy settings\ntrue",
        "## Template: web server\ntrue",
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

#[test]
fn what_an_older_version_took_is_no_mistake_on_the_way_back_to_it() {
    let mut record = serde_json::to_value(spec(json!({}))).expect("JSON");
    record["UserDataScript"] = json!("IyEvYmluL2Jhc2gK");
    record["Tags"] = json!({ "Team": "a", "team": "b" });
    let recorded = Spec::recorded(&record, &Defaults::from_vars(|_| None)).expect("it can be read");
    let read = |before, change: Value| {
        let given = json!({ "EnvironmentSuffix": "dev", "UserDataScript": "IyEvYmluL2Jhc2gK", "Tags": { "Team": "a", "team": "b" } });
        let mut given = given.as_object().cloned().expect("properties");
        given.extend(change.as_object().cloned().expect("properties"));
        Spec::read_after(before, &given, &Defaults::from_vars(|_| None), &deployment())
    };
    assert!(read(Some(&recorded), json!({})).is_ok(), "the way back");
    assert!(read(Some(&recorded), json!({ "MaxSize": "2" })).is_ok(), "another property");
    assert_eq!(read(None, json!({})).expect_err("both").len(), 2);
    let duplicates = json!({ "Tags": { "Team": "a", "team": "b", "TEAM": "c" } });
    assert_eq!(read(Some(&recorded), duplicates).expect_err("other tags")[0].property, "Tags");
}
