//! What the account has for a plan, in the result of `plan`: all needs, whether they fit, certainly do not, or neither is known.

use environment::preflight::{Finding, NeedInputs, running_instances};
use environment::{DesiredState, Facts, ObservedResource, Plan, Spec};
use request_pass::{CloudFactory, plan_findings};
use requests::Records;
use requests::records::OwnerRecord;
use serde_json::{Value, json};

use crate::request::OperatorRequest;

/// The findings about a plan.
pub(crate) struct AccountReport(Vec<Finding>);

impl AccountReport {
    /// An object for each need: the quota, the zone if it is one of a zone, the least and the most that is needed, and the
    /// answer.
    pub fn json(&self) -> Value {
        let finding = |it: &Finding| {
            json!({
                "Quota": it.need.limit.quota().map(|it| it.name), "Zone": it.need.within, "Least": it.need.least,
                "Most": it.need.most, "Verdict": it.verdict.name(), "Text": it.to_string(),
            })
        };
        self.0.iter().map(finding).collect()
    }

    /// The findings as lines of a text; `None` for a plan that needs nothing of the account.
    pub fn text(&self) -> Option<String> {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        (!lines.is_empty()).then(|| format!("\nRoom in the account:\n  {}", lines.join("\n  ")))
    }
}

impl<R: Records, C: CloudFactory> OperatorRequest<'_, R, C> {
    /// Compares a plan with the account. A plan that creates nothing reads nothing.
    pub(crate) async fn account_report(
        &self,
        plan: &Plan,
        (spec, facts): (&Spec, &Facts),
        (desired, observed): (&DesiredState, &[ObservedResource]),
        record: Option<&OwnerRecord>,
    ) -> AccountReport {
        let inputs = NeedInputs {
            spec,
            facts,
            desired: &desired.resources,
            waits_for_instances: spec.wait_for_instances && record.is_none_or(|it| it.settled_spec.is_none()),
            running: running_instances(observed),
        };
        AccountReport(plan_findings(self.cloud_factory, &self.settings.deployment.account, plan, &inputs).await)
    }
}
