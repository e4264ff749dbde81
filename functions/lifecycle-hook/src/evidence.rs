//! The evidence that is kept of an instance that is abandoned: after the verdict the instance can no longer be
//! examined.

use std::fmt;
use std::time::Duration;

use environment::hook_settings::evidence_stream;
use serde_json::json;

use crate::cloud::HookApi;
use crate::error::HookError;
use crate::facts::{Agent, ObservedInstance};

/// The length kept of each piece, from its end, in bytes: 64 KiB, the whole console output that EC2 keeps (the API
/// reference of `GetConsoleOutput`), and a sixteenth of the longest line of a log group.
const MAX_PIECE_BYTES: usize = 65_536;

/// An instance that is about to be abandoned.
pub(crate) struct AbandonedInstance<'a> {
    /// `i-…`
    pub instance: &'a str,
    /// The name of its Auto Scaling group.
    pub group: &'a str,
    /// The log group for its evidence.
    pub log_group: &'a str,
    pub observed: &'a Result<ObservedInstance, HookError>,
    /// How long it has waited, if that is known.
    pub waited: Option<Duration>,
}

/// Collects and writes the evidence, and returns its location, or the reason why writing failed.
pub(crate) async fn collect(cloud: &impl HookApi, abandoned: &AbandonedInstance<'_>, reason: &[String]) -> String {
    let AbandonedInstance { instance, group, log_group, observed, waited } = abandoned;
    let reachable = observed.as_ref().is_ok_and(|observed| observed.agent == Ok(Agent::Online));
    let observed = match observed {
        Ok(observed) => json!({
            "State": observed.state_summary(), "UserData": observed.user_data.to_string(),
            "StatusChecks": described(&observed.checks), "Agent": described(&observed.agent),
        }),
        Err(error) => json!(error.to_string()),
    };
    let verdict = json!({
        "Verdict": "ABANDON", "Reason": reason, "Instance": instance, "AutoScalingGroup": group,
        "WaitedSeconds": waited.map(|it| it.as_secs()), "Observed": observed,
    });
    let pieces = cloud.evidence(instance, reachable).await.into_iter().map(|(name, text)| match text {
        Ok(text) => format!("{name}:\n{}", tail(&text)),
        Err(error) => format!("{name}: {error}"),
    });
    let lines: Vec<String> = std::iter::once(verdict.to_string()).chain(pieces).collect();
    let stream = evidence_stream(instance);
    let mut written = cloud.write(log_group, &stream, lines.clone()).await;
    if written.is_err() {
        // One more attempt, after the client's own retries: the evidence is worth the moment that an unhealthy instance
        // waits longer.
        written = cloud.write(log_group, &stream, lines).await;
    }
    match written {
        Ok(()) => format!("evidence in {log_group} {stream}"),
        Err(error) => format!("writing evidence failed: {error}"),
    }
}

/// Records that the verdict came too late: the lifecycle action was completed elsewhere while the evidence was
/// collected.
pub(crate) async fn record_late_verdict(cloud: &impl HookApi, abandoned: &AbandonedInstance<'_>) {
    let line = json!({ "Verdict": "too late", "Reason": ["the lifecycle action was completed elsewhere while the evidence was collected"] });
    let stream = evidence_stream(abandoned.instance);
    if let Err(error) = cloud.write(abandoned.log_group, &stream, vec![line.to_string()]).await {
        tracing::warn!(stream, reason = %error, "late verdict not recorded in the evidence");
    }
}

fn described(observed: &Result<impl fmt::Display, HookError>) -> String {
    observed.as_ref().map_or_else(ToString::to_string, ToString::to_string)
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
