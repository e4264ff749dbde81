use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

/// The name of the function in these tests.
const FUNCTION: &str = "scalable-ec2-reconciler";

fn address() -> ResponseAddress {
    ResponseAddress {
        response_url: None,
        stack_id: "arn:aws:cloudformation:us-west-2:111122223333:stack/web/0a1b2c3d".to_owned(),
        request_id: "7c2f0e9a-1111-4222-8333-944455556666".to_owned(),
        logical_id: "Web".to_owned(),
    }
}

fn id(text: &str) -> PhysicalId {
    PhysicalId::new(text).unwrap()
}

fn data(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn parsed(response: &CfnResponse) -> Value {
    let body = response.body();
    assert!(body.len() <= MAX_BODY, "{} bytes", body.len());
    serde_json::from_str(&body).unwrap()
}

#[test]
fn a_plain_success_has_no_reason_and_its_data() {
    let response = CfnResponse::success(&address(), id("env-dev"), data(&[("VpcId", "vpc-1")]));
    let expected = json!({
        "Status": "SUCCESS",
        "PhysicalResourceId": "env-dev",
        "StackId": address().stack_id,
        "RequestId": address().request_id,
        "LogicalResourceId": "Web",
        "NoEcho": false,
        "Data": { "VpcId": "vpc-1" },
    });
    assert_eq!(parsed(&response), expected);
}

#[test]
fn a_failure_has_a_reason_and_no_data() {
    let body = parsed(&CfnResponse::failed(&address(), id("env-dev"), "MinSize is 9", FUNCTION));
    assert_eq!(body["Status"], "FAILED");
    assert_eq!(body["Reason"], "MinSize is 9");
    assert_eq!(body.get("Data"), None);
}

#[test]
fn a_failure_without_a_reason_gets_one() {
    for empty in ["", "  \n"] {
        let body = parsed(&CfnResponse::failed(&address(), id("env-dev"), empty, FUNCTION));
        assert_eq!(body["Reason"], NO_REASON);
    }
}

#[test]
fn a_long_reason_uses_the_last_byte_and_ends_with_an_ellipsis() {
    let response = CfnResponse::failed(&address(), id("env-dev"), "x".repeat(9_000), FUNCTION);
    assert_eq!(response.body().len(), MAX_BODY);
    assert!(parsed(&response)["Reason"].as_str().unwrap().ends_with("xx..."));
}

#[test]
fn the_length_of_a_reason_is_that_of_its_written_characters() {
    for (character, written) in [("ü", "U+00FC"), ("\u{1b}", "U+001B"), ("→", "->")] {
        let response = CfnResponse::failed(&address(), id("env-dev"), character.repeat(4_000), FUNCTION);
        assert_eq!(response.body().len(), MAX_BODY, "{character:?}");
        let reason = parsed(&response)["Reason"].as_str().unwrap().to_owned();
        assert!(reason.starts_with(&written.repeat(500)) && reason.ends_with("..."), "{reason}");
    }
}

#[test]
fn a_reason_that_fits_exactly_is_not_cut() {
    let shorter = CfnResponse::failed(&address(), id("env-dev"), "x", FUNCTION).body().len();
    let exact = "x".repeat(MAX_BODY - shorter + 1);
    let response = CfnResponse::failed(&address(), id("env-dev"), exact.clone(), FUNCTION);
    assert_eq!(response.body().len(), MAX_BODY);
    assert_eq!(parsed(&response)["Reason"], exact);
}

#[test]
fn a_success_with_too_much_data_fails_with_its_size_and_keeps_the_id() {
    let big = data(&[("Text", &"ü".repeat(2_100))]);
    let body = parsed(&CfnResponse::success(&address(), id("env-dev"), big));
    assert_eq!(body["Status"], "FAILED");
    assert_eq!(body["PhysicalResourceId"], "env-dev");
    assert!(body["Reason"].as_str().unwrap().contains("Data has 4211 bytes"), "{body}");
    assert_eq!(body.get("Data"), None);
}

#[test]
fn a_response_with_ids_that_no_stack_can_have_keeps_the_size_limit() {
    let long = "\"".repeat(20_000);
    let address = ResponseAddress {
        response_url: None,
        stack_id: long.clone(),
        request_id: long.clone(),
        logical_id: long.clone(),
    };
    let body = parsed(&CfnResponse::failed(&address, id(&"\"".repeat(1_024)), "no", FUNCTION));
    assert_eq!(body["Reason"], "no");
}

#[test]
fn an_id_is_never_empty_or_over_a_kilobyte() {
    assert!(PhysicalId::new("").is_err());
    assert!(PhysicalId::new("x".repeat(1_024)).is_ok());
    assert!(PhysicalId::new("x".repeat(1_025)).is_err());
    assert!(PhysicalId::new("é".repeat(513)).is_err());
    assert!(PhysicalId::new("a\nb").is_err());
}

#[test]
fn a_usable_id_of_the_event_is_kept() {
    assert_eq!(PhysicalId::or(Some("old"), id("fallback")), id("old"));
    assert_eq!(PhysicalId::or(Some(""), id("fallback")), id("fallback"));
    assert_eq!(PhysicalId::or(None, id("fallback")), id("fallback"));
}

#[test]
fn an_unusable_id_does_not_hide_the_next_one() {
    let long = "x".repeat(1_025);
    for unusable in ["", &long, "a\nb"] {
        let first = PhysicalId::first_of([Some(unusable), Some("environment")], id("fallback"));
        assert_eq!(first, id("environment"), "{unusable:?}");
    }
    assert_eq!(PhysicalId::first_of([Some("event"), Some("environment")], id("fallback")), id("event"));
    assert_eq!(PhysicalId::first_of([Some(""), None], id("fallback")), id("fallback"));
}

fn difficult_text() -> impl Strategy<Value = String> {
    let repeated = (any::<String>(), 1_usize..60).prop_map(|(text, times)| text.repeat(times));
    prop_oneof![any::<String>(), "[\\x00-\\x1f\"\\\\é€😀a-z]{0,3000}", repeated]
}

fn any_address() -> impl Strategy<Value = ResponseAddress> {
    ("[ -~é]{0,250}", "[ -~]{0,128}", "[ -~]{0,250}").prop_map(|(stack_id, request_id, logical_id)| ResponseAddress {
        response_url: None,
        stack_id,
        request_id,
        logical_id,
    })
}

proptest! {
    #[test]
    fn any_response_parses_fits_and_repeats_the_ids(
        address in any_address(),
        physical in "[!-~]{1,1024}",
        reason in difficult_text(),
        data in proptest::collection::btree_map("[A-Za-z]{1,20}", difficult_text(), 0..4),
        failed: bool,
    ) {
        let response = if failed {
            CfnResponse::failed(&address, id(&physical), reason, FUNCTION)
        } else {
            CfnResponse::success(&address, id(&physical), data)
        };
        let body = parsed(&response);
        prop_assert_eq!(&body["PhysicalResourceId"], &physical);
        prop_assert_eq!(&body["StackId"], &address.stack_id);
        prop_assert_eq!(&body["RequestId"], &address.request_id);
        prop_assert_eq!(&body["LogicalResourceId"], &address.logical_id);
        prop_assert!(body["Status"] == "SUCCESS" || !body["Reason"].as_str().unwrap().is_empty());
        let reason = body["Reason"].as_str().unwrap_or_default();
        prop_assert!(reason.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\n')), "{}", reason);
        prop_assert!(body.as_object().unwrap().values().all(|value| !value.is_null()));
        if body["Status"] == "SUCCESS" {
            prop_assert_eq!(body.get("Data").is_none(), response.data.is_empty());
        }
    }
}

#[test]
fn a_shortened_reason_keeps_the_guidance_for_the_operator() {
    for runbook in Runbook::ALL {
        let anchor = format!("Runbook: infra/OPERATIONS.md#{}", runbook.anchor());
        for length in [0, 10, 900, 1_000, 3_000, 9_000] {
            let reason = Reason::with_runbook("x".repeat(length), runbook);
            let response = CfnResponse::failed(&address(), id("env-dev"), reason, FUNCTION);
            let reason = parsed(&response)["Reason"].as_str().unwrap().to_owned();
            assert!(reason.ends_with(&anchor), "{reason}");
            for part in [
                " Function: scalable-ec2-reconciler.",
                " Log group: /aws/lambda/scalable-ec2-reconciler.",
                " First command: aws logs filter-log-events --log-group-name /aws/lambda/scalable-ec2-reconciler --filter-pattern ",
            ] {
                assert!(reason.contains(part), "{part} is missing: {reason}");
            }
            assert!(response.short_reason(1_000).ends_with(&anchor));
            assert!(response.short_reason(1_000).chars().count() <= 1_000);
        }
    }
}

#[test]
fn a_reason_for_the_stack_author_has_no_guidance() {
    let response = CfnResponse::failed(&address(), id("env-dev"), "MinSize is 9", FUNCTION);
    assert_eq!(response.reason(), "MinSize is 9");
}

/// The records keep responses in this form. A version that cannot read it builds a second response to the same request.
#[test]
fn the_stored_form_of_a_response_does_not_change() {
    let address = json!({ "stack_id": address().stack_id, "request_id": address().request_id, "logical_id": address().logical_id });
    let stored = |fields: Value| {
        let mut form = address.clone();
        form.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        form
    };
    let success = CfnResponse::success(&super::tests::address(), id("env-dev"), data(&[("VpcId", "vpc-1")]));
    assert_eq!(
        serde_json::to_value(&success).unwrap(),
        stored(json!({
            "status": "SUCCESS", "message": "", "guidance": "", "physical_id": "env-dev", "data": { "VpcId": "vpc-1" },
        }))
    );
    let failed = CfnResponse::failed(&super::tests::address(), id("env-dev"), "MinSize is 9", FUNCTION);
    assert_eq!(
        serde_json::to_value(&failed).unwrap(),
        stored(json!({
            "status": "FAILED", "message": "MinSize is 9", "guidance": "", "physical_id": "env-dev", "data": {},
        }))
    );
}

#[test]
fn a_stored_response_has_the_same_body() {
    let reason = Reason::with_runbook("x".repeat(9_000), Runbook::CallRejected);
    let data = data(&[("VpcId", "vpc-1"), ("Name", "größe \"1\"\n")]);
    for response in [
        CfnResponse::success(&address(), id("env-dev"), data),
        CfnResponse::failed(&address(), id("env-dev"), reason, FUNCTION),
    ] {
        let stored: CfnResponse = serde_json::from_str(&serde_json::to_string(&response).unwrap()).unwrap();
        assert_eq!((stored.body(), stored), (response.body(), response));
    }
}

#[test]
fn a_success_with_too_much_data_is_a_failure_from_its_construction() {
    let response = CfnResponse::success(&address(), id("env-dev"), data(&[("Text", &"d".repeat(5_000))]));
    assert_eq!(response.status(), Status::Failed);
    assert_eq!(response.reason(), parsed(&response)["Reason"]);
}
