//! The version of the workspace, in the places where operators read it.
#![allow(clippy::expect_used, reason = "a test stops at invalid test data")]

use crate::common::{handler, operate, operator_sample, sample, succeeded};

const TEMPLATE: &str = include_str!("../../../../infra/template.yaml");

#[test]
fn the_template_and_the_status_have_the_version_of_the_workspace() {
    let version = env!("CARGO_PKG_VERSION");
    let metadata = TEMPLATE.lines().skip_while(|line| *line != "Metadata:").nth(1);
    assert_eq!(metadata, Some(format!("  Envkeeper: {{ Version: {version} }}").as_str()));
    let handler = handler();
    succeeded(&handler, sample("create.json"));
    assert_eq!(operate(&handler, operator_sample("status.json"))["Version"], version);
}
