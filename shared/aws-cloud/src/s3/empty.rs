//! Emptying a bucket: every version, every delete marker, every incomplete upload.

use std::time::Duration;

use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::{Delete, EncodingType, Error, MultipartUpload, ObjectIdentifier};
use environment::Call;
use futures_util::future::ready;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use percent_encoding::percent_decode_str;
use tokio::time::Instant;

use super::{Target, obstacles};
use crate::errors::{ClassifyErrors, NoneIfNotFound, Problem, classify, named};

/// The time budget of one `Empty` call: the last page that starts within the budget still has to complete within the
/// time limit of a call. A bucket with millions of objects takes many calls, and the run checks the time between them.
const BUDGET: Duration = Duration::from_secs(8);

/// The objects in a page: the most that one `DeleteObjects` accepts, and one list returns.
pub(super) const PAGE: i32 = 1000;

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
    let deleted =
        pages.map_ok(async |page| delete_page(at, call, &page, started).await).try_buffer_unordered(CONCURRENT_CALLS);
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
        let key = page.next_key_marker().map(|key| decoded(key, page.encoding_type()));
        let marker = || PageMarker { key, version: page.next_version_id_marker.clone() };
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
    let request = request.set_key_marker(from.key).set_version_id_marker(from.version).encoding_type(EncodingType::Url);
    request.send().await.classified("s3:ListBucketVersions")
}

/// A key as it is. S3 encodes the keys of a list as in a form where the request asks for it, since XML 1.0 cannot contain
/// every character of a key (S3 API reference, ListObjectVersions, `encoding-type`); the response names the encoding.
pub(super) fn decoded(key: &str, encoding: Option<&EncodingType>) -> String {
    match encoding {
        Some(EncodingType::Url) => percent_decode_str(&key.replace('+', " ")).decode_utf8_lossy().into_owned(),
        _ => key.to_owned(),
    }
}

/// Whether a request in XML 1.0 can contain the text (its specification, section 2.2).
fn fits_into_xml(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..))
}

async fn delete_page(
    at: &Target<'_>,
    call: &Call,
    page: &ListObjectVersionsOutput,
    started: Instant,
) -> Result<Deleted, Problem> {
    let objects = listed(page);
    let deleted = Deleted { pages: 1, objects: objects.len(), has_last_page: PageMarker::after(page).is_none() };
    let (together, single): (Vec<_>, Vec<_>) = objects.into_iter().partition(|it| fits_into_xml(it.key()));
    if !together.is_empty() {
        delete(at, call, together).await?;
    }
    let single = stream::iter(single.iter().map(Ok));
    single.try_for_each_concurrent(CONCURRENT_CALLS, async |it| delete_single(at, call, it, started).await).await?;
    Ok(deleted)
}

/// Deletes an object whose key is in no request's body, only in its path.
async fn delete_single(
    at: &Target<'_>,
    call: &Call,
    object: &ObjectIdentifier,
    started: Instant,
) -> Result<(), Problem> {
    if started.elapsed() > BUDGET {
        return Err(Problem::unfinished(call.operation(), "objects with unusual keys are left"));
    }
    let request = at.s3.delete_object().bucket(at.name).expected_bucket_owner(at.account).key(object.key());
    request.set_version_id(object.version_id.clone()).send().await.classified("s3:DeleteObject")?;
    Ok(())
}

fn listed(page: &ListObjectVersionsOutput) -> Vec<ObjectIdentifier> {
    let versions = page.versions().iter().map(|it| (it.key(), it.version_id()));
    let markers = page.delete_markers().iter().map(|it| (it.key(), it.version_id()));
    let identify = |(key, version): (Option<&str>, Option<&str>)| {
        let key = decoded(key?, page.encoding_type());
        ObjectIdentifier::builder().key(key).set_version_id(version.map(str::to_owned)).build().ok()
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
        [first, ..] => Err(not_deleted(call, first, response.errors())),
    }
}

/// The error of the versions of one page that S3 did not delete, with the code and the message of the first. A version has
/// no HTTP status of its own, so an unknown code counts as a server error: the next call tries again.
fn not_deleted(call: &Call, first: &Error, all: &[Error]) -> Problem {
    let code = first.code().unwrap_or_default();
    let versions = all.iter().map(|it| obstacles::version(it.key().unwrap_or("?"), it.version_id()));
    let named = named(versions.collect(), obstacles::MAX_NAMED).unwrap_or_default();
    let message = format!("not deleted: {named}: {}", first.message().unwrap_or("?"));
    Problem::new(classify(code, 500), call.operation(), code, message)
}

async fn abort_uploads(at: &Target<'_>, call: &Call, started: Instant) -> Result<(), Problem> {
    loop {
        let request = at.s3.list_multipart_uploads().bucket(at.name).expected_bucket_owner(at.account);
        let page = request.encoding_type(EncodingType::Url).send().await.classified("s3:ListBucketMultipartUploads")?;
        let uploads = stream::iter(page.uploads()).map(Ok);
        uploads
            .try_for_each_concurrent(CONCURRENT_CALLS, async |upload| abort(at, upload, page.encoding_type()).await)
            .await?;
        if page.is_truncated() != Some(true) {
            return Ok(());
        }
        if started.elapsed() > BUDGET {
            return Err(Problem::unfinished(call.operation(), "incomplete uploads are left"));
        }
    }
}

async fn abort(at: &Target<'_>, upload: &MultipartUpload, encoding: Option<&EncodingType>) -> Result<(), Problem> {
    let request = at.s3.abort_multipart_upload().bucket(at.name).expected_bucket_owner(at.account);
    let request =
        request.set_key(upload.key().map(|key| decoded(key, encoding))).set_upload_id(upload.upload_id.clone());
    request.send().await.classified("s3:AbortMultipartUpload").none_if_not_found()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::ErrorClass;
    use environment::{CallKind, Key, Kind};

    #[test]
    fn a_key_is_decoded_as_a_form_if_the_response_is_encoded() {
        let url = Some(&EncodingType::Url);
        assert_eq!(decoded("a+b%2Bc/%01%C3%BC", url), "a b+c/\u{1}\u{fc}");
        assert_eq!(decoded("a+b%2Bc", None), "a+b%2Bc");
    }

    #[test]
    fn keys_with_characters_outside_of_xml_are_deleted_one_by_one() {
        let singly = ["\u{0}", "a\u{1}", "\u{b}", "\u{1f}", "\u{fffe}", "\u{ffff}"];
        assert!(!singly.iter().any(|key| fits_into_xml(key)));
        let together = ["a b/c", "\t\r\n", "\u{7f}", "\u{fffd}", "\u{1f600}", "<&>"];
        assert!(together.iter().all(|key| fits_into_xml(key)));
    }

    #[test]
    fn an_object_that_was_not_deleted_has_its_reason() {
        let call = Call { key: Key::new(Kind::Bucket, "b"), id: None, kind: CallKind::Empty };
        let error = |code: &str| Error::builder().key("a.txt").version_id("v1").code(code).message("no").build();
        let problem = |code: &str, count: usize| not_deleted(&call, &error(code), &vec![error(code); count]);
        let denied = problem("AccessDenied", 5);
        assert_eq!((denied.class, denied.operation), (ErrorClass::Denied, "s3:DeleteObjects"));
        let version = "a.txt (version v1)";
        assert_eq!(denied.message, format!("not deleted: {version}, {version}, {version} and 2 more: no"));
        assert_eq!(problem("InternalError", 1).class, ErrorClass::LostResponse);
        assert_eq!(problem("SlowDown", 1).class, ErrorClass::Throttled);
    }
}
