//! Scaling activities. Their fields are recorded on AWS, September 2026 (stackd 9dc356f5, lifecycle_native and
//! activity_filters_native).

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

/// An activity in the form of DescribeScalingActivities. The state is `InService` also during a delete of the group.
fn fields(activity: &Activity) -> Vec<Element> {
    let state = if activity.group_deleted { "Deleted" } else { "InService" };
    let mut fields = of_call(activity);
    fields.push(Element::leaf("AutoScalingGroupARN", &activity.group_arn));
    fields.push(Element::leaf("AutoScalingGroupState", state));
    fields
}

/// An activity in the form of the call that started it: without the group's ARN and state.
pub fn of_call(activity: &Activity) -> Vec<Element> {
    let mut fields = vec![
        Element::leaf("ActivityId", &activity.id),
        Element::leaf("AutoScalingGroupName", &activity.group),
        Element::leaf("Description", &activity.description),
        Element::leaf("Cause", &activity.cause),
        Element::leaf("StartTime", time(activity.start)),
        Element::leaf("StatusCode", activity.status.as_str()),
        Element::leaf("Progress", activity.progress),
        Element::leaf("Details", &activity.details),
    ];
    // In whole seconds: both rounded and cut ends were recorded.
    fields.extend(activity.end.map(|end| Element::leaf("EndTime", end)));
    fields.extend(activity.status_message.as_ref().map(|message| Element::leaf("StatusMessage", message)));
    fields
}
