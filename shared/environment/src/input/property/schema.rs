//! Two JSON schemas (draft-07) of the properties: a strict one for resolved values, and one for templates, in which a value
//! may also be an intrinsic function.
//!
//! The strict schema accepts every value that the parser accepts, and nothing else as far as draft-07 expresses it. Left to the
//! parser are the rules between properties and those of the deployment, and in one property: the content of a script, a length
//! in bytes or UTF-16 code units, letters beyond Latin-1, whether a network has its network address, duplicates in a text with
//! commas, tag keys that differ by case, and a number such as 2.0, which draft-07 does not distinguish from 2.

use serde_json::{Map, Value, json};

use super::pattern;
use super::value_type::{MAX_INSTANCE_TYPE, MAX_PARAMETER, MAX_ROLLOUT_ALARMS, MAX_TAG_KEY, MAX_TAG_VALUE, MAX_TAGS};
use super::{ALL, CLOUDFORMATION_OWN, Default, Property, ValueType};
use crate::input::alarm_action::{
    ActionKind, AlarmAction, DEFAULT_COOLDOWN_SECONDS, MAX_ALARM_NAME, MAX_CAPACITY, MAX_COOLDOWN_SECONDS,
    MAX_INSTANCES_PER_ACTION, OWN_ALARMS, valid_amounts, valid_capacities,
};
use crate::input::forms::{MAX_DIGITS, MAX_LIST_LENGTH};
use crate::model::user_data::MAX_USER_DATA_BYTES;

/// The type of the resource, as a template writes it.
pub const RESOURCE_TYPE: &str = "Custom::ScalableEnvironment";

const DRAFT: &str = "http://json-schema.org/draft-07/schema#";

/// The place of the values.
#[derive(Clone, Copy)]
enum Place {
    /// A request, or a file of properties: `CloudFormation` has resolved the functions.
    Request,
    /// A template.
    Template,
}

/// The strict schema, of an object of properties.
#[must_use]
pub fn properties_schema() -> Value {
    let mut schema = properties(Place::Request);
    schema["$schema"] = json!(DRAFT);
    schema["title"] = json!(format!("Properties of {RESOURCE_TYPE}, resolved"));
    schema
}

/// The schema of a whole template. Resources of other types are not checked. The definition `attribute` lists the outputs,
/// which are the names that `Fn::GetAtt` accepts.
#[must_use]
pub fn template_schema(outputs: &[&str]) -> Value {
    json!({
        "$schema": DRAFT,
        "title": format!("CloudFormation templates with {RESOURCE_TYPE}"),
        "type": "object",
        "properties": {
            "Resources": { "type": "object", "additionalProperties": { "$ref": "#/definitions/resource" } },
        },
        "definitions": {
            "resource": {
                "if": { "properties": { "Type": { "const": RESOURCE_TYPE } }, "required": ["Type"] },
                "then": { "properties": { "Properties": { "$ref": "#/definitions/properties" } }, "required": ["Properties"] },
            },
            "properties": properties(Place::Template),
            "function": {
                "description": "An intrinsic function of CloudFormation.",
                "type": "object",
                "minProperties": 1,
                "maxProperties": 1,
                "propertyNames": { "pattern": "^(?:Ref|Fn::[A-Za-z0-9:]+)$" },
            },
            "attribute": { "description": "The attributes of Fn::GetAtt.", "enum": outputs },
        },
    })
}

fn properties(place: Place) -> Value {
    let own = CLOUDFORMATION_OWN.into_iter().zip([
        "The ARN of the function custom-resource: the export <stack>-service-token of the deployment.",
        "The seconds for which CloudFormation waits for a response.",
    ]);
    let own = own.map(|(name, description)| (name.to_owned(), json!({ "description": description })));
    let table = ALL.iter().map(|property| (property.name.to_owned(), place.property(property)));
    let properties: Map<String, Value> = own.chain(table).collect();
    let required = ALL.iter().filter(|it| matches!(it.default, Default::Required)).map(|it| it.name);
    let [token, _] = CLOUDFORMATION_OWN;
    let (token, patterns) = match place {
        Place::Request => (None, json!({})),
        // The macro AWS::Include and the loop insert properties.
        Place::Template => (Some(token), json!({ "^Fn::(?:Transform$|ForEach::)": {} })),
    };
    json!({
        "type": "object",
        "properties": properties,
        "patternProperties": patterns,
        "required": token.into_iter().chain(required).collect::<Vec<_>>(),
        "additionalProperties": false,
    })
}

impl Place {
    fn property(self, property: &Property) -> Value {
        let Property { description, value_type, .. } = property;
        let (meaning, value) = match property.default {
            Default::Required => (String::from("Required."), None),
            Default::Absent(meaning) => (format!("Default: {meaning}."), None),
            Default::Is(text) => (format!("Default: {text}."), Some(value_of(value_type, text))),
        };
        let mut schema = self.one_of(self.forms(value_type));
        schema["description"] = json!(format!("{description} {meaning} Valid: {}.", value_type.valid()));
        if let Some(value) = value {
            schema["default"] = value;
        }
        schema
    }

    /// A value of one of these forms, or a function in a template.
    fn one_of(self, mut forms: Vec<Value>) -> Value {
        if matches!(self, Place::Template) {
            forms.push(json!({ "$ref": "#/definitions/function" }));
        }
        match <[Value; 1]>::try_from(forms) {
            Ok([form]) => form,
            Err(forms) => json!({ "anyOf": forms }),
        }
    }

    /// The forms of a value, of which the parser reads each scalar as text. The usual form comes first: an editor names its
    /// violation.
    fn forms(self, value_type: &ValueType) -> Vec<Value> {
        let text = |most: Option<usize>| {
            let mut form = json!({ "type": "string", "pattern": pattern::of_value(value_type) });
            if let Some(most) = most {
                form["maxLength"] = json!(most);
            }
            form
        };
        let (number, natural, boolean) =
            (json!({ "type": "number" }), json!({ "type": "number", "minimum": 0 }), json!({ "type": "boolean" }));
        match value_type {
            // A number with an exponent would be a name, too, and is meant as none.
            ValueType::Suffix => vec![text(None), json!({ "type": "integer", "minimum": 0 }), boolean],
            ValueType::Text(most) => {
                let mut text = text(Some(*most));
                text["minLength"] = json!(1);
                vec![text, number, boolean]
            }
            ValueType::Script => vec![text(Some(MAX_USER_DATA_BYTES)), number, boolean],
            ValueType::Whole(least, most) => {
                vec![json!({ "type": "integer", "minimum": least, "maximum": most }), text(Some(MAX_DIGITS))]
            }
            ValueType::OneOf(numbers) => vec![json!({ "type": "integer", "enum": numbers }), text(Some(MAX_DIGITS))],
            ValueType::Choice(words) => vec![json!({ "type": "string", "enum": words })],
            // A pattern, since cfn-lint takes "yes" for one of "true" and "false" in an enumeration.
            ValueType::Bool => vec![boolean, text(None)],
            ValueType::InstanceType => vec![text(Some(MAX_INSTANCE_TYPE))],
            ValueType::ParameterName => vec![text(Some(MAX_PARAMETER))],
            ValueType::Network | ValueType::Id(_) | ValueType::ImageId | ValueType::Arn(..) => vec![text(None)],
            ValueType::Ids(_) | ValueType::Arns(..) | ValueType::ParameterPaths => {
                vec![self.list(value_type, MAX_LIST_LENGTH), text(None)]
            }
            ValueType::Units => vec![self.list(value_type, MAX_LIST_LENGTH), text(None), natural, boolean],
            ValueType::AlarmNames => vec![self.list(value_type, MAX_ROLLOUT_ALARMS), text(None), number, boolean],
            ValueType::Tags => self.tags(),
            ValueType::AlarmActions => vec![json!({
                "type": "array",
                "maxItems": MAX_LIST_LENGTH,
                "uniqueItems": true,
                "items": self.one_of(vec![self.alarm_action()]),
            })],
        }
    }

    fn list(self, value_type: &ValueType, most: usize) -> Value {
        let element = json!({ "type": "string", "pattern": pattern::of_value(value_type) });
        json!({
            "type": "array",
            "minItems": 1,
            "maxItems": most,
            "uniqueItems": true,
            "items": self.one_of(vec![element]),
        })
    }

    fn tags(self) -> Vec<Value> {
        let key = json!({ "type": "string", "minLength": 1, "maxLength": MAX_TAG_KEY, "pattern": pattern::tag_key() });
        let value = json!({ "type": "string", "maxLength": MAX_TAG_VALUE, "pattern": pattern::tag_text("") });
        let scalar = |text: &Value| self.one_of(vec![text.clone(), json!({ "type": ["number", "boolean"] })]);
        let tag = json!({
            "type": "object",
            "properties": { "Key": scalar(&key), "Value": scalar(&value) },
            "required": ["Key", "Value"],
        });
        vec![
            json!({
                "type": "object",
                "maxProperties": MAX_TAGS,
                "propertyNames": key,
                "additionalProperties": scalar(&value),
            }),
            json!({
                "type": "array",
                "maxItems": MAX_TAGS,
                "uniqueItems": true,
                "items": self.one_of(vec![tag]),
            }),
        ]
    }

    /// A rule. Its action decides which other field it has.
    fn alarm_action(self) -> Value {
        let described = |description: &str, valid: &str, forms: Vec<Value>| {
            let mut field = self.one_of(forms);
            field["description"] = json!(format!("{description} Valid: {valid}."));
            field
        };
        let of_type = |description: &str, value_type: &ValueType| {
            described(description, &value_type.valid(), self.forms(value_type))
        };
        let alarm = json!({ "type": "string", "maxLength": MAX_ALARM_NAME, "pattern": pattern::alarm_name() });
        let amount = vec![
            json!({
                "type": "integer",
                "minimum": -MAX_INSTANCES_PER_ACTION,
                "maximum": MAX_INSTANCES_PER_ACTION,
                "not": { "const": 0 },
            }),
            json!({ "type": "string", "maxLength": MAX_DIGITS + 1, "pattern": pattern::amount() }),
        ];
        let own: Vec<&str> = ActionKind::NAMES.into_iter().filter_map(AlarmAction::own_field).collect();
        let branches: Vec<Value> = ActionKind::NAMES.into_iter().map(|action| branch(action, &own)).collect();
        let seconds = ValueType::Whole(0, MAX_COOLDOWN_SECONDS);
        let mut cooldown = of_type("The cooldown in seconds after the action.", &seconds);
        cooldown["default"] = json!(DEFAULT_COOLDOWN_SECONDS);
        let mut dry_run = of_type("Whether the rule only reports the action.", &ValueType::Bool);
        dry_run["default"] = json!(false);
        let alarms =
            format!("{} or an alarm's full name of at most {MAX_ALARM_NAME} characters", OWN_ALARMS.join(", "));
        json!({
            "type": "object",
            "properties": {
                "Alarm": described(
                    "The alarm, by its short name if the environment has it.",
                    &alarms,
                    vec![alarm, json!({ "type": ["number", "boolean"] })],
                ),
                "Action": of_type("The action when the alarm enters ALARM.", &ValueType::Choice(&ActionKind::NAMES)),
                "Amount": described("The instances that ScaleBy adds, or removes if negative.", &valid_amounts(), amount),
                "Capacity": described(
                    "The number of instances that ScaleTo sets.",
                    &valid_capacities(),
                    self.forms(&ValueType::Whole(0, MAX_CAPACITY)),
                ),
                "TopicArn": of_type("The SNS topic that Notify notifies.", &ValueType::Arn("sns", "")),
                "CooldownSeconds": cooldown,
                "DryRun": dry_run,
            },
            "required": ["Alarm", "Action"],
            "additionalProperties": false,
            "allOf": branches,
        })
    }
}

/// The fields of a rule with this action: its own one is required, and those of other actions are not accepted.
fn branch(action: &str, fields: &[&str]) -> Value {
    let own = AlarmAction::own_field(action);
    let others = fields.iter().filter(|it| Some(**it) != own).map(|it| ((*it).to_owned(), json!(false)));
    json!({
        "if": { "properties": { "Action": { "const": action } }, "required": ["Action"] },
        "then": { "required": own.into_iter().collect::<Vec<_>>(), "properties": others.collect::<Map<_, _>>() },
    })
}

/// The default of a property, in the type that a template has.
fn value_of(value_type: &ValueType, text: &str) -> Value {
    match value_type {
        ValueType::Whole(..) | ValueType::OneOf(_) | ValueType::Bool => text.parse().unwrap_or_else(|_| json!(text)),
        _ => json!(text),
    }
}
