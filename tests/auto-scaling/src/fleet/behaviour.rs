//! How an instance behaves, from its start on.

use std::{collections::BTreeMap, time::Duration};

/// How an instance behaves. All times count from its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// Both status checks of EC2.
    pub status_checks: StatusChecks,
    /// The SSM agent.
    pub agent: Agent,
    /// The marker of its user data.
    pub ready: Ready,
    /// What becomes of commands.
    pub commands: CommandOutcome,
    /// How long SSM knows nothing of a command after it took it: GetCommandInvocation answers
    /// `InvocationDoesNotExist` until then, as its reference warns.
    pub command_appears_after: Duration,
    /// The console's output.
    pub console: String,
    /// Log files by path. A command whose script names one has it as output.
    pub logs: BTreeMap<String, String>,
}

/// Both status checks of EC2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusChecks {
    /// They pass.
    PassAfter(Duration),
    /// They fail.
    FailAfter(Duration),
    /// They passed, and fail then.
    PassUntil(Duration),
}

/// The SSM agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agent {
    /// When it registers, if it does.
    pub registers_after: Option<Duration>,
    /// When it falls silent, if it does.
    pub lost_after: Option<Duration>,
    /// How long SSM says `Online` of one that is silent.
    pub stale_for: Duration,
}

/// The marker of user data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ready {
    /// User data is done.
    After(Duration),
    /// User data failed at a step.
    FailedAfter(Duration, String),
    /// It hangs.
    Never,
}

/// What becomes of a command that reaches the instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandOutcome {
    /// It succeeds.
    SucceedsAfter(Duration),
    /// It fails with an exit code.
    FailsAfter(Duration, i32),
    /// It runs until its execution times out.
    Hangs,
    /// The agent never takes it, though it is online.
    NeverDelivered,
}

/// What can be wrong with an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstanceFailure {
    /// EC2's status checks fail.
    Impaired,
    /// The SSM agent never registers.
    NoAgent,
    /// The SSM agent falls silent when it has registered.
    AgentLost,
    /// User data never comes to its end.
    NotReady,
    /// User data fails at a step.
    FailedAt(String),
    /// Commands fail with exit code 1.
    CommandsFail,
    /// Commands never end.
    CommandsHang,
    /// Commands are never delivered.
    CommandsUndelivered,
}

impl Default for Behaviour {
    /// A healthy instance, as slow as real ones: agent after 1 min, marker after 90 s, checks after 2.5 min, commands of
    /// 5 s. All estimates; that SSM shows a silent agent as online for minutes is reported.
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
    /// The same, so many times as fast.
    ///
    /// # Panics
    /// If it is 0 times.
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

    /// That of an instance that is sick from its start on; it shows when a healthy one would be well.
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
            // As late as it takes to be heard of once.
            InstanceFailure::AgentLost => {
                self.agent.lost_after = self.agent.registers_after.map(|span| span + PING_SPAN)
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

    /// Makes it that of an instance that falls sick at an age. What it has reached stays reached.
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

/// How long an agent that falls silent was there.
const PING_SPAN: Duration = Duration::from_millis(1);

impl InstanceFailure {
    /// The sickness of a name: `impaired`, `no-agent`, `agent-lost`, `not-ready`, `failed-at:STEP`, `commands-fail`,
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
