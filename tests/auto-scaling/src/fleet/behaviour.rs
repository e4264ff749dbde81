//! The behaviour of an instance from its launch on.

use std::{collections::BTreeMap, time::Duration};

/// The behaviour of an instance. All times count from the launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// Both status checks of EC2.
    pub status_checks: StatusChecks,
    /// The SSM agent.
    pub agent: Agent,
    /// The marker of the instance's user data.
    pub ready: Ready,
    /// The outcome of commands.
    pub commands: CommandOutcome,
    /// How long SSM does not show a command that it has accepted: until then GetCommandInvocation returns
    /// `InvocationDoesNotExist`, as its reference warns.
    pub command_appears_after: Duration,
    /// The console's output.
    pub console: String,
    /// Log files by path. A command whose script names a path has the file as output.
    pub logs: BTreeMap<String, String>,
}

/// Both status checks of EC2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusChecks {
    /// The checks pass from then on.
    PassAfter(Duration),
    /// The checks fail from then on.
    FailAfter(Duration),
    /// The checks pass at first, and fail from then on.
    PassUntil(Duration),
}

/// The SSM agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agent {
    /// When the agent registers, if it does.
    pub registers_after: Option<Duration>,
    /// When the agent falls silent, if it does.
    pub lost_after: Option<Duration>,
    /// How long SSM shows a silent agent as `Online`.
    pub stale_for: Duration,
}

/// The marker of user data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ready {
    /// User data is done.
    After(Duration),
    /// User data failed at a step.
    FailedAfter(Duration, String),
    /// User data hangs.
    Never,
}

/// The outcome of a command that is sent to the instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandOutcome {
    /// The command succeeds.
    SucceedsAfter(Duration),
    /// The command fails with an exit code.
    FailsAfter(Duration, i32),
    /// The command runs until its execution times out.
    Hangs,
    /// The agent never receives the command, although it is online.
    NeverDelivered,
}

/// A failure of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstanceFailure {
    /// EC2's status checks fail.
    Impaired,
    /// The SSM agent never registers.
    NoAgent,
    /// The SSM agent falls silent after its registration.
    AgentLost,
    /// User data never finishes.
    NotReady,
    /// User data fails at a step.
    FailedAt(String),
    /// Commands fail with exit code 1.
    CommandsFail,
    /// Commands never finish.
    CommandsHang,
    /// Commands are never delivered.
    CommandsUndelivered,
}

impl Default for Behaviour {
    /// A healthy instance, as slow as real ones: agent after 1 min, marker after 90 s, checks after 2.5 min, commands
    /// of 5 s. All are estimates. Users report that SSM shows a silent agent as online for minutes.
    fn default() -> Self {
        Self {
            status_checks: StatusChecks::PassAfter(Duration::from_secs(150)),
            agent: Agent {
                registers_after: Some(Duration::from_mins(1)),
                lost_after: None,
                stale_for: Duration::from_mins(5),
            },
            ready: Ready::After(Duration::from_secs(90)),
            commands: CommandOutcome::SucceedsAfter(Duration::from_secs(5)),
            command_appears_after: Duration::from_secs(1),
            console: "[    0.000000] Linux version\n[   12.345678] cloud-init: user data begins\n".to_owned(),
            logs: BTreeMap::from([
                ("/var/log/cloud-init-output.log".to_owned(), "Cloud-init: modules:final\n".to_owned()),
                ("/var/log/user-data.log".to_owned(), "user data begins\n".to_owned()),
            ]),
        }
    }
}

impl Behaviour {
    /// The same behaviour, the given number of times as fast.
    ///
    /// # Panics
    /// If `times` is 0.
    #[must_use]
    pub fn faster(mut self, times: u32) -> Self {
        match &mut self.status_checks {
            StatusChecks::PassAfter(span) | StatusChecks::FailAfter(span) | StatusChecks::PassUntil(span) => {
                *span /= times;
            }
        }
        if let Ready::After(span) | Ready::FailedAfter(span, _) = &mut self.ready {
            *span /= times;
        }
        if let CommandOutcome::SucceedsAfter(span) | CommandOutcome::FailsAfter(span, _) = &mut self.commands {
            *span /= times;
        }
        for span in [&mut self.agent.stale_for, &mut self.command_appears_after] {
            *span /= times;
        }
        for span in [&mut self.agent.registers_after, &mut self.agent.lost_after].into_iter().flatten() {
            *span /= times;
        }
        self
    }

    /// The behaviour of an instance with a failure since its launch. The failure appears when a healthy instance would
    /// pass.
    #[must_use]
    pub fn with_failure(mut self, failure: &InstanceFailure) -> Self {
        self.apply_failure(failure);
        self
    }

    fn apply_failure(&mut self, failure: &InstanceFailure) {
        let ready = match self.ready {
            Ready::After(span) | Ready::FailedAfter(span, _) => span,
            Ready::Never => Duration::ZERO,
        };
        match failure {
            InstanceFailure::Impaired => {
                let StatusChecks::PassAfter(span) = self.status_checks else { return };
                self.status_checks = StatusChecks::FailAfter(span);
            }
            InstanceFailure::NoAgent => self.agent.registers_after = None,
            // Late enough for one ping.
            InstanceFailure::AgentLost => {
                self.agent.lost_after = self.agent.registers_after.map(|span| span + PING_SPAN);
            }
            InstanceFailure::NotReady => self.ready = Ready::Never,
            InstanceFailure::FailedAt(step) => {
                self.ready = Ready::FailedAfter(ready, step.clone());
                let line = format!("user data failed at {step}\n");
                self.console.push_str(&line);
                self.logs.values_mut().for_each(|log| log.push_str(&line));
            }
            InstanceFailure::CommandsFail => self.commands = CommandOutcome::FailsAfter(Duration::from_secs(1), 1),
            InstanceFailure::CommandsHang => self.commands = CommandOutcome::Hangs,
            InstanceFailure::CommandsUndelivered => self.commands = CommandOutcome::NeverDelivered,
        }
    }

    /// Adds a failure that begins at an age. A milestone that the instance has reached is kept.
    pub(super) fn add_failure(&mut self, failure: &InstanceFailure, age: Duration) {
        match failure {
            InstanceFailure::Impaired => match self.status_checks {
                StatusChecks::PassAfter(span) if span <= age => self.status_checks = StatusChecks::PassUntil(age),
                _ => self.apply_failure(failure),
            },
            InstanceFailure::NoAgent | InstanceFailure::AgentLost
                if self.agent.registers_after.is_some_and(|span| span <= age) =>
            {
                self.agent.lost_after = Some(age);
            }
            InstanceFailure::NotReady | InstanceFailure::FailedAt(_) if matches!(self.ready, Ready::After(span) if span <= age) =>
                {}
            _ => self.apply_failure(failure),
        }
    }
}

/// How long an agent that falls silent was online.
const PING_SPAN: Duration = Duration::from_millis(1);

impl InstanceFailure {
    /// The failure with a name: `impaired`, `no-agent`, `agent-lost`, `not-ready`, `failed-at:STEP`, `commands-fail`,
    /// `commands-hang`, `commands-undelivered`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(step) = text.strip_prefix("failed-at:") {
            return (!step.is_empty()).then(|| Self::FailedAt(step.to_owned()));
        }
        Some(match text {
            "impaired" => Self::Impaired,
            "no-agent" => Self::NoAgent,
            "agent-lost" => Self::AgentLost,
            "not-ready" => Self::NotReady,
            "commands-fail" => Self::CommandsFail,
            "commands-hang" => Self::CommandsHang,
            "commands-undelivered" => Self::CommandsUndelivered,
            _ => return None,
        })
    }
}
