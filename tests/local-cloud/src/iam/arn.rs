//! Comparison of ARNs.

use super::pattern::Pattern;

/// Whether an ARN matches a pattern. Each of the six parts between colons is compared separately, so that a wildcard
/// does not match a colon before the last part (IAM User Guide, "Condition operators", "ARN condition operators"). A
/// text that is no ARN matches no pattern but `*`.
pub fn matches(arn: &str, pattern: &Pattern) -> bool {
    if pattern.text() == "*" {
        return true;
    }
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let Some(patterns) = pattern.arn_parts() else { return false };
    parts.len() == 6 && parts.iter().zip(&patterns).all(|(part, pattern)| pattern.matches(part))
}
