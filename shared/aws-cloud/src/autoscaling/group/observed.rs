//! The observation of the group.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_autoscaling::types::{
    Activity, AutoScalingGroup as Found, DeletionProtection, EnabledMetric, Instance, LaunchTemplateSpecification,
    LifecycleHook, LifecycleState, ScalingActivityStatusCode, TagDescription,
};
use environment::{AutoScalingGroup, Fields, GroupInstance, HealthCheck, Names, ObservedResource, Ref, Resource, Tags};
use lambda_kit::AwsCallError;
use tokio::time::timeout;

use super::{hooks, instances, release};
use crate::advice;
use crate::clients::Clients;
use crate::errors::{ClassifyErrors, Problem};
use crate::ids::Observation;

pub(crate) const DESCRIBE: &str = "autoscaling:DescribeAutoScalingGroups";

/// The metrics that Envkeeper turns on and requires: every metric that a group without a warm pool or weights has a use
/// for.
pub(super) const METRICS: [&str; 8] = [
    "GroupMinSize",
    "GroupMaxSize",
    "GroupDesiredCapacity",
    "GroupInServiceInstances",
    "GroupPendingInstances",
    "GroupStandbyInstances",
    "GroupTerminatingInstances",
    "GroupTotalInstances",
];

/// The type of health check that includes the target groups.
pub(super) const BY_TARGET_GROUPS: &str = "ELB";

/// The number of a group's latest activities that are searched for a failed launch: 20. Some of them are terminations
/// and launches in progress.
const LAST_ACTIVITIES: i32 = 20;
/// The time limit of that read: 2 s, ten times the usual time.
const ACTIVITIES_TIMEOUT: Duration = Duration::from_secs(2);
/// The part of a failed launch's status message that is reported, in characters: the Reason of a response has room for
/// it.
const MAX_REASON_CHARS: usize = 400;

/// The observed attributes of a group: the group with its hooks, its instances and its last failed launch.
pub(crate) struct GroupAttributes {
    group: Found,
    hooks: Vec<LifecycleHook>,
    /// The running instances in EC2.
    instances: BTreeMap<String, GroupInstance>,
    /// The instances of the warm pool, once the group is drained.
    pool: Vec<Instance>,
    failed_launch: Option<String>,
}

/// Reads the group with the computed name, owned or foreign.
pub(crate) async fn read(clients: &Clients, names: &Names) -> Result<Option<GroupAttributes>, Problem> {
    let name = names.group().name;
    let (group, hooks, instances) = tokio::join!(
        Box::pin(find(clients, &name)),
        Box::pin(hooks::list(clients, &name)),
        Box::pin(instances::read(clients, &name)),
    );
    let Some(group) = group? else { return Ok(None) };
    // Each list has a lag of its own: this list may not know the group yet.
    let hooks = hooks.map_err(Problem::blocked_if_rejected)?;
    let failed_launch = failed_launch(clients, &group).await;
    let pool = release::pool_of_drained(clients, &group).await;
    Ok(Some(GroupAttributes { group, hooks, instances: instances?, pool, failed_launch }))
}

/// Reads the group as far as its state needs it: the hooks bound how long the instances of a drained group may wait.
pub(crate) async fn read_awaited(clients: &Clients, names: &Names) -> Result<Option<GroupAttributes>, Problem> {
    let name = names.group().name;
    let Some(group) = find(clients, &name).await? else { return Ok(None) };
    let hooks = match group.max_size() {
        Some(0) => hooks::list(clients, &name).await.map_err(Problem::blocked_if_rejected)?,
        _ => vec![],
    };
    let failed_launch = failed_launch(clients, &group).await;
    let pool = release::pool_of_drained(clients, &group).await;
    Ok(Some(GroupAttributes { group, hooks, instances: BTreeMap::new(), pool, failed_launch }))
}

/// The status message of the last failed launch, read if instances are missing. The message is for operators, so an
/// observation neither fails nor waits for this read.
async fn failed_launch(clients: &Clients, group: &Found) -> Option<String> {
    let missing =
        group.desired_capacity().is_some_and(|desired| count_in_service(group) < usize::try_from(desired).unwrap_or(0));
    if !missing || group.status().is_some() {
        return None;
    }
    let request = clients.autoscaling.describe_scaling_activities().max_records(LAST_ACTIVITIES);
    let response = request.set_auto_scaling_group_name(group.auto_scaling_group_name.clone()).send();
    match timeout(ACTIVITIES_TIMEOUT, response).await.ok()? {
        Ok(response) => response.activities().iter().find_map(failure),
        Err(error) => {
            let error = AwsCallError::of("autoscaling:DescribeScalingActivities", &error);
            tracing::debug!(%error, "failed launch not read");
            None
        }
    }
}

/// The status message of a failed launch.
fn failure(activity: &Activity) -> Option<String> {
    use ScalingActivityStatusCode::{Cancelled, Failed};
    // The description of a launch is "Launching a new EC2 instance: i-…" (Auto Scaling user guide, "Verify a scaling
    // activity"); an activity has no other field for its kind.
    let is_launch = activity.description().is_some_and(|it| it.starts_with("Launching"));
    let has_failed = is_launch && matches!(activity.status_code(), Some(Failed | Cancelled));
    let reason = activity.status_message().filter(|_| has_failed)?;
    let advice = advice::after_failed_launch(reason);
    Some(reason.chars().take(MAX_REASON_CHARS).chain(advice.chars()).collect())
}

fn count_in_service(group: &Found) -> usize {
    group.instances().iter().filter(|it| in_service(it)).count()
}

/// Finds the group with this name.
pub(crate) async fn find(clients: &Clients, name: &str) -> Result<Option<Found>, Problem> {
    let request = clients.autoscaling.describe_auto_scaling_groups().auto_scaling_group_names(name);
    let response = request.send().await.classified(DESCRIBE)?;
    Ok(response
        .auto_scaling_groups
        .unwrap_or_default()
        .into_iter()
        .find(|it| it.auto_scaling_group_name() == Some(name)))
}

/// The group in the form of the engine.
pub(crate) fn observed(
    attributes: &GroupAttributes,
    observation: &Observation<'_>,
) -> Result<ObservedResource, Problem> {
    let found = &attributes.group;
    let name = found.auto_scaling_group_name().ok_or_else(|| Problem::unreadable(DESCRIBE, "name"))?;
    let tags = read_tags(found.tags());
    let template_id = found.launch_template().and_then(LaunchTemplateSpecification::launch_template_id);
    let launched_content = launched_content(found.launch_template(), observation);
    Ok(ObservedResource {
        id: found.auto_scaling_group_arn().map(str::to_owned),
        ownership: ObservedResource::ownership(&tags, observation.owner),
        state: release::state(found, &attributes.pool, hooks::longest_waits(&attributes.hooks)),
        references: subnet_ids(found).chain(template_id).map(str::to_owned).collect(),
        version: launched_content.version,
        resource: Resource {
            name: name.to_owned(),
            tags,
            fields: Fields::AutoScalingGroup(fields(attributes, launched_content, observation)?),
        },
    })
}

fn fields(
    attributes: &GroupAttributes,
    launched_content: LaunchedContent,
    observation: &Observation<'_>,
) -> Result<AutoScalingGroup, Problem> {
    let found = &attributes.group;
    let missing = |field| move || Problem::unreadable(DESCRIBE, field);
    let mut subnets: Vec<Ref> = subnet_ids(found).map(|id| observation.reference(id)).collect();
    subnets.sort();
    let check_type = found.health_check_type().unwrap_or_default();
    Ok(AutoScalingGroup {
        min_size: count(found.min_size()).ok_or_else(missing("minimum"))?,
        max_size: count(found.max_size()).ok_or_else(missing("maximum"))?,
        desired_capacity: count(found.desired_capacity()).unwrap_or_default(),
        subnets,
        template: launched_content.template,
        digest: launched_content.digest,
        health_check: HealthCheck {
            by_target_groups: check_type.split(',').any(|it| it.trim() == BY_TARGET_GROUPS),
            grace_seconds: count(found.health_check_grace_period()).unwrap_or_default(),
        },
        // -1 removes the value (the API reference).
        warmup_seconds: count(found.default_instance_warmup()),
        // Every kind of protection blocks a delete.
        protected: found.deletion_protection().is_some_and(|it| *it != DeletionProtection::None),
        target_groups: found.target_group_arns().iter().cloned().collect(),
        hooks: hooks::owned(&attributes.hooks, observation.names),
        metrics: has_all_metrics(found.enabled_metrics()),
        in_service: u32::try_from(count_in_service(found)).unwrap_or(u32::MAX),
        failed_launch: attributes.failed_launch.clone(),
        instances: attributes.instances.clone(),
    })
}

fn count(count: Option<i32>) -> Option<u32> {
    count.and_then(|it| u32::try_from(it).ok())
}

fn subnet_ids(found: &Found) -> impl Iterator<Item = &str> {
    found.vpc_zone_identifier().unwrap_or_default().split(',').filter(|id| !id.is_empty())
}

fn in_service(instance: &Instance) -> bool {
    instance.lifecycle_state() == Some(&LifecycleState::InService)
}

fn has_all_metrics(enabled: &[EnabledMetric]) -> bool {
    let enabled: BTreeSet<&str> = enabled.iter().filter_map(EnabledMetric::metric).collect();
    METRICS.iter().all(|metric| enabled.contains(metric))
}

struct LaunchedContent {
    template: Ref,
    digest: String,
    version: Option<u64>,
}

/// The content that new instances launch with. A version that is not a numbered version of the owned template gets a
/// digest that is never desired, so the plan repairs it.
fn launched_content(found: Option<&LaunchTemplateSpecification>, observation: &Observation<'_>) -> LaunchedContent {
    let id = found.and_then(LaunchTemplateSpecification::launch_template_id);
    let version = found.and_then(LaunchTemplateSpecification::version);
    let number = version.and_then(|version| version.parse::<u64>().ok());
    let digest = id.zip(number).and_then(|(id, number)| observation.digest(id, i64::try_from(number).ok()?));
    let template = id.map_or_else(|| Ref::Foreign(String::from("no launch template")), |id| observation.reference(id));
    let undesired = || format!("of version {}", version.unwrap_or("unknown"));
    LaunchedContent { template, digest: digest.map_or_else(undesired, str::to_owned), version: number }
}

fn read_tags(tags: &[TagDescription]) -> Tags {
    let pairs = tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())));
    pairs.filter(|(key, _)| !key.starts_with("aws:")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ids;
    use environment::{Hook, Key, Kind, State, Transition};

    fn names() -> Names {
        let account = "123456789012".into();
        Names { project: "p".into(), region: "eu-west-1".into(), account, suffix: "dev".into() }
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

    fn instance(state: &str) -> Instance {
        Instance::builder().instance_id("i-1").lifecycle_state(LifecycleState::from(state)).build()
    }

    fn observe(group: Found) -> ObservedResource {
        let (ids, names) = (Ids::default(), names());
        ids.record_created(&Key::new(Kind::Subnet, "a"), "subnet-1");
        ids.record_created(&Key::new(Kind::Subnet, "b"), "subnet-2");
        ids.record_created(&names.launch_template(), "lt-1");
        let mut observation = ids.observation("owner", &names);
        observation.record_version("lt-1", "0123456789abcdef", 2);
        let hook = |name: String| LifecycleHook::builder().lifecycle_hook_name(name);
        let launch = hook(names.launch_hook()).lifecycle_transition("autoscaling:EC2_INSTANCE_LAUNCHING");
        let hooks = vec![launch.heartbeat_timeout(900).default_result("ABANDON").build()];
        let attributes =
            GroupAttributes { group, hooks, instances: BTreeMap::new(), pool: vec![], failed_launch: None };
        observed(&attributes, &observation).unwrap()
    }

    fn fields_of(group: Found) -> AutoScalingGroup {
        match observe(group).resource.fields {
            Fields::AutoScalingGroup(group) => group,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_group_is_read_with_its_subnets_in_order_and_the_content_that_it_launches() {
        let observed = observe(group().build());
        let fields = fields_of(group().build());
        assert_eq!(fields.subnets, [Ref::owned(Kind::Subnet, "a"), Ref::owned(Kind::Subnet, "b")]);
        assert_eq!(fields.template, Ref::Owned(names().launch_template()));
        assert_eq!(fields.digest, "0123456789abcdef");
        assert_eq!(observed.version, Some(2));
        assert_eq!(observed.references, ["subnet-2", "subnet-1", "lt-1"]);
        assert_eq!(observed.state, State::Ready);
    }

    #[test]
    fn a_group_is_read_with_its_hooks_protection_health_check_and_metrics() {
        let fields = fields_of(group().build());
        let hook = Hook {
            name: names().launch_hook(),
            on: Transition::Launch,
            heartbeat: 900,
            abandon: true,
            metadata: String::new(),
        };
        assert_eq!((fields.hooks, fields.metrics, fields.protected), (vec![hook], false, false));
        assert_eq!(fields.health_check, HealthCheck { by_target_groups: false, grace_seconds: 0 });

        let found = group().health_check_type("ELB").health_check_grace_period(300).target_group_arns("arn:tg");
        let metric = |name: &str| EnabledMetric::builder().metric(name).build();
        let metrics = METRICS.iter().chain(&["GroupInServiceCapacity"]).map(|name| metric(name)).collect();
        let fields = fields_of(found.set_enabled_metrics(Some(metrics)).build());
        assert_eq!(fields.health_check, HealthCheck { by_target_groups: true, grace_seconds: 300 });
        assert_eq!(fields.target_groups, BTreeSet::from(["arn:tg".into()]));
        assert!(fields.metrics);
        let without_one = METRICS.iter().skip(1).map(|name| metric(name)).collect();
        assert!(!fields_of(group().set_enabled_metrics(Some(without_one)).build()).metrics);
    }

    #[test]
    fn every_protection_except_none_protects_a_group() {
        let protected = |by: &str| fields_of(group().deletion_protection(by.into()).build()).protected;
        let protections = ["none", "prevent-all-deletion", "prevent-force-deletion", "something-new"].map(protected);
        assert_eq!(protections, [false, true, true, true]);
    }

    #[test]
    fn only_instances_in_service_are_counted() {
        let found = ["InService", "Pending:Wait", "Terminating", "InService", "Standby"];
        let found = group().set_instances(Some(found.map(instance).to_vec())).build();
        assert_eq!(fields_of(found).in_service, 2);
    }

    #[test]
    fn the_message_of_a_failed_launch_is_truncated() {
        let activity = |description: &str, status: &str, reason: &str| {
            let activity = Activity::builder().description(description).status_code(status.into());
            failure(&activity.status_message(reason).build())
        };
        let launch = "Launching a new EC2 instance";
        let rejected = format!("{launch}.  Status Reason: the quota is used up");
        assert_eq!(activity(&rejected, "Failed", "the quota is used up"), Some("the quota is used up".into()));
        assert!(activity(launch, "Cancelled", "abandoned").is_some());
        assert_eq!(activity(launch, "InProgress", ""), None);
        assert_eq!(activity("Terminating EC2 instance: i-1", "Failed", "no"), None);
        let with_key = "Termination Reason: Client.InternalError: Client error on launch";
        assert!(
            activity(launch, "Failed", with_key)
                .unwrap()
                .starts_with(&format!("{with_key} - often the policy of the key"))
        );
        assert_eq!(activity(launch, "Failed", &"\u{fc}".repeat(2_000)).unwrap().chars().count(), MAX_REASON_CHARS);
    }

    #[test]
    fn a_version_that_is_not_an_owned_number_has_an_undesired_digest() {
        let launched_content = |version| {
            let found = group().launch_template(launches(version)).build();
            (fields_of(found.clone()).digest, observe(found).version)
        };
        assert_eq!(launched_content("$Latest"), ("of version $Latest".into(), None));
        assert_eq!(launched_content("7"), ("of version 7".into(), Some(7)));
        let without = group().set_launch_template(None).build();
        assert_eq!(fields_of(without).template, Ref::Foreign("no launch template".into()));
    }
}
