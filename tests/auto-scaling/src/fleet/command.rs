//! Commands of SSM, and their invocations.

use std::time::Duration;

use super::{CommandOutcome, Fleet, Member};
use crate::{Fault, Timestamp, arn::uuid};

/// A command to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The instances that run the command.
    pub instance_ids: Vec<String>,
    /// The script; the document's commands, joined.
    pub script: String,
    /// The comment of the sender.
    pub comment: String,
    /// How long the delivery may take: `TimeoutSeconds`, by default 3,600 s.
    pub delivery_timeout: Duration,
    /// How long the command may run: the document's `executionTimeout`, by default 3,600 s; less than 5 s means the
    /// default.
    pub execution_timeout: Duration,
}

// The behaviour of commands was recorded on AWS, September 2026 (stackd 9dc356f5, `managed_execution_timeouts_current`
// and `managed_execution_current`).

/// How long an undelivered command is `InProgress` before it is `Pending` and `Delayed`.
const UNDELIVERED_IN_PROGRESS: Duration = Duration::from_secs(3);

/// How long after its expiry an undelivered command is `TimedOut`: 12 to 15 s.
const EXPIRY_LAG: Duration = Duration::from_secs(15);

/// The shortest execution timeout that counts, and the one that replaces a shorter one.
const MIN_EXECUTION: Duration = Duration::from_secs(5);
const DEFAULT_EXECUTION: Duration = Duration::from_hours(1);

impl Command {
    fn execution_timeout(&self) -> Duration {
        if self.execution_timeout < MIN_EXECUTION { DEFAULT_EXECUTION } else { self.execution_timeout }
    }

    /// When a command that was sent at this time expires, if no agent takes it: the delivery timeout does not end alone,
    /// the execution timeout is added to it.
    #[must_use]
    pub fn expires(&self, sent: Timestamp) -> Timestamp {
        sent + self.delivery_timeout + self.execution_timeout()
    }
}

/// The state of a command on one instance, as GetCommandInvocation returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// `Pending`, `InProgress`, `Success`, `Failed` or `TimedOut`.
    pub status: &'static str,
    /// The same, but `Delayed`, `DeliveryTimedOut` or `ExecutionTimedOut`.
    pub details: &'static str,
    /// The exit code, -1 as long as the command has none; 137 if its execution timed out.
    pub response_code: i32,
    /// The standard output.
    pub output: String,
    /// The start of the execution.
    pub started: Option<Timestamp>,
    /// The end of the invocation.
    pub ended: Option<Timestamp>,
}

/// A command with the time at which it was sent.
#[derive(Clone, Debug)]
pub(super) struct SentCommand {
    command: Command,
    at: Timestamp,
}

impl Fleet {
    /// Sends a command, and returns its id. A command for a silent agent is also accepted, but is not delivered.
    ///
    /// # Errors
    /// `InvalidInstanceId`: the command has no ids, or an agent never registered, or SSM knows that the instance is
    /// terminated.
    pub fn send_command(&mut self, command: Command, now: Timestamp) -> Result<String, Fault> {
        let is_usable = |id: &String| {
            let Some(member) = self.members.get(id) else { return false };
            let lost = member.agent(now) == Some(super::PingStatus::ConnectionLost);
            member.agent(now).is_some() && !(lost && member.terminated.is_some())
        };
        if command.instance_ids.is_empty() || !command.instance_ids.iter().all(is_usable) {
            let message = String::from("Instances not in a valid state for account");
            return Err(Fault { code: "InvalidInstanceId", message });
        }
        let id = uuid(&["command", &self.commands.len().to_string()]);
        self.commands.insert(id.clone(), SentCommand { command, at: now });
        Ok(id)
    }

    /// The commands that were sent to an instance and that SSM shows: their ids, the times at which they were sent,
    /// their comments, and their invocations.
    #[must_use]
    pub fn invocations_on(&self, instance_id: &str, now: Timestamp) -> Vec<(&str, Timestamp, &str, Invocation)> {
        let visible = self.commands.iter().filter_map(|(id, sent)| {
            let invocation = self.invocation(id, instance_id, now).ok()?;
            Some((id.as_str(), sent.at, sent.command.comment.as_str(), invocation))
        });
        visible.collect()
    }

    /// The invocation of a command on an instance.
    ///
    /// # Errors
    /// `InvocationDoesNotExist`: the command does not exist, was not sent to this instance, or SSM does not show it
    /// yet.
    pub fn invocation(&self, command_id: &str, instance_id: &str, now: Timestamp) -> Result<Invocation, Fault> {
        let missing = || {
            let message = format!("Invocation not found for {command_id}, {instance_id}");
            Fault { code: "InvocationDoesNotExist", message }
        };
        let sent = self.commands.get(command_id).ok_or_else(missing)?;
        let member = self.members.get(instance_id).ok_or_else(missing)?;
        let shown = now >= sent.at + member.behaviour.command_appears_after;
        let exists = shown && sent.command.instance_ids.iter().any(|id| id == instance_id);
        exists.then(|| sent.invocation_on(member, now)).ok_or_else(missing)
    }
}

impl SentCommand {
    fn invocation_on(&self, member: &Member, now: Timestamp) -> Invocation {
        let Self { at, command } = self;
        let delivered =
            !matches!(member.behaviour.commands, CommandOutcome::NeverDelivered) && member.last_ping(*at) == Some(*at);
        if !delivered {
            let until = command.expires(*at) + EXPIRY_LAG;
            return if now >= until {
                ended_invocation("TimedOut", "DeliveryTimedOut", -1, None, until)
            } else if now < *at + UNDELIVERED_IN_PROGRESS {
                Invocation { status: "InProgress", details: "InProgress", ..pending() }
            } else {
                Invocation { details: "Delayed", ..pending() }
            };
        }
        let timed_out = *at + command.execution_timeout();
        // A command that the termination of its instance cuts off is never reported again.
        let end_of = |span: Duration| Some(*at + span).filter(|end| member.last_ping(*end).is_none_or(|it| it == *end));
        let (end, status, code) = match member.behaviour.commands {
            CommandOutcome::SucceedsAfter(span) => (end_of(span), "Success", 0),
            CommandOutcome::FailsAfter(span, code) => (end_of(span), "Failed", code),
            CommandOutcome::Hangs | CommandOutcome::NeverDelivered => (None, "", -1),
        };
        match end.filter(|end| *end < timed_out) {
            Some(end) if end <= now => Invocation {
                output: member.output_for(&command.script),
                ..ended_invocation(status, status, code, Some(*at), end)
            },
            None if timed_out <= now => Invocation {
                output: member.output_for(&command.script),
                ..ended_invocation("TimedOut", "ExecutionTimedOut", 137, Some(*at), timed_out)
            },
            _ => Invocation { status: "InProgress", details: "InProgress", started: Some(*at), ..pending() },
        }
    }
}

impl Member {
    /// The logs that a script names.
    fn output_for(&self, script: &str) -> String {
        let named = self.behaviour.logs.iter().filter(|(path, _)| script.contains(path.as_str()));
        named.map(|(_, text)| text.as_str()).collect()
    }
}

fn pending() -> Invocation {
    Invocation {
        status: "Pending",
        details: "Pending",
        response_code: -1,
        output: String::new(),
        started: None,
        ended: None,
    }
}

fn ended_invocation(
    status: &'static str,
    details: &'static str,
    response_code: i32,
    started: Option<Timestamp>,
    ended: Timestamp,
) -> Invocation {
    Invocation { status, details, response_code, started, ended: Some(ended), ..pending() }
}
