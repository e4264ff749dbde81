//! CloudWatch Logs.

use lifecycle_hook::aws::Account;
use lifecycle_hook::cloud::HookApi as _;

use crate::{Response, account, bodies, refused_json};

async fn write(account: &Account) -> Result<(), String> {
    account.write("/aws/ec2/scalable-ec2-dev", "i-1/evidence", vec!["line".into()]).await
}

#[tokio::test]
async fn evidence_is_written_where_its_stream_is_there_already() {
    let there = || refused_json("ResourceAlreadyExistsException", "The specified log stream already exists");
    let taken = || -> Response { (200, r#"{"nextSequenceToken":"49"}"#.into()) };
    let (account, _) = account(move |request, _| if request.target == "CreateLogStream" { there() } else { taken() });
    assert_eq!(write(&account).await, Ok(()));
}

#[tokio::test]
async fn evidence_that_is_not_taken_is_no_evidence() {
    for deployment in ["expiredLogEventEndIndex", "tooOldLogEventEndIndex", "tooNewLogEventStartIndex"] {
        let rejected = format!(r#"{{"rejectedLogEventsInfo":{{"{deployment}":1}}}}"#);
        let (account, _) = account(move |request, _| match request.target.as_str() {
            "CreateLogStream" => (200, String::new()),
            _ => (200, rejected.clone()),
        });
        let told = write(&account).await.expect_err("rejected");
        assert!(told.starts_with("logs:PutLogEvents: rejected:"), "{told}");
    }
}

#[tokio::test]
async fn no_log_group_is_made_for_evidence() {
    let (account, asked) =
        account(|_, _| refused_json("ResourceNotFoundException", "The specified log group does not exist."));
    let told = write(&account).await.expect_err("there is no such group");
    assert_eq!(told, "logs:CreateLogStream: ResourceNotFoundException: The specified log group does not exist.");
    assert_eq!(bodies(&asked).len(), 1, "nothing else is tried");
}
