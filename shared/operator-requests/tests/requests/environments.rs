//! The operator requests `list` and `inventory`, and the status of a deleted environment.
#![allow(clippy::expect_used, reason = "a test stops at invalid test data")]

use crate::common::{BlockOn as _, InlineHandler, handler, sample, send, succeeded, with};
use environment::Kind;
use request_pass::CloudFactory as _;
use requests::records::{DesiredRecord, LatestRequest, MemoryRecords};
use requests::{Owner, Records as _, Request, time_text};
use serde_json::{Value, json};

const ENVIRONMENT: &str = "scalable-ec2-us-west-2-dev";

fn error(result: &Value) -> &str {
    result["Error"].as_str().unwrap_or_else(|| panic!("{result}"))
}

fn text(result: &Value) -> &str {
    result["Text"].as_str().unwrap_or_else(|| panic!("{result}"))
}

fn created() -> InlineHandler {
    let handler = handler();
    succeeded(&handler, sample("create.json"));
    handler
}

/// A Create of the environment with this suffix, by a resource of its own.
fn create(suffix: &str) -> Value {
    let properties = json!({ "EnvironmentSuffix": suffix });
    with(sample("create.json"), json!({ "LogicalResourceId": suffix, "ResourceProperties": properties }))
}

#[test]
fn the_list_shows_each_environment_with_its_owner_and_its_state() {
    let handler = handler();
    let empty = send(&handler, sample("list.json"));
    assert_eq!((&empty["Environments"], text(&empty)), (&json!([]), "There is no environment."));

    succeeded(&handler, sample("create.json"));
    succeeded(&handler, create("gone"));
    succeeded(&handler, with(create("gone"), json!({ "RequestType": "Delete" })));
    handler
        .cloud_factory
        .account
        .faults
        .borrow_mut()
        .insert(handler.cloud_factory.write_count() + 5, memory_cloud::Fault::Denied);
    send(&handler, create("half"));
    succeeded(&handler, create("late"));
    let (update, now_ms) = (with(create("late"), json!({ "RequestType": "Update" })), handler.cloud_factory.now().0);
    let update = Request::read(&update, now_ms).expect("a valid request");
    handler.records.record_request(&update.owner(), LatestRequest::of_request(&update)).block_on();

    let list = send(&handler, sample("list.json"));
    let all = list["Environments"].as_array().expect("a list");
    let states: Vec<(&str, &str)> = all
        .iter()
        .map(|it| (it["Environment"].as_str().unwrap_or_default(), it["State"].as_str().unwrap_or_default()))
        .collect();
    let expected = [
        (ENVIRONMENT, "settled"),
        ("scalable-ec2-us-west-2-gone", "deleted"),
        ("scalable-ec2-us-west-2-half", "failed"),
        ("scalable-ec2-us-west-2-late", "in-progress"),
    ];
    assert_eq!(states, expected);
    assert_eq!(list["Next"], Value::Null);
    let stack = &sample("create.json")["StackId"];
    assert_eq!((&all[0]["Stack"], &all[0]["LogicalResourceId"]), (stack, &json!("Web")));
    assert!(all[1]["Deleted"].as_str().is_some_and(|it| it.starts_with("2026-01-02T03:")), "{list}");
    assert!(all[2]["Reason"].as_str().is_some_and(|it| it.contains("access denied")), "{list}");
    assert_eq!((&all[3]["Request"], &all[3]["Since"]), (&json!("Update"), &json!(time_text(now_ms))));
    let lines: Vec<&str> = text(&list).lines().collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines[0].starts_with(&format!("{ENVIRONMENT}: settled; Web of arn:aws:cloudformation:")), "{lines:?}");
    assert!(lines[3].contains(&format!(": Update in progress since {}; late of ", time_text(now_ms))), "{lines:?}");
}

#[test]
fn the_list_has_pages_of_25_and_takes_no_other_token() {
    let handler = handler();
    for number in 0..60 {
        let owner = Owner::of("stack", &number.to_string());
        let desired = DesiredRecord {
            environment: format!("scalable-ec2-us-west-2-e{number:02}"),
            spec: json!({}),
            frozen: json!({}),
            retired_tags: vec![],
            keeps_unlock: false,
        };
        handler.records.save_desired(&owner, desired).block_on();
    }
    let (mut names, mut sizes, mut request) = (Vec::new(), Vec::new(), sample("list.json"));
    loop {
        let page = send(&handler, request);
        let all = page["Environments"].as_array().expect("a list");
        sizes.push(all.len());
        names.extend(all.iter().map(|it| it["Environment"].as_str().unwrap_or_default().to_owned()));
        let Some(next) = page["Next"].as_str() else { break };
        let more = format!(r#"add "After":"{next}" to the request. To see all, run: envkeeper list"#);
        assert!(text(&page).ends_with(&more), "{page}");
        request = json!({ "Request": "list", "After": next });
    }
    assert_eq!(sizes, [25, 25, 10]);
    assert!(names.is_sorted() && names.len() == 60, "{names:?}");
    for invalid in [json!("e24"), json!(25), json!(null), json!("scalable-ec2-us-west-2-e24#"), json!("")] {
        let result = send(&handler, json!({ "Request": "list", "After": invalid }));
        assert!(
            error(&result).starts_with("After is ") && error(&result).contains("valid is the text Next"),
            "{result}"
        );
    }
}

#[test]
fn an_inventory_names_every_resource_that_exists_and_every_kind_that_was_observed() {
    let handler = created();
    let account = &handler.cloud_factory.account;
    let copied = account.inventory().into_iter().find(|it| it.kind() == Kind::Vpc).expect("a VPC");
    let copy = account.plant(copied);
    let result = send(&handler, sample("inventory.json"));
    let all = result["Resources"].as_array().expect("a list");
    assert_eq!(all.len(), account.inventory().len(), "{result}");
    let unproven: Vec<&Value> = all.iter().filter(|it| it["Ownership"] != "owned").collect();
    assert_eq!(
        unproven,
        [&json!({ "Kind": "vpc", "Name": copy, "Id": null, "Ownership": "unproven", "Reason": null })]
    );
    assert_eq!(result["ObservedKinds"].as_array().map(Vec::len), Some(Kind::ALL.len()));
    assert_eq!((&result["NothingLeft"], &result["Deleted"]), (&json!(false), &Value::Null));
    let lines: Vec<&str> = text(&result).lines().collect();
    assert_eq!(lines[0], format!("{ENVIRONMENT} has {} resources.", all.len()));
    assert_eq!(lines.len(), all.len() + 2);
    assert!(lines.last().is_some_and(|it| it.starts_with("Observed: every vpc, internet-gateway, ")), "{lines:?}");
    let group = "  auto-scaling-group scalable-ec2-asg-uswest2-dev";
    assert!(lines.iter().any(|it| it.starts_with(group) && it.ends_with(": owned")), "{lines:?}");
}

#[test]
fn the_inventory_of_a_deleted_environment_proves_that_nothing_is_left_but_its_retained_buckets() {
    let handler = handler();
    let retains = json!({ "ResourceProperties": { "BucketOnDelete": "Retain" } });
    succeeded(&handler, with(sample("create.json"), retains));
    succeeded(&handler, sample("delete.json"));
    let result = send(&handler, sample("inventory.json"));
    let retained: Vec<(&Value, &Value)> =
        result["Resources"].as_array().expect("a list").iter().map(|it| (&it["Kind"], &it["Ownership"])).collect();
    assert_eq!(retained, [(&json!("bucket"), &json!("retained")); 2]);
    assert_eq!(result["NothingLeft"], true);
    assert!(result["Deleted"].is_string(), "{result}");
    let first = text(&result).lines().next().unwrap_or_default();
    assert!(first.starts_with(&format!("{ENVIRONMENT} was deleted at 2026-01-02T03:")), "{first}");
    assert!(first.ends_with(", and nothing of it is left."), "{first}");
    assert_eq!(text(&result).matches(": retained").count(), 2);
}

#[test]
fn an_inventory_finds_what_a_lost_record_and_a_wrong_delete_leave() {
    let mut handler = created();
    let named = json!({ "StackId": sample("create.json")["StackId"], "LogicalResourceId": "Web" });
    let unknown = with(sample("inventory.json"), json!({ "Environment": "scalable-ec2-us-west-2-never" }));
    let result = send(&handler, unknown);
    assert!(error(&result).ends_with("Name its former owner by StackId and LogicalResourceId."), "{result}");
    let owner = Owner::of(named["StackId"].as_str().expect("an id"), "Web");
    handler.records.release(ENVIRONMENT, &owner).block_on();
    handler.records.mark_deleted(&owner, 1_767_323_045_000).block_on();
    let result = send(&handler, sample("inventory.json"));
    let all = handler.cloud_factory.account.inventory().len();
    let first = format!("{ENVIRONMENT} was deleted at 2026-01-02T03:04:05Z, and {all} of its resources are left.");
    assert_eq!((text(&result).lines().next(), &result["NothingLeft"]), (Some(first.as_str()), &json!(false)));
    handler.records = MemoryRecords::new();
    let result = send(&handler, with(sample("inventory.json"), named));
    assert_eq!(result["Resources"].as_array().map(Vec::len), Some(all), "{result}");
    assert_eq!(text(&result).lines().next(), Some(format!("{ENVIRONMENT} has {all} resources.").as_str()));
}

#[test]
fn the_status_of_a_deleted_environment_says_so_as_long_as_its_record_exists() {
    let handler = created();
    succeeded(&handler, sample("delete.json"));
    let result = send(&handler, sample("status.json"));
    assert_eq!((&result["State"], &result["Responses"][0]["Kind"]), (&json!("deleted"), &json!("Delete")), "{result}");
    assert!(result["Deleted"].as_str().is_some_and(|it| it.starts_with("2026-01-02T03:")), "{result}");
    let first = text(&result).lines().next().unwrap_or_default();
    assert!(first.starts_with(&format!("{ENVIRONMENT} was deleted at 2026-01-02T03:")), "{first}");
    // Another stack takes the name: the present environment comes first.
    let stack = "arn:aws:cloudformation:us-west-2:123456789012:stack/next/0a1b2c3d";
    succeeded(&handler, with(sample("create.json"), json!({ "StackId": stack, "RequestId": "next" })));
    let result = send(&handler, sample("status.json"));
    assert_eq!((&result["State"], &result["Deleted"]), (&json!("settled"), &Value::Null), "{result}");
    let list = send(&handler, sample("list.json"));
    let mut states: Vec<&Value> =
        list["Environments"].as_array().expect("a list").iter().map(|it| &it["State"]).collect();
    states.sort_by_key(ToString::to_string);
    assert_eq!(states, ["deleted", "settled"]);
}
