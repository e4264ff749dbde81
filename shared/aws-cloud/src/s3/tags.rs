//! A bucket's tags. `PutBucketTagging` replaces all tags, so each change reads, changes and writes the whole set:
//! foreign tags are retained.

use aws_sdk_s3::types::{Tag, Tagging};
use environment::{Call, Setting, Tags};

use super::Target;
use crate::errors::{ClassifyErrors, NoneIfNotFound, Problem};

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
    put(at, call, &tags).await
}

pub(super) async fn clear(at: &Target<'_>, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let Some(mut tags) = read(at).await.none_if_not_found()? else { return Ok(()) };
    for setting in settings {
        let Setting::Tag(key, _) = setting else { return Err(Problem::unsupported_call(call)) };
        tags.remove(key);
    }
    put(at, call, &tags).await.none_if_not_found()?;
    Ok(())
}

async fn put(at: &Target<'_>, call: &Call, tags: &Tags) -> Result<(), Problem> {
    let tagging = Tagging::builder().set_tag_set(Some(of(tags, call.operation())?)).build();
    let tagging = tagging.map_err(|_| Problem::unreadable(call.operation(), "tag"))?;
    let request = at.s3.put_bucket_tagging().bucket(at.name).expected_bucket_owner(at.account);
    request.tagging(tagging).send().await.classified(call.operation())?;
    Ok(())
}
