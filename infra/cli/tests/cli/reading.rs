//! The reading verbs: screens, documents and exit codes.

use clap::Parser as _;
use envkeeper::arguments::Arguments;
use envkeeper::exit::Exit;
use envkeeper::service::ServiceError;
use serde_json::json;

use crate::fixture::{DEV, FakeConsole, FakeService, golden, run_in, run_line, run_on};

#[test]
fn the_state_of_an_environment_is_the_exit_code_of_status() {
    assert_eq!(golden!("status-settled", "status dev", &["status-settled"]), Exit::Settled);
    assert_eq!(golden!("status-under-way", "status dev", &["status-under-way"]), Exit::UnderWay);
    assert_eq!(golden!("status-degraded", "status dev", &["status-degraded"]), Exit::Degraded);
    assert_eq!(golden!("status-unknown", "status dev", &["status-unknown"]), Exit::NoAnswer);
}

#[test]
fn an_environment_is_named_by_its_suffix_or_its_id() {
    for name in ["dev", DEV] {
        let service = FakeService::with(&["status-settled"]);
        run_line(&format!("status {name}"), &service);
        let request = json!({ "Request": "status", "Environment": DEV, "Caller": "kim@laptop" });
        assert_eq!(*service.invoked.borrow(), [("scalable-ec2-operator-read".to_owned(), request)]);
    }
}

#[test]
fn a_name_that_is_no_environment_is_wrong_use_and_makes_no_call() {
    for name in ["Dev", "scalable-ec2-eu-west-1-dev", "scalable-ec2-us-west-2-", "-dev-", "a.b", &"x".repeat(99)] {
        let service = FakeService::default();
        let words = ["envkeeper", "status", "--", name];
        let arguments = Arguments::try_parse_from(words).unwrap();
        let output = run_in(Some("us-west-2"), &arguments, &service, FakeConsole::default());
        assert_eq!(output.exit, Exit::Usage, "{name}");
        assert!(output.notes.starts_with(&format!("error: ENV is {name:?}: valid is a suffix")), "{}", output.notes);
        assert!(output.notes.contains("\nnext: envkeeper list"), "{}", output.notes);
    }
}

#[test]
fn instances_are_a_table() {
    assert_eq!(golden!("instances", "instances dev", &["status-under-way"]), Exit::UnderWay);
    assert_eq!(golden!("instances-none", "instances dev", &["status-degraded"]), Exit::Degraded);
}

#[test]
fn a_rollout_under_way_has_its_own_code() {
    assert_eq!(golden!("rollout", "rollout dev", &["rollout"]), Exit::UnderWay);
}

#[test]
fn drift_differs_and_names_the_repair() {
    assert_eq!(golden!("drift", "drift dev", &["drift"]), Exit::Differs);
    assert_eq!(golden!("drift-none", "drift dev", &["drift-none"]), Exit::Settled);
}

#[test]
fn a_list_has_all_pages() {
    assert_eq!(golden!("list", "list", &["list-1", "list-2"]), Exit::Settled);
    let service = FakeService::with(&["list-1", "list-2"]);
    run_line("list", &service);
    assert_eq!(service.invoked.borrow()[1].1["After"], "c2NhbGFibGUtZWMyLXVzLXdlc3QtMi1wci0xMg");
}

#[test]
fn an_inventory_has_what_is_left() {
    assert_eq!(golden!("inventory", "inventory dev", &["inventory"]), Exit::Settled);
}

#[test]
fn doctor_begins_with_the_callers_side() {
    assert_eq!(golden!("doctor", "doctor", &["doctor"]), Exit::Degraded);
    assert_eq!(golden!("doctor-ok", "doctor", &["doctor-ok"]), Exit::Settled);
    let denied = ServiceError::Denied { reason: "no lambda:InvokeFunction".into() };
    let output = run_line("doctor", &FakeService::failing(denied).without_credentials());
    assert_eq!(output.exit, Exit::Error);
    insta::assert_snapshot!("doctor-unreachable", output.golden());
}

#[test]
fn versions_that_differ_are_named() {
    assert_eq!(golden!("version", "version", &["doctor-ok"]), Exit::Settled);
    let older = FakeService::answering(&[json!({ "Version": "0.0.9" })]);
    let output = run_line("version", &older);
    assert_eq!(output.exit, Exit::Differs);
    insta::assert_snapshot!("version-differs", output.golden());
    let output = run_line("version", &FakeService::failing(ServiceError::NoAnswer { reason: "timeout".into() }));
    assert_eq!(output.exit, Exit::NoAnswer);
    assert!(output.out.starts_with("envkeeper 0.1.0\n"), "{}", output.out);
}

#[test]
fn each_error_names_the_next_command() {
    let errors = [
        (ServiceError::NoRegion, Exit::Error),
        (ServiceError::NoCredentials { reason: "expired".into() }, Exit::Error),
        (ServiceError::NotFound { name: "the function x".into(), region: "us-west-2".into() }, Exit::Error),
        (ServiceError::Denied { reason: "not authorized".into() }, Exit::Error),
        (ServiceError::NoAnswer { reason: "timeout".into() }, Exit::NoAnswer),
        (
            ServiceError::FunctionFailed { function: "scalable-ec2-operator-read".into(), reason: "Panic".into() },
            Exit::NoAnswer,
        ),
        (ServiceError::Other { reason: "InternalError".into() }, Exit::Error),
    ];
    let mut all = String::new();
    for (error, exit) in errors {
        let output = run_line("status dev", &FakeService::failing(error.clone()));
        assert_eq!(output.exit, exit, "{error}");
        assert!(output.out.is_empty() && output.notes.contains("\nnext: "), "{}", output.notes);
        all += &output.golden();
        let document = run_line("status dev --json", &FakeService::failing(error)).document();
        assert_eq!(document["exit"], exit.code());
        assert!(document["result"]["Next"].is_string(), "{document}");
    }
    insta::assert_snapshot!("errors", all);
}

#[test]
fn an_error_of_the_function_is_an_error_of_the_verb() {
    let unknown = FakeService::answering(&[json!({ "Error": "Environment is \"x\": no environment has this name" })]);
    let output = run_line("status dev", &unknown);
    assert_eq!(output.exit, Exit::Error);
    assert!(output.notes.contains("no environment has this name\nnext: envkeeper list"), "{}", output.notes);
}

#[test]
fn without_a_region_nothing_is_called() {
    let arguments = Arguments::try_parse_from(["envkeeper", "list"]).unwrap();
    let output = run_in(None, &arguments, &FakeService::default(), FakeConsole::default());
    assert_eq!(output.exit, Exit::Error);
    assert!(output.notes.contains("--region"), "{}", output.notes);
}

#[test]
fn colours_are_for_terminals_without_no_color() {
    let on = |line: &str, is_terminal| {
        let console = FakeConsole { is_terminal, ..FakeConsole::default() };
        run_on(line, &FakeService::with(&["status-settled"]), console).out
    };
    assert!(on("status dev", true).starts_with("\u{1b}[32mscalable-ec2-us-west-2-dev is settled"));
    for plain in [on("status dev", false), on("status dev --no-color", true), on("status dev --json", true)] {
        assert!(!plain.contains('\u{1b}'), "{plain}");
    }
}

#[test]
fn another_project_has_other_functions() {
    let service = FakeService::with(&["status-settled"]);
    run_line("status dev --project shop", &service);
    let (function, request) = service.invoked.borrow()[0].clone();
    assert_eq!((function.as_str(), &request["Environment"]), ("shop-operator-read", &json!("shop-us-west-2-dev")));
}

#[test]
fn wrong_use_is_found_before_a_call() {
    for line in [
        "",
        "statu dev",
        "status",
        "status dev extra",
        "events dev --since yesterday",
        "timeline dev --width 399",
        "timeline dev --width wide",
        "timeline dev --theme pink",
        "hold dev --hours 0",
        "hold dev --hours 200",
        "why instance",
        "logs dev i-1",
        "plan t.yaml --parameter Suffix",
        "delete dev --stack-id x",
        "completion tcsh",
        "status dev --jsn",
    ] {
        let words = std::iter::once("envkeeper").chain(line.split_whitespace());
        let error = Arguments::try_parse_from(words).expect_err(line);
        assert!(error.use_stderr(), "{line}");
    }
}

#[test]
fn only_completion_and_an_offline_check_need_no_configuration() {
    let is_offline = |line: &str| {
        let words = std::iter::once("envkeeper").chain(line.split_whitespace());
        Arguments::try_parse_from(words).unwrap().is_offline()
    };
    assert!(is_offline("completion bash") && is_offline("validate t.yaml"));
    assert!(!is_offline("validate t.yaml --project shop") && !is_offline("plan t.yaml") && !is_offline("list"));
}

#[test]
fn a_completion_script_needs_no_service() {
    for shell in ["bash", "zsh", "fish"] {
        let output = run_line(&format!("completion {shell}"), &FakeService::default());
        assert_eq!(output.exit, Exit::Settled);
        assert!(output.out.contains("allow-adoption"), "{shell}");
    }
}
