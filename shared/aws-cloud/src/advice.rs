//! The next step after a rejected call, for the reason of a FAILED response. Advice by the class alone would be wrong
//! where a policy outside of the account, or the retention of an object, denies the call.

use environment::preflight::Limit;
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
    if text.contains("vcpu limit") || text.contains("vcpulimitexceeded") {
        // EC2's code and message for `RunInstances` (EC2 API reference, "Error codes"), which an activity repeats.
        " - the account's quota of vCPUs of running On-Demand instances of this family: stop other instances, or request a higher quota in Service Quotas, service ec2"
    } else if text.contains("client.internalerror") {
        // The Auto Scaling user guide, "Required AWS KMS key policy for use with encrypted volumes".
        " - often the policy of the key in KmsKeyArn, or of the image's own key: it has to allow the service-linked role of Auto Scaling to use the key"
    } else if text.contains("accept terms and subscribe") || text.contains("not subscribed to this service") {
        " - accept the terms of the image in AWS Marketplace, in this account"
    } else {
        ""
    }
}

/// The next step after an operation that AWS rejected with the code of an exhausted quota: the sentence by which a preflight
/// refuses, one for each quota that the code may mean.
pub(crate) fn after_quota(operation: &str, code: &str) -> String {
    let steps: Vec<String> = Limit::of_rejection(operation, code).into_iter().map(Limit::next_step).collect();
    if steps.is_empty() {
        return String::from(
            " Remove resources that are no longer needed, or request a higher quota in Service Quotas, and try again.",
        );
    }
    format!(" {}", steps.join(" Or: "))
}
