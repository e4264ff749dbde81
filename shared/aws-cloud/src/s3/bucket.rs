//! A bucket: how it is found, made and deleted.

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use environment::{Bucket, Call, Fields, Key, Live, Names, Partition, Resource, Setting, State, Tags, What, Whose};

use super::{Target, configuration, empty, tags};
use crate::AwsCloud;
use crate::clients::Clients;
use crate::errors::{Answer, Class, Problem, UnlessMissing};
use crate::ids::Look;

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
pub(crate) fn live(seen: &Seen, look: &Look<'_>) -> Result<Live, Problem> {
    // Where the partition is not known, nothing is made (`facts`).
    let partition = Partition::of(&look.names.region).map_or("aws", |it| it.id);
    let arn = |name: &str| format!("arn:{partition}:s3:::{name}");
    let (tags, bucket) = match &seen.found {
        Some(found) => (found.tags.clone(), found.bucket.clone()),
        None => (Tags::new(), Bucket::default()),
    };
    let whose = match &seen.found {
        Some(found) => Live::whose(&found.tags, look.owner),
        None => {
            Whose::Hidden(String::from("it belongs to another account, or its policy does not let this one read it"))
        }
    };
    Ok(Live {
        id: Some(arn(&seen.name)),
        whose,
        state: State::Ready,
        holds: bucket.access_logs.iter().map(|logs| arn(&logs.to.to_string())).collect(),
        resource: Resource { name: seen.name.clone(), tags, fields: Fields::Bucket(bucket) },
        version: None,
    })
}

/// Carries out one call on a bucket.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let at = Target::of(aws, call);
    match &call.what {
        What::Create(resource) => create(&at, call, resource).await,
        What::Set(settings) => match settings.as_slice() {
            [Setting::Tag(..), ..] => tags::set(&at, call, settings).await,
            settings => configuration::set(&at, call, settings).await,
        },
        What::Clear(settings) => match settings.as_slice() {
            [Setting::Tag(..), ..] => tags::clear(&at, call, settings).await,
            settings => configuration::clear(&at, call, settings).await,
        },
        What::Empty => empty::empty(&at, call).await,
        What::Delete => delete(&at, call).await,
        What::Drain => Err(Problem::no_such_call(call)),
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
    request.send().await.answer(call.operation())?;
    Ok(())
}

/// That there is something in it (`BucketNotEmpty`) is nothing final. What arrived since it was emptied is found by the
/// next look, which has it emptied again; and what had to be empty is refused or retained by what that look shows.
async fn delete(at: &Target<'_>, call: &Call) -> Result<(), Problem> {
    let request = at.s3.delete_bucket().bucket(at.name).expected_bucket_owner(at.account);
    request.send().await.answer(call.operation()).unless_missing()?;
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

    fn read_back(found: Option<Found>) -> Live {
        let names = names();
        let seen = Seen { name: names.data_bucket().name, found };
        live(&seen, &Ids::default().look("owner", &names)).unwrap()
    }

    #[test]
    fn a_bucket_is_known_by_its_arn_and_holds_on_to_its_log_bucket() {
        let logs = Ref::Ours(names().log_bucket());
        let bucket = Bucket { access_logs: Some(AccessLogs { to: logs, prefix: "l/".into() }), ..Bucket::default() };
        let tags = Tags::from([(mark::OWNER.into(), "owner".into())]);
        let live = read_back(Some(Found { tags, bucket }));
        assert_eq!(live.whose, Whose::Ours);
        assert_eq!(live.id.as_deref(), Some("arn:aws:s3:::p-data-euwest1-dev-123456789012"));
        assert_eq!(live.holds, ["arn:aws:s3:::p-logs-euwest1-dev-123456789012"]);
    }

    #[test]
    fn what_may_not_be_read_is_foreign_and_a_region_elsewhere_too() {
        assert!(matches!(read_back(None).whose, Whose::Hidden(why) if why.contains("another account")));
        let problem = |class, code: &str| {
            let (operation, message) = ("s3:GetBucketTagging", String::new());
            Problem { class, operation, code: code.into(), message }
        };
        assert!(is_elsewhere(&problem(Class::Denied, "AccessDenied")));
        assert!(is_elsewhere(&problem(Class::Refused, "PermanentRedirect")));
        assert!(!is_elsewhere(&problem(Class::Refused, "InvalidBucketName")));
    }

    #[test]
    fn a_retained_bucket_is_nobodys() {
        let tags = Tags::from([(mark::RETAINED.into(), "p-eu-west-1-dev".into())]);
        let live = read_back(Some(Found { tags, bucket: Bucket::default() }));
        assert_eq!(live.whose, Whose::Retained("p-eu-west-1-dev".into()));
    }
}
