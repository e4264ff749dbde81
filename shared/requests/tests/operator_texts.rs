//! Texts for operators: each names the function, its log group, the first command and a section of infra/OPERATIONS.md.

use std::collections::BTreeSet;

use requests::{Reason, Runbook};

const TEMPLATE: &str = include_str!("../../../infra/template.yaml");
const OPERATIONS: &str = include_str!("../../../infra/OPERATIONS.md");

/// The anchors of the page, as Markdown renderers build them: lower case, dashes for blanks.
fn anchors() -> BTreeSet<String> {
    let headings = OPERATIONS.lines().filter_map(|line| line.strip_prefix("### "));
    headings.map(|heading| heading.to_lowercase().replace(' ', "-")).collect()
}

/// The logical id and the description of each alarm in the template.
fn alarms() -> Vec<(String, String)> {
    let mut alarms = Vec::new();
    let mut lines = TEMPLATE.lines().peekable();
    let mut id = "";
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("  ").and_then(|it| it.strip_suffix(':')).filter(|it| !it.contains(' ')) {
            id = name;
        }
        if line.trim_start().starts_with("AlarmDescription:") {
            let mut description = line.to_owned();
            while let Some(more) = lines.next_if(|it| it.starts_with("        ")) {
                description.push(' ');
                description.push_str(more.trim());
            }
            alarms.push((id.to_owned(), description));
        }
    }
    alarms
}

#[test]
fn every_alarm_names_its_function_log_group_first_command_and_runbook() {
    let anchors = anchors();
    let alarms = alarms();
    assert_eq!(alarms.len(), TEMPLATE.matches("AWS::CloudWatch::Alarm").count());
    for (id, description) in alarms {
        let function = description.split_once(" Function: ${ProjectName}-").map(|(_, rest)| rest);
        let function =
            function.and_then(|rest| rest.split_once('.')).unwrap_or_else(|| panic!("{id}: {description}")).0;
        assert!(TEMPLATE.contains(&format!("FunctionName: !Sub ${{ProjectName}}-{function}\n")), "{id}: {function}");
        let log_group = format!(" Log group: /aws/lambda/${{ProjectName}}-{function}.");
        assert!(description.contains(&log_group), "{id}: {description}");
        assert!(description.contains(" First command: aws "), "{id}: {description}");
        let (_, anchor) = description.rsplit_once("Runbook: infra/OPERATIONS.md#").unwrap();
        assert!(anchors.contains(anchor), "{id}: infra/OPERATIONS.md has no section #{anchor}");
        // CloudWatch accepts 1,024 characters (PutMetricAlarm).
        assert!(description.len() < 1_000, "{id}: {} characters", description.len());
    }
}

#[test]
fn every_reason_for_an_operator_names_function_log_group_first_command_and_runbook() {
    let anchors = anchors();
    for runbook in Runbook::ALL {
        let guidance = Reason::with_runbook("a message", runbook).guidance("scalable-ec2-reconciler");
        for part in [
            " Function: scalable-ec2-reconciler.",
            " Log group: /aws/lambda/scalable-ec2-reconciler.",
            " First command: aws logs filter-log-events --log-group-name /aws/lambda/scalable-ec2-reconciler --filter-pattern ",
        ] {
            assert!(guidance.contains(part), "{guidance}");
        }
        let (_, anchor) = guidance.rsplit_once("Runbook: infra/OPERATIONS.md#").unwrap();
        assert!(anchors.contains(anchor), "infra/OPERATIONS.md has no section #{anchor}");
    }
}
