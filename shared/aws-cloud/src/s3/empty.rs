//! Emptying a bucket: every version, every delete marker, every incomplete upload.

use std::time::Duration;

use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::{Delete, Error, MultipartUpload, ObjectIdentifier};
use environment::Call;
use futures_util::future::ready;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::time::Instant;

use super::Target;
use crate::errors::{ClassifyErrors, NoneIfNotFound, Problem, classify};

/// The time budget of one `Empty` call: the last page that starts within the budget still has to complete within the
/// time limit of a call. A bucket with millions of objects takes many calls, and the run checks the time between them.
const BUDGET: Duration = Duration::from_secs(8);

/// The objects in a page: the most that one `DeleteObjects` accepts, and one list returns.
const PAGE: i32 = 1000;

/// Concurrent calls. S3 accepts 3,500 deletes a second under a prefix (the S3 user guide), and four such calls take
/// about a second.
const CONCURRENT_CALLS: usize = 4;

/// Deletes as much as the budget allows. If more is left, the result is an unfinished [`Problem`].
pub(super) async fn empty(at: &Target<'_>, call: &Call) -> Result<(), Problem> {
    let started = Instant::now();
    delete_all(at, call, started).await.none_if_not_found()?;
    abort_uploads(at, call, started).await.none_if_not_found()?;
    Ok(())
}

/// Deletes the list from its start, again and again, until a list has no more than a page: a list that continues after
/// an entry that is deleted by then could leave objects out. This does not wait for objects that arrive later (access
/// logs arrive for hours after logging is turned off): the next call, which deletes the bucket, fails if there are any,
/// and the plan after the next observation empties the bucket again.
async fn delete_all(at: &Target<'_>, call: &Call, started: Instant) -> Result<(), Problem> {
    let mut objects = 0;
    loop {
        let deleted = delete_listed(at, call, started).await?;
        objects += deleted.objects;
        match deleted {
            Deleted { has_last_page: true, pages: 1, .. } => return Ok(()),
            Deleted { has_last_page: true, .. } => {}
            _ => {
                return Err(Problem::unfinished(call.operation(), format!("{objects} objects deleted, more are left")));
            }
        }
    }
}

/// Deletes from the start of the list, which no longer contains deleted objects, as far as the budget allows.
async fn delete_listed(at: &Target<'_>, call: &Call, started: Instant) -> Result<Deleted, Problem> {
    let pages = stream::try_unfold(Some(PageMarker::default()), async |marker| {
        let Some(marker) = marker.filter(|_| started.elapsed() <= BUDGET) else { return Ok(None) };
        let page = list(at, marker).await?;
        let next = PageMarker::after(&page);
        Ok(Some((page, next)))
    });
    let deleted = pages.map_ok(async |page| delete_page(at, call, &page).await).try_buffer_unordered(CONCURRENT_CALLS);
    deleted.try_fold(Deleted::default(), |sum, page| ready(Ok(sum.and(&page)))).await
}

/// The position where a list continues.
#[derive(Default)]
struct PageMarker {
    key: Option<String>,
    version: Option<String>,
}

impl PageMarker {
    /// `None` after the last page.
    fn after(page: &ListObjectVersionsOutput) -> Option<PageMarker> {
        let marker = || PageMarker { key: page.next_key_marker.clone(), version: page.next_version_id_marker.clone() };
        (page.is_truncated() == Some(true)).then(marker)
    }
}

/// The result of deleted pages.
#[derive(Default)]
struct Deleted {
    pages: usize,
    objects: usize,
    /// Whether the last page of the list is one of them.
    has_last_page: bool,
}

impl Deleted {
    fn and(&self, other: &Deleted) -> Deleted {
        let (pages, objects) = (self.pages + other.pages, self.objects + other.objects);
        Deleted { pages, objects, has_last_page: self.has_last_page || other.has_last_page }
    }
}

async fn list(at: &Target<'_>, from: PageMarker) -> Result<ListObjectVersionsOutput, Problem> {
    let request = at.s3.list_object_versions().bucket(at.name).expected_bucket_owner(at.account).max_keys(PAGE);
    let request = request.set_key_marker(from.key).set_version_id_marker(from.version);
    request.send().await.classified("s3:ListBucketVersions")
}

async fn delete_page(at: &Target<'_>, call: &Call, page: &ListObjectVersionsOutput) -> Result<Deleted, Problem> {
    let objects = listed(page);
    let deleted = Deleted { pages: 1, objects: objects.len(), has_last_page: PageMarker::after(page).is_none() };
    if !objects.is_empty() {
        delete(at, call, objects).await?;
    }
    Ok(deleted)
}

fn listed(page: &ListObjectVersionsOutput) -> Vec<ObjectIdentifier> {
    let versions = page.versions().iter().map(|it| (it.key(), it.version_id()));
    let markers = page.delete_markers().iter().map(|it| (it.key(), it.version_id()));
    let identify = |(key, version): (Option<&str>, Option<&str>)| {
        ObjectIdentifier::builder().key(key?).set_version_id(version.map(str::to_owned)).build().ok()
    };
    versions.chain(markers).filter_map(identify).collect()
}

/// Deletes the objects of one page. A successful response proves nothing: the response lists the objects that were not
/// deleted.
async fn delete(at: &Target<'_>, call: &Call, objects: Vec<ObjectIdentifier>) -> Result<(), Problem> {
    let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build();
    let delete = delete.map_err(|_| Problem::unreadable(call.operation(), "list of objects"))?;
    let request = at.s3.delete_objects().bucket(at.name).expected_bucket_owner(at.account).delete(delete);
    let response = request.send().await.classified(call.operation())?;
    match response.errors() {
        [] => Ok(()),
        [first, rest @ ..] => Err(not_deleted(call, first, rest.len())),
    }
}

/// The error of an object. An object has no HTTP status of its own, so an unknown code counts as a server error: the
/// next call tries again.
fn not_deleted(call: &Call, first: &Error, others: usize) -> Problem {
    let code = first.code().unwrap_or_default().to_owned();
    let object = format!("object {}, version {}", first.key().unwrap_or("?"), first.version_id().unwrap_or("null"));
    let message = format!("{object}: {} ({others} others were not deleted either)", first.message().unwrap_or("?"));
    Problem { class: classify(&code, 500), operation: call.operation(), code, message }
}

async fn abort_uploads(at: &Target<'_>, call: &Call, started: Instant) -> Result<(), Problem> {
    loop {
        let request = at.s3.list_multipart_uploads().bucket(at.name).expected_bucket_owner(at.account);
        let page = request.send().await.classified("s3:ListBucketMultipartUploads")?;
        let uploads = stream::iter(page.uploads()).map(Ok);
        uploads.try_for_each_concurrent(CONCURRENT_CALLS, async |upload| abort(at, upload).await).await?;
        if page.is_truncated() != Some(true) {
            return Ok(());
        }
        if started.elapsed() > BUDGET {
            return Err(Problem::unfinished(call.operation(), "incomplete uploads are left"));
        }
    }
}

async fn abort(at: &Target<'_>, upload: &MultipartUpload) -> Result<(), Problem> {
    let request = at.s3.abort_multipart_upload().bucket(at.name).expected_bucket_owner(at.account);
    let request = request.set_key(upload.key.clone()).set_upload_id(upload.upload_id.clone());
    request.send().await.classified("s3:AbortMultipartUpload").none_if_not_found()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::ErrorClass;
    use environment::{CallKind, Key, Kind};

    #[test]
    fn an_object_that_was_not_deleted_has_its_reason() {
        let call = Call { key: Key::new(Kind::Bucket, "b"), id: None, kind: CallKind::Empty };
        let error = |code: &str| Error::builder().key("a.txt").version_id("v1").code(code).message("no").build();
        let problem = not_deleted(&call, &error("AccessDenied"), 2);
        assert_eq!((problem.class, problem.operation), (ErrorClass::Denied, "s3:DeleteObjects"));
        assert_eq!(problem.message, "object a.txt, version v1: no (2 others were not deleted either)");
        assert_eq!(not_deleted(&call, &error("InternalError"), 0).class, ErrorClass::LostResponse);
        assert_eq!(not_deleted(&call, &error("SlowDown"), 0).class, ErrorClass::Throttled);
    }
}
