//! The effect of each call in the real services, as far as the decisions of `environment` depend on that effect.

use std::collections::BTreeMap;
use std::time::Duration;

use environment::{
    AutoScalingGroup, AutoScalingGroupSetting, CallError, CallKind, Condition, Fields, Key, Kind, Names, NatGateway,
    OBSTACLE_LIMIT, Reach, Ref, Resource, Setting, Timestamp,
};

use crate::dependencies::{check_clear, check_consistency, check_delete, check_set};
use crate::groups;
use crate::quotas;
use crate::state::{MemoryAccount, StoredResource, Version, deletion_time};

type Ids = BTreeMap<Key, String>;

/// The bound of a wait for Auto Scaling to move an instance out of a subnet, as `aws-cloud` has it.
const INSTANCE_MOVE: Duration = Duration::from_hours(10);

pub(crate) fn retry(kind: String) -> CallError {
    CallError::Retry { waiting_for: Condition::from(kind).within(OBSTACLE_LIMIT), after: Duration::from_secs(2) }
}

/// A service rejects a name that does not match the service's pattern, for reads too. IAM's role names are 1 to 64
/// characters of `[\w+=,.@-]`, S3's bucket names 3 to 63 characters of `[a-z0-9.-]` (their API references).
pub(crate) fn check_names(names: &Names) -> Result<(), CallError> {
    let is_role_char = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    let is_bucket_char = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
    let role = names.role();
    if role.name.len() > 64 || !role.name.chars().all(is_role_char) {
        return Err(invalid_name(&role));
    }
    let bucket = names.data_bucket();
    if bucket.name.len() > 63 || !bucket.name.chars().all(is_bucket_char) {
        return Err(invalid_name(&bucket));
    }
    Ok(())
}

fn invalid_name(key: &Key) -> CallError {
    CallError::Rejected { message: format!("{key}: ValidationError: the name does not satisfy the constraint") }
}

/// Creates a resource and returns the id.
pub(crate) fn create(account: &MemoryAccount, desired: &Resource, ids: &Ids, token: &str) -> Result<String, CallError> {
    account.tick();
    let key = desired.key();
    let created = desired.as_created();
    let links = links(&created, ids)?;
    let now = account.clock.now();
    let mut stored_resources = account.stored_resources.borrow_mut();
    for (name, id) in &links {
        if !stored_resources.iter().any(|stored| stored.id == *id && stored.now().is_some()) {
            return Err(retry(format!("{key}: {name} is not found"))); // AWS returns NotFound right after a create.
        }
    }
    if accepts_client_token(key.kind)
        && let Some(same) = stored_resources.iter().find(|stored| stored.is(&key) && stored.token == token)
    {
        return Ok(same.id.clone());
    }
    if stored_resources.iter().any(|stored| is_taken(stored, &created, &links)) {
        return Err(retry(format!("{key} already exists")));
    }
    if !stored_resources.iter().any(|stored| stored.is(&key) && is_put(key.kind)) {
        let zone = quotas::zone_of_link(&stored_resources, links.iter());
        quotas::check_create(account, &stored_resources, &created, zone)?;
    }
    let mut id = account.new_id(&key);
    match &created.fields {
        Fields::AutoScalingGroup(group) => {
            let version = check_launch(account, &stored_resources, group)?;
            groups::create(account, &key.name, group, version)?;
        }
        Fields::ScalingPolicy(policy) => id = groups::put_policy(account, &key.name, policy)?,
        Fields::NatGateway(nat) => check_egress(&stored_resources, nat)?,
        Fields::VpcEndpoint(endpoint) if matches!(endpoint.reach, Reach::Interface { .. }) => {
            check_private_dns(&stored_resources)?;
        }
        _ => {}
    }
    // A put of an existing resource updates that resource, and ignores the tags in the call (recorded on AWS, September
    // 2026: stackd 9dc356f5, `alarm_controls:update-tagged-with-new-tags`).
    if is_put(key.kind)
        && let Some(there) = stored_resources.iter_mut().find(|stored| stored.is(&key))
    {
        let tags = there.resource().map(|it| it.tags.clone()).unwrap_or_default();
        there.history.push(Version { since: now, resource: Some(Resource { tags, ..created }), links });
        return Ok(there.id.clone());
    }
    let version = Version { since: now, resource: Some(created), links };
    let ready_at = now + account.startup_time(key.kind);
    stored_resources.push(StoredResource {
        id: id.clone(),
        token: token.to_owned(),
        history: vec![version],
        ready_at,
        deleted_at: None,
    });
    drop(stored_resources);
    groups::step(account);
    Ok(id)
}

/// Kinds whose create call updates an existing resource of the same name.
fn is_put(kind: Kind) -> bool {
    matches!(kind, Kind::ScalingPolicy | Kind::Alarm | Kind::Dashboard)
}

/// Kinds whose create call is idempotent: the same client token returns the same resource (ARCHITECTURE, Facts).
fn accepts_client_token(kind: Kind) -> bool {
    matches!(kind, Kind::RouteTable | Kind::LaunchTemplate | Kind::NatGateway | Kind::VpcEndpoint)
}

/// Whether an existing resource conflicts with a new one: a name that is unique in the service, a security group's name
/// or a subnet's address range within the VPC. Kinds without a unique name can be created any number of times.
fn is_taken(stored: &StoredResource, new: &Resource, links: &BTreeMap<Key, String>) -> bool {
    let Some(version) = stored.now() else { return false };
    let Some(old) = &version.resource else { return false };
    let within = |kind: Kind, links: &BTreeMap<Key, String>| {
        links.iter().find(|(key, _)| key.kind == kind).map(|(_, id)| id.clone())
    };
    let same_vpc = within(Kind::Vpc, &version.links) == within(Kind::Vpc, links);
    match (&old.fields, &new.fields) {
        (Fields::Subnet(old), Fields::Subnet(new)) => {
            same_vpc && (old.cidr.contains(&new.cidr) || new.cidr.contains(&old.cidr))
        }
        (Fields::SecurityGroup(_), Fields::SecurityGroup(_)) => same_vpc && old.name == new.name,
        // A VPC has at most one endpoint with private DNS names for a service.
        (Fields::VpcEndpoint(old), Fields::VpcEndpoint(new)) => same_vpc && old.service == new.service,
        (
            Fields::Vpc(_)
            | Fields::InternetGateway(_)
            | Fields::RouteTable(_)
            | Fields::Address(_)
            | Fields::NatGateway(_)
            | Fields::ScalingPolicy(_)
            | Fields::Alarm(_)
            | Fields::Dashboard(_)
            | Fields::SavedQuery(_),
            _,
        ) => false,
        _ => old.key() == new.key(),
    }
}

/// `CreateAutoScalingGroup` rejects an instance profile that is not yet visible to Auto Scaling, and a version that the
/// launch template does not have. Returns the number of the version.
fn check_launch(
    account: &MemoryAccount,
    stored_resources: &[StoredResource],
    group: &AutoScalingGroup,
) -> Result<usize, CallError> {
    let template = group.template.key().and_then(|key| stored_resources.iter().find(|stored| stored.is(key)));
    let Some(Fields::LaunchTemplate(template)) = template.and_then(StoredResource::resource).map(|it| &it.fields)
    else {
        return Err(retry(String::from("the launch template is not found")));
    };
    let Some(index) = template.versions.iter().position(|version| version.digest == group.digest) else {
        return Err(CallError::Rejected {
            message: format!("the template has no version with content {}", group.digest),
        });
    };
    let version = &template.versions[index];
    let profile =
        version.content.instance_profile.key().and_then(|key| stored_resources.iter().find(|stored| stored.is(key)));
    let visible =
        profile.and_then(StoredResource::now).is_some_and(|it| it.since + account.profile_lag <= account.clock.now());
    if visible { Ok(index + 1) } else { Err(retry(String::from("Invalid IAM Instance Profile"))) }
}

/// `Gateway.NotAttached`: a NAT gateway can be created only in a network that has an attached internet gateway.
fn check_egress(stored_resources: &[StoredResource], nat: &NatGateway) -> Result<(), CallError> {
    let attached = |it: &Resource| matches!(&it.fields, Fields::InternetGateway(it) if it.attached_to.is_some());
    if stored_resources.iter().filter_map(StoredResource::resource).any(attached) {
        return Ok(());
    }
    Err(CallError::Rejected { message: format!("Gateway.NotAttached: {} has no egress", nat.subnet) })
}

/// Private DNS names of an endpoint need both DNS settings of the VPC (the VPC user guide).
fn check_private_dns(stored_resources: &[StoredResource]) -> Result<(), CallError> {
    let on = |it: &Resource| matches!(&it.fields, Fields::Vpc(vpc) if vpc.dns_support && vpc.dns_hostnames);
    if stored_resources.iter().filter_map(StoredResource::resource).any(on) {
        return Ok(());
    }
    Err(CallError::Rejected { message: String::from("InvalidParameter: private DNS needs DNS support and hostnames") })
}

/// Changes or deletes a resource. For a resource that no longer exists, a delete or clear succeeds and any other call
/// is retryable.
pub(crate) fn change(account: &MemoryAccount, id: &str, kind: &CallKind, ids: &Ids) -> Result<(), CallError> {
    account.tick();
    let mut stored_resources = account.stored_resources.borrow_mut();
    let Some(at) = stored_resources.iter().position(|stored| stored.id == id && stored.now().is_some()) else {
        return match kind {
            CallKind::Delete | CallKind::Clear(_) => Ok(()),
            _ => Err(retry(format!("{id} is not found"))),
        };
    };
    let now = account.clock.now();
    let mut version = stored_resources[at].now().cloned().ok_or_else(|| retry(format!("{id} is not found")))?;
    version.since = now;
    match kind {
        CallKind::Create(_) | CallKind::Rollout(_) => {}
        CallKind::Set(settings) => set(account, &stored_resources, (at, &mut version), (settings, ids))?,
        CallKind::Clear(settings) => clear(account, &stored_resources, &mut version, settings)?,
        CallKind::Empty => {
            if let Some(Fields::Bucket(bucket)) = version.resource.as_mut().map(|it| &mut it.fields) {
                bucket.contains_objects = false;
            }
        }
        CallKind::Drain => drain(account, &mut version)?,
        CallKind::Delete => {
            if let Some(deleted_at) = delete(account, &stored_resources, at, now)? {
                // A repeated delete does not prolong the first.
                stored_resources[at].deleted_at.get_or_insert(deleted_at);
                return Ok(());
            }
            version.resource = None;
            if account.subnet_delete_removes_associations {
                remove_associations(&mut stored_resources, id, now);
            }
        }
    }
    stored_resources[at].history.push(version);
    drop(stored_resources);
    groups::step(account);
    Ok(())
}

fn set(
    account: &MemoryAccount,
    stored_resources: &[StoredResource],
    (at, version): (usize, &mut Version),
    (settings, ids): (&[Setting], &Ids),
) -> Result<(), CallError> {
    let Some(resource) = &mut version.resource else { return Ok(()) };
    check_count(settings)?;
    for setting in settings {
        check_set(stored_resources, at, setting, account.clock.now())?;
        resource.set(setting);
    }
    check_consistency(resource)?;
    match &resource.fields {
        Fields::AutoScalingGroup(group) => groups::set(account, &resource.name, group, settings)?,
        Fields::ScalingPolicy(policy) => {
            groups::put_policy(account, &resource.name, policy)?;
        }
        _ => {}
    }
    version.links = links(resource, ids)?;
    Ok(())
}

/// `ValidationError`: one call attaches or detaches at most ten target groups (the API reference).
fn check_count(settings: &[Setting]) -> Result<(), CallError> {
    let is_target_group =
        |it: &&Setting| matches!(it, Setting::AutoScalingGroup(AutoScalingGroupSetting::TargetGroup(_)));
    if settings.iter().filter(is_target_group).count() <= 10 {
        return Ok(());
    }
    let message = "ValidationError: Trying to update too many Load Balancers/Target Groups at once. The limit is 10";
    Err(CallError::Rejected { message: message.to_owned() })
}

fn clear(
    account: &MemoryAccount,
    stored_resources: &[StoredResource],
    version: &mut Version,
    settings: &[Setting],
) -> Result<(), CallError> {
    let Some(resource) = &mut version.resource else { return Ok(()) };
    check_count(settings)?;
    for setting in settings {
        check_clear(stored_resources, setting, &version.links)?;
        if resource.kind() == Kind::AutoScalingGroup {
            groups::clear(account, &resource.name, setting)?;
        }
    }
    resource.clear_all(settings);
    version.links.retain(|key, _| resource.references().contains(key));
    Ok(())
}

fn drain(account: &MemoryAccount, version: &mut Version) -> Result<(), CallError> {
    let Some(resource) = &mut version.resource else { return Ok(()) };
    let Fields::AutoScalingGroup(group) = &mut resource.fields else { return Ok(()) };
    (group.min_size, group.max_size, group.desired_capacity, group.protected) = (0, 0, 0, false);
    let settings = [Setting::AutoScalingGroup(AutoScalingGroupSetting::MaxSize(0))];
    groups::set(account, &resource.name, group, &settings)
}

/// The number of Auto Scaling instances that use a resource: through the group's own reference, or through the launch
/// template's.
fn instances_on(account: &MemoryAccount, stored_resources: &[StoredResource], at: usize) -> usize {
    let links =
        |stored: &StoredResource, id: &String| stored.now().is_some_and(|it| it.links.values().any(|link| link == id));
    let by_template = |group: &StoredResource| {
        let templates =
            stored_resources.iter().filter(|it| it.resource().is_some_and(|it| it.kind() == Kind::LaunchTemplate));
        templates.filter(|it| links(it, &stored_resources[at].id)).any(|it| links(group, &it.id))
    };
    let groups =
        stored_resources.iter().filter(|it| it.resource().is_some_and(|it| it.kind() == Kind::AutoScalingGroup));
    let using = groups.filter(|it| links(it, &stored_resources[at].id) || by_template(it));
    using.filter_map(StoredResource::resource).map(|it| groups::instances(account, &it.name).0).sum()
}

/// Deletes a resource. Returns the time of the deletion for kinds whose deletion is not immediate.
fn delete(
    account: &MemoryAccount,
    stored_resources: &[StoredResource],
    at: usize,
    now: Timestamp,
) -> Result<Option<Timestamp>, CallError> {
    let Some(resource) = stored_resources[at].resource() else { return Ok(None) };
    if let Some(condition) = account.obstacles.borrow().get(&resource.key()) {
        return Err(CallError::Retry { waiting_for: condition.clone(), after: Duration::from_secs(2) });
    }
    check_delete(stored_resources, at, instances_on(account, stored_resources, at))?;
    let inside = groups::instances_in(account, &Ref::Owned(resource.key()).to_string());
    if resource.kind() == Kind::Subnet && !inside.is_empty() {
        let condition = Condition::from(format!("{} is in use", resource.key())).within(INSTANCE_MOVE);
        let waiting_for = Condition { detail: Some(inside.join(", ")), ..condition };
        return Err(CallError::Retry { waiting_for, after: Duration::from_secs(2) });
    }
    match &resource.fields {
        Fields::AutoScalingGroup(_) => groups::delete(account, &resource.name)?,
        Fields::ScalingPolicy(policy) => groups::delete_policy(account, &resource.name, &policy.group)?,
        _ => {}
    }
    let deletion_time = deletion_time(resource.kind());
    Ok((!deletion_time.is_zero()).then(|| now + deletion_time))
}

/// The deletion of a subnet removes the subnet's association with a route table.
fn remove_associations(stored_resources: &mut [StoredResource], subnet: &str, now: Timestamp) {
    for stored in stored_resources {
        let Some(mut version) = stored.now().cloned() else { continue };
        let served = version.links.iter().find(|(_, id)| *id == subnet).map(|(key, _)| key.clone());
        let (Some(Fields::RouteTable(table)), Some(key)) = (version.resource.as_mut().map(|it| &mut it.fields), served)
        else {
            continue;
        };
        table.serves.retain(|it| it.key() != Some(&key));
        version.links.remove(&key);
        version.since = now;
        stored.history.push(version);
    }
}

/// The ids of the resources that a resource references by name. A resource that this run neither observed nor created
/// has no known id.
fn links(resource: &Resource, ids: &Ids) -> Result<BTreeMap<Key, String>, CallError> {
    let link = |key: Key| match ids.get(&key) {
        Some(id) => Ok((key, id.clone())),
        None => Err(CallError::Rejected { message: format!("{}: no id is known for {key}", resource.key()) }),
    };
    resource.references().into_iter().map(link).collect()
}
