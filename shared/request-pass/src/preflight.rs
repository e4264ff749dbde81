//! The check whether the account has room for a plan: before the first write of a request, and for the plan of an operator.

use environment::preflight::{Allowance, Finding, Limit, Need, NeedInputs, Verdict, free_addresses, needs, preflight};
use environment::{Facts, Plan, Resource, Spec};
use requests::{Kind, Owner, Records};

use crate::cloud_factory::CloudFactory;
use crate::pass::RequestPass;
use crate::pass_error::PassError;

/// What the account has for each need of a plan. `account` is its id. A plan that creates nothing reads nothing.
pub async fn plan_findings<C: CloudFactory>(
    cloud_factory: &C,
    account: &str,
    plan: &Plan,
    inputs: &NeedInputs<'_>,
) -> Vec<Finding> {
    findings(cloud_factory, account, &needs(plan, inputs), inputs).await
}

async fn findings<C: CloudFactory>(
    cloud_factory: &C,
    account: &str,
    needs: &[Need],
    inputs: &NeedInputs<'_>,
) -> Vec<Finding> {
    if needs.is_empty() {
        return vec![];
    }
    let mut read = cloud_factory.account(account, needs).await;
    for need in needs.iter().filter(|it| it.limit == Limit::SubnetAddresses) {
        let free = free_addresses(inputs.spec, inputs.facts);
        let limit = free.ok_or_else(|| "EC2 does not state the free addresses of all of them".into());
        read.insert(need, Allowance { limit, used: Ok(0) });
    }
    preflight(needs, &read)
}

/// The check before the first wave of a request's first pass.
pub(crate) struct Preflight<'a> {
    pub spec: &'a Spec,
    pub facts: &'a Facts,
    pub desired: &'a [Resource],
    /// Whether the request waits until `MinSize` instances are in service.
    pub waits_for_instances: bool,
    /// The spec that settled last.
    pub settled: Option<Spec>,
}

impl Preflight<'_> {
    /// Checks the plan. Only what certainly does not fit refuses it, and reads are made for nothing else.
    ///
    /// A request for the spec that settled last is a rollback, or repairs drift, as a Repair does: none of them is refused, and
    /// what does not fit is logged.
    ///
    /// # Errors
    /// [`PassError::Failed`] with a line for each need without room; else the errors of the call that reads the status of the
    /// stack.
    pub(crate) async fn check<R: Records, C: CloudFactory>(
        self,
        pass: &RequestPass<'_, R, C>,
        owner: &Owner,
        plan: &Plan,
    ) -> Result<(), PassError> {
        let Preflight { spec, facts, desired, waits_for_instances, settled } = self;
        let inputs = NeedInputs { spec, facts, desired, waits_for_instances, running: 0 };
        let mut needs = needs(plan, &inputs);
        needs.retain(|need| need.least > 0);
        let findings = findings(pass.cloud_factory, &pass.settings.deployment.account, &needs, &inputs).await;
        for unknown in findings.iter().filter(|it| matches!(it.verdict, Verdict::Unknown(_))) {
            tracing::debug!(%owner, finding = %unknown, "preflight is incomplete");
        }
        let refusals: Vec<String> = findings.iter().filter_map(Finding::refusal).collect();
        if refusals.is_empty() {
            return Ok(());
        }
        let text = refusals.join("\n");
        let is_never_refused = match &settled {
            _ if pass.request.event.kind == Kind::Repair => true,
            Some(settled) => settled == spec,
            None => pass.is_rolling_back().await?,
        };
        if is_never_refused {
            tracing::warn!(%owner, refusals = text, "the account has no room for a rollback or a repair");
            return Ok(());
        }
        Err(PassError::Failed(format!("This account has no room for the request; nothing was changed.\n{text}").into()))
    }
}
