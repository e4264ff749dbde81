//! What is kept of an instance that is given up: after the verdict nobody can ask it any more.

use std::fmt;

use serde_json::json;

use crate::action_handler::ActionHandler;
use crate::cloud::HookApi;
use crate::facts::Agent;

/// How much of each piece is kept, from its end, in bytes: 64 KiB, which is all that EC2 keeps of a console (the API
/// reference of `GetConsoleOutput`), and a sixteenth of what a log group takes in one line.
const KEPT: usize = 65_536;

/// Gathers and writes it, and says where it is, or why it is not.
pub(crate) async fn gather(cloud: &impl HookApi, case: &ActionHandler<'_>, reason: &[String], now_ms: u64) -> String {
    let instance = &case.action.instance;
    let reachable = case.observed.as_ref().is_ok_and(|observed| observed.agent == Ok(Agent::Online));
    let observed = match &case.observed {
        Ok(observed) => json!({
            "State": observed.state.to_string(), "UserData": observed.user_data.to_string(),
            "StatusChecks": shown(&observed.checks), "Agent": shown(&observed.agent),
        }),
        Err(reason) => json!(reason),
    };
    let verdict = json!({
        "Verdict": "ABANDON", "Reason": reason, "Instance": instance, "AutoScalingGroup": case.action.group,
        "WaitedSeconds": case.waited(now_ms).map(|it| it.as_secs()), "Observed": observed,
    });
    let pieces = cloud.evidence(instance, reachable).await.into_iter().map(|(name, text)| match text {
        Ok(text) => format!("{name}:\n{}", last(&text)),
        Err(error) => format!("{name}: {error}"),
    });
    let lines: Vec<String> = std::iter::once(verdict.to_string()).chain(pieces).collect();
    let (group, stream) = (&case.settings.log_group, stream(instance));
    let mut written = cloud.write(group, &stream, lines.clone()).await;
    if written.is_err() {
        // Once more, beyond the client's own tries: it is worth more than the moment that a sick instance waits longer.
        written = cloud.write(group, &stream, lines).await;
    }
    match written {
        Ok(()) => format!("evidence in {group} {stream}"),
        Err(error) => format!("no evidence was written: {error}"),
    }
}

/// Notes that the verdict came too late: while evidence was gathered, somebody else ended the wait.
pub(crate) async fn overtaken(cloud: &impl HookApi, case: &ActionHandler<'_>) {
    let line =
        json!({ "Verdict": "too late", "Reason": ["somebody else ended the wait while the evidence was gathered"] });
    let stream = stream(&case.action.instance);
    if let Err(reason) = cloud.write(&case.settings.log_group, &stream, vec![line.to_string()]).await {
        tracing::warn!(stream, reason, "the evidence does not tell that its verdict came too late");
    }
}

fn shown(observed: &Result<impl fmt::Display, String>) -> String {
    observed.as_ref().map_or_else(Clone::clone, ToString::to_string)
}

fn stream(instance: &str) -> String {
    format!("{instance}/evidence")
}

/// The last [`KEPT`] bytes, from the beginning of a character.
fn last(text: &str) -> &str {
    let from = text.len().saturating_sub(KEPT);
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    &text[from..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_text_is_kept_and_no_character_is_cut() {
        let long = "ü".repeat(KEPT);
        assert_eq!(last(&long).len(), KEPT);
        assert_eq!(last(&format!("{long}x")).len(), KEPT - 1);
        assert_eq!(last("short"), "short");
    }
}
