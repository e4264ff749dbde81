//! Emptying a bucket of many pages.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_cloud::{AwsCloud, Clients};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use environment::{Call, CallError, CallKind, Cloud, Key, Kind};
use tokio::time::{Instant, sleep};

const BUCKET: &str = "p-data-euwest1-dev-123456789012";

/// The virtual time that the deletion of a page takes.
const DELETE_TIME: Duration = Duration::from_millis(300);

/// S3 in the test's own process, under virtual time, with one bucket of `count` pages, of one object each. Each list
/// contains every page until the page is deleted.
#[derive(Debug, Default)]
struct Pages {
    count: usize,
    /// The numbers of the deleted pages.
    deleted: Mutex<Vec<usize>>,
    lists: AtomicUsize,
    deletes: AtomicUsize,
    max_concurrent: AtomicUsize,
}

impl Pages {
    fn start(count: usize) -> (Arc<Pages>, Clients) {
        let pages = Arc::new(Pages { count, ..Pages::default() });
        let connector = SharedHttpConnector::new(Connector(Arc::clone(&pages)));
        let credentials = Credentials::new("key", "secret", None, None, "tests");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .endpoint_url("http://s3")
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http_client_fn(move |_, _| connector.clone()));
        (pages, Clients::new(&config.build()))
    }

    async fn response(&self, request: &HttpRequest) -> String {
        if request.method() == "POST" {
            return self.delete(request.body().bytes().expect("a body in memory")).await;
        }
        if request.uri().contains("uploads") {
            return String::from(
                "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>",
            );
        }
        self.list(request.uri())
    }

    /// The first page after the marker that is not deleted.
    fn list(&self, uri: &str) -> String {
        self.lists.fetch_add(1, SeqCst);
        let marker =
            uri.split('?').nth(1).and_then(|query| query.split('&').find_map(|it| it.strip_prefix("key-marker=")));
        let from = marker.map_or(0, |marker| number(marker) + 1);
        let deleted = self.deleted.lock().expect("pages");
        let mut left = (from..self.count).filter(|page| !deleted.contains(page));
        let (page, more) = (left.next(), left.next().is_some());
        let version = |page| format!("<Version><Key>page-{page}</Key><VersionId>v</VersionId></Version>");
        let next =
            |page| format!("<NextKeyMarker>page-{page}</NextKeyMarker><NextVersionIdMarker>v</NextVersionIdMarker>");
        let versions = page.map(version).unwrap_or_default();
        let next = page.filter(|_| more).map(next).unwrap_or_default();
        format!("<ListVersionsResult><IsTruncated>{more}</IsTruncated>{next}{versions}</ListVersionsResult>")
    }

    async fn delete(&self, body: &[u8]) -> String {
        let concurrent = self.deletes.fetch_add(1, SeqCst) + 1;
        self.max_concurrent.fetch_max(concurrent, SeqCst);
        sleep(DELETE_TIME).await;
        let body = String::from_utf8_lossy(body);
        let keys = body.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
        self.deleted.lock().expect("pages").extend(keys.map(number));
        self.deletes.fetch_sub(1, SeqCst);
        String::from("<DeleteResult/>")
    }
}

/// The connection of S3's client to the pages.
#[derive(Debug)]
struct Connector(Arc<Pages>);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let pages = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            let body = SdkBody::from(pages.response(&request).await);
            Ok(HttpResponse::new(200.try_into().expect("a status"), body))
        })
    }
}

fn number(key: &str) -> usize {
    key.strip_prefix("page-").and_then(|it| it.parse().ok()).expect("a page's key")
}

async fn empty(clients: &Clients) -> Result<(), CallError> {
    let cloud = AwsCloud::new(clients, "owner".into(), "request".into());
    cloud.call(&Call { key: Key::new(Kind::Bucket, BUCKET), id: None, kind: CallKind::Empty }).await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn four_pages_are_deleted_concurrently_and_the_last_list_is_empty() {
    let (pages, clients) = Pages::start(10);
    assert_eq!(empty(&clients).await, Ok(()));
    assert_eq!(pages.deleted.lock().expect("pages").len(), 10, "each once");
    assert_eq!(pages.max_concurrent.load(SeqCst), 4);
    assert_eq!(pages.lists.load(SeqCst), 11);
}

/// A bucket that receives logs faster than they are deleted is like this.
#[tokio::test(start_paused = true)]
async fn a_call_ends_within_its_budget_and_the_next_call_starts_at_once() {
    let (pages, clients) = Pages::start(usize::MAX);
    let started = Instant::now();
    let response = empty(&clients).await;
    assert!(started.elapsed() + Duration::from_secs(5) < environment::CALL_TIMEOUT, "{:?}", started.elapsed());
    let Err(CallError::Retry { waiting_for, after }) = response else { panic!("{response:?}") };
    let deleted = pages.deleted.lock().expect("pages").len();
    assert_eq!(
        waiting_for.to_string(),
        format!("bucket {BUCKET}: s3:DeleteObjects: {deleted} objects deleted, more are left")
    );
    assert_eq!(after, Duration::ZERO);
}
