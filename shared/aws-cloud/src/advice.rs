//! The next step after a rejected call, for the reason of a FAILED response. Advice by the class alone would be wrong
//! where a policy outside of the account, or the retention of an object, denies the call.

use lambda_kit::aws_texts::{Denial, denial};

/// The next step after a denied call with this message.
pub(crate) fn after_denial(message: &str) -> &'static str {
    match denial(message) {
        Denial::ObjectLock => {
            " S3 Object Lock protects the object. Wait for the end of its retention, or remove its legal hold; to keep it, set BucketOnDelete to Retain by an update, if the stack can still be updated. Then try again."
        }
        Denial::OrganizationPolicy => {
            " A policy of the organization denies the action, and no policy of this account overrides it. Its administrators can exempt the role that Envkeeper runs with."
        }
        Denial::PermissionsBoundary => {
            " Allow the action that the message names in the permissions boundary of the role that Envkeeper runs with."
        }
        Denial::ExplicitDeny => {
            " The policy that the message names denies the action explicitly, and no allow overrides that. Exempt the role that Envkeeper runs with from it."
        }
        Denial::Unspecified => {
            " Allow the action that the message names in the policy of the role that Envkeeper runs with."
        }
    }
}

/// The likely cause of a failed launch with this message, where the message alone does not lead to it.
pub(crate) fn after_failed_launch(message: &str) -> &'static str {
    let text = message.to_lowercase();
    if text.contains("client.internalerror") {
        // The Auto Scaling user guide, "Required AWS KMS key policy for use with encrypted volumes".
        " - often the policy of the key in KmsKeyArn, or of the image's own key: it has to allow the service-linked role of Auto Scaling to use the key"
    } else if text.contains("accept terms and subscribe") || text.contains("not subscribed to this service") {
        " - accept the terms of the image in AWS Marketplace, in this account"
    } else {
        ""
    }
}

/// The next step after an exhausted quota.
pub(crate) const AFTER_QUOTA: &str =
    " Remove resources that are no longer needed, or request a higher quota in Service Quotas, and try again.";
