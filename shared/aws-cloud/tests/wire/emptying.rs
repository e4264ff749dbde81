//! Emptying a bucket of many pages.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_cloud::{AwsCloud, Clients};
use environment::{Call, CallError, CallKind, Cloud, Key, Kind};

use crate::service::{self, Request};

const BUCKET: &str = "p-data-euwest1-dev-123456789012";

/// The time that the deletion of a page takes.
const DELETE_TIME: Duration = Duration::from_millis(300);

/// S3 with one bucket of `count` pages, of one object each. Each list contains every page until the page is deleted.
#[derive(Default)]
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
        let served = Arc::clone(&pages);
        (pages, service::start(move |request| Some((200, served.response(&request)))))
    }

    fn response(&self, request: &Request) -> String {
        if request.line.starts_with("POST") {
            return self.delete(&request.body);
        }
        if request.line.contains("uploads") {
            return String::from(
                "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>",
            );
        }
        self.list(&request.line)
    }

    /// The first page after the marker that is not deleted.
    fn list(&self, line: &str) -> String {
        self.lists.fetch_add(1, SeqCst);
        let marker =
            line.split('?').nth(1).and_then(|query| query.split('&').find_map(|it| it.strip_prefix("key-marker=")));
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

    fn delete(&self, body: &str) -> String {
        let concurrent = self.deletes.fetch_add(1, SeqCst) + 1;
        self.max_concurrent.fetch_max(concurrent, SeqCst);
        std::thread::sleep(DELETE_TIME);
        let keys = body.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
        self.deleted.lock().expect("pages").extend(keys.map(number));
        self.deletes.fetch_sub(1, SeqCst);
        String::from("<DeleteResult/>")
    }
}

fn number(key: &str) -> usize {
    key.strip_prefix("page-").and_then(|it| it.parse().ok()).expect("a page's key")
}

async fn empty(clients: &Clients) -> Result<(), CallError> {
    let cloud = AwsCloud::new(clients, "owner".into(), "request".into());
    cloud.call(&Call { key: Key::new(Kind::Bucket, BUCKET), id: None, kind: CallKind::Empty }).await
}

#[tokio::test]
async fn four_pages_are_deleted_concurrently_and_the_last_list_is_empty() {
    let (pages, clients) = Pages::start(10);
    assert_eq!(empty(&clients).await, Ok(()));
    assert_eq!(pages.deleted.lock().expect("pages").len(), 10, "each once");
    assert_eq!(pages.max_concurrent.load(SeqCst), 4);
    assert_eq!(pages.lists.load(SeqCst), 11);
}

/// A bucket that receives logs faster than they are deleted is like this.
#[tokio::test]
async fn a_call_ends_within_its_budget_and_the_next_call_starts_at_once() {
    let (pages, clients) = Pages::start(usize::MAX);
    let started = Instant::now();
    let response = empty(&clients).await;
    assert!(started.elapsed() + Duration::from_secs(5) < environment::CALL_TIMEOUT, "{:?}", started.elapsed());
    let Err(CallError::Retry { waiting_for, after }) = response else { panic!("{response:?}") };
    let deleted = pages.deleted.lock().expect("pages").len();
    assert_eq!(waiting_for, format!("bucket {BUCKET}: s3:DeleteObjects: {deleted} objects deleted, more are left"));
    assert_eq!(after, Duration::ZERO);
}
