//! The operator request `doctor`: the state of the deployment, independent of any environment.

use std::fmt::Display;
use std::time::Duration;

use environment::Timestamp;
use lambda_kit::InvalidSettings;
use request_pass::Settings;
use requests::{Records, Runbook, time_text};
use serde_json::{Value, json};

/// The time after which a request without a response, or a due pass, is a finding. The watchdog runs every minute (the schedule
/// in `infra/template.yaml`), so several of its runs have failed, or did not begin.
const WATCHDOG_IS_LATE: Duration = Duration::from_mins(5);

/// The most owners that a finding names.
const MAX_NAMED: usize = 10;

/// One check and its finding.
struct Check {
    name: &'static str,
    /// The finding, and what to do; `Ok` has the finding alone.
    result: Result<String, (String, String)>,
}

/// Checks the deployment. `Healthy` is true if all checks are; each check has `Ok`, what was found, and what to do (`Advice`).
/// Without valid settings nothing else can be read, and the other checks are left out.
pub(crate) async fn doctor<R: Records>(
    settings: Result<&Settings, &InvalidSettings>,
    records: &R,
    now: Timestamp,
) -> Value {
    let checks = match settings {
        Ok(settings) => {
            let valid = Check { name: "settings", result: Ok(String::from("all environment variables are valid")) };
            let mut checks = vec![valid];
            checks.extend(checks_of_records(settings, records, now).await);
            checks
        }
        Err(invalid) => {
            let advice = format!("correct the deploy parameters: {}", runbook(Runbook::InvalidSettings));
            vec![Check { name: "settings", result: Err((invalid.to_string(), advice)) }]
        }
    };
    let is_healthy = checks.iter().all(|it| it.result.is_ok());
    let lines: Vec<String> = checks.iter().map(Check::line).collect();
    json!({
        "Version": env!("CARGO_PKG_VERSION"), "Healthy": is_healthy,
        "Checks": checks.iter().map(Check::json).collect::<Vec<_>>(), "Text": lines.join("\n"),
    })
}

async fn checks_of_records<R: Records>(settings: &Settings, records: &R, now: Timestamp) -> Vec<Check> {
    let late_ms = (Timestamp::default() + (now - Timestamp::default()).saturating_sub(WATCHDOG_IS_LATE)).0;
    // The index lags, and shows no item that denies access: one item of the table itself is read too.
    let environment = settings.deployment.names("doctor").environment_id();
    let read = async {
        records.environment_owner(&environment).await?;
        let overdue = records.overdue(late_ms).await?;
        Ok::<_, requests::RecordsError>((overdue, records.due(late_ms, MAX_NAMED + 1).await?))
    };
    let (overdue, due) = match read.await {
        Ok(read) => read,
        Err(error) => {
            let advice = format!("see {}", runbook(Runbook::RecordsUnavailable));
            return vec![Check { name: "records", result: Err((error.to_string(), advice)) }];
        }
    };
    let watchdog = format!("{}-watchdog", settings.deployment.project);
    let advice = |runbook: &str| {
        format!(
            "the watchdog does not run, or fails: see infra/OPERATIONS.md#{runbook}, and run: aws logs filter-log-events --log-group-name /aws/lambda/{watchdog} --filter-pattern ERROR"
        )
    };
    let overdue = if overdue.is_empty() {
        Ok(String::from("no request has waited for its response for longer than five minutes past its deadline"))
    } else {
        let found = format!(
            "{} requests have no response five minutes past their deadline: {}",
            overdue.len(),
            named(&overdue)
        );
        Err((found, advice(Runbook::RequestOverdue.anchor())))
    };
    let due = match due.first() {
        None => Ok(String::from("no due pass has been due for longer than five minutes")),
        Some(oldest) => {
            let owners: Vec<_> = due.iter().map(|it| &it.owner).collect();
            let since = time_text(oldest.due_ms);
            let found = format!("due passes have not begun, the oldest since {since}: {}", named(&owners));
            Err((found, advice("watchdog-not-invoked")))
        }
    };
    vec![
        Check { name: "records", result: Ok(String::from("the table and its index can be read")) },
        Check { name: "responses", result: overdue },
        Check { name: "due passes", result: due },
    ]
}

fn runbook(runbook: Runbook) -> String {
    format!("infra/OPERATIONS.md#{}", runbook.anchor())
}

/// The first owners of a list.
fn named(owners: &[impl Display]) -> String {
    let first: Vec<String> = owners.iter().take(MAX_NAMED).map(|it| format!("the owner {it}")).collect();
    let more = if owners.len() > MAX_NAMED { ", and more" } else { "" };
    format!("{}{more}", first.join(", "))
}

impl Check {
    fn line(&self) -> String {
        match &self.result {
            Ok(found) => format!("{}: ok: {found}", self.name),
            Err((found, advice)) => format!("{}: {found}. What to do: {advice}", self.name),
        }
    }

    fn json(&self) -> Value {
        let (found, advice) = match &self.result {
            Ok(found) => (found, None),
            Err((found, advice)) => (found, Some(advice)),
        };
        json!({ "Check": self.name, "Ok": self.result.is_ok(), "Found": found, "Advice": advice })
    }
}
