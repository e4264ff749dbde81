//! CloudWatch Logs.

use lifecycle_hook::aws::Account;
use lifecycle_hook::cloud::HookApi as _;
use lifecycle_hook::error::HookError;

use crate::{Response, account, bodies, rejected_json};

async fn write(account: &Account) -> Result<(), HookError> {
    account.write("/aws/ec2/scalable-ec2-dev", "i-1/evidence", vec!["line".into()]).await
}

#[tokio::test]
async fn evidence_is_written_to_an_existing_stream() {
    let existing = || rejected_json("ResourceAlreadyExistsException", "The specified log stream already exists");
    let accepted = || -> Response { (200, r#"{"nextSequenceToken":"49"}"#.into()) };
    let (account, _) =
        account(move |request, _| if request.target == "CreateLogStream" { existing() } else { accepted() });
    assert_eq!(write(&account).await, Ok(()));
}

#[tokio::test]
async fn rejected_evidence_is_an_error() {
    for kind in ["expiredLogEventEndIndex", "tooOldLogEventEndIndex", "tooNewLogEventStartIndex"] {
        let rejected = format!(r#"{{"rejectedLogEventsInfo":{{"{kind}":1}}}}"#);
        let (account, _) = account(move |request, _| match request.target.as_str() {
            "CreateLogStream" => (200, String::new()),
            _ => (200, rejected.clone()),
        });
        let error = write(&account).await.expect_err("rejected").to_string();
        assert!(error.starts_with("logs:PutLogEvents: rejected:"), "{error}");
    }
}

#[tokio::test]
async fn no_log_group_is_created_for_evidence() {
    let (account, requests) =
        account(|_, _| rejected_json("ResourceNotFoundException", "The specified log group does not exist."));
    let error = write(&account).await.expect_err("the group does not exist").to_string();
    assert_eq!(error, "logs:CreateLogStream: ResourceNotFoundException: The specified log group does not exist.");
    assert_eq!(bodies(&requests).len(), 1, "no other call is sent");
}
