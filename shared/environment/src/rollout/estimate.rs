//! The forecast of a rollout, for `plan`.

use std::fmt;
use std::time::Duration;

use crate::input::rollout_settings::RolloutSettings;

/// The inputs of a forecast.
#[derive(Clone, Debug)]
pub struct EstimateInputs<'a> {
    /// The settings.
    pub settings: &'a RolloutSettings,
    /// The instances that are replaced: without those that a refresh ignores, or skips because they match.
    pub replaced: u32,
    /// The desired capacity of the group, at least `replaced`.
    pub desired_capacity: u32,
    /// `MaxSize` of the group.
    pub max_size: u32,
    /// The deployment's limit `MaxInstances`, if it has one.
    pub max_instances: Option<u32>,
    /// How long the group's last launches took until the instance was in service, at most 100 of them. The launch gate is
    /// part of that time.
    pub launches: &'a [Duration],
    /// `LaunchGateSeconds`; 0 without a gate.
    pub gate_seconds: u32,
    /// `DrainSeconds`; 0 without a drain.
    pub drain_seconds: u32,
    /// The time that the request has left.
    pub request_time: Duration,
    /// Whether the group can return to its saved version.
    pub has_way_back: bool,
}

/// The forecast of a rollout. Its text is one line, with a line for each warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The instances that are replaced.
    pub instances: u32,
    /// How many are replaced before the canary bakes.
    pub first: u32,
    /// How many are replaced at a time.
    pub at_a_time: u32,
    /// How many instances run beyond the desired capacity meanwhile.
    pub surge: u32,
    /// The duration; `None` if no launch was observed.
    pub duration: Option<Duration>,
    /// The hours of the instances beyond the desired capacity, in tenths.
    pub extra_instance_hours: Option<u64>,
    /// What the stack author should know before the rollout, a sentence each.
    pub warnings: Vec<String>,
}

/// The time that Auto Scaling waits for a health check of a new instance before it terminates an old one: a minute, of some 75
/// to 90 s that it took after the launch (recorded on AWS, September 2026: stackd 9dc356f5, `refresh_native`).
const HEALTH_CHECK_INTERVAL: Duration = Duration::from_mins(1);

/// The most launches that a forecast is based on.
const MOST_LAUNCHES: usize = 100;

/// How many instances a refresh of this desired capacity replaces at a time, and how many run beyond it.
///
/// The minimum is rounded up (Auto Scaling API reference of 2022, `MinHealthyPercentage`: "rounded up to the nearest
/// integer"). For the maximum no document says so; rounded down, it is a bound that holds in both cases. Where both leave no
/// room, a new instance is launched before an old one is terminated: `MaxHealthyPercentage` is always explicit.
#[must_use]
pub fn pace(desired_capacity: u32, settings: &RolloutSettings) -> (u32, u32) {
    let percentage = |percentage: u32| u64::from(desired_capacity) * u64::from(percentage);
    let lowest = percentage(settings.min_healthy_percentage).div_ceil(100);
    let highest = percentage(settings.max_healthy_percentage) / 100;
    let room = u32::try_from(highest.saturating_sub(lowest)).unwrap_or(u32::MAX);
    let surge = u32::try_from(highest.saturating_sub(desired_capacity.into())).unwrap_or(u32::MAX);
    if room == 0 { (1, 1) } else { (room.min(desired_capacity), surge) }
}

/// The forecast.
#[must_use]
pub fn estimate(it: &EstimateInputs<'_>) -> Estimate {
    let (pace, surge) = pace(it.desired_capacity, it.settings);
    let at_a_time = pace.min(it.replaced);
    let canary = u64::from(it.desired_capacity) * u64::from(it.settings.canary_percentage);
    let canary = u32::try_from(canary.div_ceil(100)).unwrap_or(u32::MAX);
    // A single instance has no checkpoint, and is the canary itself.
    let first = canary.min(it.replaced);
    let seconds = |count: u32| Duration::from_secs(count.into());
    let bake = seconds(it.settings.bake_seconds);
    let per_batch =
        p90(it.launches).map(|launch| launch + seconds(it.settings.instance_warmup_seconds) + HEALTH_CHECK_INTERVAL);
    let batches = |count: u32| count.div_ceil(at_a_time.max(1));
    let replacing = per_batch.map(|time| time * (batches(first) + batches(it.replaced - first)));
    let bakes = if it.desired_capacity > 1 { bake * 2 } else { bake };
    let tenths = |time: Duration| (u64::from(surge) * time.as_secs() * 10 + 1_800) / 3_600;
    Estimate {
        instances: it.replaced,
        first,
        at_a_time,
        surge,
        duration: replacing.map(|time| if it.replaced == 0 { Duration::ZERO } else { time + bakes }),
        extra_instance_hours: replacing.map(tenths),
        warnings: warnings(it, surge, bake),
    }
}

fn warnings(it: &EstimateInputs<'_>, surge: u32, bake: Duration) -> Vec<String> {
    let mut warnings = Vec::new();
    if it.replaced == 0 {
        return warnings;
    }
    let EstimateInputs { settings, gate_seconds, drain_seconds, .. } = it;
    let first = u64::from(*gate_seconds) + u64::from(settings.instance_warmup_seconds) + u64::from(*drain_seconds);
    let first = Duration::from_secs(first) + bake;
    if first > it.request_time {
        warnings.push(format!(
            "LaunchGateSeconds, InstanceWarmupSeconds, DrainSeconds and BakeSeconds are {} min together: an instance that \
             uses them up exceeds the {} min of the request",
            minutes(first),
            minutes(it.request_time)
        ));
    }
    if let Some(most) = it.max_instances.filter(|most| it.max_size.saturating_add(surge) > *most) {
        warnings.push(format!(
            "MaxSize {} and {surge} more during a rollout exceed MaxInstances of this deployment, which is {most}",
            it.max_size
        ));
    }
    if !it.has_way_back {
        warnings.push(String::from(
            "no way back: the image, the key or the profile of the group's version is gone, so a bad rollout is cancelled \
             and raises an alarm",
        ));
    }
    warnings
}

/// The 90th percentile by rank: the lowest duration that at least nine of ten do not exceed.
fn p90(durations: &[Duration]) -> Option<Duration> {
    let mut sorted: Vec<Duration> = durations.iter().take(MOST_LAUNCHES).copied().collect();
    sorted.sort_unstable();
    let rank = (sorted.len() * 9).div_ceil(10);
    sorted.get(rank.checked_sub(1)?).copied()
}

/// Minutes, rounded up.
fn minutes(time: Duration) -> u64 {
    time.as_secs().div_ceil(60)
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Estimate { instances, first, at_a_time, .. } = self;
        let noun = if *instances == 1 { "instance" } else { "instances" };
        write!(f, "{instances} {noun}, {first} first, {at_a_time} at a time, ")?;
        match (self.duration, self.extra_instance_hours) {
            (Some(time), Some(tenths)) => {
                write!(f, "about {} min, {}.{} extra instance hours", minutes(time), tenths / 10, tenths % 10)?;
            }
            _ => f.write_str("no launches observed")?,
        }
        self.warnings.iter().try_for_each(|warning| write!(f, "\nwarning: {warning}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(min: u32, max: u32) -> RolloutSettings {
        RolloutSettings { min_healthy_percentage: min, max_healthy_percentage: max, ..RolloutSettings::default() }
    }

    fn inputs<'a>(settings: &'a RolloutSettings, count: u32, launches: &'a [Duration]) -> EstimateInputs<'a> {
        EstimateInputs {
            settings,
            replaced: count,
            desired_capacity: count,
            max_size: 10,
            max_instances: None,
            launches,
            gate_seconds: 600,
            drain_seconds: 300,
            request_time: Duration::from_mins(55),
            has_way_back: true,
        }
    }

    /// The vectors of an emulator: minimum, desired capacity, maximum, launched at a time, terminated before the launch.
    /// Those without a maximum are not sent.
    #[test]
    fn the_pace_is_auto_scalings() {
        let vectors = [
            (100, 10, 110, 1, 0),
            (100, 4, 100, 1, 0),
            (50, 4, 150, 4, 2),
            (90, 10, 100, 1, 1),
            (0, 4, 100, 4, 4),
            (50, 4, 100, 2, 2),
            // The defaults, with groups of fewer than ten instances and of more.
            (100, 1, 110, 1, 0),
            (100, 7, 110, 1, 0),
            (100, 19, 110, 1, 0),
            (100, 100, 110, 10, 0),
        ];
        for (min, desired, max, launched, terminated) in vectors {
            let (at_a_time, surge) = pace(desired, &settings(min, max));
            assert_eq!((at_a_time, at_a_time - surge.min(at_a_time)), (launched, terminated), "{min} {desired} {max}");
        }
    }

    #[test]
    fn a_plan_says_how_many_how_long_and_at_what_cost() {
        let settings = RolloutSettings::default();
        let launches = [Duration::from_secs(150); 100];
        let seven = estimate(&inputs(&settings, 7, &launches));
        assert_eq!(seven.to_string(), "7 instances, 1 first, 1 at a time, about 34 min, 0.5 extra instance hours");
        let one = estimate(&inputs(&settings, 1, &launches));
        assert_eq!(one.to_string(), "1 instance, 1 first, 1 at a time, about 6 min, 0.1 extra instance hours");
        let hundred = estimate(&inputs(&settings, 100, &launches));
        assert_eq!(
            hundred.to_string(),
            "100 instances, 10 first, 10 at a time, about 47 min, 7.5 extra instance hours"
        );
        let unknown = estimate(&inputs(&settings, 7, &[]));
        assert_eq!(unknown.to_string(), "7 instances, 1 first, 1 at a time, no launches observed");
        let empty = estimate(&inputs(&settings, 0, &launches));
        assert_eq!(empty.to_string(), "0 instances, 0 first, 0 at a time, about 0 min, 0.0 extra instance hours");
    }

    #[test]
    fn the_duration_is_the_90th_percentile_of_the_launches() {
        let seconds: Vec<Duration> = (1..=10).map(Duration::from_secs).collect();
        assert_eq!(p90(&seconds), Some(Duration::from_secs(9)));
        assert_eq!(p90(&seconds[..1]), Some(Duration::from_secs(1)));
        assert_eq!(p90(&[]), None);
    }

    #[test]
    fn warnings_name_the_time_the_surge_and_the_missing_way_back() {
        let settings = RolloutSettings { bake_seconds: 1_800, ..RolloutSettings::default() };
        let usual = inputs(&settings, 7, &[]);
        assert_eq!(estimate(&usual).warnings, [""; 0]);
        let request_time = Duration::from_mins(10 + 1 + 5 + 30);
        assert_eq!(estimate(&EstimateInputs { request_time, ..usual.clone() }).warnings, [""; 0]);
        let it = EstimateInputs {
            request_time: request_time.checked_sub(Duration::from_secs(1)).unwrap(),
            max_instances: Some(10),
            has_way_back: false,
            ..usual.clone()
        };
        let expected = [
            "LaunchGateSeconds, InstanceWarmupSeconds, DrainSeconds and BakeSeconds are 46 min together: an instance that uses \
             them up exceeds the 46 min of the request",
            "MaxSize 10 and 1 more during a rollout exceed MaxInstances of this deployment, which is 10",
            "no way back: the image, the key or the profile of the group's version is gone, so a bad rollout is cancelled and \
             raises an alarm",
        ];
        assert_eq!(estimate(&it).warnings, expected);
        assert_eq!(estimate(&EstimateInputs { replaced: 0, ..it }).warnings, [""; 0]);
        assert_eq!(estimate(&EstimateInputs { max_instances: Some(11), ..usual }).warnings, [""; 0]);
    }
}
