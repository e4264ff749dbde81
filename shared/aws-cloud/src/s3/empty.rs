//! Emptying a bucket: every version, every delete marker, every upload that nobody finished.

use std::time::Duration;

use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::{Delete, Error, MultipartUpload, ObjectIdentifier};
use environment::Call;
use futures_util::future::ready;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::time::Instant;

use super::Target;
use crate::errors::{Problem, Response, UnlessMissing, classify};

/// How long one go may take: the last page begun in it still has to be done within the time of a call. A bucket with
/// millions of objects takes many goes, and the run looks at the time between them.
const BUDGET: Duration = Duration::from_secs(8);

/// As many as one `DeleteObjects` takes, and one list gives.
const PAGE: i32 = 1000;

/// Calls in flight. S3 takes 3,500 deletes a second under a prefix (the S3 user guide), and four such calls take about
/// a second.
const AT_ONCE: usize = 4;

/// Deletes what it can in one go; more to do is the answer of a go that was not enough.
pub(super) async fn empty(at: &Target<'_>, call: &Call) -> Result<(), Problem> {
    let begun = Instant::now();
    delete_all(at, call, begun).await.unless_missing()?;
    abort_uploads(at, call, begun).await.unless_missing()?;
    Ok(())
}

/// Passes over the list until one finds no more than a page: a list that goes on behind an entry that is gone by then
/// could leave some out. What arrives after that (access logs come for hours after they were turned off) is not waited
/// for: the next call, which deletes the bucket, tells if there is any, and the next look has it emptied again.
async fn delete_all(at: &Target<'_>, call: &Call, begun: Instant) -> Result<(), Problem> {
    let mut objects = 0;
    loop {
        let deleted = pass(at, call, begun).await?;
        objects += deleted.objects;
        match deleted {
            Deleted { the_last: true, pages: 1, .. } => return Ok(()),
            Deleted { the_last: true, .. } => {}
            _ => {
                return Err(Problem::unfinished(call.operation(), format!("{objects} objects deleted, more are left")));
            }
        }
    }
}

/// From the start of the list, which what was deleted is no longer in, as far as the time allows.
async fn pass(at: &Target<'_>, call: &Call, begun: Instant) -> Result<Deleted, Problem> {
    let pages = stream::try_unfold(Some(PageMarker::default()), async |deployment| {
        let Some(deployment) = deployment.filter(|_| begun.elapsed() <= BUDGET) else { return Ok(None) };
        let page = list(at, deployment).await?;
        let next = PageMarker::after(&page);
        Ok(Some((page, next)))
    });
    let deleted = pages.map_ok(async |page| delete_page(at, call, &page).await).try_buffer_unordered(AT_ONCE);
    deleted.try_fold(Deleted::default(), |sum, page| ready(Ok(sum.and(&page)))).await
}

/// Where a list goes on.
#[derive(Default)]
struct PageMarker {
    key: Option<String>,
    version: Option<String>,
}

impl PageMarker {
    /// Nowhere, if the page is the last.
    fn after(page: &ListObjectVersionsOutput) -> Option<PageMarker> {
        let deployment =
            || PageMarker { key: page.next_key_marker.clone(), version: page.next_version_id_marker.clone() };
        (page.is_truncated() == Some(true)).then(deployment)
    }
}

/// What pages brought.
#[derive(Default)]
struct Deleted {
    pages: usize,
    objects: usize,
    /// Whether the list's last page is among them.
    the_last: bool,
}

impl Deleted {
    fn and(&self, other: &Deleted) -> Deleted {
        let (pages, objects) = (self.pages + other.pages, self.objects + other.objects);
        Deleted { pages, objects, the_last: self.the_last || other.the_last }
    }
}

async fn list(at: &Target<'_>, from: PageMarker) -> Result<ListObjectVersionsOutput, Problem> {
    let request = at.s3.list_object_versions().bucket(at.name).expected_bucket_owner(at.account).max_keys(PAGE);
    let request = request.set_key_marker(from.key).set_version_id_marker(from.version);
    request.send().await.response("s3:ListBucketVersions")
}

async fn delete_page(at: &Target<'_>, call: &Call, page: &ListObjectVersionsOutput) -> Result<Deleted, Problem> {
    let objects = listed(page);
    let deleted = Deleted { pages: 1, objects: objects.len(), the_last: PageMarker::after(page).is_none() };
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

/// A success says nothing: what was not deleted stands in the answer.
async fn delete(at: &Target<'_>, call: &Call, objects: Vec<ObjectIdentifier>) -> Result<(), Problem> {
    let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build();
    let delete = delete.map_err(|_| Problem::unreadable(call.operation(), "list of objects"))?;
    let request = at.s3.delete_objects().bucket(at.name).expected_bucket_owner(at.account).delete(delete);
    let response = request.send().await.response(call.operation())?;
    match response.errors() {
        [] => Ok(()),
        [first, rest @ ..] => Err(not_deleted(call, first, rest.len())),
    }
}

/// Without a status of its own, an error that isn't known is one of S3's: the next go tries again.
fn not_deleted(call: &Call, first: &Error, others: usize) -> Problem {
    let code = first.code().unwrap_or_default().to_owned();
    let object = format!("object {}, version {}", first.key().unwrap_or("?"), first.version_id().unwrap_or("null"));
    let message = format!("{object}: {} ({others} others were not deleted either)", first.message().unwrap_or("?"));
    Problem { class: classify(&code, 500), operation: call.operation(), code, message }
}

async fn abort_uploads(at: &Target<'_>, call: &Call, begun: Instant) -> Result<(), Problem> {
    loop {
        let request = at.s3.list_multipart_uploads().bucket(at.name).expected_bucket_owner(at.account);
        let page = request.send().await.response("s3:ListBucketMultipartUploads")?;
        let uploads = stream::iter(page.uploads()).map(Ok);
        uploads.try_for_each_concurrent(AT_ONCE, async |upload| abort(at, upload).await).await?;
        if page.is_truncated() != Some(true) {
            return Ok(());
        }
        if begun.elapsed() > BUDGET {
            return Err(Problem::unfinished(call.operation(), "unfinished uploads are left"));
        }
    }
}

async fn abort(at: &Target<'_>, upload: &MultipartUpload) -> Result<(), Problem> {
    let request = at.s3.abort_multipart_upload().bucket(at.name).expected_bucket_owner(at.account);
    let request = request.set_key(upload.key.clone()).set_upload_id(upload.upload_id.clone());
    request.send().await.response("s3:AbortMultipartUpload").unless_missing()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::Class;
    use environment::{CallKind, Key, Kind};

    #[test]
    fn an_object_that_was_not_deleted_says_why() {
        let call = Call { key: Key::new(Kind::Bucket, "b"), id: None, kind: CallKind::Empty };
        let error = |code: &str| Error::builder().key("a.txt").version_id("v1").code(code).message("no").build();
        let told = not_deleted(&call, &error("AccessDenied"), 2);
        assert_eq!((told.class, told.operation), (Class::Denied, "s3:DeleteObjects"));
        assert_eq!(told.message, "object a.txt, version v1: no (2 others were not deleted either)");
        assert_eq!(not_deleted(&call, &error("InternalError"), 0).class, Class::Lost);
        assert_eq!(not_deleted(&call, &error("SlowDown"), 0).class, Class::Throttled);
    }
}
