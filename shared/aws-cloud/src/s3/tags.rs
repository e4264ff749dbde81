//! A bucket's tags. `PutBucketTagging` replaces all tags, so each change reads, changes and writes the whole set:
//! foreign tags are retained.

use aws_sdk_s3::types::{AbacStatus, BucketAbacStatus, Tag, Tagging};
use environment::{Call, Setting, Tags};

use super::Target;
use crate::errors::{ClassifyErrors, ErrorClass, NoneIfNotFound, Problem};

const PUT: &str = "s3:PutBucketTagging";

/// All tags except the ones that AWS sets itself, which calls must not write.
pub(super) async fn read(at: &Target<'_>) -> Result<Tags, Problem> {
    let request = at.s3.get_bucket_tagging().bucket(at.name).expected_bucket_owner(at.account);
    let tags = match request.send().await.classified("s3:GetBucketTagging") {
        Ok(response) => response.tag_set,
        Err(problem) if problem.code == "NoSuchTagSet" => vec![],
        Err(problem) => return Err(problem),
    };
    let pairs = tags.into_iter().map(|tag| (tag.key, tag.value));
    Ok(pairs.filter(|(key, _)| !key.starts_with("aws:")).collect())
}

/// Tags in the form of a request.
pub(super) fn of(tags: &Tags, operation: &'static str) -> Result<Vec<Tag>, Problem> {
    let built = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
    built.collect::<Result<_, _>>().map_err(|_| Problem::unreadable(operation, "tag"))
}

pub(super) async fn set(at: &Target<'_>, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let mut tags = read(at).await?;
    for setting in settings {
        let Setting::Tag(key, value) = setting else { return Err(Problem::unsupported_call(call)) };
        tags.insert(key.clone(), value.clone());
    }
    put(at, &tags).await
}

pub(super) async fn clear(at: &Target<'_>, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let Some(mut tags) = read(at).await.none_if_not_found()? else { return Ok(()) };
    for setting in settings {
        let Setting::Tag(key, _) = setting else { return Err(Problem::unsupported_call(call)) };
        tags.remove(key);
    }
    put(at, &tags).await.none_if_not_found()?;
    Ok(())
}

/// Writes the whole set of tags.
pub(super) async fn put(at: &Target<'_>, tags: &Tags) -> Result<(), Problem> {
    let tagging = Tagging::builder().set_tag_set(Some(of(tags, PUT)?)).build();
    let tagging = tagging.map_err(|_| Problem::unreadable(PUT, "tag"))?;
    let request = at.s3.put_bucket_tagging().bucket(at.name).expected_bucket_owner(at.account);
    match request.tagging(tagging).send().await.classified(PUT) {
        Err(problem) if matches!(problem.class, ErrorClass::Rejected | ErrorClass::Denied) => {
            Err(naming_access_control(at, problem).await)
        }
        other => other.map(|_| ()),
    }
}

/// Names the cause if the bucket has attribute-based access control: S3 then changes its tags by `TagResource` of another
/// API alone, and rejects `PutBucketTagging` (S3 API reference, PutBucketAbac).
async fn naming_access_control(at: &Target<'_>, problem: Problem) -> Problem {
    let request = at.s3.get_bucket_abac().bucket(at.name).expected_bucket_owner(at.account);
    let is_on = match request.send().await.classified("s3:GetBucketAbac") {
        Ok(response) => response.abac_status().and_then(AbacStatus::status) == Some(&BucketAbacStatus::Enabled),
        // S3's message says more than the error of this look-up.
        Err(_) => false,
    };
    if !is_on {
        return problem;
    }
    let cause = "the bucket has attribute-based access control, and S3 then takes tags by TagResource only. \
                 Disable it (aws s3api put-bucket-abac), and try again";
    Problem::rejected(PUT, format!("{}: {}; {cause}", problem.code, problem.message.trim_end_matches('.')))
}
