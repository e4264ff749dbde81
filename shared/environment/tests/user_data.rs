//! The instances' script, as they get it.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

mod common;

use std::io::Write as _;
use std::process::{Command, Stdio};

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

#[test]
fn a_unit_name_that_is_more_than_a_name_is_refused() {
    for bad in ["nginx; rm -rf /", "$(reboot)", "a b", "'", "-all", "nginx,nginx", ""] {
        let violations = read(json!({ "EnvironmentSuffix": "dev", "DrainServices": bad })).expect_err(bad);
        assert_eq!(violations.first().map(|it| it.property.as_str()), Some("DrainServices"), "{bad}");
    }
}
