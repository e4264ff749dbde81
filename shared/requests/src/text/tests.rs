use super::*;
use serde_json::json;

/// JSON that no `Value` can hold, and the error of the parser.
fn unreadable() -> [(String, &'static str); 4] {
    [
        (format!("{}{}", "[".repeat(200), "]".repeat(200)), "recursion limit exceeded at line 1 column"),
        ("1e999".to_owned(), "number out of range at line 1 column"),
        (r#""\ud83d""#.to_owned(), "hex escape at line 1 column"),
        (r#"{"\ud83d":1}"#.to_owned(), "hex escape at line 1 column"),
    ]
}

#[test]
fn a_readable_event_is_read_unchanged() {
    let event = json!({ "RequestType": "Create", "ResourceProperties": { "Tags": [1, null, "\u{1f600}"] } });
    assert_eq!(read_event(&event.to_string()).unwrap(), event);
}

#[test]
fn the_top_level_strings_of_an_event_that_no_value_can_hold_are_kept() {
    for (json, reason) in unreadable() {
        let text = format!(
            r#" {{"ResponseURL":"https://host/?a=\u0062","StackId":"stack","Old":{json},"ServiceTimeout":60,
                  "LogicalResourceId":"Web","ResourceProperties":{{"Deep":[{json},{{"x":{json}}}]}},"RequestType":"Create"}} "#
        );
        let unreadable = read_event(&text).unwrap_err();
        assert!(unreadable.reason.contains(reason), "{json}: {}", unreadable.reason);
        let strings = json!({
            "ResponseURL": "https://host/?a=b", "StackId": "stack", "LogicalResourceId": "Web", "RequestType": "Create",
        });
        assert_eq!(unreadable.readable_fields, strings);
        let error = unreadable.to_string();
        assert!(error.starts_with("The request can't be read: ") && error.contains("127 levels"), "{error}");
        assert!(!format!("{unreadable:?} {error}").contains("host"), "the address is a secret");
    }
}

#[test]
fn an_unreadable_name_or_id_is_omitted_and_the_last_of_two_members_counts() {
    let text = r#"{"\ud83d":"x","StackId":"\ud83d","RequestId":"first","RequestId":"last"}"#;
    assert_eq!(read_event(text).unwrap_err().readable_fields, json!({ "RequestId": "last" }));
}

#[test]
fn a_text_that_is_not_an_object_has_no_readable_fields() {
    for text in ["", "no JSON", r#"["ResponseURL"]"#, r#"{"RequestType":"Create""#, "1e999"] {
        if let Err(unreadable) = read_event(text) {
            assert_eq!(unreadable.readable_fields, json!({}), "{text}");
        }
    }
}

#[test]
fn a_value_may_have_as_many_levels_as_the_error_says() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(read_event(&nested(127)).is_ok());
    assert!(read_event(&nested(128)).is_err());
}

#[test]
fn a_member_is_found_next_to_unreadable_members() {
    for (json, _) in unreadable() {
        let text = format!(r#"{{"a":{json},"request\u0050ayload": {{"x":{json}}} ,"b":1}}"#);
        assert_eq!(member(&text, "requestPayload"), Some(format!(r#"{{"x":{json}}}"#).as_str()));
        assert_eq!(member(&text, "x"), None, "x is not at the top level");
    }
    assert_eq!((member("[1]", "a"), member("no JSON", "a")), (None, None));
}
