//! Classification of AWS errors: this file classifies every error, by its code and never by its text.
//!
//! Some operations use a code for two causes. The file of each operation changes the class there and states the
//! reason: `autoscaling::group` and `lib` (`ValidationError`, by its text in `lambda_kit::aws_texts`), `ec2::address` (`AuthFailure`),
//! `ec2::route_table` (`InvalidParameterValue`), `cloudwatch::alarm` and `stack` (`ValidationError`).

use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use environment::{Call, CallError, Condition, OBSTACLE_LIMIT};
use lambda_kit::aws_texts::is_missing_resource;

use crate::advice;

/// The wait before the next observation after throttling that outlasted the SDK's own retries.
const THROTTLING_DELAY: Duration = Duration::from_secs(5);

/// The wait before the next observation when a call is blocked. Read lag starts to end after about 2 s (ARCHITECTURE,
/// Facts).
const RETRY_DELAY: Duration = Duration::from_secs(2);

/// The part of AWS's message that is passed on, in characters: an encoded authorization failure has thousands.
const MAX_MESSAGE_CHARS: usize = 400;

/// The class of an AWS error. [`Problem::call_error`] maps each class to an error of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorClass {
    /// Throttled: too many calls, also after the SDK's retries. Retry after 5 s.
    Throttled,
    /// Lost response: the response did not arrive, or does not show whether the call took effect. Observe, then decide.
    LostResponse,
    /// Blocked: a dependency, a concurrent change or read lag has to end before the call can succeed. Retry after 2 s,
    /// for five minutes.
    Blocked,
    /// Blocked by something that takes longer to end by itself: at most this time.
    BlockedFor(Duration),
    /// The call succeeded, and more of the same work remains. Call again at once.
    Unfinished,
    /// Already exists: a resource has this name or occupies this place. The next observation shows its owner.
    AlreadyExists,
    /// Already connected, not necessarily to the desired resource: the caller observes the connection.
    AlreadyConnected,
    /// Not found (yet): the resource, or a resource that the call refers to, is deleted or not visible yet.
    NotFound,
    /// Denied: Envkeeper's role lacks the permission.
    Denied,
    /// Quota exceeded: a quota of the account is used up.
    QuotaExceeded,
    /// Rejected: every other code. The request itself is wrong.
    Rejected,
}

/// Returns the class of the service's error code and the HTTP status.
///
/// Each arm names the documents that list its codes. "EC2" is the EC2 API reference, "Error codes"; "S3" is the S3 API
/// reference, "Error responses"; "IAM", "Auto Scaling", "Logs" and "CloudWatch" are the errors of the operations in the
/// API references of these services.
pub(crate) fn classify(code: &str, status: u16) -> ErrorClass {
    // The service's protocol decides whether the same error is called `AlreadyExists`, `AlreadyExistsFault` or
    // `…Exception`.
    let short = code.strip_suffix("Exception").or(code.strip_suffix("Fault")).unwrap_or(code);
    match short {
        // Throttled. The SDK's list of throttling codes (`THROTTLING_ERRORS` of aws-runtime).
        "RequestLimitExceeded"
        | "TooManyRequests"
        | "SlowDown"
        | "BandwidthLimitExceeded"
        | "PriorRequestNotComplete" => ErrorClass::Throttled,
        // Lost response. S3, with a status of 400: the request did not arrive in one piece.
        "RequestTimeout" => ErrorClass::LostResponse,
        // Throttled. `Throttling`, `ThrottledException` and `RequestThrottled` of the SDK's list.
        _ if short.contains("Throttl") => ErrorClass::Throttled,
        // Blocked.
        // - EC2: `DependencyViolation`, `IncorrectState`, `IncorrectInstanceState`, `ConcurrentTagAccess`, and `IdempotentParameterMismatch`: an
        //   earlier attempt with this client token succeeded, when the parameter referred to another image.
        // - IAM: `DeleteConflict`, `ConcurrentModification`, `EntityTemporarilyUnmodifiable`.
        // - Auto Scaling: `ResourceInUse`, `ScalingActivityInProgress`, `InstanceRefreshInProgress`.
        //   `ResourceContention` is a 500 and not a lost response: another activity holds the group (ARCHITECTURE,
        //   Facts). `ServiceLinkedRoleFailure` is a 500 as well: Auto Scaling creates that role itself for the first
        //   group of an account.
        // - CloudWatch: `ResourceConflict`, `ConflictException`: a concurrent change of the same resource. Logs and S3 have
        //   the second too.
        // - S3: `OperationAborted` (Logs has the code too), `BucketNotEmpty`, and `InvalidTargetBucketForLogging`: the
        //   environment's log bucket was created a moment ago and does not take access logs yet.
        "DependencyViolation"
        | "DeleteConflict"
        | "ResourceInUse"
        | "IncorrectState"
        | "IncorrectInstanceState"
        | "OperationAborted"
        | "ScalingActivityInProgress"
        | "InstanceRefreshInProgress"
        | "ResourceContention"
        | "ResourceConflict"
        | "Conflict"
        | "ServiceLinkedRoleFailure"
        | "ConcurrentModification"
        | "ConcurrentTagAccess"
        | "EntityTemporarilyUnmodifiable"
        | "BucketNotEmpty"
        | "InvalidTargetBucketForLogging"
        | "IdempotentParameterMismatch" => ErrorClass::Blocked,
        // Blocked. EC2: `InvalidGroup.InUse`, `InvalidIPAddress.InUse`.
        _ if short.ends_with(".InUse") => ErrorClass::Blocked,
        // Already connected. EC2.
        "Resource.AlreadyAssociated" | "RouteAlreadyExists" => ErrorClass::AlreadyConnected,
        // Already exists. EC2, and S3 for the last code.
        "InvalidGroup.Duplicate"
        | "InvalidSubnet.Conflict"
        | "InvalidPermission.Duplicate"
        | "BucketAlreadyOwnedByYou" => ErrorClass::AlreadyExists,
        // Already exists. Auto Scaling, IAM (`EntityAlreadyExists`), Logs (`ResourceAlreadyExists`), S3
        // (`BucketAlreadyExists`), EC2 (`InvalidLaunchTemplateName.AlreadyExistsException`).
        _ if short.ends_with("AlreadyExists") => ErrorClass::AlreadyExists,
        // Rejected. EC2. Envkeeper never creates an image, so a missing image does not appear later.
        _ if short.starts_with("InvalidAMI") => ErrorClass::Rejected,
        // Not found (yet). EC2.
        "Gateway.NotAttached" => ErrorClass::NotFound,
        // Not found (yet). IAM (`NoSuchEntity`) and S3 (`NoSuchBucket`, `NoSuchUpload`, a missing configuration).
        _ if short.starts_with("NoSuch") => ErrorClass::NotFound,
        // Not found (yet). EC2 (`InvalidVpcID.NotFound`), SSM (`ParameterNotFound`), Logs and CloudWatch
        // (`ResourceNotFound`), Auto Scaling (`ActiveInstanceRefreshNotFound`), S3 (`ServerSideEncryptionConfigurationNotFoundError`).
        _ if short.ends_with("NotFound") || short.ends_with("NotFoundError") => ErrorClass::NotFound,
        // Denied. The common errors of the API references, and EC2 for the second code.
        "AccessDenied" | "UnauthorizedOperation" => ErrorClass::Denied,
        // Quota exceeded. S3.
        "TooManyBuckets" => ErrorClass::QuotaExceeded,
        // Quota exceeded. EC2 (`VpcLimitExceeded`), IAM, Auto Scaling, Logs and CloudWatch (`LimitExceeded`).
        _ if short.ends_with("LimitExceeded") => ErrorClass::QuotaExceeded,
        // Lost response. Every other server error.
        _ if status >= 500 => ErrorClass::LostResponse,
        _ => ErrorClass::Rejected,
    }
}

/// An operation that did not succeed completely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) class: ErrorClass,
    /// As `service:Operation`.
    pub(crate) operation: &'static str,
    /// AWS's code; empty for a finding of this crate.
    pub(crate) code: String,
    pub(crate) message: String,
    /// Facts that may change while the cause stays the same: a wait with others is still the same wait.
    pub(crate) detail: Option<String>,
}

impl Problem {
    /// A problem of an operation, with AWS's code and message.
    pub(crate) fn new(
        class: ErrorClass,
        operation: &'static str,
        code: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Problem { class, operation, code: code.into(), message: message.into(), detail: None }
    }

    /// A blocked call, as a finding of this crate: another change has to complete first.
    pub(crate) fn blocked(operation: &'static str, message: impl Into<String>) -> Self {
        Problem::new(ErrorClass::Blocked, operation, "", message)
    }

    /// Work that is done as far as the time allowed.
    pub(crate) fn unfinished(operation: &'static str, message: impl Into<String>) -> Self {
        Problem::new(ErrorClass::Unfinished, operation, "", message)
    }

    /// The same problem with a denial classified as blocked, for calls whose denial can end without a change of the
    /// policy.
    pub(crate) fn with_retryable_denial(self) -> Self {
        let class = if self.class == ErrorClass::Denied { ErrorClass::Blocked } else { self.class };
        Problem { class, ..self }
    }

    /// The same problem with a rejection classified as blocked, for calls whose rejection ends by itself.
    pub(crate) fn blocked_if_rejected(self) -> Self {
        let class = if self.class == ErrorClass::Rejected { ErrorClass::Blocked } else { self.class };
        Problem { class, ..self }
    }

    /// The same problem with an absent resource classified as not found (yet), for calls to Auto Scaling, which has no code
    /// for it.
    pub(crate) fn with_retryable_absence(self) -> Self {
        let is_absence = self.class == ErrorClass::Rejected && is_missing_resource(&self.code, &self.message);
        if is_absence { Problem { class: ErrorClass::NotFound, ..self } } else { self }
    }

    /// A rejected call, as a finding of this crate.
    pub(crate) fn rejected(operation: &'static str, message: impl Into<String>) -> Self {
        Problem::new(ErrorClass::Rejected, operation, "", message)
    }

    /// A call that this kind of resource does not have. The plan never contains such a call.
    pub(crate) fn unsupported_call(call: &Call) -> Self {
        Problem::rejected(call.operation(), format!("this kind of resource does not have the call {call}"))
    }

    /// A response without a field that every response of the operation has.
    pub(crate) fn unreadable(operation: &'static str, field: &str) -> Self {
        Problem::new(ErrorClass::LostResponse, operation, "", format!("the response has no readable {field}"))
    }

    /// No response within the time limit of a whole call.
    pub(crate) fn timed_out(operation: &'static str) -> Self {
        let message = format!("no response within {} s", environment::CALL_TIMEOUT.as_secs());
        Problem::new(ErrorClass::LostResponse, operation, "", message)
    }

    /// The same problem, whose message goes on with `introduction` and what blocks the call ([`named`]). Unchanged if nothing
    /// blocks the call.
    pub(crate) fn naming(self, introduction: &str, blocking: Vec<String>, most: usize) -> Self {
        let Some(named) = named(blocking, most) else { return self };
        let message = format!("{}; {introduction}: {named}", self.message.trim_end_matches('.'));
        Problem { message, ..self }
    }

    /// The error for the engine: a sentence that names the subject, the operation, AWS's code, its message, and the
    /// next step where one is known. `subject` is the resource of the call.
    pub(crate) fn call_error(&self, subject: &dyn fmt::Display) -> CallError {
        let Problem { operation, .. } = self;
        let detail = [self.code.as_str(), self.message.trim_end_matches('.')];
        let detail = detail.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(": ");
        let rejected = |advice: &str| CallError::Rejected {
            message: format!("{subject}: AWS rejected {operation}: {detail}.{advice}"),
        };
        match self.class {
            ErrorClass::Throttled => {
                let waiting_for = format!("{subject}: {operation} is throttled by AWS: {detail}");
                CallError::Retry { waiting_for: waiting_for.into(), after: THROTTLING_DELAY }
            }
            ErrorClass::LostResponse => CallError::Indeterminate {
                message: format!("{subject}: the result of {operation} is unknown: {detail}"),
            },
            ErrorClass::Unfinished => {
                let waiting_for = format!("{subject}: {operation}: {detail}").into();
                CallError::Retry { waiting_for, after: Duration::ZERO }
            }
            ErrorClass::AlreadyExists => {
                let waiting_for =
                    format!("{subject}: {operation}: the resource already exists; checking its ownership");
                CallError::Retry {
                    waiting_for: Condition::from(waiting_for).within(OBSTACLE_LIMIT),
                    after: RETRY_DELAY,
                }
            }
            ErrorClass::Blocked | ErrorClass::BlockedFor(_) | ErrorClass::AlreadyConnected | ErrorClass::NotFound => {
                let longest = if let ErrorClass::BlockedFor(longest) = self.class { longest } else { OBSTACLE_LIMIT };
                let sentence = format!("{subject}: {operation} has to wait: {detail}");
                let waiting_for = Condition { detail: self.detail.clone(), ..Condition::from(sentence) };
                CallError::Retry { waiting_for: waiting_for.within(longest), after: RETRY_DELAY }
            }
            ErrorClass::Denied => rejected(advice::after_denial(&self.message)),
            ErrorClass::QuotaExceeded => rejected(&advice::after_quota(operation, &self.code)),
            ErrorClass::Rejected => rejected(""),
        }
    }
}

/// Names `all`: the first `most`, and the others by their number. They are sorted, so that a wait for the same ones has the
/// same sentence. `None` if there are none.
pub(crate) fn named(mut all: Vec<String>, most: usize) -> Option<String> {
    all.sort();
    let more = match all.len().saturating_sub(most) {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    all.truncate(most);
    (!all.is_empty()).then(|| format!("{}{more}", all.join(", ")))
}

/// Classifies the errors of the SDK.
pub(crate) trait ClassifyErrors<T> {
    /// Returns the output of `operation`, or its classified error, and logs the outcome in one line of the debug log.
    fn classified(self, operation: &'static str) -> Result<T, Problem>;
}

impl<T, E: ProvideErrorMetadata> ClassifyErrors<T> for Result<T, SdkError<E, HttpResponse>> {
    fn classified(self, operation: &'static str) -> Result<T, Problem> {
        let response = self.map_err(|error| classify_sdk_error(operation, &error));
        match &response {
            Ok(_) => tracing::debug!(operation, outcome = "ok"),
            Err(problem) => tracing::debug!(operation, outcome = ?problem.class, code = problem.code),
        }
        response
    }
}

/// Accepts "not found" as a valid result.
pub(crate) trait NoneIfNotFound<T> {
    /// Returns `None` if the requested resource is not found: an observation lists nothing, and a delete has nothing
    /// left to do.
    fn none_if_not_found(self) -> Result<Option<T>, Problem>;
}

impl<T> NoneIfNotFound<T> for Result<T, Problem> {
    fn none_if_not_found(self) -> Result<Option<T>, Problem> {
        match self {
            Ok(response) => Ok(Some(response)),
            Err(problem) if problem.class == ErrorClass::NotFound => Ok(None),
            Err(problem) => Err(problem),
        }
    }
}

fn classify_sdk_error<E: ProvideErrorMetadata>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Problem {
    let without_code = |class, message: String| Problem::new(class, operation, "", message);
    match error {
        SdkError::ServiceError(context) => {
            let (error, status) = (context.err(), context.raw().status().as_u16());
            let code = error.code().unwrap_or_default();
            let message: String = match error.message() {
                Some(message) => message.chars().take(MAX_MESSAGE_CHARS).collect(),
                None => format!("HTTP status {status}"),
            };
            Problem::new(classify(code, status), operation, code, message)
        }
        SdkError::ConstructionFailure(_) => without_code(ErrorClass::Rejected, "the request can't be built".into()),
        SdkError::TimeoutError(_) => without_code(ErrorClass::LostResponse, "no response within the time-out".into()),
        SdkError::DispatchFailure(failure) => {
            let cause = failure.as_connector_error().map(|error| root_cause(error)).unwrap_or_default();
            without_code(ErrorClass::LostResponse, format!("the connection failed: {cause}"))
        }
        // One of these is a response that can't be parsed.
        _ => without_code(ErrorClass::LostResponse, "the response can't be read".into()),
    }
}

/// The text of the last error in the chain of sources.
fn root_cause(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;
    use environment::preflight::Limit;

    #[test]
    fn each_code_has_its_class() {
        let table = [
            ("RequestLimitExceeded", 503, ErrorClass::Throttled),
            ("Throttling", 400, ErrorClass::Throttled),
            ("ThrottlingException", 400, ErrorClass::Throttled),
            ("RequestThrottledException", 400, ErrorClass::Throttled),
            ("TooManyRequestsException", 429, ErrorClass::Throttled),
            ("DependencyViolation", 400, ErrorClass::Blocked),
            ("DeleteConflict", 409, ErrorClass::Blocked),
            ("ResourceInUse", 400, ErrorClass::Blocked),
            ("ResourceInUseFault", 400, ErrorClass::Blocked),
            ("ScalingActivityInProgress", 400, ErrorClass::Blocked),
            ("ScalingActivityInProgressFault", 400, ErrorClass::Blocked),
            ("InstanceRefreshInProgress", 400, ErrorClass::Blocked),
            ("InstanceRefreshInProgressFault", 400, ErrorClass::Blocked),
            ("IrreversibleInstanceRefresh", 400, ErrorClass::Rejected),
            ("ResourceConflictException", 409, ErrorClass::Blocked),
            ("ConflictException", 409, ErrorClass::Blocked),
            ("ResourceContention", 500, ErrorClass::Blocked),
            ("ServiceLinkedRoleFailure", 500, ErrorClass::Blocked),
            ("OperationAbortedException", 400, ErrorClass::Blocked),
            ("IncorrectState", 400, ErrorClass::Blocked),
            ("InvalidGroup.InUse", 400, ErrorClass::Blocked),
            ("IdempotentParameterMismatch", 400, ErrorClass::Blocked),
            ("ConcurrentModification", 409, ErrorClass::Blocked),
            ("ConcurrentTagAccess", 400, ErrorClass::Blocked),
            ("InvalidIPAddress.InUse", 400, ErrorClass::Blocked),
            ("BucketNotEmpty", 409, ErrorClass::Blocked),
            ("OperationAborted", 409, ErrorClass::Blocked),
            ("InvalidTargetBucketForLogging", 400, ErrorClass::Blocked),
            ("EntityAlreadyExists", 409, ErrorClass::AlreadyExists),
            ("InvalidGroup.Duplicate", 400, ErrorClass::AlreadyExists),
            ("InvalidSubnet.Conflict", 400, ErrorClass::AlreadyExists),
            ("ResourceAlreadyExistsException", 400, ErrorClass::AlreadyExists),
            ("InvalidPermission.Duplicate", 400, ErrorClass::AlreadyExists),
            ("BucketAlreadyOwnedByYou", 409, ErrorClass::AlreadyExists),
            ("BucketAlreadyExists", 409, ErrorClass::AlreadyExists),
            ("AlreadyExists", 400, ErrorClass::AlreadyExists),
            ("AlreadyExistsFault", 400, ErrorClass::AlreadyExists),
            ("InvalidLaunchTemplateName.AlreadyExistsException", 400, ErrorClass::AlreadyExists),
            ("Resource.AlreadyAssociated", 400, ErrorClass::AlreadyConnected),
            ("RouteAlreadyExists", 400, ErrorClass::AlreadyConnected),
            ("NoSuchEntity", 404, ErrorClass::NotFound),
            ("ResourceNotFoundException", 400, ErrorClass::NotFound),
            ("InvalidVpcID.NotFound", 400, ErrorClass::NotFound),
            ("InvalidLaunchTemplateId.NotFound", 400, ErrorClass::NotFound),
            ("InvalidLaunchTemplateName.NotFoundException", 400, ErrorClass::NotFound),
            ("InvalidRoute.NotFound", 400, ErrorClass::NotFound),
            ("Gateway.NotAttached", 400, ErrorClass::NotFound),
            ("ParameterNotFound", 400, ErrorClass::NotFound),
            ("NatGatewayNotFound", 400, ErrorClass::NotFound),
            ("InvalidAllocationID.NotFound", 400, ErrorClass::NotFound),
            ("InvalidVpcEndpointId.NotFound", 400, ErrorClass::NotFound),
            ("InvalidPermission.NotFound", 400, ErrorClass::NotFound),
            ("NoSuchBucket", 404, ErrorClass::NotFound),
            ("NoSuchBucketPolicy", 404, ErrorClass::NotFound),
            ("NoSuchTagSet", 404, ErrorClass::NotFound),
            ("NoSuchPublicAccessBlockConfiguration", 404, ErrorClass::NotFound),
            ("NoSuchLifecycleConfiguration", 404, ErrorClass::NotFound),
            ("NoSuchUpload", 404, ErrorClass::NotFound),
            ("ServerSideEncryptionConfigurationNotFoundError", 404, ErrorClass::NotFound),
            ("DashboardNotFoundError", 404, ErrorClass::NotFound),
            ("ResourceNotFound", 404, ErrorClass::NotFound),
            ("ActiveInstanceRefreshNotFound", 400, ErrorClass::NotFound),
            ("InvalidAMIID.NotFound", 400, ErrorClass::Rejected),
            ("AccessDenied", 403, ErrorClass::Denied),
            ("AccessDeniedException", 400, ErrorClass::Denied),
            ("UnauthorizedOperation", 403, ErrorClass::Denied),
            ("VpcLimitExceeded", 400, ErrorClass::QuotaExceeded),
            ("AddressLimitExceeded", 400, ErrorClass::QuotaExceeded),
            ("NatGatewayLimitExceeded", 400, ErrorClass::QuotaExceeded),
            ("VpcEndpointLimitExceeded", 400, ErrorClass::QuotaExceeded),
            ("TooManyBuckets", 400, ErrorClass::QuotaExceeded),
            ("LimitExceeded", 409, ErrorClass::QuotaExceeded),
            ("LimitExceededException", 400, ErrorClass::QuotaExceeded),
            ("InternalError", 500, ErrorClass::LostResponse),
            ("ServiceUnavailable", 503, ErrorClass::LostResponse),
            ("RequestTimeout", 400, ErrorClass::LostResponse),
            ("SlowDown", 503, ErrorClass::Throttled),
            ("", 502, ErrorClass::LostResponse),
            ("InvalidBucketName", 400, ErrorClass::Rejected),
            ("MalformedPolicy", 400, ErrorClass::Rejected),
            ("ValidationError", 400, ErrorClass::Rejected),
            ("InvalidParameterValue", 400, ErrorClass::Rejected),
            ("", 400, ErrorClass::Rejected),
        ];
        for (code, status, class) in table {
            assert_eq!(classify(code, status), class, "{code} {status}");
        }
    }

    fn service_error(code: &str, status: u16) -> Problem {
        let error = ErrorMetadata::builder().code(code).message("the cause.").build();
        let status = StatusCode::try_from(status).unwrap();
        classify_sdk_error(
            "ec2:CreateVpc",
            &SdkError::service_error(error, HttpResponse::new(status, SdkBody::empty())),
        )
    }

    #[test]
    fn each_class_maps_to_a_call_error_that_names_the_resource_and_the_operation() {
        let error = |code: &str, status: u16| service_error(code, status).call_error(&"vpc a");
        let retry = |waiting_for: &str, seconds: u64| CallError::Retry {
            waiting_for: Condition {
                longest: (seconds == 2).then_some(OBSTACLE_LIMIT),
                ..Condition::from(waiting_for)
            },
            after: Duration::from_secs(seconds),
        };
        assert_eq!(
            error("Throttling", 400),
            retry("vpc a: ec2:CreateVpc is throttled by AWS: Throttling: the cause", 5)
        );
        assert_eq!(
            error("DependencyViolation", 400),
            retry("vpc a: ec2:CreateVpc has to wait: DependencyViolation: the cause", 2)
        );
        assert_eq!(
            error("AlreadyExists", 400),
            retry("vpc a: ec2:CreateVpc: the resource already exists; checking its ownership", 2)
        );
        let indeterminate = "vpc a: the result of ec2:CreateVpc is unknown: InternalError: the cause";
        assert_eq!(error("InternalError", 500), CallError::Indeterminate { message: indeterminate.into() });
        let rejected = |code: &str| match error(code, 400) {
            CallError::Rejected { message } => message,
            other => panic!("{other:?}"),
        };
        let begins = |code: &str| format!("vpc a: AWS rejected ec2:CreateVpc: {code}: the cause.");
        assert_eq!(rejected("InvalidParameterValue"), begins("InvalidParameterValue"));
        assert!(rejected("AccessDenied").starts_with(&(begins("AccessDenied") + " Allow ")));
        assert!(rejected("VpcLimitExceeded").starts_with(&(begins("VpcLimitExceeded") + " Remove ")));
    }

    #[test]
    fn a_rejection_by_a_quota_ends_with_the_sentence_of_its_preflight() {
        for (operation, code, limit) in [
            ("ec2:CreateVpc", "VpcLimitExceeded", Limit::Vpcs),
            ("ec2:CreateInternetGateway", "InternetGatewayLimitExceeded", Limit::InternetGateways),
            ("ec2:CreateNatGateway", "NatGatewayLimitExceeded", Limit::NatGateways),
            ("ec2:AllocateAddress", "AddressLimitExceeded", Limit::Addresses),
            ("ec2:CreateVpcEndpoint", "VpcEndpointLimitExceeded", Limit::GatewayEndpoints),
            ("ec2:CreateSecurityGroup", "SecurityGroupLimitExceeded", Limit::SecurityGroups),
            ("autoscaling:CreateAutoScalingGroup", "LimitExceeded", Limit::AutoScalingGroups),
            ("iam:CreateRole", "LimitExceeded", Limit::Roles),
            ("iam:CreateInstanceProfile", "LimitExceeded", Limit::InstanceProfiles),
            ("s3:CreateBucket", "TooManyBuckets", Limit::Buckets),
            ("cloudwatch:PutMetricAlarm", "LimitExceededFault", Limit::Alarms),
        ] {
            let problem = Problem { operation, ..service_error(code, 400) };
            let CallError::Rejected { message } = problem.call_error(&"it") else { panic!("{problem:?}") };
            let begin = format!("it: AWS rejected {operation}: {code}: the cause. Remove ");
            assert!(message.starts_with(&begin) && message.ends_with(&limit.next_step()), "{message}");
        }
        let problem = Problem { operation: "iam:PutRolePolicy", ..service_error("LimitExceeded", 409) };
        let CallError::Rejected { message } = problem.call_error(&"it") else { panic!("{problem:?}") };
        assert!(message.contains("Remove resources that are no longer needed"), "{message}");
    }

    #[test]
    fn the_advice_after_a_denial_fits_the_policy_that_denies() {
        let user = "User: arn:aws:sts::123456789012:assumed-role/r/f is not authorized to perform: ec2:CreateVpc";
        for (message, advice) in [
            (format!("{user} because no identity-based policy allows the ec2:CreateVpc action"), " Allow the action "),
            (String::from("Access Denied"), " Allow the action that the message names in the policy of the role "),
            (format!("{user} with an explicit deny in a service control policy"), " A policy of the organization "),
            (format!("{user} because no service control policy allows the action"), " A policy of the organization "),
            (format!("{user} with an explicit deny in a resource control policy"), " A policy of the organization "),
            (format!("{user} with an explicit deny in a resource-based policy"), " The policy that the message names "),
            (
                format!("{user} because no permissions boundary allows the action"),
                " Allow the action that the message names in the permissions boundary ",
            ),
            (
                String::from("object a: Access Denied because object protected by object lock."),
                " S3 Object Lock protects the object.",
            ),
        ] {
            let problem = Problem { message, ..service_error("AccessDenied", 403) };
            let CallError::Rejected { message } = problem.call_error(&"vpc a") else { panic!("{problem:?}") };
            let (_, next_step) = message.split_once(problem.message.trim_end_matches('.')).expect("AWS's message");
            assert!(next_step.starts_with(&format!(".{advice}")), "{message}");
        }
    }

    #[test]
    fn unfinished_work_is_retried_at_once() {
        let error =
            Problem::unfinished("s3:DeleteObjects", "1000 objects deleted, more are left").call_error(&"bucket a");
        let waiting_for = "bucket a: s3:DeleteObjects: 1000 objects deleted, more are left";
        assert_eq!(error, CallError::Retry { waiting_for: waiting_for.into(), after: Duration::ZERO });
    }

    #[test]
    fn a_lost_response_is_indeterminate_for_each_cause() {
        let raw = || HttpResponse::new(StatusCode::try_from(200).unwrap(), SdkBody::empty());
        let lost: [SdkError<ErrorMetadata, HttpResponse>; 3] = [
            SdkError::timeout_error("late"),
            SdkError::dispatch_failure(aws_smithy_runtime_api::client::result::ConnectorError::io("reset".into())),
            SdkError::response_error("no XML", raw()),
        ];
        for error in lost {
            assert_eq!(classify_sdk_error("ec2:CreateVpc", &error).class, ErrorClass::LostResponse, "{error:?}");
        }
    }

    #[test]
    fn a_long_message_is_truncated() {
        let error = ErrorMetadata::builder().code("UnauthorizedOperation").message("é".repeat(5_000)).build();
        let raw = HttpResponse::new(StatusCode::try_from(403).unwrap(), SdkBody::empty());
        assert_eq!(
            classify_sdk_error("ec2:CreateVpc", &SdkError::service_error(error, raw)).message.chars().count(),
            400
        );
    }

    #[test]
    fn only_not_found_is_accepted() {
        assert_eq!(Err::<(), _>(service_error("InvalidVpcID.NotFound", 400)).none_if_not_found(), Ok(None));
        assert!(Err::<(), _>(service_error("DependencyViolation", 400)).none_if_not_found().is_err());
    }
}
