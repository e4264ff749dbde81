//! The changing verbs: the question, the requests, and the outcomes.

use envkeeper::exit::Exit;
use serde_json::{Value, json};

use crate::fixture::{DEV, FakeService, run_asked, run_line};

/// Every changing verb, with the fields of its request.
fn changes() -> [(&'static str, Value); 10] {
    [
        ("repair dev", json!({ "Request": "repair", "Confirm": true })),
        (
            "allow-adoption dev 0123456789abcdef0123",
            json!({ "Request": "allow-adoption", "Owner": "0123456789abcdef0123" }),
        ),
        ("roll dev", json!({ "Request": "roll" })),
        ("rollback dev", json!({ "Request": "rollback" })),
        ("cancel dev", json!({ "Request": "cancel" })),
        ("hold dev", json!({ "Request": "hold", "Hours": 8 })),
        ("release dev", json!({ "Request": "release" })),
        ("unlock dev", json!({ "Request": "unlock" })),
        ("delete dev", json!({ "Request": "delete" })),
        (
            "delete dev --stack-id arn:stack --logical-id Web",
            json!({ "Request": "delete", "StackId": "arn:stack", "LogicalResourceId": "Web" }),
        ),
    ]
}

#[test]
fn without_a_terminal_a_change_needs_yes() {
    for (line, _) in changes() {
        let service = FakeService::default();
        let output = run_line(line, &service);
        assert_eq!(output.exit, Exit::Usage, "{line}");
        assert!(output.notes.contains("there is no terminal for a question\nnext: repeat the command with --yes"));
        assert!(service.invoked.borrow().is_empty(), "{line}");
    }
}

#[test]
fn with_yes_a_change_is_one_request_to_the_operators_function() {
    for (line, fields) in changes() {
        let service = FakeService::with(&["roll"]);
        let output = run_line(&format!("{line} --yes"), &service);
        assert_eq!(output.exit, Exit::Settled, "{line}: {}", output.notes);
        let mut expected = fields;
        expected["Environment"] = DEV.into();
        expected["Caller"] = "kim@laptop".into();
        assert_eq!(*service.invoked.borrow(), [("scalable-ec2-operator".to_owned(), expected)], "{line}");
        assert!(output.notes.is_empty(), "{}", output.notes);
    }
}

#[test]
fn the_effect_comes_before_the_question() {
    let mut all = Vec::new();
    for (line, _) in changes().into_iter().filter(|(line, _)| !line.starts_with("repair")) {
        let service = FakeService::default();
        let output = run_asked(line, &service, false);
        assert_eq!(output.exit, Exit::Refused, "{line}");
        assert!(service.invoked.borrow().is_empty(), "{line}: a no changes nothing");
        all.push(format!("$ envkeeper {line}\n{}", output.golden()));
    }
    insta::assert_snapshot!("questions", all.concat());
}

#[test]
fn after_a_yes_the_change_is_made() {
    let service = FakeService::with(&["roll"]);
    let output = run_asked("roll dev", &service, true);
    assert_eq!(service.requests(), ["scalable-ec2-operator roll"]);
    insta::assert_snapshot!("roll", output.golden());
    let json = run_asked("roll dev --json", &FakeService::with(&["roll"]), true);
    assert_eq!(json.document()["result"]["Rollout"], "roll");
}

#[test]
fn each_change_reports_its_outcome() {
    let (mut screens, mut documents) = (Vec::new(), Vec::new());
    for (line, _) in &changes()[..9] {
        let verb = line.split(' ').next().unwrap();
        let output = run_line(&format!("{line} --yes"), &FakeService::with(&[verb]));
        screens.push(format!("$ envkeeper {line} --yes\n{}", output.golden()));
        let document = run_line(&format!("{line} --yes --json"), &FakeService::with(&[verb])).document();
        assert_eq!((&document["verb"], &document["exit"]), (&json!(verb), &json!(output.exit.code())));
        documents.push(document);
    }
    insta::assert_snapshot!("outcomes", screens.concat());
    insta::assert_snapshot!("outcomes-json", serde_json::to_string_pretty(&documents).unwrap());
}

#[test]
fn a_repair_shows_its_plan_first() {
    let service = FakeService::with(&["repair-plan", "repair"]);
    let output = run_asked("repair dev", &service, true);
    assert_eq!(service.requests(), ["scalable-ec2-operator repair", "scalable-ec2-operator repair"]);
    let confirmed: Vec<Value> = service.invoked.borrow().iter().map(|(_, it)| it["Confirm"].clone()).collect();
    assert_eq!(confirmed, [Value::Null, Value::Bool(true)]);
    insta::assert_snapshot!("repair", output.golden());
}

#[test]
fn a_repair_without_drift_asks_nothing() {
    let service = FakeService::with(&["plan-nothing"]);
    let output = run_asked("repair dev", &service, true);
    assert_eq!((output.exit, output.notes.as_str()), (Exit::Settled, ""));
    assert_eq!(service.invoked.borrow().len(), 1);
}

#[test]
fn a_refused_change_has_its_own_code() {
    let refused = json!({ "Error": "The roll of scalable-ec2-us-west-2-dev is refused: a hold lasts" });
    let output = run_line("roll dev --yes", &FakeService::answering(&[refused]));
    assert_eq!(output.exit, Exit::Refused);
    assert!(output.notes.ends_with("a hold lasts\nnext: envkeeper status dev\n"), "{}", output.notes);
    let output = run_line("delete dev --yes", &FakeService::with(&["delete-failed"]));
    assert_eq!(output.exit, Exit::Refused);
}
