use super::*;
use proptest::prelude::*;
use serde_json::json;

/// 2026-01-02T03:04:05Z.
const SENT_MS: u64 = 1_767_323_045_000;
const HOST: &str = "https://cloudformation-custom-resource-response-uswest2.s3.us-west-2.amazonaws.com/x";

fn create() -> Value {
    json!({
        "RequestType": "Create",
        "ResponseURL": format!("{HOST}?X-Amz-Date=20260102T030405Z&X-Amz-Expires=7200&X-Amz-Signature=not-a-real-one"),
        "StackId": "arn:aws:cloudformation:us-west-2:111122223333:stack/web/0a1b2c3d",
        "RequestId": "7c2f0e9a",
        "LogicalResourceId": "Web",
        "ResourceType": "Custom::ScalableEnvironment",
        "ResourceProperties": { "EnvironmentSuffix": "dev", "MinSize": "2" },
    })
}

fn with(changes: Value) -> Value {
    let mut event = create();
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    event.as_object_mut().unwrap().extend(changes);
    event
}

fn without(field: &str) -> Value {
    let mut event = create();
    event.as_object_mut().unwrap().remove(field);
    event
}

fn faults(event: &Value) -> Vec<String> {
    let malformed = Event::parse(event, SENT_MS).unwrap_err();
    malformed.violations.iter().map(Violation::to_string).collect()
}

#[test]
fn a_create_is_read_whole() {
    let event = Event::parse(&create(), SENT_MS + 2_000).unwrap();
    assert_eq!(event.kind, Kind::Create);
    assert_eq!((event.request_id.as_str(), event.logical_id.as_str()), ("7c2f0e9a", "Web"));
    assert_eq!(event.resource_type, "Custom::ScalableEnvironment");
    assert_eq!(event.properties["MinSize"], "2");
    assert_eq!((event.physical_id, event.old_properties, event.service_timeout), (None, None, None));
    assert_eq!(event.sent_ms, SENT_MS);
    assert_eq!(event.deadline_ms, SENT_MS + 3_480_000);
}

#[test]
fn an_update_has_its_id_and_the_old_properties() {
    let event = with(json!({
        "RequestType": "Update", "PhysicalResourceId": "env-dev", "OldResourceProperties": { "MinSize": "1" },
    }));
    let event = Event::parse(&event, SENT_MS).unwrap();
    assert_eq!(event.physical_id.as_deref(), Some("env-dev"));
    assert_eq!(event.old_properties.unwrap()["MinSize"], "1");
}

#[test]
fn the_address_is_read_from_any_json() {
    let address = ResponseAddress::of(&create());
    assert_eq!(address.logical_id, "Web");
    assert_eq!(address.response_url.as_deref(), create()["ResponseURL"].as_str());
    for other in [json!({}), json!([1]), json!(null), json!("x"), json!({ "StackId": 7, "ResponseURL": null })] {
        assert_eq!(ResponseAddress::of(&other), ResponseAddress::default(), "{other}");
    }
}

#[test]
fn an_address_does_not_show_its_url() {
    let shown = format!("{:?}", ResponseAddress::of(&create()));
    assert!(shown.contains("hidden") && shown.contains("Web"), "{shown}");
    assert!(!shown.contains("https") && !shown.contains("X-Amz"), "{shown}");
}

#[test]
fn an_unknown_request_type_is_named_with_the_valid_ones() {
    for word in ["Import", "create", "DELETE"] {
        let faults = faults(&with(json!({ "RequestType": word })));
        assert_eq!(faults, [format!("RequestType is \"{word}\", valid is Create, Update or Delete")]);
    }
    for other in ["", " Create"] {
        let expected =
            format!("RequestType is a string of {} characters, valid is Create, Update or Delete", other.len());
        assert_eq!(faults(&with(json!({ "RequestType": other }))), [expected]);
    }
    assert_eq!(faults(&with(json!({ "RequestType": null }))).len(), 1);
}

#[test]
fn all_faults_are_reported_at_once() {
    let event = json!({ "RequestType": "Update", "StackId": 7, "ResourceProperties": null, "ServiceTimeout": "0" });
    let malformed = Event::parse(&event, SENT_MS).unwrap_err();
    assert_eq!(
        malformed.to_string(),
        "The request can't be read: \
         StackId is a number, valid is a string of 1 to 600 bytes without control characters; \
         LogicalResourceId is missing, valid is a string of 1 to 255 bytes without control characters; \
         ResourceProperties is null, valid is an object; \
         ServiceTimeout is \"0\", valid is a whole number of seconds from 1 to 3600."
    );
    assert_eq!(faults(&json!("not an object")).len(), 3);
}

#[test]
fn a_missing_field_is_a_fault_only_if_it_is_required() {
    for field in ["RequestType", "StackId", "LogicalResourceId", "ResourceProperties"] {
        assert_eq!(faults(&without(field)).len(), 1, "{field}");
    }
    for field in ["ResponseURL", "RequestId", "ResourceType"] {
        assert!(Event::parse(&without(field), SENT_MS).is_ok(), "{field}");
    }
}

#[test]
fn ids_with_control_characters_are_rejected() {
    for id in ["", "a\nb", "a\0"] {
        assert_eq!(faults(&with(json!({ "LogicalResourceId": id, "StackId": id }))).len(), 2, "{id:?}");
    }
}

#[test]
fn a_delete_needs_only_its_ids() {
    for properties in [json!(null), json!([]), json!("x"), json!({ "ServiceTimeout": "soon" })] {
        let event = with(json!({
            "RequestType": "Delete", "ResourceProperties": properties, "ServiceTimeout": {}, "PhysicalResourceId": 7,
        }));
        let event = Event::parse(&event, SENT_MS).unwrap();
        assert_eq!((event.service_timeout, event.physical_id), (None, None));
    }
    let mut bare = without("ResourceProperties");
    bare["RequestType"] = json!("Delete");
    assert!(Event::parse(&bare, SENT_MS).unwrap().properties.is_empty());
}

#[test]
fn a_repair_is_no_event_of_cloudformation_and_needs_only_its_ids() {
    let repair = json!({ "RequestType": "Repair", "StackId": "s", "LogicalResourceId": "l", "ServiceTimeout": "60" });
    assert_eq!(faults(&repair)[0], "RequestType is \"Repair\", valid is Create, Update or Delete");
    let event = Event::parse_recorded(&repair, SENT_MS).unwrap();
    assert_eq!((event.kind, event.properties.len(), event.sent_ms), (Kind::Repair, 0, SENT_MS));
    let of_cloudformation = Event::parse_recorded(&create(), SENT_MS);
    assert_eq!(of_cloudformation, Event::parse(&create(), SENT_MS));
    let unknown = Event::parse_recorded(&with(json!({ "RequestType": "Import" })), SENT_MS).unwrap_err();
    assert_eq!(unknown.violations[0].valid, "Create, Update, Delete or Repair");
}

#[test]
fn no_fault_and_no_debug_text_repeats_a_value() {
    let secret = "hunter2-correct-horse";
    for field in ["RequestType", "StackId", "LogicalResourceId", "ResourceProperties", "ServiceTimeout"] {
        for value in [json!(secret), json!([secret]), json!({ "a": secret }), json!(secret.repeat(20_000))] {
            let event = with(json!({ field: value }));
            let parsed = Event::parse(&event, SENT_MS);
            let text = parsed.as_ref().err().map(|it| format!("{it} {it:?}")).unwrap_or_default();
            assert!(!text.contains("hunter2"), "{field}: {text}");
        }
    }
    let event = with(
        json!({ "ResourceProperties": { "UserDataScript": secret, secret: 1 }, "OldResourceProperties": { "UserDataScript": secret } }),
    );
    assert!(!format!("{:?}", Event::parse(&event, SENT_MS).unwrap()).contains("hunter2"));
}

#[test]
fn a_field_that_is_longer_than_cloudformations_is_a_fault() {
    let bounds = [
        ("StackId", 600),
        ("LogicalResourceId", 255),
        ("RequestId", 128),
        ("ResourceType", 256),
        ("ResponseURL", 8_192),
    ];
    for (field, bytes) in bounds {
        for kind in ["Update", "Delete"] {
            let of_length = |bytes: usize| with(json!({ "RequestType": kind, field: "x".repeat(bytes) }));
            assert!(Event::parse(&of_length(bytes), SENT_MS).is_ok(), "{field}");
            for longer in [bytes + 1, 450_000] {
                let faults = faults(&of_length(longer));
                assert_eq!(faults.len(), 1, "{field}");
                assert!(faults[0].starts_with(&format!("{field} is a string of {longer} characters, valid is a")));
            }
        }
    }
}

#[test]
fn a_physical_id_that_is_longer_than_cloudformations_is_ignored() {
    let read = |bytes: usize| {
        let event = with(json!({ "RequestType": "Delete", "PhysicalResourceId": "x".repeat(bytes) }));
        Event::parse(&event, SENT_MS).unwrap().physical_id
    };
    assert_eq!((read(1_024).map(|id| id.len()), read(1_025), read(450_000)), (Some(1_024), None, None));
}

#[test]
fn a_time_that_is_far_ahead_or_behind_never_overflows() {
    for now_ms in [0, 1, SENT_MS, u64::MAX - 1, u64::MAX] {
        for url in [
            "x",
            "https://h/?X-Amz-Date=99991231T235959Z&X-Amz-Expires=4294967295",
            "https://h/?Expires=0",
            "https://h/?X-Amz-Date=19700101T000000Z&X-Amz-Expires=0",
            "https://h/?Expires=4294967295",
        ] {
            let event = Event::parse(&with(json!({ "ResponseURL": url })), now_ms).unwrap();
            assert!(event.sent_ms <= now_ms.saturating_add(900_000), "{url}");
            assert!(event.deadline_ms >= event.sent_ms && event.deadline_ms - event.sent_ms <= 3_600_000, "{url}");
        }
    }
}

#[test]
fn the_timeout_is_read_from_the_top_level_or_the_properties() {
    let read = |changes| Event::parse(&with(changes), SENT_MS).map(|event| event.service_timeout);
    for value in [json!(60), json!("60")] {
        assert_eq!(read(json!({ "ServiceTimeout": value })), Ok(Some(60)));
        assert_eq!(read(json!({ "ResourceProperties": { "ServiceTimeout": value } })), Ok(Some(60)));
    }
    let both = json!({ "ServiceTimeout": "60", "ResourceProperties": { "ServiceTimeout": "90" } });
    assert_eq!(read(both), Ok(Some(60)));
    for value in [
        json!(0),
        json!(3_601),
        json!(-1),
        json!(1.5),
        json!("1.5"),
        json!("+60"),
        json!(" 60"),
        json!(""),
        json!(null),
    ] {
        assert!(read(json!({ "ServiceTimeout": value })).is_err(), "{value}");
    }
}

fn deadline(url: &str, timeout: Option<u32>, now_ms: u64) -> (u64, u64) {
    let mut event = with(json!({ "ResponseURL": url }));
    if let Some(timeout) = timeout {
        event["ServiceTimeout"] = json!(timeout);
    }
    let event = Event::parse(&event, now_ms).unwrap();
    (event.sent_ms, event.deadline_ms)
}

#[test]
fn the_deadline_counts_from_the_signature_and_not_from_the_arrival() {
    let v4 = format!("{HOST}?X-Amz-Expires=7200&X-Amz-Date=20260102T030405Z&z=1");
    let v2 = format!("{HOST}?AWSAccessKeyId=none&Expires={}&Signature=x", SENT_MS / 1_000 + 7_200);
    for url in [v4, v2] {
        for late in [0, 60_000, 21_600_000] {
            assert_eq!(deadline(&url, None, SENT_MS + late), (SENT_MS, SENT_MS + 3_480_000), "{url}");
        }
    }
}

#[test]
fn a_signature_of_version_2_that_ends_in_an_hour_is_of_a_new_request() {
    let url = format!("{HOST}?AWSAccessKeyId=none&Expires={}&Signature=x", SENT_MS / 1_000 + 3_600);
    for late in [0, 60_000, 900_000] {
        assert_eq!(deadline(&url, None, SENT_MS + late), (SENT_MS, SENT_MS + 3_480_000), "{late}");
    }
}

#[test]
fn the_deadline_is_before_the_shorter_of_the_timeout_and_the_url() {
    let url = |expires: u32| format!("{HOST}?X-Amz-Date=20260102T030405Z&X-Amz-Expires={expires}");
    assert_eq!(deadline(&url(7_200), Some(1_800), SENT_MS).1, SENT_MS + 1_680_000);
    assert_eq!(deadline(&url(900), Some(1_800), SENT_MS).1, SENT_MS + 780_000);
    // a quarter of a short timeout
    assert_eq!(deadline(&url(7_200), Some(480), SENT_MS).1, SENT_MS + 360_000);
    assert_eq!(deadline(&url(7_200), Some(40), SENT_MS).1, SENT_MS + 30_000);
    assert_eq!(deadline(&url(7_200), Some(1), SENT_MS).1, SENT_MS + 750);
    assert_eq!(deadline(&url(0), None, SENT_MS).1, SENT_MS);
}

#[test]
fn without_a_usable_signature_the_request_was_sent_now() {
    for query in [
        "",
        "?",
        "?X-Amz-Date=",
        "?X-Amz-Date=2026-01-02",
        "?X-Amz-Date=20261302T030405Z&X-Amz-Expires=7200",
        "?X-Amz-Date=20260230T030405Z",
        "?X-Amz-Date=20260102T030405",
        "?X-Amz-Date=20260102T0304055Z",
        "?X-Amz-Date=2026010é030405Z",
        "?X-Amz-Date=20260102T030405Z&X-Amz-Expires=soon",
        "?x-amz-date=20260102T030405Z",
        "?Expires=99",
        "?Expires=-1",
        "?Expires=99999999999999999999",
        // a time more than 15 minutes ahead is not accepted: it would be the latest request for ever
        "?X-Amz-Date=20260102T032006Z",
        "?X-Amz-Date=99991231T235959Z",
    ] {
        let (sent, due) = deadline(&format!("{HOST}{query}"), None, SENT_MS);
        assert_eq!((sent, due), (SENT_MS, SENT_MS + 3_480_000), "{query}");
    }
    let slightly = deadline(&format!("{HOST}?X-Amz-Date=20260102T031905Z"), None, SENT_MS).0;
    assert_eq!(slightly, SENT_MS + 900_000);
}

#[test]
fn the_hash_covers_the_whole_event_and_ignores_the_order_of_keys() {
    let hash = request_hash(&create());
    assert_eq!(hash.len(), 64);
    let text = create().to_string();
    assert_eq!(request_hash(&serde_json::from_str(&text).unwrap()), hash);
    let unsorted = r#"{ "b": [1, {"y": "é\n", "x": null}], "a": 1.0 }"#;
    let sorted = r#"{"a":1.0,"b":[1,{"x":null,"y":"\u00e9\n"}]}"#;
    let of = |text: &str| request_hash(&serde_json::from_str(text).unwrap());
    assert_eq!(of(unsorted), of(sorted));
    assert_ne!(of("[[1],2]"), of("[1,[2]]"));
}

#[test]
fn a_change_of_any_field_changes_the_hash() {
    let hash = request_hash(&create());
    for field in create().as_object().unwrap().keys() {
        assert_ne!(request_hash(&with(json!({ field: "other" }))), hash, "{field}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop_oneof![Just("Create"), Just("Update"), Just("Delete")].prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-zA-Z]{0,9}", inner, 0..4)
                .prop_map(|map| Value::from(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn no_event_makes_the_reader_panic(
        values in proptest::collection::vec(any_json(), 11),
        url in "https://h/[?&=XAmzDateExpirs0-9TZ-]{0,60}",
        now: u64,
    ) {
        let fields = [
            "RequestType", "StackId", "LogicalResourceId", "RequestId", "ResourceType", "PhysicalResourceId",
            "ResourceProperties", "OldResourceProperties", "ServiceTimeout", "ResponseURL", "Other",
        ];
        let mut event: Map<_, _> = fields.iter().map(|field| (*field).to_owned()).zip(values).collect();
        event.insert("ResponseURL".to_owned(), url.into());
        let event = Value::from(event);
        let address = ResponseAddress::of(&event);
        prop_assert_eq!(address.response_url.as_deref(), event["ResponseURL"].as_str());
        let now = now % 253_402_300_799_000;
        if let Ok(event) = Event::parse(&event, now) {
            prop_assert!(event.sent_ms <= event.deadline_ms);
            prop_assert!(!event.stack_id.is_empty() && !event.logical_id.is_empty());
        }
    }
}
