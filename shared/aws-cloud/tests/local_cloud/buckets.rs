//! Buckets.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use aws_cloud::AwsCloud;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketLocationConstraint, BucketLoggingStatus, BucketVersioningStatus,
    CreateBucketConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging, VersioningConfiguration,
};
use environment::{
    Call, CallError, CallKind, Cloud, DesiredState, Kind, ObservedResource, Ownership, Proofs, Run, RunOutcome, Scope,
    Setting, Timestamp, mark, reconcile,
};
use futures_util::stream::{self, StreamExt};
use serde_json::json;

use crate::harness::{Harness, OWNER};
use crate::lifecycle::assert_observed;
use crate::parts::{config, desired, distinct, operations, repair};

const KEY: &str = "arn:aws:kms:us-west-2:123456789012:key/11111111-1111-1111-1111-111111111111";

const BUCKETS: [Kind; 1] = [Kind::Bucket];

#[tokio::test]
async fn both_buckets_are_created_and_every_field_is_observed() {
    let harness = Harness::start().await;
    let desired =
        desired(&harness, &BUCKETS, json!({ "EnvironmentSuffix": "dev", "KmsKeyArn": KEY, "Tags": { "Team": "a" } }))
            .await;
    let calls = repair(&harness, &desired).await;
    // The target of the access logs is ready before logging is turned on.
    let at = |call: &str| calls.iter().position(|it| it.starts_with(call)).expect("the call");
    assert!(at("s3:PutBucketPolicy") < at("s3:PutBucketLogging"));
    assert_eq!(operations(&calls).iter().filter(|it| **it == "s3:CreateBucket").count(), 2);
    assert_observed(&harness, &desired).await;
    harness.local.forget_calls();
    harness.observe().await;
    assert_eq!(harness.local.calls().iter().filter(|it| it.starts_with("s3:")).count(), 16);
}

#[tokio::test]
async fn drift_of_a_bucket_is_repaired() {
    let harness = Harness::start().await;
    let desired = desired(&harness, &BUCKETS, json!({ "EnvironmentSuffix": "dev", "KmsKeyArn": KEY })).await;
    harness.settle(&desired).await;
    let (s3, data) = (&harness.s3, harness.names().data_bucket().name);

    let half = PublicAccessBlockConfiguration::builder().block_public_acls(true).block_public_policy(true).build();
    let request = s3.put_public_access_block().bucket(&data).public_access_block_configuration(half);
    request.send().await.expect("half of it");
    let restore = String::from("s3:PutPublicAccessBlock (public-access-blocked: true)");
    assert_eq!(repair(&harness, &desired).await, [restore.as_str()]);
    s3.delete_public_access_block().bucket(&data).send().await.expect("none of it");
    assert_eq!(repair(&harness, &desired).await, [restore.as_str()]);

    let off = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
    s3.put_bucket_versioning().bucket(&data).versioning_configuration(off).send().await.expect("suspended");
    assert_eq!(repair(&harness, &desired).await, [String::from("s3:PutBucketVersioning (versioning: true)")]);

    let restore = format!("s3:PutBucketEncryption (encryption: {KEY})");
    s3.delete_bucket_encryption().bucket(&data).send().await.expect("S3's own keys");
    assert_eq!(repair(&harness, &desired).await, [restore.as_str()]);
    encrypt_with(&harness, &data, "arn:another").await;
    assert_eq!(repair(&harness, &desired).await, [restore.as_str()]);

    let off = BucketLoggingStatus::builder().build();
    s3.put_bucket_logging().bucket(&data).bucket_logging_status(off).send().await.expect("no logs");
    assert_eq!(distinct(&repair(&harness, &desired).await), ["s3:PutBucketLogging"].into());

    s3.delete_bucket_policy().bucket(&data).send().await.expect("no policy");
    assert_eq!(distinct(&repair(&harness, &desired).await), ["s3:PutBucketPolicy"].into());
    let policy = json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow",
        "Principal": { "AWS": "arn:aws:iam::123456789012:root" },
        "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{data}/*") } });
    s3.put_bucket_policy().bucket(&data).policy(policy.to_string()).send().await.expect("another policy");
    assert_eq!(distinct(&repair(&harness, &desired).await), ["s3:PutBucketPolicy"].into());
}

async fn encrypt_with(harness: &Harness, bucket: &str, key: &str) {
    let default = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::AwsKms);
    let default = default.kms_master_key_id(key).build().expect("a default");
    let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default);
    let rules = ServerSideEncryptionConfiguration::builder().rules(rule.bucket_key_enabled(true).build()).build();
    let request = harness.s3.put_bucket_encryption().bucket(bucket);
    request.server_side_encryption_configuration(rules.expect("rules")).send().await.expect("another key");
}

#[tokio::test]
async fn drift_of_the_expiry_of_objects_is_repaired() {
    let harness = Harness::start().await;
    let desired = desired(&harness, &BUCKETS, json!({ "EnvironmentSuffix": "dev" })).await;
    harness.settle(&desired).await;
    let (s3, logs, data) = (&harness.s3, harness.names().log_bucket().name, harness.names().data_bucket().name);
    let restore = String::from("s3:PutBucketLifecycleConfiguration (objects-expire-after-days: 30)");

    s3.delete_bucket_lifecycle().bucket(&logs).send().await.expect("no lifecycle rule");
    assert_eq!(repair(&harness, &desired).await, [restore.as_str()]);
    expire(&harness, &logs).await;
    assert_eq!(repair(&harness, &desired).await, [restore.as_str()]);
    // A lifecycle rule is foreign if the environment has none.
    expire(&harness, &data).await;
    assert_eq!(repair(&harness, &desired).await, [""; 0]);
}

async fn expire(harness: &Harness, bucket: &str) {
    let rule = LifecycleRule::builder()
        .id("foreign")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("a/").build())
        .expiration(LifecycleExpiration::builder().days(30).build())
        .build();
    let rules = BucketLifecycleConfiguration::builder().rules(rule.expect("a rule")).build().expect("rules");
    let request = harness.s3.put_bucket_lifecycle_configuration().bucket(bucket);
    request.lifecycle_configuration(rules).send().await.expect("another rule");
}

#[tokio::test]
async fn owned_tags_are_restored_and_foreign_tags_are_retained() {
    let harness = Harness::start().await;
    let properties = json!({ "EnvironmentSuffix": "dev", "Tags": { "Old": "b" } });
    harness.settle(&desired(&harness, &BUCKETS, properties).await).await;
    let data = harness.names().data_bucket().name;
    let mut tags = tags_of(&harness, &data).await;
    tags.retain(|(key, _)| key != "Project");
    tags.push(("Foreign".into(), "x".into()));
    tag(&harness, &data, &tags).await;

    let mut desired = desired(&harness, &BUCKETS, json!({ "EnvironmentSuffix": "dev" })).await;
    desired.retired_tags.insert("Old".into());
    let calls = repair(&harness, &desired).await;
    assert_eq!(distinct(&calls), ["s3:PutBucketTagging"].into());
    let tags = tags_of(&harness, &data).await;
    let value = |key: &str| tags.iter().find(|(it, _)| it == key).map(|(_, value)| value.as_str());
    assert_eq!((value("Project"), value("Foreign"), value("Old")), (Some("local-test"), Some("x"), None));
}

async fn tags_of(harness: &Harness, bucket: &str) -> Vec<(String, String)> {
    let response = harness.s3.get_bucket_tagging().bucket(bucket).send().await.expect("tags");
    response.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

async fn tag(harness: &Harness, bucket: &str, tags: &[(String, String)]) {
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build().expect("a tag")).collect();
    let tagging = Tagging::builder().set_tag_set(Some(tags)).build().expect("tags");
    harness.s3.put_bucket_tagging().bucket(bucket).tagging(tagging).send().await.expect("tagged");
}

#[tokio::test]
async fn a_create_rejects_a_bucket_without_an_ownership_mark_and_a_delete_ignores_it() {
    let harness = Harness::start().await;
    let desired = desired(&harness, &BUCKETS, json!({ "EnvironmentSuffix": "dev", "BucketOnDelete": "Empty" })).await;
    let data = harness.names().data_bucket();
    create(&harness.s3, &data.name).await;

    let (outcome, calls) = harness.run(&desired).await;
    let RunOutcome::Rejected { reasons } = outcome else { panic!("{outcome:?}") };
    assert!(
        reasons[0].starts_with(&format!("{data} exists and is not this environment's: it carries no")),
        "{reasons:?}"
    );
    assert_eq!(calls, [""; 0]);
    assert_eq!(harness.settle(&DesiredState::default()).await.1, [""; 0]);
}

async fn create(s3: &Client, bucket: &str) {
    let region = BucketLocationConstraint::from(local_cloud::REGION);
    let configuration = CreateBucketConfiguration::builder().location_constraint(region).build();
    let request = s3.create_bucket().bucket(bucket).create_bucket_configuration(configuration);
    request.send().await.expect("a foreign bucket");
}

#[tokio::test]
async fn a_bucket_of_another_account_is_observed_and_never_changed() {
    let harness = Harness::start().await;
    let data = harness.names().data_bucket();
    // The emulator reads an access key of twelve digits as an account's number.
    create(&Client::new(&config(&harness, "999999999999")), &data.name).await;
    let observed = harness.observe().await;
    assert!(
        matches!(&observed[0].ownership, Ownership::Hidden(reason) if reason.contains("another account")),
        "{observed:?}"
    );
    let (outcome, calls) = harness.run(&desired(&harness, &BUCKETS, json!({ "EnvironmentSuffix": "dev" })).await).await;
    assert!(matches!(outcome, RunOutcome::Rejected { .. }), "{outcome:?}");
    assert_eq!(calls, [""; 0]);
}

#[tokio::test]
async fn the_next_environment_takes_over_retained_buckets_with_consent() {
    let harness = Harness::start().await;
    let desired = desired(&harness, &BUCKETS, json!({ "EnvironmentSuffix": "dev", "BucketOnDelete": "Retain" })).await;
    harness.settle(&desired).await;
    let data = harness.names().data_bucket().name;
    put(&harness, &data, "kept").await;

    let calls = repair(&harness, &DesiredState::default()).await;
    assert_eq!((calls.len(), distinct(&calls)), (4, ["s3:PutBucketTagging"].into()));
    let observed = harness.observe().await;
    assert!(
        observed.iter().all(|it| it.ownership == Ownership::Retained(harness.names().environment_id())),
        "{observed:?}"
    );

    let (outcome, calls) = harness.run(&desired).await;
    assert!(matches!(outcome, RunOutcome::ConsentMissing { .. }), "{outcome:?}");
    assert_eq!(calls, [""; 0]);
    for it in observed {
        let consent = Setting::Tag(mark::ADOPTABLE_BY.into(), OWNER.into());
        let call = Call { key: it.key(), id: it.id, kind: CallKind::Set(vec![consent]) };
        harness.cloud().call(&call).await.expect("tagged");
    }
    // For each bucket the owner's mark, then the removal of the consent.
    let calls = repair(&harness, &desired).await;
    assert_eq!((calls.len(), distinct(&calls)), (4, ["s3:PutBucketTagging"].into()));
    let observed = harness.observe().await;
    let is_adopted = |it: &ObservedResource| {
        let has = |key| it.resource.tags.contains_key(key);
        it.ownership == Ownership::Owned && has(mark::RETAINED) && !has(mark::ADOPTABLE_BY)
    };
    assert!(observed.iter().all(is_adopted), "{observed:?}");
    harness.s3.get_object().bucket(&data).key("kept").send().await.expect("the object still exists");
}

async fn put(harness: &Harness, bucket: &str, key: &str) {
    let body = ByteStream::from_static(b"x");
    harness.s3.put_object().bucket(bucket).key(key).body(body).send().await.expect("an object");
}

#[tokio::test]
async fn a_bucket_is_deleted_with_all_versions_markers_and_incomplete_uploads() {
    let harness = Harness::start().await;
    let desired = desired(&harness, &BUCKETS, json!({ "EnvironmentSuffix": "dev", "BucketOnDelete": "Empty" })).await;
    harness.settle(&desired).await;
    let (s3, data) = (&harness.s3, harness.names().data_bucket().name);
    // More than a page of versions and of markers, pages that end within a key's versions, and a page of one key.
    let keys = (0..1_005).map(|number| format!("a/{}", number % 1_003));
    let keys = keys.chain((0..1_100).map(|_| String::from("b/often")));
    stream::iter(keys).for_each_concurrent(20, async |key| put(&harness, &data, &key).await).await;
    let keys = (0..1_003).map(|number| format!("a/{number}"));
    let mark = async |key| {
        s3.delete_object().bucket(&data).key(key).send().await.expect("a delete marker");
    };
    stream::iter(keys).for_each_concurrent(20, mark).await;
    for key in ["incomplete", "another", "another"] {
        s3.create_multipart_upload().bucket(&data).key(key).send().await.expect("an upload");
    }
    let holding = |observed: &[ObservedResource]| -> Vec<bool> {
        let buckets = observed.iter().map(|it| match &it.resource.fields {
            environment::Fields::Bucket(bucket) => bucket.contains_objects,
            other => panic!("{other:?}"),
        });
        buckets.collect()
    };
    // First the log bucket, then the other.
    assert_eq!(holding(&harness.observe().await), [false, true]);

    let (_, calls) = harness.settle(&DesiredState::default()).await;
    assert_eq!(harness.observe().await, []);
    // The access logs of the bucket are turned off first.
    let operations = operations(&calls);
    assert_eq!(operations[..2], ["s3:PutBucketLogging", "s3:DeleteObjects"]);
    assert_eq!(operations.iter().filter(|it| **it == "s3:DeleteBucket").count(), 2);
}

/// A cloud in which an object arrives in the data bucket right before each of the first deletes of that bucket.
struct LateArrivals<'a> {
    harness: &'a Harness,
    cloud: AwsCloud,
    arrivals: Cell<usize>,
    calls: RefCell<Vec<String>>,
}

impl<'a> LateArrivals<'a> {
    /// Deletes the whole environment. Returns the outcome and the calls on the data bucket.
    async fn delete_all(harness: &'a Harness, arrivals: usize) -> (RunOutcome<Infallible>, Vec<String>) {
        let cloud =
            LateArrivals { harness, cloud: harness.cloud(), arrivals: Cell::new(arrivals), calls: RefCell::default() };
        let until = cloud.now() + Duration::from_mins(1);
        let nothing = DesiredState::default();
        let scope = harness.scope();
        let run = Run::standalone(&scope, &nothing, until);
        let outcome = reconcile(&cloud, run, async |_, proofs: &Proofs| {
            harness.record(proofs);
            Ok::<_, Infallible>(())
        })
        .await;
        (outcome, cloud.calls.into_inner())
    }
}

impl Cloud for LateArrivals<'_> {
    fn now(&self) -> Timestamp {
        self.cloud.now()
    }

    async fn pause(&self, span: Duration) {
        self.cloud.pause(span).await;
    }

    async fn observe(&self, scope: &Scope) -> Result<Vec<ObservedResource>, CallError> {
        self.cloud.observe(scope).await
    }

    async fn observe_kinds(&self, scope: &Scope, kinds: &BTreeSet<Kind>) -> Result<Vec<ObservedResource>, CallError> {
        self.cloud.observe_kinds(scope, kinds).await
    }

    async fn call(&self, call: &Call) -> Result<Option<String>, CallError> {
        let is_data_bucket = call.key == self.harness.names().data_bucket();
        if is_data_bucket && call.kind == CallKind::Delete && self.arrivals.get() > 0 {
            self.arrivals.set(self.arrivals.get() - 1);
            put(self.harness, &call.key.name, "late").await;
        }
        if is_data_bucket {
            self.calls.borrow_mut().push(call.to_string());
        }
        self.cloud.call(call).await
    }
}

#[tokio::test]
async fn a_bucket_that_receives_objects_is_emptied_again_until_it_is_deleted() {
    let harness = Harness::start().await;
    let properties = json!({ "EnvironmentSuffix": "dev", "BucketOnDelete": "Empty" });
    harness.settle(&desired(&harness, &BUCKETS, properties).await).await;
    let (outcome, calls) = LateArrivals::delete_all(&harness, 2).await;
    assert_eq!(outcome, RunOutcome::Settled { observed: vec![], proofs: Proofs::default() });
    let attempt = ["s3:DeleteObjects", "s3:DeleteBucket"];
    // The access logs of the bucket are turned off first, and once.
    assert_eq!(operations(&calls), [&["s3:PutBucketLogging"], attempt.as_slice(), &attempt, &attempt].concat());
}

#[tokio::test]
async fn the_next_observation_rejects_a_bucket_that_has_to_be_empty_and_received_an_object() {
    let harness = Harness::start().await;
    let properties = json!({ "EnvironmentSuffix": "dev", "BucketOnDelete": "FailIfNotEmpty" });
    harness.settle(&desired(&harness, &BUCKETS, properties).await).await;
    let (outcome, calls) = LateArrivals::delete_all(&harness, 1).await;
    let RunOutcome::Rejected { reasons } = outcome else { panic!("{outcome:?}") };
    assert!(reasons[0].contains("BucketOnDelete is FailIfNotEmpty and the bucket is not empty"), "{reasons:?}");
    assert_eq!(operations(&calls).last(), Some(&"s3:DeleteBucket"), "{calls:?}");
    assert!(!calls.iter().any(|it| it == "s3:DeleteObjects"), "{calls:?}");
    harness
        .s3
        .get_object()
        .bucket(harness.names().data_bucket().name)
        .key("late")
        .send()
        .await
        .expect("the object still exists");
}

#[tokio::test]
async fn the_delete_of_a_bucket_with_objects_is_retried_and_a_deleted_bucket_can_be_deleted_again() {
    let harness = Harness::start().await;
    harness.settle(&desired(&harness, &BUCKETS, json!({ "EnvironmentSuffix": "dev" })).await).await;
    let data = harness.names().data_bucket();
    put(&harness, &data.name, "late").await;
    let cloud = harness.cloud();
    let call = |kind| Call { key: data.clone(), id: None, kind };
    let send = async |kind| cloud.call(&call(kind)).await;
    let response = send(CallKind::Delete).await;
    assert!(
        matches!(&response, Err(CallError::Retry { waiting_for, .. }) if waiting_for.sentence.contains("BucketNotEmpty")),
        "{response:?}"
    );
    // (The emulator deletes a bucket that has incomplete uploads.)
    let uploads = async || harness.s3.list_multipart_uploads().bucket(&data.name).send().await.expect("uploads");
    let request = harness.s3.create_multipart_upload().bucket(&data.name).key("incomplete");
    request.send().await.expect("an upload");
    assert_eq!(send(CallKind::Empty).await, Ok(None));
    assert_eq!(uploads().await.uploads(), []);
    for kind in [CallKind::Empty, CallKind::Delete, CallKind::Delete, CallKind::Empty] {
        assert_eq!(send(kind.clone()).await, Ok(None), "{kind:?}");
    }
}
