//! What AWS says instead of yes, and what that means: the one file that classifies errors, by code and never by text.
//!
//! (One code is ambiguous: `autoscaling::group` looks at its text, and says why.)

use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use environment::{Call, CallError};

/// When to look again after throttling that outlasted the SDK's own retries.
const AFTER_THROTTLING: Duration = Duration::from_secs(5);

/// When to look again at what has to happen first. Read lag begins to end after about 2 s (ARCHITECTURE, Facts).
const SOON: Duration = Duration::from_secs(2);

/// How much of AWS's message is passed on, in characters: an encoded authorization failure has thousands.
const LONGEST_MESSAGE: usize = 400;

/// What kind of no it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Too many calls, still after the SDK's retries.
    Throttled,
    /// The answer was lost, or says nothing about whether it happened.
    Lost,
    /// Something else has to happen first.
    Waits,
    /// It went well, and there is more of it to do at once.
    Unfinished,
    /// There is one under that name or in that place already.
    Exists,
    /// It is connected already, not necessarily to what was wanted: the caller looks.
    Connected,
    /// What it is about, or what it refers to, is not there: gone, or not visible yet.
    Missing,
    /// The role may not.
    Denied,
    /// A quota of the account is used up.
    Quota,
    /// Anything else: the request itself is wrong.
    Rejected,
}

/// Tells the class from the service's code and the HTTP status.
pub(crate) fn classify(code: &str, status: u16) -> Class {
    // The same error is called `AlreadyExists`, `AlreadyExistsFault` or `…Exception`, by the service's protocol.
    let short = code.strip_suffix("Exception").or(code.strip_suffix("Fault")).unwrap_or(code);
    match short {
        "RequestLimitExceeded"
        | "TooManyRequests"
        | "SlowDown"
        | "BandwidthLimitExceeded"
        | "PriorRequestNotComplete" => Class::Throttled,
        // S3's, with a status of 400: the request didn't arrive in one piece.
        "RequestTimeout" => Class::Lost,
        _ if short.contains("Throttl") => Class::Throttled,
        // Contention is a 500, and yet clear: another activity holds the group (ARCHITECTURE, Facts). So is the role that
        // Auto Scaling makes itself for an account's first group. A mismatch means that an earlier attempt with our
        // token got through, when another image stood behind the parameter. A bucket that takes no access logs yet is
        // our own log bucket, a moment ago.
        "DependencyViolation"
        | "DeleteConflict"
        | "ResourceInUse"
        | "IncorrectState"
        | "OperationAborted"
        | "ScalingActivityInProgress"
        | "ResourceContention"
        | "ServiceLinkedRoleFailure"
        | "ConcurrentModification"
        | "ConcurrentTagAccess"
        | "EntityTemporarilyUnmodifiable"
        | "BucketNotEmpty"
        | "InvalidTargetBucketForLogging"
        | "IdempotentParameterMismatch" => Class::Waits,
        _ if short.ends_with(".InUse") => Class::Waits,
        "Resource.AlreadyAssociated" | "RouteAlreadyExists" => Class::Connected,
        "InvalidGroup.Duplicate"
        | "InvalidSubnet.Conflict"
        | "InvalidPermission.Duplicate"
        | "BucketAlreadyOwnedByYou" => Class::Exists,
        _ if short.ends_with("AlreadyExists") => Class::Exists,
        // An image is never ours to wait for.
        _ if short.starts_with("InvalidAMI") => Class::Rejected,
        "Gateway.NotAttached" => Class::Missing,
        _ if short.starts_with("NoSuch") => Class::Missing,
        _ if short.ends_with("NotFound") || short.ends_with("NotFoundError") => Class::Missing,
        "AccessDenied" | "UnauthorizedOperation" => Class::Denied,
        "TooManyBuckets" => Class::Quota,
        _ if short.ends_with("LimitExceeded") => Class::Quota,
        _ if status >= 500 => Class::Lost,
        _ => Class::Rejected,
    }
}

/// An operation that did not simply succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) class: Class,
    /// As `service:Operation`.
    pub(crate) operation: &'static str,
    /// AWS's code; empty where it is our own finding.
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Problem {
    /// Something has to happen first, as we see ourselves.
    pub(crate) fn waits(operation: &'static str, message: impl Into<String>) -> Self {
        Problem { class: Class::Waits, operation, code: String::new(), message: message.into() }
    }

    /// Done as far as the time allowed.
    pub(crate) fn unfinished(operation: &'static str, message: impl Into<String>) -> Self {
        Problem { class: Class::Unfinished, operation, code: String::new(), message: message.into() }
    }

    /// The same, where a denial may pass by itself.
    pub(crate) fn in_passing(self) -> Self {
        let class = if self.class == Class::Denied { Class::Waits } else { self.class };
        Problem { class, ..self }
    }

    /// Something is wrong, as we see ourselves.
    pub(crate) fn rejected(operation: &'static str, message: impl Into<String>) -> Self {
        Problem { class: Class::Rejected, operation, code: String::new(), message: message.into() }
    }

    /// A call that this kind of resource doesn't have: the plan never makes one.
    pub(crate) fn no_such_call(call: &Call) -> Self {
        Problem::rejected(call.operation(), format!("there is no such call for this kind of resource: {call}"))
    }

    /// An answer without something that it always has.
    pub(crate) fn unreadable(operation: &'static str, what: &str) -> Self {
        let message = format!("the answer has no readable {what}");
        Problem { class: Class::Lost, operation, code: String::new(), message }
    }

    /// No answer within the time of a whole call.
    pub(crate) fn out_of_time(operation: &'static str) -> Self {
        let message = format!("no answer within {} s", environment::CALL_TIME.as_secs());
        Problem { class: Class::Lost, operation, code: String::new(), message }
    }

    /// The sentence and what to do, for the engine. `subject` is what the call was about.
    pub(crate) fn call_error(&self, subject: &dyn fmt::Display) -> CallError {
        let Problem { operation, .. } = self;
        let said = [self.code.as_str(), self.message.trim_end_matches('.')];
        let said = said.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(": ");
        let rejected = |what_to_do: &str| CallError::Rejected {
            message: format!("{subject}: {operation} was refused by AWS: {said}.{what_to_do}"),
        };
        match self.class {
            Class::Throttled => {
                let what = format!("{subject}: {operation} is throttled by AWS: {said}");
                CallError::Retry { waiting_for: what, after: AFTER_THROTTLING }
            }
            Class::Lost => {
                CallError::Indeterminate { message: format!("{subject}: {operation} has no clear answer: {said}") }
            }
            Class::Unfinished => {
                CallError::Retry { waiting_for: format!("{subject}: {operation}: {said}"), after: Duration::ZERO }
            }
            Class::Exists => {
                let what = format!("{subject}: {operation}: it exists already; looking at whose it is");
                CallError::Retry { waiting_for: what, after: SOON }
            }
            Class::Waits | Class::Connected | Class::Missing => {
                CallError::Retry { waiting_for: format!("{subject}: {operation} has to wait: {said}"), after: SOON }
            }
            Class::Denied => rejected(" Allow what it names in the policy of the role that Envkeeper runs with."),
            Class::Quota => rejected(
                " Remove what is no longer needed, or ask for a higher quota in Service Quotas, and try again.",
            ),
            Class::Rejected => rejected(""),
        }
    }
}

/// An answer of the SDK.
pub(crate) trait Response<T> {
    /// The answer of `operation` with its error classified; one line of the debug log tells the outcome.
    fn response(self, operation: &'static str) -> Result<T, Problem>;
}

impl<T, E: ProvideErrorMetadata> Response<T> for Result<T, SdkError<E, HttpResponse>> {
    fn response(self, operation: &'static str) -> Result<T, Problem> {
        let response = self.map_err(|error| problem(operation, &error));
        match &response {
            Ok(_) => tracing::debug!(operation, outcome = "ok"),
            Err(problem) => tracing::debug!(operation, outcome = ?problem.class, code = problem.code),
        }
        response
    }
}

/// A classified answer where nothing there is an answer too.
pub(crate) trait UnlessMissing<T> {
    /// Nothing, if what was asked for isn't there: a look finds nothing, and a delete has nothing left to do.
    fn unless_missing(self) -> Result<Option<T>, Problem>;
}

impl<T> UnlessMissing<T> for Result<T, Problem> {
    fn unless_missing(self) -> Result<Option<T>, Problem> {
        match self {
            Ok(response) => Ok(Some(response)),
            Err(problem) if problem.class == Class::Missing => Ok(None),
            Err(problem) => Err(problem),
        }
    }
}

fn problem<E: ProvideErrorMetadata>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Problem {
    let without_code = |class, message: String| Problem { class, operation, code: String::new(), message };
    match error {
        SdkError::ServiceError(context) => {
            let (error, status) = (context.err(), context.raw().status().as_u16());
            let code = error.code().unwrap_or_default().to_owned();
            let message = match error.message() {
                Some(message) => message.chars().take(LONGEST_MESSAGE).collect(),
                None => format!("HTTP status {status}"),
            };
            Problem { class: classify(&code, status), operation, code, message }
        }
        SdkError::ConstructionFailure(_) => without_code(Class::Rejected, "the request can't be built".into()),
        SdkError::TimeoutError(_) => without_code(Class::Lost, "no answer within the time-out".into()),
        SdkError::DispatchFailure(failure) => {
            let cause = failure.as_connector_error().map(|error| innermost(error)).unwrap_or_default();
            without_code(Class::Lost, format!("the connection failed: {cause}"))
        }
        // Among them an answer that can't be parsed.
        _ => without_code(Class::Lost, "the answer can't be read".into()),
    }
}

/// The cause at the bottom, in its own words.
fn innermost(error: &dyn Error) -> String {
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

    #[test]
    fn every_code_has_its_class() {
        let table = [
            ("RequestLimitExceeded", 503, Class::Throttled),
            ("Throttling", 400, Class::Throttled),
            ("ThrottlingException", 400, Class::Throttled),
            ("RequestThrottledException", 400, Class::Throttled),
            ("TooManyRequestsException", 429, Class::Throttled),
            ("DependencyViolation", 400, Class::Waits),
            ("DeleteConflict", 409, Class::Waits),
            ("ResourceInUse", 400, Class::Waits),
            ("ResourceInUseFault", 400, Class::Waits),
            ("ScalingActivityInProgress", 400, Class::Waits),
            ("ResourceContention", 500, Class::Waits),
            ("ServiceLinkedRoleFailure", 500, Class::Waits),
            ("OperationAbortedException", 400, Class::Waits),
            ("IncorrectState", 400, Class::Waits),
            ("InvalidGroup.InUse", 400, Class::Waits),
            ("IdempotentParameterMismatch", 400, Class::Waits),
            ("ConcurrentModification", 409, Class::Waits),
            ("ConcurrentTagAccess", 400, Class::Waits),
            ("InvalidIPAddress.InUse", 400, Class::Waits),
            ("BucketNotEmpty", 409, Class::Waits),
            ("OperationAborted", 409, Class::Waits),
            ("InvalidTargetBucketForLogging", 400, Class::Waits),
            ("EntityAlreadyExists", 409, Class::Exists),
            ("InvalidGroup.Duplicate", 400, Class::Exists),
            ("InvalidSubnet.Conflict", 400, Class::Exists),
            ("ResourceAlreadyExistsException", 400, Class::Exists),
            ("InvalidPermission.Duplicate", 400, Class::Exists),
            ("BucketAlreadyOwnedByYou", 409, Class::Exists),
            ("BucketAlreadyExists", 409, Class::Exists),
            ("AlreadyExists", 400, Class::Exists),
            ("AlreadyExistsFault", 400, Class::Exists),
            ("InvalidLaunchTemplateName.AlreadyExistsException", 400, Class::Exists),
            ("Resource.AlreadyAssociated", 400, Class::Connected),
            ("RouteAlreadyExists", 400, Class::Connected),
            ("NoSuchEntity", 404, Class::Missing),
            ("ResourceNotFoundException", 400, Class::Missing),
            ("InvalidVpcID.NotFound", 400, Class::Missing),
            ("InvalidLaunchTemplateId.NotFound", 400, Class::Missing),
            ("InvalidLaunchTemplateName.NotFoundException", 400, Class::Missing),
            ("InvalidRoute.NotFound", 400, Class::Missing),
            ("Gateway.NotAttached", 400, Class::Missing),
            ("ParameterNotFound", 400, Class::Missing),
            ("NatGatewayNotFound", 400, Class::Missing),
            ("InvalidAllocationID.NotFound", 400, Class::Missing),
            ("InvalidVpcEndpointId.NotFound", 400, Class::Missing),
            ("InvalidPermission.NotFound", 400, Class::Missing),
            ("NoSuchBucket", 404, Class::Missing),
            ("NoSuchBucketPolicy", 404, Class::Missing),
            ("NoSuchTagSet", 404, Class::Missing),
            ("NoSuchPublicAccessBlockConfiguration", 404, Class::Missing),
            ("NoSuchLifecycleConfiguration", 404, Class::Missing),
            ("NoSuchUpload", 404, Class::Missing),
            ("ServerSideEncryptionConfigurationNotFoundError", 404, Class::Missing),
            ("DashboardNotFoundError", 404, Class::Missing),
            ("ResourceNotFound", 404, Class::Missing),
            ("InvalidAMIID.NotFound", 400, Class::Rejected),
            ("AccessDenied", 403, Class::Denied),
            ("AccessDeniedException", 400, Class::Denied),
            ("UnauthorizedOperation", 403, Class::Denied),
            ("VpcLimitExceeded", 400, Class::Quota),
            ("AddressLimitExceeded", 400, Class::Quota),
            ("NatGatewayLimitExceeded", 400, Class::Quota),
            ("VpcEndpointLimitExceeded", 400, Class::Quota),
            ("TooManyBuckets", 400, Class::Quota),
            ("LimitExceeded", 409, Class::Quota),
            ("LimitExceededException", 400, Class::Quota),
            ("InternalError", 500, Class::Lost),
            ("ServiceUnavailable", 503, Class::Lost),
            ("RequestTimeout", 400, Class::Lost),
            ("SlowDown", 503, Class::Throttled),
            ("", 502, Class::Lost),
            ("InvalidBucketName", 400, Class::Rejected),
            ("MalformedPolicy", 400, Class::Rejected),
            ("ValidationError", 400, Class::Rejected),
            ("InvalidParameterValue", 400, Class::Rejected),
            ("", 400, Class::Rejected),
        ];
        for (code, status, class) in table {
            assert_eq!(classify(code, status), class, "{code} {status}");
        }
    }

    fn service_error(code: &str, status: u16) -> Problem {
        let error = ErrorMetadata::builder().code(code).message("it says why.").build();
        let status = StatusCode::try_from(status).unwrap();
        problem("ec2:CreateVpc", &SdkError::service_error(error, HttpResponse::new(status, SdkBody::empty())))
    }

    #[test]
    fn each_class_is_a_setback_that_begins_with_what_and_which_call() {
        let told = |code: &str, status: u16| service_error(code, status).call_error(&"vpc a");
        let busy =
            |what: &str, again: u64| CallError::Retry { waiting_for: what.into(), after: Duration::from_secs(again) };
        assert_eq!(
            told("Throttling", 400),
            busy("vpc a: ec2:CreateVpc is throttled by AWS: Throttling: it says why", 5)
        );
        assert_eq!(
            told("DependencyViolation", 400),
            busy("vpc a: ec2:CreateVpc has to wait: DependencyViolation: it says why", 2)
        );
        assert_eq!(
            told("AlreadyExists", 400),
            busy("vpc a: ec2:CreateVpc: it exists already; looking at whose it is", 2)
        );
        let indeterminate = "vpc a: ec2:CreateVpc has no clear answer: InternalError: it says why";
        assert_eq!(told("InternalError", 500), CallError::Indeterminate { message: indeterminate.into() });
        let rejected = |code: &str| match told(code, 400) {
            CallError::Rejected { message: what } => what,
            other => panic!("{other:?}"),
        };
        let begins = |code: &str| format!("vpc a: ec2:CreateVpc was refused by AWS: {code}: it says why.");
        assert_eq!(rejected("InvalidParameterValue"), begins("InvalidParameterValue"));
        assert!(rejected("AccessDenied").starts_with(&(begins("AccessDenied") + " Allow ")));
        assert!(rejected("VpcLimitExceeded").starts_with(&(begins("VpcLimitExceeded") + " Remove ")));
    }

    #[test]
    fn what_is_unfinished_goes_on_at_once() {
        let told =
            Problem::unfinished("s3:DeleteObjects", "1000 objects deleted, more are left").call_error(&"bucket a");
        let what = "bucket a: s3:DeleteObjects: 1000 objects deleted, more are left";
        assert_eq!(told, CallError::Retry { waiting_for: what.into(), after: Duration::ZERO });
    }

    #[test]
    fn an_answer_that_was_lost_is_doubtful_whatever_lost_it() {
        let raw = || HttpResponse::new(StatusCode::try_from(200).unwrap(), SdkBody::empty());
        let lost: [SdkError<ErrorMetadata, HttpResponse>; 3] = [
            SdkError::timeout_error("late"),
            SdkError::dispatch_failure(aws_smithy_runtime_api::client::result::ConnectorError::io("reset".into())),
            SdkError::response_error("no XML", raw()),
        ];
        for error in lost {
            assert_eq!(problem("ec2:CreateVpc", &error).class, Class::Lost, "{error:?}");
        }
    }

    #[test]
    fn a_long_message_is_cut() {
        let error = ErrorMetadata::builder().code("UnauthorizedOperation").message("é".repeat(5_000)).build();
        let raw = HttpResponse::new(StatusCode::try_from(403).unwrap(), SdkBody::empty());
        assert_eq!(problem("ec2:CreateVpc", &SdkError::service_error(error, raw)).message.chars().count(), 400);
    }

    #[test]
    fn only_what_is_missing_is_forgiven() {
        assert_eq!(Err::<(), _>(service_error("InvalidVpcID.NotFound", 400)).unless_missing(), Ok(None));
        assert!(Err::<(), _>(service_error("DependencyViolation", 400)).unless_missing().is_err());
    }
}
