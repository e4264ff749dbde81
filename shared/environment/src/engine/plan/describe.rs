//! Resources and changes as text, for operators and stack authors.

use crate::model::field::Field;
use crate::model::kinds::{LaunchTemplateSetting, TemplateVersion};
use crate::model::mark;
use crate::model::resource::{Resource, Setting};

/// The fields of a resource, a line each; its tags in one line, without the tags that every resource has.
pub(super) fn describe_resource(resource: &Resource) -> Vec<String> {
    let mut lines = Vec::new();
    for field in resource.all_fields() {
        match field {
            Field::Created(Setting::Tag(..)) => {}
            Field::Fixed(name, value) | Field::Once(name, value) => lines.push(format!("{name}: {value}")),
            Field::Created(Setting::LaunchTemplate(LaunchTemplateSetting::Version(version))) => {
                lines.push(format!("version: content {}, image {}", version.digest, version.image));
                lines.extend(version.content.summary());
            }
            Field::Created(setting) | Field::After(setting) => lines.push(setting.to_string()),
        }
    }
    let users = resource.tags.iter().filter(|(key, _)| !mark::is_mark(key));
    let tags = users.map(|(key, value)| format!("{key}={value}")).chain([String::from("Envkeeper's own")]);
    lines.push(format!("tags: {}", tags.collect::<Vec<_>>().join(", ")));
    lines
}

/// The previous and the new value of a setting, a line each.
pub(super) fn describe_change(new: &Setting, old: &[Setting]) -> Vec<String> {
    if let Setting::LaunchTemplate(LaunchTemplateSetting::Version(version)) = new {
        let mut lines = vec![format!("new version: content {}, image {}", version.digest, version.image)];
        lines.extend(latest(old).map(|last| version.content.differences(&last.content)).unwrap_or_default());
        return lines;
    }
    let before = old.iter().find(|it| it.slot() == new.slot());
    let (name, element) = new.slot();
    match before {
        Some(before) => {
            vec![format!("{} {} → {}", format!("{name} {element}").trim_end(), before.value(), new.value())]
        }
        None => vec![new.to_string()],
    }
}

fn latest(settings: &[Setting]) -> Option<&TemplateVersion> {
    settings.iter().rev().find_map(|it| match it {
        Setting::LaunchTemplate(LaunchTemplateSetting::Version(version)) => Some(version),
        _ => None,
    })
}
