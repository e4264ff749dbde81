//! A bucket: how this crate finds, creates and deletes it.

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, Tag};
use environment::{
    Bucket, Call, CallKind, Fields, Key, Names, ObservedResource, Ownership, Partition, Resource, Setting, State, Tags,
};

use super::{Target, configuration, empty, obstacles, tags};
use crate::AwsCloud;
use crate::clients::Clients;
use crate::errors::{ClassifyErrors, ErrorClass, NoneIfNotFound, Problem};
use crate::ids::Observation;

/// The one region in which a create must not name its region.
const DEFAULT_REGION: &str = "us-east-1";

/// The observed attributes of a bucket with a computed name.
pub(crate) struct BucketAttributes {
    name: String,
    /// `None` if this account must not read the bucket.
    found: Option<Found>,
}

struct Found {
    tags: Tags,
    bucket: Bucket,
}

/// Reads both buckets, owned or foreign.
pub(crate) async fn read(clients: &Clients, names: &Names) -> Result<Vec<BucketAttributes>, Problem> {
    let (logs, data) =
        tokio::try_join!(read_one(clients, names, names.log_bucket()), read_one(clients, names, names.data_bucket()))?;
    Ok([logs, data].into_iter().flatten().collect())
}

/// Reads the tags first: a bucket that does not exist, or belongs to another account, gets no further calls.
async fn read_one(clients: &Clients, names: &Names, key: Key) -> Result<Option<BucketAttributes>, Problem> {
    let at = Target { s3: &clients.s3, name: &key.name, account: &names.account };
    let tags = match tags::read(&at).await {
        Err(problem) if is_taken_elsewhere(&problem) => {
            return Ok(Some(BucketAttributes { name: key.name, found: None }));
        }
        tags => tags.none_if_not_found()?,
    };
    let Some(tags) = tags else { return Ok(None) };
    // A bucket that is deleted between the two reads does not exist.
    let bucket = Box::pin(configuration::read(&at, names)).await.none_if_not_found()?;
    Ok(bucket.map(|bucket| BucketAttributes { name: key.name, found: Some(Found { tags, bucket }) }))
}

/// Whether the name is taken elsewhere: by another account, or by this account in another region, where S3 responds
/// with a redirection (the S3 user guide), or between opt-in regions with the third code (cloud-custodian, issue 8005).
fn is_taken_elsewhere(problem: &Problem) -> bool {
    let codes = ["PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"];
    problem.class == ErrorClass::Denied || codes.contains(&problem.code.as_str())
}

/// The bucket in the form of the engine.
#[expect(clippy::unnecessary_wraps, reason = "every kind has this signature")]
pub(crate) fn observed(
    attributes: &BucketAttributes,
    observation: &Observation<'_>,
) -> Result<ObservedResource, Problem> {
    // In an unknown partition, nothing is created (`facts`).
    let partition = Partition::of(&observation.names.region).map_or("aws", |it| it.id);
    let arn = |name: &str| format!("arn:{partition}:s3:::{name}");
    let (tags, bucket) = match &attributes.found {
        Some(found) => (found.tags.clone(), found.bucket.clone()),
        None => (Tags::new(), Bucket::default()),
    };
    let references = bucket.access_logs.iter().map(|logs| arn(&logs.to.to_string())).collect();
    let resource = Resource { name: attributes.name.clone(), tags, fields: Fields::Bucket(bucket) };
    let ownership = match &attributes.found {
        Some(_) => observation.ownership_of_bucket(&resource),
        None => Ownership::Hidden(String::from(
            "it belongs to another account, or its policy does not let this account read it",
        )),
    };
    let id = Some(arn(&attributes.name));
    Ok(ObservedResource { id, ownership, state: State::Ready, references, resource, version: None })
}

/// Executes one call on a bucket.
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
        CallKind::Empty => match empty::empty(&at, call).await {
            Err(problem) => Err(obstacles::with_denying_settings(&at, problem).await),
            Ok(()) => Ok(()),
        },
        CallKind::Delete => delete(&at, call).await,
        CallKind::Drain | CallKind::Rollout(_) => Err(Problem::unsupported_call(call)),
    }
}

/// Creates the bucket with its tags in the same call. Where S3 takes no tags in this call (the European Sovereign Cloud:
/// terraform-provider-aws, issue 45684), they follow in the next one; between the two, the create intent in the record
/// proves the ownership.
async fn create(at: &Target<'_>, call: &Call, resource: &Resource) -> Result<(), Problem> {
    let tags = tags::of(&resource.tags, call.operation())?;
    match create_bucket(at, call, Some(tags)).await {
        Err(problem) if problem.code == "UnsupportedArgument" => {
            create_bucket(at, call, None).await?;
            tags::put(at, &resource.tags).await
        }
        other => other,
    }
}

/// A create must not name the default region, and has to name every other one.
async fn create_bucket(at: &Target<'_>, call: &Call, tags: Option<Vec<Tag>>) -> Result<(), Problem> {
    let region = at.s3.config().region().map(AsRef::as_ref).filter(|region| *region != DEFAULT_REGION);
    let region = region.map(BucketLocationConstraint::from);
    let configuration = CreateBucketConfiguration::builder().set_location_constraint(region).set_tags(tags).build();
    let request = at.s3.create_bucket().bucket(at.name).create_bucket_configuration(configuration);
    request.send().await.classified(call.operation())?;
    Ok(())
}

/// Deletes the bucket. `BucketNotEmpty` is not final: the next observation shows objects that arrived since the bucket
/// was emptied, and the plan empties the bucket again. A bucket that has to be empty is rejected or retained by that
/// observation.
async fn delete(at: &Target<'_>, call: &Call) -> Result<(), Problem> {
    let request = at.s3.delete_bucket().bucket(at.name).expected_bucket_owner(at.account);
    match request.send().await.classified(call.operation()).none_if_not_found() {
        Err(problem) if problem.class == ErrorClass::Denied => Err(obstacles::with_denying_settings(at, problem).await),
        Err(problem) => Err(obstacles::with_remaining_versions(at, problem).await),
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ids;
    use environment::{AccessLogs, Proofs, Ref, mark};
    use std::collections::BTreeMap;

    fn names() -> Names {
        Names { project: "p".into(), region: "eu-west-1".into(), account: "123456789012".into(), suffix: "dev".into() }
    }

    fn observe(found: Option<Found>) -> ObservedResource {
        let names = names();
        let attributes = BucketAttributes { name: names.data_bucket().name, found };
        observed(&attributes, &Ids::default().observation("owner", &names)).unwrap()
    }

    #[test]
    fn a_bucket_has_its_arn_as_id_and_references_its_log_bucket() {
        let logs = Ref::Owned(names().log_bucket());
        let bucket = Bucket { access_logs: Some(AccessLogs { to: logs, prefix: "l/".into() }), ..Bucket::default() };
        let tags = Tags::from([(mark::OWNER.into(), "owner".into())]);
        let observed = observe(Some(Found { tags, bucket }));
        assert_eq!(observed.ownership, Ownership::Owned);
        assert_eq!(observed.id.as_deref(), Some("arn:aws:s3:::p-data-euwest1-dev-123456789012"));
        assert_eq!(observed.references, ["arn:aws:s3:::p-logs-euwest1-dev-123456789012"]);
    }

    #[test]
    fn an_unreadable_bucket_is_hidden_and_so_is_one_in_another_region() {
        assert!(matches!(observe(None).ownership, Ownership::Hidden(reason) if reason.contains("another account")));
        let problem = |class, code: &str| Problem::new(class, "s3:GetBucketTagging", code, "");
        assert!(is_taken_elsewhere(&problem(ErrorClass::Denied, "AccessDenied")));
        assert!(is_taken_elsewhere(&problem(ErrorClass::Rejected, "PermanentRedirect")));
        assert!(is_taken_elsewhere(&problem(ErrorClass::Rejected, "IllegalLocationConstraintException")));
        assert!(!is_taken_elsewhere(&problem(ErrorClass::Rejected, "InvalidBucketName")));
    }

    #[test]
    fn a_bucket_without_tags_is_owned_if_a_create_intent_covers_it_and_it_is_new() {
        let names = names();
        let ownership = |intents: &[Key], tags: Tags, bucket: Bucket| {
            let recorded = Proofs { intents: intents.iter().cloned().collect(), ..Proofs::default() };
            let attributes = BucketAttributes { name: names.data_bucket().name, found: Some(Found { tags, bucket }) };
            let (ids, standings) = (Ids::default(), BTreeMap::new());
            let observation = ids.observation("owner", &names).with(&recorded, standings);
            observed(&attributes, &observation).unwrap().ownership
        };
        let (covered, new) = ([names.data_bucket()], Bucket::default);
        assert_eq!(ownership(&covered, Tags::new(), new()), Ownership::Owned);
        let foreign = |ownership| assert!(matches!(ownership, Ownership::Foreign(_)), "{ownership:?}");
        foreign(ownership(&[names.log_bucket()], Tags::new(), new()));
        foreign(ownership(&covered, Tags::from([("team".into(), "web".into())]), new()));
        foreign(ownership(&covered, Tags::new(), Bucket { contains_objects: true, ..new() }));
        foreign(ownership(&covered, Tags::new(), Bucket { policy: Some("{}".into()), ..new() }));
    }

    #[test]
    fn a_retained_bucket_has_no_owner() {
        let tags = Tags::from([(mark::RETAINED.into(), "p-eu-west-1-dev".into())]);
        let observed = observe(Some(Found { tags, bucket: Bucket::default() }));
        assert_eq!(observed.ownership, Ownership::Retained("p-eu-west-1-dev".into()));
    }
}
