//! `validate`: the violations of a file, with their lines.

use environment::{Defaults, Deployment, PropertyDefaults, Spec};
use serde_json::{Value, json};

use super::differences::{unresolved_json, unresolved_text};
use super::{cell, items};
use crate::exit::Exit;
use crate::report::Report;
use crate::style::{Line, Tone};
use crate::template::Template;

/// The region whose names are checked if neither an option nor the environment names one.
const SOME_REGION: &str = "us-west-2";

/// An account of the right length, for files that name none.
const SOME_ACCOUNT: &str = "000000000000";

/// A violation: the property's path, the value, and the valid form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The path, such as `AlarmActions[0].Capacity`.
    pub property: String,
    /// The value, or its form.
    pub value: String,
    /// The valid form.
    pub valid: String,
}

/// The deployment whose rules an offline check applies. Topics have to be of the environment's account: it is assumed to be
/// that of the first topic.
#[must_use]
pub fn assumed_deployment(properties: &Value, project: &str, region: Option<&str>) -> Deployment {
    let topics = items(properties, "AlarmActions").iter().filter_map(|rule| rule["TopicArn"].as_str());
    let account = topics.filter_map(|arn| arn.split(':').nth(4)).find(|it| environment::property::is_account(it));
    Deployment {
        project: project.to_owned(),
        region: region.unwrap_or(SOME_REGION).to_owned(),
        account: account.unwrap_or(SOME_ACCOUNT).to_owned(),
    }
}

/// The violations that the service's own parser finds, without a call.
#[must_use]
pub fn offline(template: &Template, deployment: &Deployment) -> Vec<Violation> {
    let defaults = Defaults::of_deployment(|_| None, &PropertyDefaults::default());
    let read = Spec::read_partial(&template.properties, &template.unresolved_names(), &defaults, deployment);
    let violation = |it: environment::Violation| Violation { property: it.property, value: it.value, valid: it.valid };
    read.err().unwrap_or_default().into_iter().map(violation).collect()
}

/// The violations in a result of the function's `validate`, which also applies the deployment's defaults and allow-lists.
#[must_use]
pub fn of_service(result: &Value) -> Vec<Violation> {
    let violation = |it: &Value| Violation {
        property: cell(&it["Property"]),
        value: cell(&it["Value"]),
        valid: cell(&it["Valid"]),
    };
    items(result, "Violations").iter().map(violation).collect()
}

/// `validate`. `checked_by` names the rules that were applied.
#[must_use]
pub fn validate(file: &str, template: &Template, violations: &[Violation], checked_by: &str) -> Report {
    let mut found: Vec<(usize, &Violation)> =
        violations.iter().map(|it| (template.line_of(&it.property), it)).collect();
    found.sort_by_key(|(line, _)| *line);
    let mut screen: Vec<Line> = found
        .iter()
        .map(|(line, it)| Line::of(Tone::Bad, format!("{file}:{line}: {} is {}: {}", it.property, it.value, it.valid)))
        .collect();
    if !template.unresolved.is_empty() {
        screen.push(Line::of(Tone::Notice, "Not checked, since the file alone does not determine them:"));
        screen.extend(template.unresolved.iter().map(|it| Line::of(Tone::Notice, unresolved_text(it))));
    }
    let (exit, tone) = if found.is_empty() { (Exit::Settled, Tone::Good) } else { (Exit::Differs, Tone::Bad) };
    let subject = template.resource.as_deref().unwrap_or("the properties");
    screen.push(match found.len() {
        0 => Line::of(tone, format!("{subject}: valid, {checked_by}.")),
        1 => Line::of(tone, format!("{subject}: one violation, {checked_by}.")),
        count => Line::of(tone, format!("{subject}: {count} violations, {checked_by}.")),
    });
    let one = |(line, it): &(usize, &Violation)| json!({ "Line": line, "Property": it.property, "Value": it.value, "Valid": it.valid });
    let result = json!({
        "File": file, "Resource": template.resource, "Valid": found.is_empty(), "CheckedBy": checked_by,
        "Violations": found.iter().map(one).collect::<Vec<_>>(), "Unresolved": unresolved_json(&template.unresolved),
    });
    Report { screen, result, exit }
}
