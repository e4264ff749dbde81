//! Buckets whose service differs from the emulators: S3 without tags in the create call, a denied public access block, keys
//! that XML cannot contain, and the reasons why S3 does not delete a bucket.

use aws_cloud::{AwsCloud, Clients};
use environment::{
    Bucket, BucketSetting, Call, CallError, CallKind, Cloud, Fields, Key, Kind, OBSTACLE_LIMIT, Resource, Setting, Tags,
};

use crate::service::{Requests, in_process, in_region};

const BUCKET: &str = "p-data-euwest1-dev-123456789012";

fn call(kind: CallKind) -> Call {
    Call { key: Key::new(Kind::Bucket, BUCKET), id: None, kind }
}

fn create() -> Call {
    let tags = Tags::from([("envkeeper:owner".into(), "owner".into())]);
    let resource = Resource { name: BUCKET.into(), tags, fields: Fields::Bucket(Bucket::default()) };
    call(CallKind::Create(Box::new(resource)))
}

async fn send(clients: &Clients, call: &Call) -> Result<(), CallError> {
    AwsCloud::new(clients, "owner".into(), "request".into()).call(call).await.map(drop)
}

fn error(code: &str) -> String {
    format!("<Error><Code>{code}</Code><Message>no.</Message></Error>")
}

fn received(requests: &Requests) -> Vec<String> {
    requests.lock().expect("requests").clone()
}

#[tokio::test]
async fn a_bucket_gets_its_tags_in_the_next_call_where_the_create_call_takes_none() {
    let (clients, requests) = in_process(|request| {
        if request.contains("<CreateBucketConfiguration") && request.contains("envkeeper:owner") {
            (400, error("UnsupportedArgument"))
        } else {
            (200, String::new())
        }
    });
    assert_eq!(send(&clients, &create()).await, Ok(()));
    let requests = received(&requests);
    assert_eq!(requests.len(), 3, "{requests:?}");
    assert!(requests[1].contains("<LocationConstraint>eu-west-1</LocationConstraint>"), "{requests:?}");
    assert!(!requests[1].contains("envkeeper:owner"), "{requests:?}");
    assert!(requests[2].contains("?tagging") && requests[2].contains("envkeeper:owner"), "{requests:?}");
}

#[tokio::test]
async fn a_bucket_gets_its_tags_in_the_create_call_elsewhere() {
    let (clients, requests) = in_process(|_| (200, String::new()));
    assert_eq!(send(&clients, &create()).await, Ok(()));
    let requests = received(&requests);
    assert_eq!((requests.len(), requests[0].contains("envkeeper:owner")), (1, true), "{requests:?}");
}

/// CreateBucket states every region but us-east-1 (S3 API reference, CreateBucketConfiguration). The European Sovereign Cloud
/// takes no tags in that call (terraform-provider-aws, issue 45684).
#[tokio::test]
async fn a_bucket_is_created_in_the_region_of_its_partition() {
    for region in ["eu-west-1", "mx-central-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1", "us-east-1"] {
        let (clients, requests) = in_region(region, move |request| {
            let is_rejected = region.starts_with("eusc") && request.contains("<CreateBucketConfiguration");
            if is_rejected && request.contains("envkeeper:owner") {
                (400, error("UnsupportedArgument"))
            } else {
                (200, String::new())
            }
        });
        assert_eq!(send(&clients, &create()).await, Ok(()), "{region}");
        let requests = received(&requests);
        let constraint = format!("<LocationConstraint>{region}</LocationConstraint>");
        let creates: Vec<&String> = requests.iter().filter(|it| !it.contains("?tagging")).collect();
        assert!(creates.iter().all(|it| it.contains(&constraint) == (region != "us-east-1")), "{requests:?}");
        assert!(requests.last().is_some_and(|it| it.contains("envkeeper:owner")), "{requests:?}");
    }
}

/// A service control policy may deny the change of the block (matanolabs/matano, issue 124).
#[tokio::test]
async fn a_public_access_block_that_a_new_bucket_has_is_not_put() {
    let block = |on: bool| {
        let names = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];
        let fields: String = names.map(|name| format!("<{name}>{on}</{name}>")).concat();
        format!("<PublicAccessBlockConfiguration>{fields}</PublicAccessBlockConfiguration>")
    };
    let set = call(CallKind::Set(vec![Setting::Bucket(BucketSetting::PublicAccessBlocked(true))]));
    let respond = move |found: (u16, String)| {
        move |request: &str| if request.starts_with("GET") { found.clone() } else { (403, error("AccessDenied")) }
    };
    let (clients, requests) = in_process(respond((200, block(true))));
    assert_eq!(send(&clients, &set).await, Ok(()));
    assert_eq!(received(&requests).len(), 1);
    for found in [(200, block(false)), (404, error("NoSuchPublicAccessBlockConfiguration"))] {
        let (clients, _) = in_process(respond(found));
        let response = send(&clients, &set).await;
        assert!(
            matches!(&response, Err(CallError::Rejected { message }) if message.contains("AccessDenied")),
            "{response:?}"
        );
    }
}

#[tokio::test]
async fn keys_that_xml_cannot_contain_are_listed_encoded_and_deleted_one_by_one() {
    let (clients, requests) = in_process(|request| {
        let version = |key: &str| format!("<Version><Key>{key}</Key><VersionId>v</VersionId></Version>");
        let list = |inner: &str| {
            format!(
                "<ListVersionsResult><IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>{inner}</ListVersionsResult>"
            )
        };
        (
            200,
            match request {
                _ if request.contains("?uploads") => String::from(
                    "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>",
                ),
                _ if request.contains("?versions") => list(&(version("a+b") + &version("c%01d"))),
                _ if request.starts_with("POST") => String::from("<DeleteResult/>"),
                _ => String::new(),
            },
        )
    });
    assert_eq!(send(&clients, &call(CallKind::Empty)).await, Ok(()));
    let requests = received(&requests);
    let of = |method: &str| requests.iter().filter(|it| it.starts_with(method)).collect::<Vec<_>>();
    assert!(of("GET").iter().all(|it| it.contains("encoding-type=url")), "{requests:?}");
    assert_eq!(of("POST").len(), 1);
    assert!(of("POST")[0].contains("<Key>a b</Key>") && !of("POST")[0].contains("d</Key>"), "{requests:?}");
    assert_eq!(of("DELETE").len(), 1);
    assert!(of("DELETE")[0].contains("c%01d") && of("DELETE")[0].contains("versionId=v"), "{requests:?}");
}

/// S3 takes tags by another API alone where a bucket has attribute-based access control.
#[tokio::test]
async fn attribute_based_access_control_is_named_where_it_blocks_a_change_of_tags() {
    let set = call(CallKind::Set(vec![Setting::Tag("team".into(), "web".into())]));
    for (status, is_named) in [("Enabled", true), ("Disabled", false)] {
        let (clients, _) = in_process(move |request| match request {
            _ if request.contains("?abac") => (200, format!("<AbacStatus><Status>{status}</Status></AbacStatus>")),
            _ if request.starts_with("GET") => (404, error("NoSuchTagSet")),
            _ => (400, error("InvalidRequest")),
        });
        let response = send(&clients, &set).await;
        let Err(CallError::Rejected { message }) = response else { panic!("{response:?}") };
        assert!(message.contains("AWS rejected s3:PutBucketTagging: InvalidRequest: no"), "{message}");
        assert_eq!(message.contains("attribute-based access control"), is_named, "{message}");
    }
}

/// The response to the list of versions.
fn versions(keys: &[&str]) -> (u16, String) {
    let version = |key: &&str| format!("<Version><Key>{key}</Key><VersionId>v1</VersionId></Version>");
    let all: String = keys.iter().map(version).collect();
    (200, format!("<ListVersionsResult><IsTruncated>false</IsTruncated>{all}</ListVersionsResult>"))
}

async fn rejection(respond: impl Fn(&str) -> (u16, String) + Send + Sync + 'static, kind: CallKind) -> CallError {
    let (clients, _) = in_process(respond);
    send(&clients, &call(kind)).await.expect_err("an error")
}

/// Objects that arrive meanwhile have other keys each time, and the wait is the same one: five minutes from its beginning.
#[tokio::test]
async fn the_versions_in_a_bucket_that_is_not_empty_are_a_detail_of_the_wait() {
    let delete = async |keys: &'static [&'static str]| {
        let respond = move |request: &str| match request {
            _ if request.starts_with("DELETE") => (409, error("BucketNotEmpty")),
            _ => versions(keys),
        };
        match rejection(respond, CallKind::Delete).await {
            CallError::Retry { waiting_for, .. } => waiting_for,
            other => panic!("{other:?}"),
        }
    };
    let (first, then) = (delete(&["a", "b", "c", "d"]).await, delete(&["e"]).await);
    assert_eq!(first.id(), then.id());
    assert_eq!(first.longest, Some(OBSTACLE_LIMIT));
    let left = "4 versions are left: a (version v1), b (version v1), c (version v1) and 1 more";
    assert_eq!(first.detail.as_deref(), Some(left));
    assert_eq!(then.detail.as_deref(), Some("1 version is left: e (version v1)"));
}

#[tokio::test]
async fn the_setting_that_denies_the_deletion_of_objects_is_named() {
    let mfa =
        "<VersioningConfiguration><Status>Enabled</Status><MfaDelete>Enabled</MfaDelete></VersioningConfiguration>";
    let plain = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    let policy = r#"{"Statement":[{"Sid":"KeepAll","Effect":"Deny","Principal":"*","Action":"s3:DeleteObject*"}]}"#;
    for (versioning, policy, named) in [
        (mfa, "", "MFA delete is on"),
        (plain, policy, "the bucket policy has statements that deny the deletion: KeepAll"),
        (plain, "", "Allow the action that the message names"),
    ] {
        let respond = move |request: &str| match request {
            _ if request.contains("?versions") => versions(&["a"]),
            _ if request.contains("?versioning") => (200, versioning.to_owned()),
            _ if request.contains("?policy") && policy.is_empty() => (404, error("NoSuchBucketPolicy")),
            _ if request.contains("?policy") => (200, policy.to_owned()),
            _ => (403, error("AccessDenied")),
        };
        for kind in [CallKind::Empty, CallKind::Delete] {
            let CallError::Rejected { message } = rejection(respond, kind).await else { panic!("not rejected") };
            assert!(message.contains(": AccessDenied: no") && message.contains(named), "{message}");
        }
    }
}

/// S3 reports each version that it did not delete in a successful response.
#[tokio::test]
async fn objects_under_object_lock_are_counted_and_named() {
    let locked = |key: &str| {
        format!(
            "<Error><Key>{key}</Key><VersionId>v1</VersionId><Code>AccessDenied</Code><Message>Access Denied because object protected by object lock.</Message></Error>"
        )
    };
    let keys = ["a", "b", "c", "d", "e"];
    let respond = move |request: &str| match request {
        _ if request.starts_with("POST") => {
            (200, format!("<DeleteResult>{}</DeleteResult>", keys.map(locked).concat()))
        }
        _ => versions(&keys),
    };
    let CallError::Rejected { message } = rejection(respond, CallKind::Empty).await else { panic!("not rejected") };
    let named = "not deleted: a (version v1), b (version v1), c (version v1) and 2 more: Access Denied because object protected by object lock. S3 Object Lock protects the object. Wait";
    assert!(message.contains(named), "{message}");
}
