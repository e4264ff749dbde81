use super::*;
use serde_json::json;

/// What no `Value` can hold, although it is JSON, and what is said of it.
fn unreadable() -> [(String, &'static str); 4] {
    [
        (format!("{}{}", "[".repeat(200), "]".repeat(200)), "recursion limit exceeded at line 1 column"),
        ("1e999".to_owned(), "number out of range at line 1 column"),
        (r#""\ud83d""#.to_owned(), "hex escape at line 1 column"),
        (r#"{"\ud83d":1}"#.to_owned(), "hex escape at line 1 column"),
    ]
}

#[test]
fn a_readable_event_is_read_as_it_is() {
    let event = json!({ "RequestType": "Create", "ResourceProperties": { "Tags": [1, null, "\u{1f600}"] } });
    assert_eq!(read_event(&event.to_string()).unwrap(), event);
}

#[test]
fn of_an_event_that_no_value_can_hold_the_strings_at_its_top_are_kept() {
    for (what, reason) in unreadable() {
        let text = format!(
            r#" {{"ResponseURL":"https://host/?a=\u0062","StackId":"stack","Old":{what},"ServiceTimeout":60,
                  "LogicalResourceId":"Web","ResourceProperties":{{"Deep":[{what},{{"x":{what}}}]}},"RequestType":"Create"}} "#
        );
        let unreadable = read_event(&text).unwrap_err();
        assert!(unreadable.reason.contains(reason), "{what}: {}", unreadable.reason);
        let rest = json!({
            "ResponseURL": "https://host/?a=b", "StackId": "stack", "LogicalResourceId": "Web", "RequestType": "Create",
        });
        assert_eq!(unreadable.rest, rest);
        let told = unreadable.to_string();
        assert!(told.starts_with("The request can't be read: ") && told.contains("127 levels"), "{told}");
        assert!(!format!("{unreadable:?} {told}").contains("host"), "the address is a secret");
    }
}

#[test]
fn a_name_or_an_id_that_cannot_be_read_is_left_out_and_the_last_of_two_counts() {
    let text = r#"{"\ud83d":"x","StackId":"\ud83d","RequestId":"first","RequestId":"last"}"#;
    assert_eq!(read_event(text).unwrap_err().rest, json!({ "RequestId": "last" }));
}

#[test]
fn of_what_is_no_object_nothing_is_kept() {
    for text in ["", "no JSON", r#"["ResponseURL"]"#, r#"{"RequestType":"Create""#, "1e999"] {
        if let Err(unreadable) = read_event(text) {
            assert_eq!(unreadable.rest, json!({}), "{text}");
        }
    }
}

#[test]
fn a_value_may_have_as_many_levels_as_is_said() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(read_event(&nested(127)).is_ok());
    assert!(read_event(&nested(128)).is_err());
}

#[test]
fn a_member_is_found_beside_whatever_there_is() {
    for (what, _) in unreadable() {
        let text = format!(r#"{{"a":{what},"request\u0050ayload": {{"x":{what}}} ,"b":1}}"#);
        assert_eq!(member(&text, "requestPayload"), Some(format!(r#"{{"x":{what}}}"#).as_str()));
        assert_eq!(member(&text, "x"), None, "it is not at the top");
    }
    assert_eq!((member("[1]", "a"), member("no JSON", "a")), (None, None));
}
