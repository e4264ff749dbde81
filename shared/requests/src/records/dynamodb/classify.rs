//! Error codes of DynamoDB, classified in one place.

use crate::records::RecordsError;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// How much of the service's message is repeated, in characters. The message contains expressions and limits, not values.
const SHOWN: usize = 200;

/// Classifies a failed call on the item with this key.
pub(super) fn error<E: ProvideErrorMetadata>(table: &str, key: &str, error: &SdkError<E>) -> RecordsError {
    let table = table.to_owned();
    let message = match error {
        SdkError::ServiceError(failure) => {
            return by_code(table, key, failure.err().code(), failure.err().message());
        }
        SdkError::TimeoutError(_) => "no response in time",
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "no connection in time",
        SdkError::DispatchFailure(_) => "no connection, or no credentials for one",
        SdkError::ConstructionFailure(_) => "the request can't be built: check region and credentials",
        _ => "a response that can't be read",
    };
    RecordsError::Broken { table, message: message.to_owned() }
}

fn by_code(table: String, key: &str, code: Option<&str>, message: Option<&str>) -> RecordsError {
    let (code, message) = (code.unwrap_or("no error code"), message.unwrap_or_default());
    match code {
        "ProvisionedThroughputExceededException"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "LimitExceededException" => RecordsError::Throttled { table },
        "AccessDeniedException"
        | "ExpiredTokenException"
        | "IncompleteSignatureException"
        | "InvalidSignatureException"
        | "MissingAuthenticationTokenException"
        | "UnrecognizedClientException"
        | "InaccessibleEncryptionCredentialsException" => RecordsError::Denied { table, code: code.to_owned() },
        "ResourceNotFoundException" => RecordsError::NoTable { table },
        // The DynamoDB developer guide, "Error handling": not retryable, the request itself is wrong.
        "ValidationException" | "ItemCollectionSizeLimitExceededException" | "SerializationException" => {
            RecordsError::Rejected { table, item: shortened(key), code: code.to_owned(), message: shortened(message) }
        }
        _ => {
            let message = shortened(message);
            RecordsError::Broken { table, message: format!("{code} {message}").trim().to_owned() }
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str) -> RecordsError {
        by_code("t".to_owned(), "owner#0123456789abcdef0123", Some(code), Some("m"))
    }

    #[test]
    fn the_code_classifies_and_the_text_does_not() {
        let table = "t".to_owned();
        assert_eq!(of("ThrottlingException"), RecordsError::Throttled { table: table.clone() });
        assert_eq!(of("ResourceNotFoundException"), RecordsError::NoTable { table: table.clone() });
        let code = "AccessDeniedException".to_owned();
        assert_eq!(of(&code), RecordsError::Denied { table: table.clone(), code: code.clone() });
        let text = by_code(table.clone(), "k", None, Some("AccessDeniedException"));
        let message = "no error code AccessDeniedException".to_owned();
        assert_eq!(text, RecordsError::Broken { table, message });
    }

    #[test]
    fn a_rejected_item_is_final_and_named() {
        for code in ["ValidationException", "ItemCollectionSizeLimitExceededException"] {
            let error = of(code);
            assert!(!error.is_retryable(), "{code}");
            let text = error.to_string();
            assert!(text.contains("owner#0123456789abcdef0123") && text.contains("400 KB"), "{text}");
        }
        let text = by_code("t".to_owned(), &"k".repeat(450_000), Some("ValidationException"), None).to_string();
        assert!(text.len() < 500, "{}", text.len());
    }

    #[test]
    fn every_error_names_the_table() {
        for code in [
            "ThrottlingException",
            "ResourceNotFoundException",
            "AccessDeniedException",
            "ValidationException",
            "Other",
        ] {
            assert!(of(code).to_string().contains("table t"), "{code}");
        }
    }

    #[test]
    fn only_transient_errors_are_retryable() {
        assert!(of("ThrottlingException").is_retryable());
        assert!(of("InternalServerError").is_retryable());
        assert!(!of("AccessDeniedException").is_retryable());
        assert!(!of("ResourceNotFoundException").is_retryable());
    }

    /// The rows of DynamoDB in aws-cloud's page. The first run after a change writes the classes, the next passes.
    #[test]
    fn each_modelled_code_has_its_class() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../aws-cloud/ERRORS.md");
        let page = std::fs::read_to_string(&path).unwrap();
        let with_class = |line: &str| {
            let mut cells: Vec<&str> = line.split(" | ").collect();
            if cells[0] != "| dynamodb" {
                return line.to_owned();
            }
            let class = format!("{:?}", of(cells[1]));
            cells[3] = class.split(' ').next().unwrap_or_default();
            cells.join(" | ")
        };
        let updated: String = page.split_inclusive('\n').map(with_class).collect();
        if updated != page {
            std::fs::write(&path, &updated).unwrap();
            panic!("the classes of DynamoDB in ERRORS.md have changed: review the diff");
        }
        assert!(page.contains("| dynamodb | ThrottlingException | 400 | Throttled |"));
    }
}
