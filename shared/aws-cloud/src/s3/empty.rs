//! Emptying a bucket: every version, every delete marker, every upload that nobody finished.

use std::time::Duration;

use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::{Delete, Error, ObjectIdentifier};
use environment::Call;
use tokio::time::Instant;

use super::Target;
use crate::errors::{Answer, Problem, UnlessMissing, classify};

/// How long one go may take: the last page begun in it still has to be done within the time of a call. A bucket with
/// millions of objects takes many goes, and the run looks at the time between them.
const BUDGET: Duration = Duration::from_secs(8);

/// As many as one `DeleteObjects` takes, and one list gives.
const PAGE: i32 = 1000;

/// Deletes what it can in one go; more to do is the answer of a go that was not enough.
pub(super) async fn empty(at: &Target<'_>, call: &Call) -> Result<(), Problem> {
    let begun = Instant::now();
    delete_all(at, call, begun).await.unless_missing()?;
    abort_uploads(at, call, begun).await.unless_missing()?;
    Ok(())
}

/// Always from the start of the list, which what was deleted is no longer in.
async fn delete_all(at: &Target<'_>, call: &Call, begun: Instant) -> Result<(), Problem> {
    let mut deleted = 0;
    loop {
        let request = at.s3.list_object_versions().bucket(at.name).expected_bucket_owner(at.account);
        let page = request.max_keys(PAGE).send().await.answer("s3:ListBucketVersions")?;
        let objects = listed(&page);
        if objects.is_empty() {
            return Ok(());
        }
        deleted += objects.len();
        delete(at, call, objects).await?;
        if page.is_truncated() != Some(true) {
            return Ok(());
        }
        if begun.elapsed() > BUDGET {
            return Err(Problem::unfinished(call.operation(), format!("{deleted} objects deleted, more are left")));
        }
    }
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
    let answer = request.send().await.answer(call.operation())?;
    match answer.errors() {
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
        let page = request.send().await.answer("s3:ListBucketMultipartUploads")?;
        for upload in page.uploads() {
            let request = at.s3.abort_multipart_upload().bucket(at.name).expected_bucket_owner(at.account);
            let request = request.set_key(upload.key.clone()).set_upload_id(upload.upload_id.clone());
            request.send().await.answer("s3:AbortMultipartUpload").unless_missing()?;
            if begun.elapsed() > BUDGET {
                return Err(Problem::unfinished(call.operation(), "unfinished uploads are left"));
            }
        }
        if page.is_truncated() != Some(true) {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::Class;
    use environment::{Key, Kind, What};

    #[test]
    fn an_object_that_was_not_deleted_says_why() {
        let call = Call { key: Key::new(Kind::Bucket, "b"), id: None, what: What::Empty };
        let error = |code: &str| Error::builder().key("a.txt").version_id("v1").code(code).message("no").build();
        let told = not_deleted(&call, &error("AccessDenied"), 2);
        assert_eq!((told.class, told.operation), (Class::Denied, "s3:DeleteObjects"));
        assert_eq!(told.message, "object a.txt, version v1: no (2 others were not deleted either)");
        assert_eq!(not_deleted(&call, &error("InternalError"), 0).class, Class::Lost);
        assert_eq!(not_deleted(&call, &error("SlowDown"), 0).class, Class::Throttled);
    }
}
