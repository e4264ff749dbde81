//! What the real services enforce, as far as our decisions hang on it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cloud::{Setback, What};
use crate::field::Setting;
use crate::memory::world::{Thing, Version, World};
use crate::resource::{Fields, Key, Kind, Resource};

type Ids = BTreeMap<Key, String>;

fn busy(what: String) -> Setback {
    Setback::Busy { what, again: Duration::from_secs(2) }
}

/// Makes a thing and returns its id.
pub(super) fn create(world: &World, wanted: &Resource, ids: &Ids, token: &str) -> Result<String, Setback> {
    let key = wanted.key();
    let created = wanted.as_created();
    let links = links(&created, ids)?;
    let now = world.clock.now();
    let mut things = world.things.borrow_mut();
    for (name, id) in &links {
        if !things.iter().any(|thing| thing.id == *id && thing.now().is_some()) {
            return Err(busy(format!("{key}: {name} is not found"))); // FACTS 3: NotFound right after a create.
        }
    }
    // CreateRouteTable, CreateLaunchTemplate: the same client token gives the same one (FACTS 3).
    if matches!(key.kind, Kind::RouteTable | Kind::LaunchTemplate)
        && let Some(same) = things.iter().find(|thing| thing.is(&key) && thing.token == token)
    {
        return Ok(same.id.clone());
    }
    if things.iter().any(|thing| is_taken(thing, &created, &links)) {
        return Err(busy(format!("{key}: exists already")));
    }
    let instances = match &created.fields {
        Fields::AutoScalingGroup(group) => {
            can_launch(world, &things, group)?;
            vec![None; group.desired_capacity as usize]
        }
        _ => vec![],
    };
    let id = world.new_id(&key);
    let version = Version { since: now, resource: Some(created), links };
    things.push(Thing { id: id.clone(), token: token.to_owned(), history: vec![version], instances });
    Ok(id)
}

/// Whether an existing thing stands in the way of a new one: a name that is unique in its service, a security group's
/// name and a subnet's addresses within the VPC. A VPC and a gateway can be made again and again.
fn is_taken(thing: &Thing, new: &Resource, links: &BTreeMap<Key, String>) -> bool {
    let Some(version) = thing.now() else { return false };
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
        (Fields::Vpc(_) | Fields::InternetGateway(_) | Fields::RouteTable(_), _) => false,
        _ => old.key() == new.key(),
    }
}

/// `CreateAutoScalingGroup` refuses a profile that Auto Scaling does not see yet (FACTS 2), and a version that the
/// template does not have.
fn can_launch(world: &World, things: &[Thing], group: &crate::kinds::AutoScalingGroup) -> Result<(), Setback> {
    let template = group.template.key().and_then(|key| things.iter().find(|thing| thing.is(key)));
    let Some(Fields::LaunchTemplate(template)) = template.and_then(Thing::resource).map(|it| &it.fields) else {
        return Err(busy(String::from("the launch template is not found")));
    };
    let Some(version) = template.versions.iter().find(|version| version.digest == group.digest) else {
        return Err(Setback::Refused { what: format!("the template has no version with content {}", group.digest) });
    };
    let profile = version.content.instance_profile.key().and_then(|key| things.iter().find(|thing| thing.is(key)));
    let visible = profile.and_then(Thing::now).is_some_and(|it| it.since + world.profile_lag <= world.clock.now());
    if visible { Ok(()) } else { Err(busy(String::from("Invalid IAM Instance Profile"))) }
}

/// Changes or deletes a thing. What is gone is gone: deleting it is success, changing it is not.
pub(super) fn change(world: &World, id: &str, what: &What, ids: &Ids) -> Result<(), Setback> {
    let now = world.clock.now();
    let mut things = world.things.borrow_mut();
    let found = things.iter().position(|thing| thing.id == id && thing.now().is_some());
    let Some(at) = found else {
        return match what {
            What::Delete | What::Clear(_) => Ok(()),
            _ => Err(busy(format!("{id} is not found"))),
        };
    };
    let mut version = things[at].now().cloned().ok_or_else(|| busy(format!("{id} is not found")))?;
    version.since = now;
    let Some(resource) = &mut version.resource else { return Ok(()) };
    match what {
        What::Create(_) => {}
        What::Set(settings) => {
            for setting in settings {
                can_set(&things, at, setting)?;
                resource.set(setting);
            }
            consistent(resource)?;
            if let Fields::AutoScalingGroup(group) = &resource.fields {
                things[at].resize(group.min_size as usize, group.max_size as usize, now + world.instance_leaves);
            }
            version.links = links(resource, ids)?;
        }
        What::Clear(settings) => {
            resource.clear_all(settings);
            version.links.retain(|key, _| resource.references().contains(key));
        }
        What::Drain => {
            if let Fields::AutoScalingGroup(group) = &mut resource.fields {
                (group.min_size, group.max_size, group.desired_capacity) = (0, 0, 0);
            }
            things[at].resize(0, 0, now + world.instance_leaves);
        }
        What::Delete => {
            things.iter_mut().for_each(|thing| thing.instances.retain(|gone| gone.is_none_or(|gone| gone > now)));
            can_delete(&things, at)?;
            version.resource = None;
        }
    }
    things[at].history.push(version);
    Ok(())
}

/// The ids behind the names that a resource refers to. What this run neither saw nor made has none.
fn links(resource: &Resource, ids: &Ids) -> Result<BTreeMap<Key, String>, Setback> {
    let link = |key: Key| match ids.get(&key) {
        Some(id) => Ok((key, id.clone())),
        None => Err(Setback::Refused { what: format!("{}: no id is known for {key}", resource.key()) }),
    };
    resource.references().into_iter().map(link).collect()
}

fn can_set(things: &[Thing], at: usize, setting: &Setting) -> Result<(), Setback> {
    let me = &things[at];
    let name = me.resource().map(|it| it.key().to_string()).unwrap_or_default();
    let others = || things.iter().enumerate().filter(|(other, _)| *other != at).filter_map(|(_, it)| it.resource());
    let refuse = |what: &str| Err(Setback::Refused { what: format!("{name}: {what}") });
    match setting {
        // One gateway in a VPC (the VPC user guide).
        Setting::Attachment(vpc) => {
            let has_one = others().any(
                |it| matches!(&it.fields, Fields::InternetGateway(other) if other.attached_to.as_ref() == Some(vpc)),
            );
            if has_one { refuse("the VPC has a gateway already") } else { Ok(()) }
        }
        // A route needs a gateway that is attached.
        Setting::DefaultRoute(gateway) => {
            let attached = others().any(|it| {
                gateway.key() == Some(&it.key())
                    && matches!(&it.fields, Fields::InternetGateway(gateway) if gateway.attached_to.is_some())
            });
            if attached { Ok(()) } else { Err(busy(format!("{name}: the gateway is not attached"))) }
        }
        // Resource.AlreadyAssociated: a subnet has one table.
        Setting::Association(subnet) => {
            let elsewhere =
                others().any(|it| matches!(&it.fields, Fields::RouteTable(table) if table.serves.contains(subnet)));
            if elsewhere { refuse("the subnet has another route table") } else { Ok(()) }
        }
        // LimitExceeded: one role in a profile.
        Setting::ProfileRole(role) => match me.resource().map(|it| &it.fields) {
            Some(Fields::InstanceProfile(profile)) if profile.role.as_ref().is_some_and(|other| other != role) => {
                refuse("the profile has a role already")
            }
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// What AWS checks of a whole resource after a change.
fn consistent(resource: &Resource) -> Result<(), Setback> {
    let problem = match &resource.fields {
        Fields::AutoScalingGroup(group) if group.min_size > group.max_size => "MinSize is over MaxSize",
        Fields::Vpc(vpc) if vpc.dns_hostnames && !vpc.dns_support => "DNS hostnames need DNS support",
        _ => return Ok(()),
    };
    Err(Setback::Refused { what: format!("{}: ValidationError: {problem}", resource.key()) })
}

/// `DependencyViolation`, `DeleteConflict`, `ResourceInUse`: what stands in the way of a delete (FACTS 3, the deletion
/// order).
fn can_delete(things: &[Thing], at: usize) -> Result<(), Setback> {
    let me = &things[at];
    let Some(resource) = me.resource() else { return Ok(()) };
    let held_by = |kinds: &[Kind]| {
        things.iter().filter(|it| it.now().is_some_and(|version| version.links.values().any(|id| *id == me.id))).find(
            |it| {
                let Some(holder) = it.resource() else { return false };
                kinds.contains(&holder.kind()) && (holder.kind() != Kind::AutoScalingGroup || !it.instances.is_empty())
            },
        )
    };
    let running = things.iter().any(|it| !it.instances.is_empty());
    let blocked = match &resource.fields {
        Fields::Vpc(_) => {
            held_by(&[Kind::InternetGateway, Kind::Subnet, Kind::RouteTable, Kind::SecurityGroup]).is_some()
        }
        Fields::InternetGateway(gateway) => gateway.attached_to.is_some(),
        Fields::Subnet(_) => held_by(&[Kind::AutoScalingGroup]).is_some(),
        Fields::RouteTable(table) => !table.serves.is_empty(),
        Fields::SecurityGroup(_) => running && held_by(&[Kind::LaunchTemplate]).is_some(),
        Fields::Role(role) => !role.managed_policies.is_empty() || held_by(&[Kind::InstanceProfile]).is_some(),
        Fields::InstanceProfile(profile) => profile.role.is_some(),
        Fields::AutoScalingGroup(_) => !me.instances.is_empty(),
        Fields::LogGroup(_) | Fields::LaunchTemplate(_) => false,
    };
    if blocked { Err(busy(format!("{}: it is in use", resource.key()))) } else { Ok(()) }
}
