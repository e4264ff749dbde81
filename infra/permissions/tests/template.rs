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
