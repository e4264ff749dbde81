//! Actions on instance refreshes. Fields and absences are recorded on AWS, September 2026 (stackd 9dc356f5,
//! refresh_native).

use auto_scaling::{
    AutoScaling, Fault, InstanceRefresh, LaunchTemplate, ProtectedInstances, RefreshPreferences, RefreshProgress,
    RollbackDetails, StandbyInstances, StartRefresh,
};

use super::{
    ActionResult, AutoScalingService, Parameters,
    groups::{resolved_template, template, time},
    now,
    page::Page,
};
use crate::{alarms::AlarmStates, element::Element};

/// The only strategy that is simulated.
const STRATEGY: &str = "Rolling";
/// The prefix of an image that is the name of a Systems Manager parameter.
const FROM_PARAMETER: &str = "resolve:ssm:";

pub async fn start(service: &AutoScalingService, parameters: &mut Parameters) -> ActionResult {
    let group = parameters.required("AutoScalingGroupName")?;
    let valid = format!("{STRATEGY}: the local cloud simulates no other strategy");
    parameters.parsed("Strategy", &valid, |text| (text == STRATEGY).then_some(()))?;
    let preferences = preferences(parameters)?;
    let desired_configuration = resolved_template(service, parameters, "DesiredConfiguration.LaunchTemplate").await?;
    parameters.finish()?;
    if desired_configuration.is_some() {
        note_image(service, &group).await?;
    }
    let alarms = if preferences.alarms.is_empty() { AlarmStates::new() } else { service.alarms.states().await };
    let mut simulator = service.simulator();
    follow(&mut simulator, &preferences.alarms, &alarms);
    let start = StartRefresh { desired_configuration, preferences };
    Ok(id(simulator.start_instance_refresh(&group, start, now())?))
}

pub fn describe(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let group = parameters.required("AutoScalingGroupName")?;
    let ids = parameters.texts("InstanceRefreshIds").unwrap_or_default();
    let page = Page::of(parameters, 50)?;
    parameters.finish()?;
    let refreshes = simulator.instance_refreshes(&group, now())?;
    let selected = refreshes.iter().filter(|it| ids.is_empty() || ids.contains(&it.id));
    Ok(page.cut("InstanceRefreshes", selected.map(|it| fields(&group, it)).collect()))
}

pub fn cancel(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let group = parameters.required("AutoScalingGroupName")?;
    let wait = parameters.flag("WaitForTransitioningInstances")?.unwrap_or(true);
    parameters.finish()?;
    Ok(id(simulator.cancel_instance_refresh(&group, wait, now())?))
}

pub fn roll_back(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let group = parameters.required("AutoScalingGroupName")?;
    parameters.finish()?;
    Ok(id(simulator.rollback_instance_refresh(&group, now())?))
}

/// Updates the states of these alarms in the simulator.
pub fn follow(simulator: &mut AutoScaling, names: &[String], states: &AlarmStates) {
    for name in names {
        simulator.set_alarm_state(name, states.get(name).copied());
    }
}

/// Records in the simulator whether a rollback of the group needs a Systems Manager parameter. A version that is gone has
/// no image.
async fn note_image(service: &AutoScalingService, group: &str) -> Result<(), Fault> {
    let saved = service.simulator().group(group)?.settings.launch_template.clone();
    let version = service.ec2().template_version(&saved).await;
    let from_parameter = version.is_ok_and(|it| it.image().starts_with(FROM_PARAMETER));
    service.simulator().set_image_from_parameter(saved, from_parameter);
    Ok(())
}

fn id(id: String) -> Vec<Element> {
    vec![Element::leaf("InstanceRefreshId", id)]
}

fn preferences(parameters: &mut Parameters) -> Result<RefreshPreferences, Fault> {
    let valid = "a whole number in range";
    let numbers = parameters.texts("Preferences.CheckpointPercentages").unwrap_or_default();
    let number = |text: &String| {
        let wrong = || Fault::validation(format!("Preferences.CheckpointPercentages has '{text}': expected {valid}"));
        text.parse().map_err(|_| wrong())
    };
    Ok(RefreshPreferences {
        min_healthy_percentage: parameters.number("Preferences.MinHealthyPercentage")?,
        max_healthy_percentage: parameters.number("Preferences.MaxHealthyPercentage")?,
        instance_warmup: parameters.seconds("Preferences.InstanceWarmup")?,
        checkpoint_percentages: numbers.iter().map(number).collect::<Result<_, _>>()?,
        checkpoint_delay: parameters.seconds("Preferences.CheckpointDelay")?,
        bake_time: parameters.seconds("Preferences.BakeTime")?,
        skip_matching: parameters.flag("Preferences.SkipMatching")?.unwrap_or(false),
        auto_rollback: parameters.flag("Preferences.AutoRollback")?.unwrap_or(false),
        protected_instances: parameters
            .parsed("Preferences.ScaleInProtectedInstances", "Refresh, Ignore or Wait", ProtectedInstances::parse)?
            .unwrap_or_default(),
        standby_instances: parameters
            .parsed("Preferences.StandbyInstances", "Terminate, Ignore or Wait", StandbyInstances::parse)?
            .unwrap_or_default(),
        alarms: parameters.texts("Preferences.AlarmSpecification.Alarms").unwrap_or_default(),
    })
}

fn fields(group: &str, refresh: &InstanceRefresh) -> Vec<Element> {
    let mut fields = vec![
        Element::leaf("InstanceRefreshId", &refresh.id),
        Element::leaf("AutoScalingGroupName", group),
        Element::leaf("Status", refresh.status.as_str()),
        Element::leaf("Strategy", STRATEGY),
        Element::node("Preferences", shown(&refresh.preferences)),
    ];
    fields.extend(refresh.status_reason.as_ref().map(|reason| Element::leaf("StatusReason", reason)));
    fields.extend(refresh.start.map(|at| Element::leaf("StartTime", time(at))));
    fields.extend(refresh.end.map(|at| Element::leaf("EndTime", time(at))));
    if let Some(RefreshProgress { percentage, instances_to_update }) = refresh.progress {
        fields.push(Element::leaf("PercentageComplete", percentage));
        fields.push(Element::leaf("InstancesToUpdate", instances_to_update));
    }
    fields.extend(refresh.desired_configuration.as_ref().map(configuration));
    fields.extend(refresh.rollback.as_ref().map(rollback));
    fields
}

fn configuration(desired: &LaunchTemplate) -> Element {
    Element::node("DesiredConfiguration", vec![template(desired)])
}

fn rollback(details: &RollbackDetails) -> Element {
    let fields = vec![
        Element::leaf("RollbackReason", &details.reason),
        Element::leaf("RollbackStartTime", time(details.start)),
        Element::leaf("PercentageCompleteOnRollback", details.progress.percentage),
        Element::leaf("InstancesToUpdateOnRollback", details.progress.instances_to_update),
    ];
    Element::node("RollbackDetails", fields)
}

fn shown(preferences: &RefreshPreferences) -> Vec<Element> {
    let alarms = Some(&preferences.alarms).filter(|it| !it.is_empty());
    let mut fields = vec![
        Element::leaf("SkipMatching", preferences.skip_matching),
        Element::leaf("AutoRollback", preferences.auto_rollback),
        Element::leaf("ScaleInProtectedInstances", preferences.protected_instances.as_str()),
        Element::leaf("StandbyInstances", preferences.standby_instances.as_str()),
        Element::node("AlarmSpecification", alarms.map(|names| Element::texts("Alarms", names)).into_iter().collect()),
    ];
    let numbers = [
        ("MinHealthyPercentage", preferences.min_healthy_percentage.map(u64::from)),
        ("MaxHealthyPercentage", preferences.max_healthy_percentage.map(u64::from)),
        ("InstanceWarmup", preferences.instance_warmup.map(|it| it.as_secs())),
        ("CheckpointDelay", preferences.checkpoint_delay.map(|it| it.as_secs())),
        ("BakeTime", preferences.bake_time.map(|it| it.as_secs())),
    ];
    fields.extend(numbers.into_iter().filter_map(|(name, value)| Some(Element::leaf(name, value?))));
    if !preferences.checkpoint_percentages.is_empty() {
        fields.push(Element::texts("CheckpointPercentages", &preferences.checkpoint_percentages));
    }
    fields
}
