//! The reference page: for each group a table with one line for each property, then a section for each property that
//! needs more.

use super::{ALL, Change, Default, Group, Property, Reach};

const HEAD: &str = "\
# Properties of `Custom::ScalableEnvironment`

This page is generated from the table in `shared/environment/src/input/property/table.rs`; a test keeps it current.

If the template omits a property, the first of these provides the value:

1. the default that was recorded when the environment was created (its frozen default);
2. the property's own environment variable of the function: `MinSize` becomes `MIN_SIZE`;
3. the deployment parameter `PropertyDefaults`, a JSON object such as `{\"MinSize\": 2}` (any property but
   `EnvironmentSuffix` and `PermissionsBoundaryArn`);
4. the default below.

The values of 2 to 4 are recorded when an environment is created: a later change of the deployment affects new
environments only.
A deployment may also restrict values: `AllowedVpcs`, `AllowedInstanceTypes`, `AllowedImageOwners`,
`AllowedTargetGroups`, `AllowedTopics` and `MaxInstances`.

The effect of a change is one of these:

- *in place*: the existing resources are updated.
- *new version*: a new version of the launch template is created.
- *none*: the value takes effect when the environment is created, never later.
- *rejected*: the update fails, and nothing changes.

A change reaches these instances:

- *running*: running instances at once, and those that are launched afterwards.
- *rolls*: running instances are replaced, and return to the earlier version if a new one is unhealthy ([Rollout](#rollout)).
- *new*: only instances that are launched afterwards; [replace the others](../../infra/OPERATIONS.md#replace-running-instances).
- *none*: no instance. The value belongs to the group, to other resources or to Envkeeper, or a change has no effect.
";

const TABLE: &str = "\
| property | meaning | valid values | default | change | reaches |
|---|---|---|---|---|---|
";

/// The reference page.
#[must_use]
pub fn reference_page() -> String {
    let groups: String = Group::ALL.into_iter().map(|(group, title)| section(group, title)).collect();
    format!("{HEAD}{groups}")
}

fn section(group: Group, title: &str) -> String {
    let properties = || ALL.iter().filter(move |property| property.group == group);
    let rows: String = properties().map(|property| row(property)).collect();
    let details: String = properties().filter_map(|property| details(property)).collect();
    format!("\n## {title}\n\n{TABLE}{rows}{details}")
}

fn row(property: &Property) -> String {
    let Property { name, description, value_type, .. } = property;
    let valid = value_type.short().unwrap_or_else(|| value_type.valid());
    let name = match details(property) {
        Some(_) => format!("[{name}](#{})", name.to_lowercase()),
        None => (*name).to_owned(),
    };
    let default = match &property.default {
        Default::Required => "required".to_owned(),
        Default::Absent(meaning) => (*meaning).to_owned(),
        Default::Is(value) => format!("`{value}`"),
    };
    let change = match property.change {
        Change::InPlace | Change::Own => "in place",
        Change::NewVersion => "new version",
        Change::AtCreation => "none",
        Change::Rejected => "rejected",
    };
    let reach = match property.reach {
        Reach::Running => "running",
        Reach::New => "new",
        Reach::Rolls => "rolls",
        Reach::None => "none",
    };
    format!("| **{name}** | {description} | {valid} | {default} | {change} | {reach} |\n")
}

/// The section of a property. `None` if the row is the whole description.
fn details(property: &Property) -> Option<String> {
    let valid = property.value_type.short().map(|_| format!("Valid: {}.", property.value_type.valid()));
    let parts = [(!property.details.is_empty()).then(|| property.details.join("\n")), valid];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("\n### {}\n\n{}\n", property.name, parts.join("\n\n")))
}
