//! A bucket: how it is found, made and deleted.

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use environment::{
    Bucket, Call, CallKind, Fields, Key, Names, ObservedResource, Ownership, Partition, Resource, Setting, State, Tags,
};

use super::{Target, configuration, empty, tags};
use crate::AwsCloud;
use crate::clients::Clients;
use crate::errors::{Class, Problem, Response, UnlessMissing};
use crate::ids::Observation;

/// The one region that buckets are made in without saying so.
const DEFAULT_REGION: &str = "us-east-1";

/// A bucket under one of our names.
pub(crate) struct Seen {
    name: String,
    /// Nothing, if it is not for us to read.
    found: Option<Found>,
}

struct Found {
    tags: Tags,
    bucket: Bucket,
}

/// Both buckets, whoever's they are.
pub(crate) async fn read(clients: &Clients, names: &Names) -> Result<Vec<Seen>, Problem> {
    let (logs, data) =
        tokio::try_join!(read_one(clients, names, names.log_bucket()), read_one(clients, names, names.data_bucket()))?;
    Ok([logs, data].into_iter().flatten().collect())
}

/// The tags first: there are no further calls on what isn't there, or belongs to another account.
async fn read_one(clients: &Clients, names: &Names, key: Key) -> Result<Option<Seen>, Problem> {
    let at = Target { s3: &clients.s3, name: &key.name, account: &names.account };
    let tags = match tags::read(&at).await {
        Err(problem) if is_elsewhere(&problem) => return Ok(Some(Seen { name: key.name, found: None })),
        tags => tags.unless_missing()?,
    };
    let Some(tags) = tags else { return Ok(None) };
    // Gone in between is gone.
    let bucket = Box::pin(configuration::read(&at, names)).await.unless_missing()?;
    Ok(bucket.map(|bucket| Seen { name: key.name, found: Some(Found { tags, bucket }) }))
}

/// Whether somebody has the name: another account, or this one in another region, where S3 answers with a redirection
/// (the S3 user guide).
fn is_elsewhere(problem: &Problem) -> bool {
    problem.class == Class::Denied
        || matches!(problem.code.as_str(), "PermanentRedirect" | "AuthorizationHeaderMalformed")
}

/// The bucket as the engine sees it.
#[expect(clippy::unnecessary_wraps, reason = "as every kind")]
pub(crate) fn observed(seen: &Seen, observation: &Observation<'_>) -> Result<ObservedResource, Problem> {
    // Where the partition is not known, nothing is made (`facts`).
    let partition = Partition::of(&observation.names.region).map_or("aws", |it| it.id);
    let arn = |name: &str| format!("arn:{partition}:s3:::{name}");
    let (tags, bucket) = match &seen.found {
        Some(found) => (found.tags.clone(), found.bucket.clone()),
        None => (Tags::new(), Bucket::default()),
    };
    let ownership = match &seen.found {
        Some(found) => ObservedResource::ownership(&found.tags, observation.owner),
        None => Ownership::Hidden(String::from(
            "it belongs to another account, or its policy does not let this one read it",
        )),
    };
    Ok(ObservedResource {
        id: Some(arn(&seen.name)),
        ownership,
        state: State::Ready,
        references: bucket.access_logs.iter().map(|logs| arn(&logs.to.to_string())).collect(),
        resource: Resource { name: seen.name.clone(), tags, fields: Fields::Bucket(bucket) },
        version: None,
    })
}

/// Carries out one call on a bucket.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let at = Target::of(aws, call);
    match &call.kind {
        CallKind::Create(resource) => create(&at, call, resource).await,
        CallKind::Set(settings) => match settings.as_slice() {
            [Setting::Tag(..), ..] => tags::set(&at, call, settings).await,
            settings => configuration::set(&at, call, settings).await,
        },
        CallKind::Clear(settings) => match settings.as_slice() {
            [Setting::Tag(..), ..] => tags::clear(&at, call, settings).await,
            settings => configuration::clear(&at, call, settings).await,
        },
        CallKind::Empty => empty::empty(&at, call).await,
        CallKind::Delete => delete(&at, call).await,
        CallKind::Drain => Err(Problem::no_such_call(call)),
    }
}

/// With its tags in the same call. The default region is the only one that cannot be named.
async fn create(at: &Target<'_>, call: &Call, resource: &Resource) -> Result<(), Problem> {
    let region = at.s3.config().region().map(AsRef::as_ref).filter(|region| *region != DEFAULT_REGION);
    let configuration = CreateBucketConfiguration::builder()
        .set_location_constraint(region.map(BucketLocationConstraint::from))
        .set_tags(Some(tags::of(&resource.tags, call.operation())?))
        .build();
    let request = at.s3.create_bucket().bucket(at.name).create_bucket_configuration(configuration);
    request.send().await.response(call.operation())?;
    Ok(())
}

/// That there is something in it (`BucketNotEmpty`) is nothing final. What arrived since it was emptied is found by the
/// next look, which has it emptied again; and what had to be empty is refused or retained by what that look shows.
async fn delete(at: &Target<'_>, call: &Call) -> Result<(), Problem> {
    let request = at.s3.delete_bucket().bucket(at.name).expected_bucket_owner(at.account);
    request.send().await.response(call.operation()).unless_missing()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ids;
    use environment::{AccessLogs, Ref, mark};

    fn names() -> Names {
        Names { project: "p".into(), region: "eu-west-1".into(), account: "123456789012".into(), suffix: "dev".into() }
    }

    fn read_back(found: Option<Found>) -> ObservedResource {
        let names = names();
        let seen = Seen { name: names.data_bucket().name, found };
        observed(&seen, &Ids::default().observation("owner", &names)).unwrap()
    }

    #[test]
    fn a_bucket_is_known_by_its_arn_and_holds_on_to_its_log_bucket() {
        let logs = Ref::Owned(names().log_bucket());
        let bucket = Bucket { access_logs: Some(AccessLogs { to: logs, prefix: "l/".into() }), ..Bucket::default() };
        let tags = Tags::from([(mark::OWNER.into(), "owner".into())]);
        let observed = read_back(Some(Found { tags, bucket }));
        assert_eq!(observed.ownership, Ownership::Owned);
        assert_eq!(observed.id.as_deref(), Some("arn:aws:s3:::p-data-euwest1-dev-123456789012"));
        assert_eq!(observed.references, ["arn:aws:s3:::p-logs-euwest1-dev-123456789012"]);
    }

    #[test]
    fn what_may_not_be_read_is_foreign_and_a_region_elsewhere_too() {
        assert!(matches!(read_back(None).ownership, Ownership::Hidden(reason) if reason.contains("another account")));
        let problem = |class, code: &str| {
            let (operation, message) = ("s3:GetBucketTagging", String::new());
            Problem { class, operation, code: code.into(), message }
        };
        assert!(is_elsewhere(&problem(Class::Denied, "AccessDenied")));
        assert!(is_elsewhere(&problem(Class::Rejected, "PermanentRedirect")));
        assert!(!is_elsewhere(&problem(Class::Rejected, "InvalidBucketName")));
    }

    #[test]
    fn a_retained_bucket_is_nobodys() {
        let tags = Tags::from([(mark::RETAINED.into(), "p-eu-west-1-dev".into())]);
        let observed = read_back(Some(Found { tags, bucket: Bucket::default() }));
        assert_eq!(observed.ownership, Ownership::Retained("p-eu-west-1-dev".into()));
    }
}
