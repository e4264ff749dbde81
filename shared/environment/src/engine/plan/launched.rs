//! The version that the group launches, beside the desired one.

use std::collections::BTreeMap;
use std::fmt;

use super::DesiredState;
use crate::engine::cloud::{ObservedResource, Ownership};
use crate::model::key::Key;
use crate::model::kinds::{AutoScalingGroup, GroupInstance, TemplateChange, TemplateVersion};
use crate::model::resource::{Fields, Resource};

/// A desired version of the launch template that the group does not launch yet. A [rollout](crate::rollout) sets it, after
/// every step of the plan.
#[derive(Clone, Debug, PartialEq)]
pub struct TemplateRollout {
    /// The group.
    pub key: Key,
    /// The effect on instances.
    pub change: TemplateChange,
    /// The version that the group launches: the value of the setting.
    pub observed: String,
    /// The desired version.
    pub desired: String,
    /// The differences, a line each; empty where the group launches a version that Envkeeper did not create.
    pub summary: Vec<String>,
}

impl TemplateRollout {
    /// The difference between the desired group and the observed one, if the environment owns it.
    pub(super) fn of(all: &DesiredState, observed: &[ObservedResource]) -> Option<TemplateRollout> {
        let (key, found) = owned(observed).find_map(group)?;
        let (_, desired) = all.resources.iter().find_map(group)?;
        if desired.digest == found.digest && desired.template == found.template {
            return None;
        }
        let new = all.resources.iter().find_map(|it| version(it, &desired.digest))?;
        let old = owned(observed).find_map(|it| version(it, &found.digest));
        Some(TemplateRollout {
            key,
            change: old.map_or(TemplateChange::NewInstances, |old| TemplateChange::of(new, old)),
            observed: found.digest.clone(),
            desired: desired.digest.clone(),
            summary: old.map(|old| new.content.differences(&old.content)).unwrap_or_default(),
        })
    }
}

impl fmt::Display for TemplateRollout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, change, observed, desired, .. } = self;
        let effect = match change {
            TemplateChange::Rolling => "its instances are replaced",
            TemplateChange::None | TemplateChange::Revision | TemplateChange::NewInstances => "new instances only",
        };
        write!(f, "{key}: launches content {observed} → {desired}: {effect}")
    }
}

/// The same desired state with the part of the launched version that no request changes, in place of the desired one:
///
/// - the image, if the record has none and the image's source is the same: the image changes only when its property changes;
/// - the whole version, if the record names it and the desired one is only a newer [revision](TemplateChange::Revision): a new
///   release of Envkeeper changes no instance by itself. Its own part of the user data comes with the next version.
///
/// Any principal that may create versions can add one with another image or user data. So the image of a version is believed only
/// where the group launches it, which takes the right to change the group, and the user data only where the record names it.
pub(super) fn with_launched_parts(desired: &DesiredState, observed: &[ObservedResource]) -> Option<DesiredState> {
    let launched = launched_version(observed)?;
    let mut pinned = desired.clone();
    let mut changed = None;
    for resource in &mut pinned.resources {
        let Fields::LaunchTemplate(template) = &mut resource.fields else { continue };
        for version in &mut template.versions {
            let old = version.digest.clone();
            if !desired.image_is_recorded && version.content.image_source == launched.content.image_source {
                *version = TemplateVersion::of(version.content.clone(), launched.image.clone());
            }
            if desired.recorded_version.as_ref() == Some(&launched.digest)
                && TemplateChange::of(version, launched) == TemplateChange::Revision
            {
                version.clone_from(launched);
            }
            if version.digest != old {
                changed = Some((old, version.digest.clone()));
            }
        }
    }
    let (old, new) = changed?;
    for resource in &mut pinned.resources {
        if let Fields::AutoScalingGroup(group) = &mut resource.fields
            && group.digest == old
        {
            group.digest.clone_from(&new);
        }
    }
    Some(pinned)
}

/// The same desired state with the monitoring of each running instance that has another one than the desired version: only
/// new instances get it from the launch template.
pub(super) fn with_monitoring(desired: &DesiredState, observed: &[ObservedResource]) -> Option<DesiredState> {
    let (key, found) = owned(observed).find_map(group)?;
    let versions = desired.resources.iter().find_map(|it| match &it.fields {
        Fields::LaunchTemplate(template) => template.versions.first(),
        _ => None,
    });
    let detailed_monitoring = versions?.content.detailed_monitoring;
    let differs = found.instances.iter().filter(|(_, it)| it.detailed_monitoring != detailed_monitoring);
    let differs = differs.map(|(id, it)| (id.clone(), GroupInstance { detailed_monitoring, ..it.clone() }));
    let instances: BTreeMap<String, GroupInstance> = differs.collect();
    if instances.is_empty() {
        return None;
    }
    let mut monitored = desired.clone();
    let of_key = monitored.resources.iter_mut().find(|it| it.key() == key)?;
    let Fields::AutoScalingGroup(group) = &mut of_key.fields else { return None };
    group.instances = instances;
    Some(monitored)
}

/// The version that the group should launch: the desired one, with the launched parts that no request changes.
#[must_use]
pub fn desired_version(desired: &DesiredState, observed: &[ObservedResource]) -> Option<TemplateVersion> {
    let pinned = with_launched_parts(desired, observed);
    let resources = &pinned.as_ref().unwrap_or(desired).resources;
    resources.iter().find_map(|it| match &it.fields {
        Fields::LaunchTemplate(template) => template.versions.first().cloned(),
        _ => None,
    })
}

/// The version that the owned group launches.
fn launched_version(observed: &[ObservedResource]) -> Option<&TemplateVersion> {
    let (_, group) = owned(observed).find_map(group)?;
    owned(observed).find_map(|it| version(it, &group.digest))
}

fn group(resource: &Resource) -> Option<(Key, &AutoScalingGroup)> {
    match &resource.fields {
        Fields::AutoScalingGroup(group) => Some((resource.key(), group)),
        _ => None,
    }
}

fn owned(observed: &[ObservedResource]) -> impl Iterator<Item = &Resource> {
    observed.iter().filter(|it| it.ownership == Ownership::Owned).map(|it| &it.resource)
}

/// The version of a launch template with this digest.
fn version<'a>(resource: &'a Resource, digest: &str) -> Option<&'a TemplateVersion> {
    match &resource.fields {
        Fields::LaunchTemplate(template) => template.versions.iter().find(|it| it.digest == digest),
        _ => None,
    }
}
