//! `plan` and `validate`: templates, files of properties, and their lines.

use std::collections::BTreeMap;
use std::fs;

use clap::Parser as _;
use envkeeper::arguments::Arguments;
use envkeeper::exit::Exit;
use envkeeper::template::{Template, TemplateError};
use serde_json::{Value, json};

use crate::fixture::{FakeConsole, FakeService, Output, path, run_in};

/// Runs a verb on a file of `inputs`. The golden files contain only the file's name.
fn run_file(verb: &str, file: &str, options: &[&str], service: &FakeService) -> Output {
    let file_path = path(&format!("inputs/{file}"));
    let words = ["envkeeper", verb, file_path.to_str().unwrap()];
    let arguments = Arguments::try_parse_from(words.iter().chain(options)).unwrap();
    let mut output = run_in(Some("us-west-2"), &arguments, service, FakeConsole::default());
    let folder = format!("{}/", path("inputs").display());
    for text in [&mut output.out, &mut output.notes] {
        *text = text.replace(&folder, "");
    }
    output
}

fn read(text: &str) -> Result<Template, TemplateError> {
    Template::read(text, None, &BTreeMap::new())
}

#[test]
fn violations_have_their_lines_and_unknown_values_are_listed() {
    let output = run_file("validate", "stack.yaml", &["--resource", "Web"], &FakeService::default());
    assert_eq!(output.exit, Exit::Differs);
    insta::assert_snapshot!("validate", output.golden());
    let output = run_file("validate", "stack.yaml", &["--resource", "Web", "--json"], &FakeService::default());
    insta::assert_snapshot!("validate-json", serde_json::to_string_pretty(&output.document()["result"]).unwrap());
    let output = run_file("validate", "stack.yaml", &["--resource", "Batch"], &FakeService::default());
    insta::assert_snapshot!("validate-batch", output.golden());
}

#[test]
fn a_file_of_properties_is_valid_without_a_call() {
    let service = FakeService::default();
    let output = run_file("validate", "properties.json", &[], &service);
    assert_eq!(output.exit, Exit::Settled);
    insta::assert_snapshot!("validate-properties", output.golden());
    assert!(service.invoked.borrow().is_empty() && service.queried.borrow().is_empty());
}

#[test]
fn with_a_project_the_deployment_checks() {
    let service = FakeService::with(&["validate"]);
    let output = run_file("validate", "properties.json", &["--project", "scalable-ec2"], &service);
    assert_eq!(output.exit, Exit::Differs);
    insta::assert_snapshot!("validate-project", output.golden());
    let request = service.invoked.borrow()[0].1.clone();
    assert_eq!(request["ResourceProperties"]["MinSize"], "1", "as CloudFormation sends it");
    assert_eq!(request["Unresolved"], json!([]));
}

#[test]
fn a_plan_differs_if_it_has_steps() {
    let service = FakeService::with(&["plan-changes"]);
    let output = run_file("plan", "properties.json", &[], &service);
    assert_eq!(output.exit, Exit::Differs);
    insta::assert_snapshot!("plan", output.golden());
    let (function, request) = service.invoked.borrow()[0].clone();
    assert_eq!((function.as_str(), &request["Request"]), ("scalable-ec2-operator-read", &json!("plan")));
    let output = run_file("plan", "properties.json", &["--json"], &FakeService::with(&["plan-nothing"]));
    assert_eq!((output.exit, &output.document()["result"]["Unresolved"]), (Exit::Settled, &json!([])));
    let output = run_file("plan", "properties.json", &["--json"], &FakeService::with(&["plan-changes"]));
    insta::assert_snapshot!("plan-json", serde_json::to_string_pretty(&output.document()["result"]).unwrap());
}

#[test]
fn a_plan_names_the_properties_that_the_file_does_not_determine() {
    let options = ["--resource", "Web", "--parameter", "Suffix=prod"];
    let service = FakeService::with(&["plan-changes"]);
    let output = run_file("plan", "stack.yaml", &options, &service);
    insta::assert_snapshot!("plan-unresolved", output.golden());
    let properties = service.invoked.borrow()[0].1["ResourceProperties"].clone();
    assert_eq!(properties["EnvironmentSuffix"], "prod");
    assert_eq!(properties["DrainServices"], json!(["web.service", "worker.service"]));
    for left_out in ["ServiceToken", "VpcId", "ImageId", "MinSize", "UserDataScript", "AlarmActions", "KmsKeyArn"] {
        assert!(properties.get(left_out).is_none(), "{left_out}: {properties}");
    }
}

#[test]
fn yaml_and_json_of_a_template_are_the_same() {
    let yaml = "Resources:\n  Web:\n    Type: Custom::ScalableEnvironment\n    Properties:\n      EnvironmentSuffix: dev\n      \
                MinSize: 2\n      Tags: { A: yes, B: 'yes' }\n      LaunchGate: !Equals [a, b]\n";
    let json = r#"{"Resources": {"Web": {"Type": "Custom::ScalableEnvironment", "Properties": {
        "EnvironmentSuffix": "dev", "MinSize": 2, "Tags": {"A": true, "B": "yes"},
        "LaunchGate": {"Fn::Equals": ["a", "b"]}}}}}"#;
    let (yaml, json) = (read(yaml).unwrap(), read(json).unwrap());
    assert_eq!(yaml.properties, json.properties);
    let expected = json!({ "EnvironmentSuffix": "dev", "MinSize": "2", "Tags": { "A": "true", "B": "yes" } });
    assert_eq!(Value::from(yaml.properties), expected);
    assert_eq!(yaml.unresolved[0].function, "Fn::Equals");
    assert_eq!((yaml.unresolved[0].line, json.unresolved[0].line), (8, 3));
}

#[test]
fn an_event_of_cloudformation_has_its_properties() {
    let event = fs::read_to_string(path("../../../events/custom-resource/create.json")).unwrap();
    let template = read(&event).unwrap();
    assert!(template.properties.contains_key("EnvironmentSuffix"), "{:?}", template.properties);
    assert!(!template.properties.contains_key("RequestType"));
}

#[test]
fn the_examples_are_valid() {
    for name in ["web", "own-network", "production"] {
        let text = fs::read_to_string(path(&format!("../../examples/{name}.yaml"))).unwrap();
        let template = read(&text).unwrap();
        let properties = Value::from(template.properties.clone());
        let deployment = envkeeper::verbs::template::assumed_deployment(&properties, "scalable-ec2", None);
        let violations = envkeeper::verbs::template::offline(&template, &deployment);
        assert!(violations.is_empty(), "{name}: {violations:?}");
    }
}

#[test]
fn files_that_are_not_read_have_their_reason() {
    let resource = "Resources:\n  A: { Type: Custom::ScalableEnvironment }\n";
    let cases = [
        ("", "the file is neither YAML nor JSON: line 1: the file is empty"),
        ("a: [1", "the file is neither YAML nor JSON: line "),
        (
            "a: &x 1\nb: *x\n",
            "the file is neither YAML nor JSON: line 2: an alias (*), which CloudFormation does not support",
        ),
        (
            "<<: {}\n",
            "the file is neither YAML nor JSON: line 1: a merge key (<<), which CloudFormation does not support",
        ),
        ("a: 1\na: 2\n", "the file is neither YAML nor JSON: line 2: the key a appears twice"),
        ("a: 1\n---\nb: 2\n", "the file is neither YAML nor JSON: line 3: a second document"),
        ("[a]: 1\n", "the file is neither YAML nor JSON: line 1: a key that is not a text"),
        ("- a\n", "the file contains neither a template with Resources nor a mapping of properties"),
        (
            "Resources: { T: { Type: AWS::SNS::Topic } }\n",
            "the template has no resource of the type Custom::ScalableEnvironment; it has T",
        ),
    ];
    for (text, reason) in cases {
        let error = read(text).expect_err(text).to_string();
        assert!(error.starts_with(reason), "{text:?}: {error}");
    }
    let several = format!("{resource}  B: {{ Type: Custom::ScalableEnvironment }}\n");
    assert_eq!(
        read(&several).unwrap_err().to_string(),
        "the template has several resources of the type Custom::ScalableEnvironment: A, B; choose one with --resource"
    );
    let unknown = Template::read(&several, Some("C"), &BTreeMap::new()).unwrap_err().to_string();
    assert_eq!(unknown, "--resource is C: the template has no such resource; valid is A, B");
    let given = BTreeMap::from([("Sufix".to_owned(), "dev".to_owned())]);
    let unknown = Template::read(resource, None, &given).unwrap_err().to_string();
    assert_eq!(unknown, "--parameter is Sufix: the template has no such parameter; valid is none");
    assert_eq!(read(&" ".repeat(1_048_577)).unwrap_err(), TemplateError::TooLarge(1_048_577));
    assert!(read(&"[".repeat(10_000)).is_err(), "nesting is bounded");
}

#[test]
fn a_missing_file_is_an_error_with_the_next_command() {
    let output = run_file("validate", "absent.yaml", &[], &FakeService::default());
    assert_eq!(output.exit, Exit::Error);
    assert!(
        output.notes.contains("absent.yaml cannot be read") && output.notes.contains("next: envkeeper validate --help")
    );
}
