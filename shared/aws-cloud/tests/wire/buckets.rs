//! Buckets whose service differs from the emulators: S3 without tags in the create call, a denied public access block, keys
//! that XML cannot contain.

use aws_cloud::{AwsCloud, Clients};
use environment::{
    Bucket, BucketSetting, Call, CallError, CallKind, Cloud, Fields, Key, Kind, Resource, Setting, Tags,
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
