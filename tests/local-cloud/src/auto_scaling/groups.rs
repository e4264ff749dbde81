//! Actions on groups.

use std::time::Duration;

use auto_scaling::{
    AutoScaling, DeletionProtection, Fault, Group, Instance, LaunchTemplate, NewGroup, Settings, Subnet, Timestamp,
};

use super::{
    ActionResult, AutoScalingService, Parameters, hooks, instances, now,
    page::{self, Filter, Page},
    processes, tags, warm_pools,
};
use crate::{ec2::UNKNOWN_VERSION, element::Element, emulators::ACCOUNT};

/// The only granularity that AWS supports.
const GRANULARITY: &str = "1Minute";
/// The path and name of the role that Auto Scaling has in each account.
const SERVICE_LINKED_ROLE: &str = "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling";

pub async fn create(service: &AutoScalingService, parameters: &mut Parameters) -> ActionResult {
    let name = parameters.required("AutoScalingGroupName")?;
    let found = ResolvedReferences::of(service, parameters).await?;
    if found.launch_template.is_none() {
        return Err(Fault::validation("LaunchTemplate is missing: the local cloud supports launch templates only"));
    }
    parameters.require(&["MinSize", "MaxSize"])?;
    let settings = settings(Settings::default(), found, parameters)?;
    let desired_capacity = parameters.number("DesiredCapacity")?;
    let tags = tags::read(parameters)?.into_iter().map(|tag| tag.tag).collect();
    let mut hooks = Vec::new();
    for member in parameters.members("LifecycleHookSpecificationList") {
        hooks.push(hooks::read(parameters, &format!("{member}."))?);
    }
    let target_group_arns = parameters.texts("TargetGroupARNs").unwrap_or_default();
    parameters.finish()?;
    let new = NewGroup { name, settings, desired_capacity, tags, hooks, target_group_arns };
    service.simulator().create_group(new, now())?;
    Ok(Vec::new())
}

pub async fn update(service: &AutoScalingService, parameters: &mut Parameters) -> ActionResult {
    let name = parameters.required("AutoScalingGroupName")?;
    let found = ResolvedReferences::of(service, parameters).await?;
    let mut simulator = service.simulator();
    let settings = settings(simulator.group(&name)?.settings.clone(), found, parameters)?;
    let desired_capacity = parameters.number("DesiredCapacity")?;
    parameters.finish()?;
    simulator.update_group(&name, settings, desired_capacity, now())?;
    Ok(Vec::new())
}

/// The account's limits, which nothing enforces: AWS's defaults (Auto Scaling user guide, "Quotas for Auto Scaling resources
/// and groups").
pub fn account_limits(simulator: &AutoScaling, parameters: &Parameters) -> ActionResult {
    parameters.finish()?;
    Ok(vec![
        Element::leaf("MaxNumberOfAutoScalingGroups", 500),
        Element::leaf("MaxNumberOfLaunchConfigurations", 200),
        Element::leaf("NumberOfAutoScalingGroups", simulator.groups().count()),
        Element::leaf("NumberOfLaunchConfigurations", 0),
    ])
}

pub fn delete(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let name = parameters.required("AutoScalingGroupName")?;
    let force = parameters.flag("ForceDelete")?.unwrap_or(false);
    parameters.finish()?;
    simulator.delete_group(&name, force, now())?;
    Ok(Vec::new())
}

pub fn set_desired_capacity(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let name = parameters.required("AutoScalingGroupName")?;
    let negative = "New SetDesiredCapacity value {} is negative.";
    let desired_capacity = not_negative(parameters, "DesiredCapacity", negative)?;
    let desired_capacity = desired_capacity.ok_or_else(|| Fault::validation("DesiredCapacity is missing"))?;
    let honor_cooldown = parameters.flag("HonorCooldown")?.unwrap_or(false);
    parameters.finish()?;
    simulator.set_desired_capacity(&name, desired_capacity, honor_cooldown, now())?;
    Ok(Vec::new())
}

pub fn enable_metrics(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let name = parameters.required("AutoScalingGroupName")?;
    let metrics = parameters.texts("Metrics").unwrap_or_default();
    let valid = format!("{GRANULARITY}, the only granularity");
    let granularity = parameters.parsed("Granularity", &valid, |text| (text == GRANULARITY).then_some(()))?;
    granularity.ok_or_else(|| Fault::validation("Granularity is missing"))?;
    parameters.finish()?;
    simulator.enable_metrics(&name, &metrics)?;
    Ok(Vec::new())
}

pub fn disable_metrics(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let name = parameters.required("AutoScalingGroupName")?;
    let metrics = parameters.texts("Metrics").unwrap_or_default();
    parameters.finish()?;
    simulator.disable_metrics(&name, &metrics)?;
    Ok(Vec::new())
}

pub fn describe(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let names = parameters.texts("AutoScalingGroupNames").unwrap_or_default();
    let with_instances = parameters.flag("IncludeInstances")?.unwrap_or(true);
    let filters = page::filters(parameters)?;
    let page = Page::of(parameters, 50)?;
    parameters.finish()?;
    let mut found = Vec::new();
    for group in simulator.groups().filter(|group| names.is_empty() || names.contains(&group.name)) {
        if matches(group, &filters)? {
            found.push(fields(group, with_instances));
        }
    }
    Ok(page.cut("AutoScalingGroups", found))
}

fn matches(group: &Group, filters: &[Filter]) -> Result<bool, Fault> {
    for Filter { name, values } in filters {
        let tags = group.tags.values();
        let matches = match (name.as_str(), name.strip_prefix("tag:")) {
            ("tag-key", _) => tags.into_iter().any(|tag| values.contains(&tag.key)),
            ("tag-value", _) => tags.into_iter().any(|tag| values.contains(&tag.value)),
            (_, Some(key)) => group.tags.get(key).is_some_and(|tag| values.contains(&tag.value)),
            _ => return Err(page::unknown_filter(name)),
        };
        if !matches {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The EC2 resources that a create or update references, resolved in EC2.
#[derive(Default)]
struct ResolvedReferences {
    launch_template: Option<LaunchTemplate>,
    subnets: Option<Vec<Subnet>>,
}

impl ResolvedReferences {
    async fn of(service: &AutoScalingService, parameters: &mut Parameters) -> Result<Self, Fault> {
        let launch_template = resolved_template(service, parameters, "LaunchTemplate").await?;
        let mut found = Self { launch_template, ..Self::default() };
        if let Some(ids) = parameters.text("VPCZoneIdentifier") {
            let ids: Vec<&str> = ids.split(',').map(str::trim).filter(|id| !id.is_empty()).collect();
            let subnets = if ids.is_empty() { Ok(Vec::new()) } else { service.ec2.subnets(&ids).await };
            found.subnets = Some(subnets.map_err(Fault::validation)?);
        }
        Ok(found)
    }
}

/// Takes a launch template under a name, if it is given, and resolves it in EC2. The version remains as given.
pub async fn resolved_template(
    service: &AutoScalingService,
    parameters: &mut Parameters,
    under: &str,
) -> Result<Option<LaunchTemplate>, Fault> {
    let id = parameters.text(&format!("{under}.LaunchTemplateId"));
    let name = parameters.text(&format!("{under}.LaunchTemplateName"));
    let version = parameters.text(&format!("{under}.Version"));
    if id.is_none() && name.is_none() && version.is_none() {
        return Ok(None);
    }
    if id.is_some() == name.is_some() {
        let valid = "either LaunchTemplateId or LaunchTemplateName";
        return Err(Fault::validation(format!("{under} needs {valid}")));
    }
    let (id, name) = (id.unwrap_or_default(), name.unwrap_or_default());
    let requested = LaunchTemplate { id, name, version: version.unwrap_or_else(|| "$Default".to_owned()) };
    let bad = |reason: String| {
        let prefix = "You must use a valid fully-formed launch template. ";
        let prefix = if reason.starts_with(UNKNOWN_VERSION) { "" } else { prefix };
        Fault::validation(format!("{prefix}{reason}"))
    };
    let resolved = service.ec2.template_version(&requested).await.map_err(bad)?.template;
    Ok(Some(LaunchTemplate { version: requested.version, ..resolved }))
}

/// The settings with the changes of a request.
fn settings(mut settings: Settings, found: ResolvedReferences, parameters: &mut Parameters) -> Result<Settings, Fault> {
    replace(&mut settings.launch_template, found.launch_template);
    replace(&mut settings.subnets, found.subnets);
    replace(&mut settings.min_size, not_negative(parameters, "MinSize", "Min bound, {}, must be non-negative")?);
    replace(&mut settings.max_size, parameters.number("MaxSize")?);
    replace(&mut settings.default_cooldown, parameters.seconds("DefaultCooldown")?);
    replace(&mut settings.health_check_type, parameters.text("HealthCheckType"));
    replace(&mut settings.health_check_grace_period, parameters.seconds("HealthCheckGracePeriod")?);
    replace(&mut settings.termination_policies, parameters.texts("TerminationPolicies"));
    replace(&mut settings.capacity_rebalance, parameters.flag("CapacityRebalance")?);
    replace(&mut settings.new_instances_protected, parameters.flag("NewInstancesProtectedFromScaleIn")?);
    // -1 removes a warm-up, and 0 a lifetime.
    if let Some(seconds) = parameters.number::<i32>("DefaultInstanceWarmup")? {
        settings.default_instance_warmup = u64::try_from(seconds).ok().map(Duration::from_secs);
    }
    if let Some(lifetime) = parameters.seconds("MaxInstanceLifetime")? {
        settings.max_instance_lifetime = Some(lifetime).filter(|lifetime| !lifetime.is_zero());
    }
    let valid = "none, prevent-force-deletion or prevent-all-deletion";
    let protection = parameters.parsed("DeletionProtection", valid, DeletionProtection::parse)?;
    replace(&mut settings.deletion_protection, protection);
    Ok(settings)
}

/// Takes an optional size. A negative one is rejected in AWS's words (recorded on AWS, September 2026: stackd 9dc356f5,
/// lifecycle_native), with the size in place of `{}`.
fn not_negative(parameters: &mut Parameters, name: &str, rejection: &str) -> Result<Option<u32>, Fault> {
    let size = parameters.number::<i32>(name)?;
    let negative = |size: i32| Fault::validation(rejection.replace("{}", &size.to_string()));
    size.map(|size| u32::try_from(size).map_err(|_| negative(size))).transpose()
}

fn replace<T>(old: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *old = new;
    }
}

/// A group in the form of DescribeAutoScalingGroups. Fields, absences and orders are recorded on AWS, September 2026
/// (stackd 9dc356f5, lifecycle_native and controls): the subnets come by zone, the instances by id, and a protection or a
/// capacity rebalance that was never asked for is absent.
fn fields(group: &Group, with_instances: bool) -> Vec<Element> {
    let settings = &group.settings;
    let mut subnets: Vec<&Subnet> = settings.subnets.iter().collect();
    subnets.sort_by_key(|subnet| &subnet.zone);
    let mut zones: Vec<(&str, String)> = subnets.iter().map(|it| (it.zone.as_str(), it.zone_id())).collect();
    zones.dedup();
    let (zones, zone_ids): (Vec<&str>, Vec<String>) = zones.into_iter().unzip();
    let subnets = subnets.iter().map(|subnet| subnet.id.as_str()).collect::<Vec<_>>().join(",");
    let suspended = group.suspended_processes.iter().map(|(process, since)| processes::fields(*process, *since));
    let mut shown: Vec<&Instance> = group.listed().filter(|_| with_instances).collect();
    shown.sort_by_key(|it| &it.id);
    let shown = shown.into_iter();
    let mut fields = vec![
        Element::leaf("AutoScalingGroupName", &group.name),
        Element::leaf("AutoScalingGroupARN", &group.arn),
        template(&settings.launch_template),
        Element::leaf("MinSize", settings.min_size),
        Element::leaf("MaxSize", settings.max_size),
        Element::leaf("DesiredCapacity", group.desired_capacity),
        Element::leaf("DefaultCooldown", settings.default_cooldown.as_secs()),
        Element::texts("AvailabilityZones", zones),
        Element::texts("AvailabilityZoneIds", zone_ids),
        Element::node("LoadBalancerNames", Vec::new()),
        Element::texts("TargetGroupARNs", &group.target_group_arns),
        Element::leaf("HealthCheckType", &settings.health_check_type),
        Element::leaf("HealthCheckGracePeriod", settings.health_check_grace_period.as_secs()),
        Element::list("Instances", shown.map(|it| instances::fields(it, it.health_status())).collect()),
        Element::leaf("CreatedTime", time(group.created)),
        Element::list("SuspendedProcesses", suspended.collect()),
        Element::leaf("VPCZoneIdentifier", subnets),
        Element::list("EnabledMetrics", group.enabled_metrics.iter().map(|name| metric(name)).collect()),
        Element::list("Tags", group.tags.values().map(|tag| tags::fields(&group.name, tag)).collect()),
        Element::texts("TerminationPolicies", &settings.termination_policies),
        Element::leaf("NewInstancesProtectedFromScaleIn", settings.new_instances_protected),
        Element::leaf("ServiceLinkedRoleARN", format!("arn:aws:iam::{ACCOUNT}:role/{SERVICE_LINKED_ROLE}")),
        Element::node("TrafficSources", Vec::new()),
        only("AvailabilityZoneDistribution", "CapacityDistributionStrategy", "balanced-best-effort"),
        only("CapacityReservationSpecification", "CapacityReservationPreference", "default"),
        Element::node("InstanceLifecyclePolicy", vec![only("RetentionTriggers", "TerminateHookAbandon", "terminate")]),
    ];
    fields.extend(settings.capacity_rebalance.then(|| Element::leaf("CapacityRebalance", true)));
    let protection = Some(settings.deletion_protection).filter(|it| *it != DeletionProtection::None);
    fields.extend(protection.map(|it| Element::leaf("DeletionProtection", it.as_str())));
    if let Some(pool) = warm_pools::configuration(group) {
        fields.extend([pool, Element::leaf("WarmPoolSize", group.pool_size())]);
    }
    fields.extend(group.status().map(|status| Element::leaf("Status", status)));
    let seconds = |name, span: Option<Duration>| span.map(|span| Element::leaf(name, span.as_secs()));
    fields.extend(seconds("MaxInstanceLifetime", settings.max_instance_lifetime));
    fields.extend(seconds("DefaultInstanceWarmup", settings.default_instance_warmup));
    fields
}

/// An element with one text.
fn only(name: &str, inner: &str, text: &str) -> Element {
    Element::node(name, vec![Element::leaf(inner, text)])
}

fn metric(name: &str) -> Vec<Element> {
    vec![Element::leaf("Metric", name), Element::leaf("Granularity", GRANULARITY)]
}

/// The launch template element of a group or an instance.
pub fn template(template: &LaunchTemplate) -> Element {
    let fields = vec![
        Element::leaf("LaunchTemplateId", &template.id),
        Element::leaf("LaunchTemplateName", &template.name),
        Element::leaf("Version", &template.version),
    ];
    Element::node("LaunchTemplate", fields)
}

/// A timestamp in the form of responses.
pub fn time(timestamp: Timestamp) -> String {
    timestamp.with_millis()
}
