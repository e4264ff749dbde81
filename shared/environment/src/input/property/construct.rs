//! The properties of the construct in infra/cdk, in TypeScript: an interface with the descriptions of the table, an
//! enumeration for each choice, and the names that a template has for them.

use super::{ALL, Change, Default, Property, Reach, ValueType};

const HEAD: &str = "\
// Generated from the table of properties, shared/environment/src/input/property/table.rs, by a test of that crate.

import { AlarmRule } from './alarm-rule';
";

const INTERFACE: &str = "\
The properties of an environment.

Texts name properties as a template writes them: `MinSize` is `minSize` here. A property without a value has the default
of the deployment, which its operator may set, else the default here. Envkeeper records it when the environment is
created.";

const NAMES: &str = "The name of each property in a template.";

/// The file infra/cdk/src/properties.ts.
///
/// A property is called as the words of its variable, in camel case: the rules of jsii, from which the names in other
/// languages follow, have no place for `GiB`.
#[must_use]
pub fn construct_properties() -> String {
    let enumerations: String = ALL.iter().filter_map(|property| enumeration(property)).collect();
    let fields: Vec<String> = ALL.iter().map(|property| field(property)).collect();
    let name = |property: &&Property| format!("  {}: '{}',\n", camel_case(property.variable), property.name);
    let names = ALL.iter().map(name).collect::<Vec<_>>().concat();
    let (interface, of_names) = (comment("", INTERFACE), comment("", NAMES));
    format!(
        "{HEAD}{enumerations}\n{interface}export interface EnvironmentProperties {{\n{}}}\n\n{of_names}export const TEMPLATE_NAMES: {{ readonly [Name in keyof EnvironmentProperties]-?: string }} = {{\n{names}}};\n",
        fields.join("\n")
    )
}

fn enumeration(property: &Property) -> Option<String> {
    let ValueType::Choice(words) = property.value_type else { return None };
    let members: String = words.iter().map(|word| member(property, word)).collect();
    let description = comment("", property.description);
    Some(format!("\n{description}export enum {} {{\n{members}}}\n", property.name))
}

/// A value of a choice, with its description in the list of the reference page.
fn member(property: &Property, word: &str) -> String {
    let item = format!("- `{word}`: ");
    let description = property.details.iter().find_map(|line| line.strip_prefix(&item)).unwrap_or(word);
    format!("{}  {} = '{word}',\n", comment("  ", &capitalized(description)), constant_case(word))
}

fn field(property: &Property) -> String {
    let Property { name, description, details, value_type, .. } = property;
    let default = match property.default {
        Default::Required => None,
        Default::Absent(meaning) => Some(format!("- {meaning}")),
        Default::Is(text) => Some(literal(property, text)),
    };
    let remarks = [details.join("\n"), format!("Valid: {}.", value_type.valid()), effect(property)];
    let remarks: Vec<String> = remarks.into_iter().filter(|it| !it.is_empty()).collect();
    let tag = default.as_ref().map(|default| format!("\n\n@default {default}")).unwrap_or_default();
    let text = format!("{description}\n\n{}{tag}", remarks.join("\n\n"));
    let optional = if default.is_some() { "?" } else { "" };
    let (comment, camel, of_type) = (comment("  ", &text), camel_case(property.variable), type_of(name, value_type));
    format!("{comment}  readonly {camel}{optional}: {of_type};\n")
}

fn effect(property: &Property) -> String {
    let change = match property.change {
        Change::InPlace | Change::Own => "An update may change it in place",
        Change::NewVersion => "A change creates a new version of the launch template",
        Change::AtCreation => "A later change has no effect",
        Change::Rejected => "An update that changes it is rejected",
    };
    let reach = match property.reach {
        Reach::Running => ", also for running instances",
        Reach::New => ", for instances that are launched afterwards",
        Reach::Rolls => ", and a rollout replaces the running instances",
        Reach::None => "",
    };
    format!("{change}{reach}.")
}

fn type_of(name: &str, value_type: &ValueType) -> String {
    match value_type {
        ValueType::Whole(..) | ValueType::OneOf(_) => "number".into(),
        ValueType::Bool => "boolean".into(),
        ValueType::Choice(_) => name.into(),
        ValueType::Tags => "{ [key: string]: string }".into(),
        ValueType::AlarmActions => "AlarmRule[]".into(),
        list if list.is_list() => "string[]".into(),
        _ => "string".into(),
    }
}

/// A default, as TypeScript writes it.
fn literal(property: &Property, text: &str) -> String {
    match property.value_type {
        ValueType::Whole(..) | ValueType::OneOf(_) | ValueType::Bool => text.into(),
        ValueType::Choice(_) => format!("{}.{}", property.name, constant_case(text)),
        _ => format!("'{text}'"),
    }
}

fn comment(indent: &str, text: &str) -> String {
    let line = |line: &str| format!("{indent} *{}{line}\n", if line.is_empty() { "" } else { " " });
    let lines: String = text.lines().map(line).collect();
    format!("{indent}/**\n{lines}{indent} */\n")
}

/// `MIN_SIZE` as `minSize`.
fn camel_case(variable: &str) -> String {
    let mut words = variable.split('_').map(str::to_lowercase);
    let first = words.next().unwrap_or_default();
    words.fold(first, |name, word| name + &capitalized(&word))
}

/// `NatGateway` as `NAT_GATEWAY`.
fn constant_case(word: &str) -> String {
    let mut name = String::new();
    for letter in word.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_uppercase());
    }
    name
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
