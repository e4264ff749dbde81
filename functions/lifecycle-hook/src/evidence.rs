//! The evidence that is kept of an instance that is abandoned: after the verdict the instance can no longer be
//! examined.

use std::fmt;

use serde_json::json;

use crate::action_handler::ActionHandler;
use crate::cloud::HookApi;
use crate::facts::Agent;

/// The length kept of each piece, from its end, in bytes: 64 KiB, the whole console output that EC2 keeps (the API
/// reference of `GetConsoleOutput`), and a sixteenth of the longest line of a log group.
const MAX_PIECE_BYTES: usize = 65_536;

/// Collects and writes the evidence, and returns its location, or the reason why writing failed.
pub(crate) async fn collect(
    cloud: &impl HookApi,
    handler: &ActionHandler<'_>,
    reason: &[String],
    now_ms: u64,
) -> String {
    let instance = &handler.action.instance;
    let reachable = handler.observed.as_ref().is_ok_and(|observed| observed.agent == Ok(Agent::Online));
    let observed = match &handler.observed {
        Ok(observed) => json!({
            "State": observed.state.to_string(), "UserData": observed.user_data.to_string(),
            "StatusChecks": described(&observed.checks), "Agent": described(&observed.agent),
        }),
        Err(reason) => json!(reason),
    };
    let verdict = json!({
        "Verdict": "ABANDON", "Reason": reason, "Instance": instance, "AutoScalingGroup": handler.action.group,
        "WaitedSeconds": handler.waited(now_ms).map(|it| it.as_secs()), "Observed": observed,
    });
    let pieces = cloud.evidence(instance, reachable).await.into_iter().map(|(name, text)| match text {
        Ok(text) => format!("{name}:\n{}", tail(&text)),
        Err(error) => format!("{name}: {error}"),
    });
    let lines: Vec<String> = std::iter::once(verdict.to_string()).chain(pieces).collect();
    let (group, stream) = (&handler.settings.log_group, stream(instance));
    let mut written = cloud.write(group, &stream, lines.clone()).await;
    if written.is_err() {
        // One more attempt, after the client's own retries: the evidence is worth the moment that an unhealthy instance
        // waits longer.
        written = cloud.write(group, &stream, lines).await;
    }
    match written {
        Ok(()) => format!("evidence in {group} {stream}"),
        Err(error) => format!("writing evidence failed: {error}"),
    }
}

/// Records that the verdict came too late: the lifecycle action was completed elsewhere while the evidence was
/// collected.
pub(crate) async fn record_late_verdict(cloud: &impl HookApi, handler: &ActionHandler<'_>) {
    let line = json!({ "Verdict": "too late", "Reason": ["the lifecycle action was completed elsewhere while the evidence was collected"] });
    let stream = stream(&handler.action.instance);
    if let Err(reason) = cloud.write(&handler.settings.log_group, &stream, vec![line.to_string()]).await {
        tracing::warn!(stream, reason, "late verdict not recorded in the evidence");
    }
}

fn described(observed: &Result<impl fmt::Display, String>) -> String {
    observed.as_ref().map_or_else(Clone::clone, ToString::to_string)
}

fn stream(instance: &str) -> String {
    format!("{instance}/evidence")
}

/// The last [`MAX_PIECE_BYTES`] bytes, from the beginning of a character.
fn tail(text: &str) -> &str {
    let from = text.len().saturating_sub(MAX_PIECE_BYTES);
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    &text[from..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_a_text_is_kept_without_cutting_a_character() {
        let long = "ü".repeat(MAX_PIECE_BYTES);
        assert_eq!(tail(&long).len(), MAX_PIECE_BYTES);
        assert_eq!(tail(&format!("{long}x")).len(), MAX_PIECE_BYTES - 1);
        assert_eq!(tail("short"), "short");
    }
}
