//! The roles of the template come from the table.

use std::path::Path;

use permissions::{Function, yaml};

const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");

#[test]
fn the_template_contains_the_roles_of_the_table() {
    let template = std::fs::read_to_string(TEMPLATE).unwrap();
    let renewed = yaml::renewed(&template).expect("the template has both lines");
    if renewed != template {
        std::fs::write(Path::new(TEMPLATE), renewed).unwrap();
        panic!("infra/template.yaml was stale and has been regenerated: review and commit it");
    }
}

#[test]
fn each_function_has_its_role_in_the_template() {
    let template = std::fs::read_to_string(TEMPLATE).unwrap();
    for function in Function::ALL {
        let name: String = function.name().split('-').map(|it| it[..1].to_uppercase() + &it[1..]).collect();
        assert!(template.contains(&format!("      Role: !GetAtt {name}Role.Arn\n")), "{name}");
    }
}

/// An account may create no role without a boundary.
#[test]
fn each_role_gets_the_boundary_of_the_deployment() {
    let template = std::fs::read_to_string(TEMPLATE).unwrap();
    let boundary =
        "      PermissionsBoundary: !If [HasFunctionsBoundary, !Ref FunctionsBoundaryArn, !Ref \"AWS::NoValue\"]\n";
    let roles = template.matches("    Type: AWS::IAM::Role\n").count();
    assert_eq!((roles, template.matches(boundary).count()), (Function::ALL.len(), Function::ALL.len()));
}

/// The records and keys of a stack outlive it, but not a first deployment that fails.
#[test]
fn what_is_retained_is_deleted_with_a_create_that_fails() {
    for file in ["template.yaml", "examples/production.yaml"] {
        let path = Path::new(TEMPLATE).with_file_name(file);
        let template = std::fs::read_to_string(path).unwrap();
        let policies: Vec<&str> =
            template.lines().filter_map(|line| line.trim().strip_prefix("DeletionPolicy: ")).collect();
        assert!(
            !policies.is_empty() && policies.iter().all(|it| *it == "RetainExceptOnCreate"),
            "{file}: {policies:?}"
        );
    }
}

/// A deployment may be in any partition: no ARN states one, and no principal has a domain that only one partition uses. The
/// name of CloudWatch Logs is the only one here with another domain in China (terraform-provider-aws, the data source
/// `aws_service_principal`).
#[test]
fn arns_and_principals_fit_every_partition() {
    let examples = Path::new(TEMPLATE).with_file_name("examples");
    let examples = std::fs::read_dir(examples).unwrap().map(|it| it.unwrap().path());
    let templates = examples.filter(|it| it.extension().is_some_and(|it| it == "yaml"));
    for path in templates.chain([TEMPLATE.into()]) {
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines() {
            let states_partition = line.contains("arn:aws") && !line.contains("AllowedPattern:");
            assert!(!states_partition, "{}: {line}", path.display());
            let is_logs = line.contains("Principal:") && line.contains("logs.");
            assert!(!is_logs || line.contains("amazonaws.com.cn"), "{}: {line}", path.display());
        }
    }
}

/// All functions that read the properties of a request read the deployment's defaults, whatever properties it sets.
#[test]
fn the_functions_that_read_properties_have_the_defaults_of_the_deployment() {
    let template = std::fs::read_to_string(TEMPLATE).unwrap();
    for name in ["custom-resource", "operator-read", "operator", "reconciler"] {
        let function = template
            .split("    Type: AWS::Serverless::Function\n")
            .find(|it| it.contains(&format!("FunctionName: !Sub ${{ProjectName}}-{name}\n")));
        let variable = "          PROPERTY_DEFAULTS: !Ref PropertyDefaults\n";
        assert!(function.is_some_and(|it| it.contains(variable)), "{name}");
    }
}
