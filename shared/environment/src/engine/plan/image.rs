//! The image of a desired state whose record has none.

use super::DesiredState;
use crate::engine::cloud::{ObservedResource, Ownership};
use crate::model::kinds::TemplateVersion;
use crate::model::resource::{Fields, Resource};

/// The same desired state with the image that the group launches, if the source of the image is the same: the image
/// changes only when its property changes. Only the version in use is believed, because any principal that may create
/// versions can add one with another image; to use that version takes the right to change the group.
pub(super) fn with_launched_image(desired: &DesiredState, observed: &[ObservedResource]) -> Option<DesiredState> {
    if desired.image_is_recorded {
        return None;
    }
    let launched = launched_version(observed)?;
    let mut pinned = desired.clone();
    let mut changed = None;
    for resource in &mut pinned.resources {
        let Fields::LaunchTemplate(template) = &mut resource.fields else { continue };
        for version in &mut template.versions {
            if version.content.image_source == launched.content.image_source && version.image != launched.image {
                let old = version.digest.clone();
                *version = TemplateVersion::of(version.content.clone(), launched.image.clone());
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

/// The version that the owned group launches.
fn launched_version(observed: &[ObservedResource]) -> Option<&TemplateVersion> {
    let owned = || observed.iter().filter(|it| it.ownership == Ownership::Owned).map(|it| &it.resource);
    let group = owned().find_map(|Resource { fields, .. }| match fields {
        Fields::AutoScalingGroup(group) => Some(group),
        _ => None,
    })?;
    owned().find_map(|Resource { fields, .. }| match fields {
        Fields::LaunchTemplate(template) => template.versions.iter().find(|it| it.digest == group.digest),
        _ => None,
    })
}
