//! Scaling activities.

use auto_scaling::{Activity, AutoScaling};

use super::{ActionResult, Parameters, groups::time, page::Page};
use crate::element::Element;

pub fn describe(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let group = parameters.text("AutoScalingGroupName");
    let ids = parameters.texts("ActivityIds").unwrap_or_default();
    let include_deleted = parameters.flag("IncludeDeletedGroups")?.unwrap_or(false);
    let page = Page::of(parameters, 100)?;
    parameters.finish()?;
    let activities = match group {
        Some(group) => simulator.activities(&group, include_deleted)?,
        None => simulator.all_activities(include_deleted),
    };
    let selected = activities.into_iter().filter(|it| ids.is_empty() || ids.contains(&it.id));
    Ok(page.cut("Activities", selected.map(fields).collect()))
}

/// An activity in the form of responses.
pub fn fields(activity: &Activity) -> Vec<Element> {
    let mut fields = vec![
        Element::leaf("ActivityId", &activity.id),
        Element::leaf("AutoScalingGroupName", &activity.group),
        Element::leaf("AutoScalingGroupARN", &activity.group_arn),
        Element::leaf("Description", &activity.description),
        Element::leaf("Cause", &activity.cause),
        Element::leaf("StartTime", time(activity.start)),
        Element::leaf("StatusCode", activity.status.as_str()),
        Element::leaf("Progress", activity.progress),
        Element::leaf("Details", &activity.details),
    ];
    fields.extend(activity.end.map(|end| Element::leaf("EndTime", time(end))));
    fields.extend(activity.status_message.as_ref().map(|message| Element::leaf("StatusMessage", message)));
    fields.extend(activity.group_deleted.then(|| Element::leaf("AutoScalingGroupState", "Deleted")));
    fields
}
