//! Decisions by the texts of AWS's errors, where one code has several causes.

/// Whether Auto Scaling rejected a call because no lifecycle action is active.
///
/// For an action that is complete, expired or unknown, the message is `No active Lifecycle Action found with …` (observed
/// in public logs, not documented: ARCHITECTURE, Facts); for a deleted group, `AutoScalingGroup name not found - …`
/// (observed). Both have the code `ValidationError`, as every invalid request (the API reference of Auto Scaling, "Common
/// errors").
pub(super) fn is_without_active_action(code: Option<&str>, message: Option<&str>) -> bool {
    let contains = |text: &str| message.is_some_and(|message| message.contains(text));
    code == Some("ValidationError") && (contains("No active Lifecycle Action found") || contains("not found"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inactive_lifecycle_action_is_distinguished_from_invalid_requests() {
        let too_late = |message| is_without_active_action(Some("ValidationError"), Some(message));
        assert!(too_late("No active Lifecycle Action found with token 87654321-4321-4321-4321-210987654321"));
        assert!(too_late("No active Lifecycle Action found with instance ID i-1234567890abcdef0"));
        assert!(too_late("AutoScalingGroup name not found - AutoScalingGroup 'web' not found"));
        assert!(!too_late("The token is too short"));
        assert!(!is_without_active_action(Some("Throttling"), Some("Rate exceeded")));
    }
}
