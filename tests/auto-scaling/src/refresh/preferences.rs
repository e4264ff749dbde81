//! The parameters of a refresh, their defaults, and their rules.

use std::time::Duration;

use crate::{Fault, LaunchTemplate, Settings};

/// The default of MinHealthyPercentage (the user guide; recorded, too).
const DEFAULT_MIN_HEALTHY: u32 = 90;
/// The default of CheckpointDelay (the API reference).
const DEFAULT_CHECKPOINT_DELAY: Duration = Duration::from_hours(1);
/// The longest CheckpointDelay and BakeTime (the API model).
const LONGEST_WAIT: Duration = Duration::from_hours(48);
/// The most alarms of a refresh (the API reference).
const MAX_ALARMS: usize = 10;

/// The parameters of a start call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartRefresh {
    /// The launch template of the new instances, which becomes the group's at the end; the group's own if absent.
    pub desired_configuration: Option<LaunchTemplate>,
    /// The preferences.
    pub preferences: RefreshPreferences,
}

/// The preferences of a refresh. An absent one gets AWS's default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefreshPreferences {
    /// The share of the desired capacity that remains healthy, 0 to 100. Default: 90.
    pub min_healthy_percentage: Option<u32>,
    /// The share of the desired capacity that the group has at most, 100 to 200. Absent: 100, but instances terminate
    /// before their replacements are in service.
    pub max_healthy_percentage: Option<u32>,
    /// How long a new instance warms up in service. Default: the group's default warm-up, or else its grace period.
    pub instance_warmup: Option<Duration>,
    /// The shares of new instances at which the refresh waits, ascending, 1 to 100 each.
    pub checkpoint_percentages: Vec<u32>,
    /// The wait after a checkpoint, at most 48 h. Default: 1 h if there are checkpoints.
    pub checkpoint_delay: Option<Duration>,
    /// The wait after the last replacement, at most 48 h. Default: none.
    pub bake_time: Option<Duration>,
    /// Whether instances that have the desired configuration are left alone.
    pub skip_matching: bool,
    /// Whether a failure begins a rollback.
    pub auto_rollback: bool,
    /// The treatment of instances that are protected from scale-in.
    pub protected_instances: ProtectedInstances,
    /// The treatment of instances in Standby.
    pub standby_instances: StandbyInstances,
    /// The names of alarms that have to be `OK`, at most 10.
    pub alarms: Vec<String>,
}

/// The treatment of instances that are protected from scale-in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProtectedInstances {
    /// They are replaced.
    Refresh,
    /// They are left alone.
    Ignore,
    /// The refresh waits an hour for the protection to be removed.
    #[default]
    Wait,
}

/// The treatment of instances in Standby.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StandbyInstances {
    /// They are terminated.
    Terminate,
    /// They are left alone.
    Ignore,
    /// The refresh waits an hour for their return to service.
    #[default]
    Wait,
}

impl ProtectedInstances {
    /// AWS's name of the treatment.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refresh => "Refresh",
            Self::Ignore => "Ignore",
            Self::Wait => "Wait",
        }
    }

    /// The treatment with AWS's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Refresh, Self::Ignore, Self::Wait].into_iter().find(|it| it.as_str() == text)
    }
}

impl StandbyInstances {
    /// AWS's name of the treatment.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Terminate => "Terminate",
            Self::Ignore => "Ignore",
            Self::Wait => "Wait",
        }
    }

    /// The treatment with AWS's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Terminate, Self::Ignore, Self::Wait].into_iter().find(|it| it.as_str() == text)
    }
}

impl StartRefresh {
    /// Checks the parameters against each other and against the group's settings.
    pub(crate) fn check(&self, settings: &Settings) -> Result<(), Fault> {
        let preferences = &self.preferences;
        preferences.check_ranges()?;
        preferences.check_checkpoints()?;
        if let Some(max) = preferences.max_healthy_percentage {
            // The rules are the API reference's, the texts guesses.
            let Some(min) = preferences.min_healthy_percentage else {
                return Err(Fault::validation(
                    "You must specify MinHealthyPercentage when you specify MaxHealthyPercentage.",
                ));
            };
            if max - min > 100 {
                return Err(Fault::validation(format!(
                    "The difference between MaxHealthyPercentage ({max}) and MinHealthyPercentage ({min}) cannot be \
                     greater than 100."
                )));
            }
        }
        if preferences.auto_rollback && self.desired_configuration.is_none() {
            // Recorded on AWS, September 2026 (stackd 9dc356f5, `refresh_native`), with this apostrophe.
            return Err(Fault::validation(
                "The request isn\u{2019}t valid. The AutoRollback parameter cannot be set to true when the \
                 DesiredConfiguration parameter is empty. Set AutoRollback to false or specify a desired configuration \
                 and try again.",
            ));
        }
        if preferences.auto_rollback && !settings.launch_template.is_numbered() {
            // The rule is the API reference's, the text a guess.
            return Err(Fault::validation(format!(
                "The AutoRollback parameter cannot be set to true when the Auto Scaling group uses the {} version of a \
                 launch template.",
                settings.launch_template.version
            )));
        }
        Ok(())
    }
}

impl RefreshPreferences {
    /// The preferences with their defaults.
    pub(crate) fn resolved(mut self, settings: &Settings) -> Self {
        self.min_healthy_percentage.get_or_insert(DEFAULT_MIN_HEALTHY);
        let warmup = settings.default_instance_warmup.unwrap_or(settings.health_check_grace_period);
        self.instance_warmup.get_or_insert(warmup);
        if !self.checkpoint_percentages.is_empty() {
            self.checkpoint_delay.get_or_insert(DEFAULT_CHECKPOINT_DELAY);
        }
        self
    }

    fn check_ranges(&self) -> Result<(), Fault> {
        at_most("minHealthyPercentage", self.min_healthy_percentage, 100)?;
        at_least("maxHealthyPercentage", self.max_healthy_percentage, 100)?;
        at_most("maxHealthyPercentage", self.max_healthy_percentage, 200)?;
        let seconds = |span: Option<Duration>| span.map(|it| it.as_secs());
        at_most("checkpointDelay", seconds(self.checkpoint_delay), LONGEST_WAIT.as_secs())?;
        at_most("bakeTime", seconds(self.bake_time), LONGEST_WAIT.as_secs())?;
        let alarms = self.alarms.len();
        if alarms > MAX_ALARMS {
            // A guess of the text.
            return Err(Fault::validation(format!(
                "AlarmSpecification has {alarms} alarms: a refresh has at most {MAX_ALARMS}"
            )));
        }
        Ok(())
    }

    fn check_checkpoints(&self) -> Result<(), Fault> {
        for percentage in &self.checkpoint_percentages {
            at_least("checkpointPercentages", Some(*percentage), 1)?;
            at_most("checkpointPercentages", Some(*percentage), 100)?;
        }
        if self.checkpoint_percentages.windows(2).any(|pair| pair[0] >= pair[1]) {
            // Recorded on AWS, September 2026 (stackd 9dc356f5, `refresh_native`).
            return Err(Fault::validation(
                "Checkpoint percentages must be sorted in ascending order with no duplicates.",
            ));
        }
        if self.checkpoint_delay.is_some() && self.checkpoint_percentages.is_empty() {
            // The rule is the API reference's, the text a guess.
            return Err(Fault::validation("You must specify CheckpointPercentages when you specify CheckpointDelay."));
        }
        Ok(())
    }
}

/// The API's check of a highest value.
fn at_most<T: Into<u64>>(field: &str, value: Option<T>, most: u64) -> Result<(), Fault> {
    match value.map(Into::into) {
        Some(value) if value > most => Err(out_of_range(field, value, &format!("less than or equal to {most}"))),
        _ => Ok(()),
    }
}

/// The API's check of a lowest value.
fn at_least<T: Into<u64>>(field: &str, value: Option<T>, least: u64) -> Result<(), Fault> {
    match value.map(Into::into) {
        Some(value) if value < least => Err(out_of_range(field, value, &format!("greater than or equal to {least}"))),
        _ => Ok(()),
    }
}

/// The API's words, as in other operations.
fn out_of_range(field: &str, value: u64, bound: &str) -> Fault {
    Fault::validation(format!(
        "1 validation error detected: Value '{value}' at 'preferences.{field}' failed to satisfy constraint: Member must \
         have value {bound}"
    ))
}
