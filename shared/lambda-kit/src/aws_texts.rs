//! The decisions by the text of an AWS error, all of them: one code has several causes, and only the text distinguishes
//! them. The last one decides only the advice in a reason. Everything else is decided by codes.

/// `ValidationError` is the code of every invalid request to Auto Scaling (its API reference, "Common errors").
const VALIDATION_ERROR: &str = "ValidationError";

/// Whether Auto Scaling rejected a call because it does not know an instance profile yet.
///
/// A profile that IAM returns is unknown to Auto Scaling for 10 to 40 s, with the message `Invalid IAM Instance Profile
/// name` (observed; Terraform's provider retries on the same words). No other invalid request is worth a retry.
#[must_use]
pub fn is_unknown_instance_profile(code: &str, message: &str) -> bool {
    code == VALIDATION_ERROR && message.contains("Invalid IAM Instance Profile")
}

/// Whether Auto Scaling rejected a call because a resource does not exist: a launch template or its version, a subnet, a
/// group. Right after the create of that resource the answer can change, for as long as reads lag.
///
/// Messages: `AutoScalingGroup name not found - …` and `Could not find the specified version 2 for the launch template …`
/// (recorded on AWS, September 2026: stackd 9dc356f5, `lifecycle_native`); `… does not exist` for templates and subnets
/// (reported by users of Terraform's provider).
#[must_use]
pub fn is_missing_resource(code: &str, message: &str) -> bool {
    let texts = ["does not exist", "not found", "Could not find"];
    code == VALIDATION_ERROR && texts.iter().any(|text| message.contains(text))
}

/// Whether Auto Scaling rejected a call because no lifecycle action is active.
///
/// For an action that is complete, expired or unknown, the message is `No active Lifecycle Action found with …` (observed
/// in public logs, not documented: HOOKS.md, Facts); for a deleted group, `AutoScalingGroup name not found - …`
/// (observed).
#[must_use]
pub fn is_inactive_lifecycle_action(code: &str, message: &str) -> bool {
    let texts = ["No active Lifecycle Action found", "AutoScalingGroup name not found"];
    code == VALIDATION_ERROR && texts.iter().any(|text| message.contains(text))
}

/// Whether Auto Scaling rejected a change of a group's launch template because of an active instance refresh: `An active
/// instance refresh with a desired configuration exists. …` (Auto Scaling user guide, "How an instance refresh works",
/// Update restriction). The refresh ends by itself.
#[must_use]
pub fn is_active_refresh(code: &str, message: &str) -> bool {
    code == VALIDATION_ERROR && message.contains("An active instance refresh")
}

/// The reason of a denied call, as far as AWS's message gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The retention or the legal hold of an object.
    ObjectLock,
    /// A service control policy or a resource control policy of AWS Organizations.
    OrganizationPolicy,
    /// The permissions boundary of the role.
    PermissionsBoundary,
    /// An explicit deny in another policy.
    ExplicitDeny,
    /// The message gives no reason, or that no policy allows the action.
    Unspecified,
}

/// The reason of a denied call.
///
/// The messages end with `with an explicit deny in a … policy` or `because no … policy allows the … action` (the IAM
/// user guide, "Troubleshoot access denied error messages"). For an object under Object Lock, whose code is `AccessDenied`
/// too, S3's message is `Access Denied because object protected by object lock.` (reported in public logs).
#[must_use]
pub fn denial(message: &str) -> Denial {
    let text = message.to_lowercase();
    let contains = |words: &str| text.contains(words);
    if contains("protected by object lock") {
        Denial::ObjectLock
    } else if contains("service control policy") || contains("resource control policy") {
        Denial::OrganizationPolicy
    } else if contains("explicit deny") {
        Denial::ExplicitDeny
    } else if contains("no permissions boundary allows") {
        Denial::PermissionsBoundary
    } else {
        Denial::Unspecified
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_profile_is_distinguished_from_invalid_requests() {
        assert!(is_unknown_instance_profile(
            "ValidationError",
            "You must use a valid fully-formed launch template. Value (p) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"
        ));
        assert!(!is_unknown_instance_profile("ValidationError", "Max bound, 1, must be greater than min bound, 2"));
        assert!(!is_unknown_instance_profile("AccessDenied", "Invalid IAM Instance Profile name"));
    }

    #[test]
    fn a_missing_resource_is_distinguished_from_invalid_requests() {
        let missing = |message| is_missing_resource("ValidationError", message);
        assert!(missing("AutoScalingGroup name not found - AutoScalingGroup 'web' not found"));
        assert!(missing("Could not find the specified version 2 for the launch template with ID lt-1."));
        assert!(missing("The subnet ID 'subnet-1' does not exist"));
        assert!(!missing("Max bound, 1, must be greater than or equal to min bound, 2"));
        assert!(!is_missing_resource("AccessDenied", "The subnet ID 'subnet-1' does not exist"));
    }

    #[test]
    fn an_active_refresh_is_distinguished_from_invalid_requests() {
        let text = "An active instance refresh with a desired configuration exists. All configuration options derived \
                    from the desired configuration are not available for update while the instance refresh is active.";
        assert!(is_active_refresh("ValidationError", text));
        assert!(!is_active_refresh("AccessDenied", text));
        assert!(!is_active_refresh("ValidationError", "Max bound, 1, must be greater than or equal to min bound, 2"));
    }

    #[test]
    fn an_inactive_lifecycle_action_is_distinguished_from_invalid_requests() {
        let inactive = |message| is_inactive_lifecycle_action("ValidationError", message);
        assert!(inactive("No active Lifecycle Action found with token 87654321-4321-4321-4321-210987654321"));
        assert!(inactive("No active Lifecycle Action found with instance ID i-1234567890abcdef0"));
        assert!(inactive("AutoScalingGroup name not found - AutoScalingGroup 'web' not found"));
        assert!(!inactive("The token is too short"));
        assert!(!inactive("Lifecycle hook not found"));
        assert!(!is_inactive_lifecycle_action("Throttling", "Rate exceeded"));
    }
}
