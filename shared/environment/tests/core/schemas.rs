//! The schemas of properties and the properties of the CDK construct: the generated files, and their descriptions.
#![allow(clippy::expect_used, reason = "a test fails on an unexpected value")]

use std::fs;
use std::path::Path;

use environment::{OUTPUTS, property};
use serde_json::{Value, json};

use crate::authoring;

/// Writes the file if it does not have this content, and fails, so that the change is reviewed.
fn assert_current(path: &str, content: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if fs::read_to_string(&file).ok().as_deref() != Some(content) {
        fs::write(file, content).expect("the file can be written");
        panic!("{path} was stale and is now regenerated: review and commit it");
    }
}

fn pretty(schema: &Value) -> String {
    format!("{}\n", serde_json::to_string_pretty(schema).expect("JSON"))
}

#[test]
fn the_schema_of_properties_is_current() {
    assert_current("infra/schema/properties.schema.json", &pretty(&property::properties_schema()));
}

#[test]
fn the_schema_of_templates_is_current() {
    assert_current("infra/schema/template.schema.json", &pretty(&property::template_schema(&OUTPUTS)));
}

#[test]
fn the_properties_of_the_construct_are_current() {
    assert_current("infra/cdk/src/properties.ts", &property::construct_properties());
}

/// The Python tests compare the schemas with these verdicts of the parser.
#[test]
fn the_verdicts_of_the_parser_are_current() {
    assert_current("tests/authoring/inputs.jsonl", &authoring::verdicts());
}

#[test]
fn each_property_has_its_description_and_default_in_both_schemas() {
    let schemas =
        [property::properties_schema(), property::template_schema(&OUTPUTS)["definitions"]["properties"].clone()];
    for schema in schemas {
        for property in property::ALL {
            let own = &schema["properties"][property.name];
            let description = own["description"].as_str().expect("a description");
            assert!(description.starts_with(property.description), "{description}");
            assert!(description.ends_with(&format!("Valid: {}.", property.value_type.valid())), "{description}");
            let has_default = matches!(property.default, property::Default::Is(_));
            assert_eq!(own.get("default").is_some(), has_default, "{}", property.name);
        }
        assert_eq!(schema["additionalProperties"], json!(false));
    }
}
