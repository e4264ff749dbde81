//! The Auto Scaling group. How many instances it has between its bounds is Auto Scaling's business.

use aws_sdk_autoscaling::types::{AutoScalingGroup as Found, LaunchTemplateSpecification, Tag, TagDescription};
use environment::{AutoScalingGroup, Call, Fields, Live, Names, Ref, Resource, Setting, State, Tags, What};

use crate::AwsCloud;
use crate::clients::Clients;
use crate::ec2::launch_template::version_number;
use crate::errors::{Answer, Class, Problem};
use crate::ids::Look;

const DESCRIBE: &str = "autoscaling:DescribeAutoScalingGroups";

/// The group of the computed name, whoever's it is.
pub(crate) async fn read(clients: &Clients, names: &Names) -> Result<Option<Found>, Problem> {
    find(clients, &names.group().name).await
}

async fn find(clients: &Clients, name: &str) -> Result<Option<Found>, Problem> {
    let request = clients.autoscaling.describe_auto_scaling_groups().auto_scaling_group_names(name);
    let answer = request.send().await.answer(DESCRIBE)?;
    Ok(answer.auto_scaling_groups.unwrap_or_default().into_iter().find(|it| it.auto_scaling_group_name() == Some(name)))
}

/// The group as the engine sees it.
pub(crate) fn live(found: &Found, look: &Look<'_>) -> Result<Live, Problem> {
    let missing = |what| move || Problem::unreadable(DESCRIBE, what);
    let name = found.auto_scaling_group_name().ok_or_else(missing("name"))?;
    let count = |count: Option<i32>| count.and_then(|it| u32::try_from(it).ok());
    let subnet_ids: Vec<&str> =
        found.vpc_zone_identifier().unwrap_or_default().split(',').filter(|id| !id.is_empty()).collect();
    let mut subnets: Vec<Ref> = subnet_ids.iter().map(|id| look.reference(id)).collect();
    subnets.sort();
    let launched = launched(found.launch_template(), look);
    let group = AutoScalingGroup {
        min_size: count(found.min_size()).ok_or_else(missing("minimum"))?,
        max_size: count(found.max_size()).ok_or_else(missing("maximum"))?,
        desired_capacity: count(found.desired_capacity()).unwrap_or_default(),
        subnets,
        template: launched.template,
        digest: launched.digest,
    };
    let tags = read_tags(found.tags());
    let template_id = found.launch_template().and_then(LaunchTemplateSpecification::launch_template_id);
    Ok(Live {
        id: found.auto_scaling_group_arn().map(str::to_owned),
        whose: Live::whose(&tags, look.owner),
        resource: Resource { name: name.to_owned(), tags, fields: Fields::AutoScalingGroup(group) },
        state: state(found),
        holds: subnet_ids.into_iter().chain(template_id).map(str::to_owned).collect(),
        version: launched.version,
    })
}

/// `Status` is there only while the group is being deleted (the API reference). A group that may have no instance and
/// has some was drained; what they stand in can't go yet.
fn state(found: &Found) -> State {
    match (found.status(), found.instances().len()) {
        (Some(status), _) => State::Leaving(status.to_owned()),
        (None, 1) if found.max_size() == Some(0) => State::Leaving(String::from("1 instance is leaving it")),
        (None, count @ 2..) if found.max_size() == Some(0) => {
            State::Leaving(format!("{count} instances are leaving it"))
        }
        (None, _) => State::Ready,
    }
}

struct Launched {
    template: Ref,
    digest: String,
    version: Option<u64>,
}

/// Which content new instances get. What is not a numbered version of ours has no digest that a plan could want, and so
/// is set right by it.
fn launched(found: Option<&LaunchTemplateSpecification>, look: &Look<'_>) -> Launched {
    let id = found.and_then(LaunchTemplateSpecification::launch_template_id);
    let version = found.and_then(LaunchTemplateSpecification::version);
    let number = version.and_then(|version| version.parse::<u64>().ok());
    let digest = id.zip(number).and_then(|(id, number)| look.digest(id, i64::try_from(number).ok()?));
    let template = id.map_or_else(|| Ref::Foreign(String::from("no launch template")), |id| look.reference(id));
    let unknown = || format!("of version {}", version.unwrap_or("unknown"));
    Launched { template, digest: digest.map_or_else(unknown, str::to_owned), version: number }
}

fn read_tags(tags: &[TagDescription]) -> Tags {
    let pairs = tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())));
    pairs.filter(|(key, _)| !key.starts_with("aws:")).collect()
}

/// Carries out one call on a group.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.what {
        What::Create(resource) => create(aws, call, resource).await,
        What::Set(settings) => match settings.as_slice() {
            [Setting::Tag(..), ..] => set_tags(aws, call, settings).await,
            settings => update(aws, call, settings).await,
        },
        What::Clear(settings) => clear_tags(aws, call, settings).await,
        What::Drain => drain(aws, call).await,
        What::Delete => delete(aws, call).await,
    }
}

async fn create(aws: &AwsCloud, call: &Call, resource: &Resource) -> Result<(), Problem> {
    let Fields::AutoScalingGroup(group) = &resource.fields else { return Err(Problem::no_such_call(call)) };
    let tags = resource.tags.iter().map(|(name, value)| tag(call, name).value(value).build()).collect();
    let request = aws.clients.autoscaling.create_auto_scaling_group().auto_scaling_group_name(&call.key.name);
    let request = request.min_size(size(group.min_size)).max_size(size(group.max_size));
    let request = request.desired_capacity(size(group.desired_capacity));
    let request = request.vpc_zone_identifier(subnet_ids(aws, call, &group.subnets)?);
    let request = request.launch_template(specification(aws, call, &group.template, &group.digest).await?);
    let answer = request.set_tags(Some(tags)).send().await.answer(call.operation());
    answer.map(|_| ()).map_err(or_profile_is_not_visible)
}

async fn update(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let mut request = aws.clients.autoscaling.update_auto_scaling_group().auto_scaling_group_name(&call.key.name);
    for setting in settings {
        request = match setting {
            Setting::MinSize(count) => request.min_size(size(*count)),
            Setting::MaxSize(count) => request.max_size(size(*count)),
            Setting::Subnets(subnets) => request.vpc_zone_identifier(subnet_ids(aws, call, subnets)?),
            Setting::Template { template, digest } => {
                request.launch_template(specification(aws, call, template, digest).await?)
            }
            _ => return Err(Problem::no_such_call(call)),
        };
    }
    request.send().await.answer(call.operation()).map(|_| ()).map_err(or_profile_is_not_visible)
}

/// The one place that looks at the text of an error. A profile that IAM returns is unknown to Auto Scaling for 10 to
/// 40 s, and the refusal has the code of every other mistake, `ValidationError` (FACTS, section 2). Peers retry on
/// exactly these words, and no other validation error is worth a wait.
fn or_profile_is_not_visible(problem: Problem) -> Problem {
    let waits = problem.code == "ValidationError" && problem.message.contains("Invalid IAM Instance Profile");
    if waits { Problem { class: Class::Waits, ..problem } } else { problem }
}

fn size(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn subnet_ids(aws: &AwsCloud, call: &Call, subnets: &[Ref]) -> Result<String, Problem> {
    let ids: Result<Vec<String>, Problem> =
        subnets.iter().map(|subnet| aws.ids.of_ref(call.operation(), subnet)).collect();
    Ok(ids?.join(","))
}

/// The template by its id and the version by its number: `$Latest` would make a rollback go nowhere (FACTS, section 2).
async fn specification(
    aws: &AwsCloud,
    call: &Call,
    template: &Ref,
    digest: &str,
) -> Result<LaunchTemplateSpecification, Problem> {
    let template = aws.ids.of_ref(call.operation(), template)?;
    let version = version_number(aws, &template, digest).await?;
    Ok(LaunchTemplateSpecification::builder().launch_template_id(template).version(version.to_string()).build())
}

/// The name and the scope of a tag on the group; instances get it when they start.
fn tag(call: &Call, key: &str) -> aws_sdk_autoscaling::types::builders::TagBuilder {
    let of = Tag::builder().resource_id(&call.key.name).resource_type("auto-scaling-group");
    of.key(key).propagate_at_launch(true)
}

async fn set_tags(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let mut request = aws.clients.autoscaling.create_or_update_tags();
    for setting in settings {
        let Setting::Tag(key, value) = setting else { return Err(Problem::no_such_call(call)) };
        request = request.tags(tag(call, key).value(value).build());
    }
    request.send().await.answer(call.operation())?;
    Ok(())
}

async fn clear_tags(aws: &AwsCloud, call: &Call, settings: &[Setting]) -> Result<(), Problem> {
    let mut request = aws.clients.autoscaling.delete_tags();
    for setting in settings {
        let Setting::Tag(key, _) = setting else { return Err(Problem::no_such_call(call)) };
        request = request.tags(tag(call, key).build());
    }
    request.send().await.answer(call.operation())?;
    Ok(())
}

async fn drain(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let request = aws.clients.autoscaling.update_auto_scaling_group().auto_scaling_group_name(&call.key.name);
    let answer = request.min_size(0).max_size(0).desired_capacity(0).send().await.answer(call.operation());
    unless_gone(aws, call, answer.map(|_| ())).await
}

/// Without force: what drains has its hooks run.
async fn delete(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    let request = aws.clients.autoscaling.delete_auto_scaling_group().auto_scaling_group_name(&call.key.name);
    let answer = request.send().await.answer(call.operation());
    unless_gone(aws, call, answer.map(|_| ())).await
}

/// That there is no such group is a `ValidationError`, as is everything else that is wrong: so it is looked for.
async fn unless_gone(aws: &AwsCloud, call: &Call, answer: Result<(), Problem>) -> Result<(), Problem> {
    match answer {
        Err(problem) if problem.class == Class::Refused => match find(&aws.clients, &call.key.name).await? {
            None => Ok(()),
            Some(_) => Err(problem),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ids;
    use aws_sdk_autoscaling::types::Instance;
    use environment::{Key, Kind};

    fn names() -> Names {
        Names { project: "p".into(), region: "eu-west-1".into(), suffix: "dev".into() }
    }

    fn group() -> aws_sdk_autoscaling::types::builders::AutoScalingGroupBuilder {
        Found::builder()
            .auto_scaling_group_name("p-asg-euwest1-dev")
            .auto_scaling_group_arn("arn:group")
            .min_size(1)
            .max_size(3)
            .desired_capacity(2)
            .vpc_zone_identifier("subnet-2,subnet-1")
            .launch_template(launches("2"))
    }

    fn launches(version: &str) -> LaunchTemplateSpecification {
        LaunchTemplateSpecification::builder().launch_template_id("lt-1").version(version).build()
    }

    fn read_back(found: &Found) -> Live {
        let (ids, names) = (Ids::default(), names());
        ids.made(&Key::new(Kind::Subnet, "a"), "subnet-1");
        ids.made(&Key::new(Kind::Subnet, "b"), "subnet-2");
        ids.made(&names.launch_template(), "lt-1");
        let mut look = ids.look("owner", &names);
        look.saw_version("lt-1", "0123456789abcdef", 2);
        live(found, &look).unwrap()
    }

    fn fields(live: &Live) -> &AutoScalingGroup {
        match &live.resource.fields {
            Fields::AutoScalingGroup(group) => group,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_group_is_read_with_its_subnets_in_order_and_the_content_that_it_launches() {
        let live = read_back(&group().build());
        let subnets = vec![Ref::ours(Kind::Subnet, "a"), Ref::ours(Kind::Subnet, "b")];
        assert_eq!(fields(&live).subnets, subnets);
        assert_eq!(fields(&live).template, Ref::Ours(names().launch_template()));
        assert_eq!(fields(&live).digest, "0123456789abcdef");
        assert_eq!(live.version, Some(2));
        assert_eq!(live.holds, ["subnet-2", "subnet-1", "lt-1"]);
        assert_eq!(live.state, State::Ready);
    }

    #[test]
    fn a_version_that_is_not_one_of_our_numbers_is_no_content_of_ours() {
        let live = read_back(&group().launch_template(launches("$Latest")).build());
        assert_eq!((fields(&live).digest.as_str(), live.version), ("of version $Latest", None));
        let live = read_back(&group().launch_template(launches("7")).build());
        assert_eq!((fields(&live).digest.as_str(), live.version), ("of version 7", Some(7)));
        let live = read_back(&group().set_launch_template(None).build());
        assert_eq!(fields(&live).template, Ref::Foreign("no launch template".into()));
    }

    #[test]
    fn a_group_leaves_while_it_is_deleted_and_while_it_drains() {
        let instance = || Instance::builder().instance_id("i-1").build();
        let state = |group: Found| read_back(&group).state;
        let leaving = |what: &str| State::Leaving(what.to_owned());
        assert_eq!(state(group().status("Delete in progress").build()), leaving("Delete in progress"));
        let drained = || group().min_size(0).max_size(0);
        assert_eq!(state(drained().instances(instance()).build()), leaving("1 instance is leaving it"));
        let two = drained().instances(instance()).instances(instance());
        assert_eq!(state(two.build()), leaving("2 instances are leaving it"));
        assert_eq!(state(drained().build()), State::Ready);
        assert_eq!(state(group().instances(instance()).build()), State::Ready);
    }

    #[test]
    fn of_all_validation_errors_only_the_unknown_profile_is_waited_for() {
        let class = |code: &str, message: &str| {
            let (code, message) = (code.to_owned(), message.to_owned());
            let operation = "autoscaling:CreateAutoScalingGroup";
            or_profile_is_not_visible(Problem { class: Class::Refused, operation, code, message }).class
        };
        let unknown = "You must use a valid fully-formed launch template. Value (p) for parameter \
                       iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name";
        assert_eq!(class("ValidationError", unknown), Class::Waits);
        assert_eq!(class("ValidationError", "The requested instance type is unknown"), Class::Refused);
        assert_eq!(class("AccessDenied", unknown), Class::Refused);
    }
}
