//! A due pass: the rollout of an environment without a request.

use environment::rollout::{
    Action, ObservedRollout, Refusal, RolloutCloud as _, RolloutRecord, Trigger, Version, WaitFor, decide,
};
use environment::{
    Call, CallKind, Cloud as _, LaunchTemplateSetting, Ownership, READ_LAG, Scope, Setting, Spec, TemplateVersion,
    Timestamp, template_version,
};
use ledger::events::{RolloutProgress, RolloutStep};
use requests::records::OwnerRecord;
use requests::{Owner, Reason, Records, RolloutRequest};
use std::time::Duration;

use crate::cloud_factory::CloudFactory;
use crate::pass_error::PassError;
use crate::recorded::{recorded_image, recorded_rollout, recorded_spec, scope};
use crate::rollout::{DUE_INTERVAL, DesiredVersion, OBSERVATION_INTERVAL, Rollout, RolloutEnd, publish};
use crate::settings::Settings;

/// Why nothing can be rolled out or back.
const NO_ENVIRONMENT: &str = "it has no version that an update has rolled out; update its stack once";

/// The part of the runs' seed that a due pass has in place of a request's hash. Its calls create nothing, so no token
/// depends on it.
const DUE: &str = "due";

/// The delay until the next due pass of a rollout that needs an operator: 15 minutes. Each of them is an entry in the ledger.
const OPERATOR_INTERVAL: Duration = Duration::from_mins(15);

/// One due pass, with everything that it needs.
#[derive(Debug)]
pub struct DuePass<'a, R, C> {
    /// The settings of the deployment.
    pub settings: &'a Settings,
    /// The owners' records.
    pub records: &'a R,
    /// The account that the pass works on.
    pub cloud_factory: &'a C,
    /// The owner of the environment.
    pub owner: &'a Owner,
}

/// The outcome of a due pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueOutcome {
    /// When the next due pass is due; `None` if nothing remains to do.
    pub next_due_ms: Option<u64>,
}

impl<R: Records, C: CloudFactory> DuePass<'_, R, C> {
    /// Runs the pass, which has to end by `until`: one rollout, as far as it goes without a wait. A request of the owner that
    /// waits for its response has passes of its own, so this pass does nothing then.
    ///
    /// # Errors
    /// Those of the records. Every other error is logged, and the next due pass observes again.
    pub async fn run(&self, until: Timestamp) -> Result<DueOutcome, PassError> {
        let later = || Ok(DueOutcome { next_due_ms: Some((self.cloud_factory.now() + DUE_INTERVAL).0) });
        let Some(record) = self.records.owner(self.owner).await? else { return Ok(DueOutcome { next_due_ms: None }) };
        // Once at most: after an error, which the ledger has, the operator sees the state of the rollout, and sends the request again. The latest
        // request wins, so one that a request of CloudFormation overtakes is dropped. A hold is not: it applies to that request too.
        let request = record.rollout_request;
        if let Some(request) = request {
            self.records.remove_rollout_request(self.owner, request).await?;
        }
        if record.response_due_ms.is_some() {
            return later();
        }
        let Some(environment) = self.environment(&record) else { return Ok(DueOutcome { next_due_ms: None }) };
        let (group, version) = (environment.scope.names.group().name, environment.desired.number);
        let ended = Box::pin(self.roll(&record, environment, trigger(request), until)).await;
        if let (Some(request), Err(error)) = (request, &ended) {
            let name = request.name();
            let reason =
                format!("the {name} of an operator stopped: {}. Read status, and send it again", error.message());
            tracing::error!(owner = %self.owner, reason, "rollout needs an operator");
            let (step, at_ms) = (RolloutStep::NeedsOperator, self.cloud_factory.now().0);
            let progress = RolloutProgress { group: &group, version, step, reason: &reason, at_ms };
            publish(self.cloud_factory, self.owner, &progress).await;
        }
        match ended {
            Ok(next_due_ms) => Ok(DueOutcome { next_due_ms }),
            Err(PassError::RecordsUnavailable(reason)) => Err(PassError::RecordsUnavailable(reason)),
            Err(PassError::Requeue(reason)) => {
                tracing::info!(owner = %self.owner, reason, "due pass continues later");
                later()
            }
            Err(PassError::Failed(reason)) => {
                tracing::error!(owner = %self.owner, reason = reason.message(), "due pass failed");
                later()
            }
        }
    }

    /// Follows the hold of an environment for a request of CloudFormation, which may wait outside its rollout: takes up an operator's
    /// hold or release, and suspends or resumes the process. Nothing else of the rollout goes on. Returns whether there is a hold.
    ///
    /// # Errors
    /// Those of the records.
    pub(crate) async fn follow_hold(&self, record: &OwnerRecord) -> Result<bool, PassError> {
        let Some(environment) = self.environment(record) else { return Ok(false) };
        if record.hold_request_ms.is_none() && environment.rollout.hold.is_none() {
            return Ok(false);
        }
        let cloud = self.cloud_factory.for_run(self.owner.as_str(), DUE, None);
        let pass = self.rollout(&cloud, record, &environment, cloud.now());
        pass.follow_hold(environment.rollout.clone(), &environment.desired).await?;
        Ok(true)
    }

    /// Why an operator's request is refused now; `None` if a pass can begin with it. Nothing is written.
    ///
    /// # Errors
    /// Those of the records and of the observation.
    pub async fn refusal(&self, request: RolloutRequest) -> Result<Option<String>, PassError> {
        let Some(record) = self.records.owner(self.owner).await? else { return Ok(Some(NO_ENVIRONMENT.to_owned())) };
        if record.response_due_ms.is_some() {
            return Ok(Some(String::from("a request of its stack is under way; wait for its response")));
        }
        let now = self.cloud_factory.now();
        if let Some(hold) = recorded_rollout(Some(&record)).open_hold(now).filter(|_| request == RolloutRequest::Roll) {
            return Ok(Some(Refusal::Hold(hold.until).to_string()));
        }
        let decided = self.decided(&record, None, trigger(Some(request))).await?;
        Ok(match decided {
            None => Some(NO_ENVIRONMENT.to_owned()),
            Some(Action::Refuse(refusal)) => Some(refusal.to_string()),
            Some(Action::None) => Some(String::from("nothing remains to do")),
            Some(Action::Wait(WaitFor::Suspended)) => Some(WaitFor::Suspended.to_string()),
            Some(_) => None,
        })
    }

    /// Why an operator's request to hold the rollout until this time is refused now; `None` if the next pass follows it, also a
    /// pass of a request of CloudFormation. A past time is a release. Nothing is written.
    ///
    /// # Errors
    /// Those of the records and of the observation.
    pub async fn hold_refusal(&self, until: Timestamp) -> Result<Option<String>, PassError> {
        let Some(record) = self.records.owner(self.owner).await? else { return Ok(Some(NO_ENVIRONMENT.to_owned())) };
        if until <= self.cloud_factory.now() {
            let is_held = record.hold_request_ms.is_some() || recorded_rollout(Some(&record)).hold.is_some();
            return Ok((!is_held).then(|| String::from("no hold of this environment is recorded")));
        }
        Ok(match self.decided(&record, Some(until), Trigger::Due).await? {
            None => Some(NO_ENVIRONMENT.to_owned()),
            Some(Action::Wait(foreign @ WaitFor::Foreign { .. })) => Some(foreign.to_string()),
            Some(Action::RecordHold(Some(hold))) if !hold.is_open(self.cloud_factory.now()) => {
                Some(String::from("the group returns to a version that ran before, and a way back is not held"))
            }
            Some(_) => None,
        })
    }

    /// The first action of a pass, with a hold until this time, else the first after the facts about a recorded hold; `None` if
    /// there is nothing to roll out.
    async fn decided(
        &self,
        record: &OwnerRecord,
        hold: Option<Timestamp>,
        trigger: Trigger,
    ) -> Result<Option<Action>, PassError> {
        let Some(environment) = self.environment(record) else { return Ok(None) };
        let Environment { spec, scope, .. } = &environment;
        let cloud = self.cloud_factory.for_run(self.owner.as_str(), DUE, None);
        let Some(mut observed) = cloud.observe_rollout(scope, &spec.rollout.alarms).await? else { return Ok(None) };
        let newest = self.newer_revision(record, &environment, &observed).filter(|_| trigger == Trigger::Roll);
        // A version that does not exist yet: it will have the next number, and the same image.
        let next = |newest: &TemplateVersion| {
            let last = observed.versions.iter().map(|it| it.number).max().unwrap_or_default();
            observed.version(&newest.digest).unwrap_or_else(|| Version::of(last + 1, newest))
        };
        let Environment { rollout, desired, .. } = &environment;
        let desired = newest.as_ref().map_or_else(|| desired.clone(), next);
        if newest.is_some() {
            observed.launchable.insert(desired.number);
        }
        let (mut rollout, now) = (rollout.clone(), cloud.now());
        if let Some(until) = hold {
            rollout = rollout.held(until);
        }
        loop {
            match decide(&observed.situation(&rollout, &spec.rollout, &desired, (trigger, now))) {
                Action::RecordHold(Some(fact)) if hold.is_none() && fact.is_open(now) => {
                    rollout = rollout.after(&Action::RecordHold(Some(fact)), now);
                }
                action => return Ok(Some(action)),
            }
        }
    }

    /// The environment of a record, if an update has rolled a version of it out.
    fn environment(&self, record: &OwnerRecord) -> Option<Environment> {
        let rollout = recorded_rollout(Some(record));
        let spec = recorded_spec(Some(record), |it| it.desired.as_ref(), self.settings)?;
        let desired = rollout.desired.clone().filter(|_| !record.deleted)?;
        let names = spec.names(&self.settings.deployment);
        let scope = scope(self.owner.as_str(), names, Some(record), spec.network.vpc_id.is_none());
        Some(Environment { rollout, desired, spec, scope })
    }

    async fn roll(
        &self,
        record: &OwnerRecord,
        environment: Environment,
        trigger: Trigger,
        until: Timestamp,
    ) -> Result<Option<u64>, PassError> {
        let cloud = self.cloud_factory.for_run(self.owner.as_str(), DUE, None);
        let recorded = environment.desired.clone();
        let newest = match trigger {
            Trigger::Roll => self.newest_revision(&cloud, record, &environment).await?,
            _ => None,
        };
        let proceeds = async || match self.records.owner(self.owner).await? {
            Some(OwnerRecord { hold_request_ms: Some(_), .. }) => {
                Err(PassError::Requeue(String::from("an operator's hold or release goes first")))
            }
            Some(record) if record.response_due_ms.is_none() && !record.deleted => Ok(()),
            _ => Err(PassError::Requeue(String::from("a request goes first"))),
        };
        let pass = Rollout {
            trigger,
            desired: newest.map_or_else(|| DesiredVersion::Recorded(recorded.clone()), DesiredVersion::Content),
            ..self.rollout(&cloud, record, &environment, until)
        };
        let operator_due = || Ok(Some((self.cloud_factory.now() + OPERATOR_INTERVAL).0));
        let later = Some((self.cloud_factory.now() + DUE_INTERVAL).0);
        let ended = match pass.run(environment.rollout.clone(), proceeds).await {
            Err(PassError::Failed(reason)) => {
                pass.needs_operator(&recorded, reason.message()).await;
                return operator_due();
            }
            ended => ended?,
        };
        match ended {
            RolloutEnd::Open(action, _) => match *action {
                Action::None => Ok(None),
                Action::Wait(WaitFor::Hold(until)) => Ok(Some(until.0)),
                Action::Alarm(reason) => {
                    pass.needs_operator(&recorded, &reason.to_string()).await;
                    operator_due()
                }
                action => {
                    tracing::info!(owner = %self.owner, ?action, "rollout continues");
                    Ok(later)
                }
            },
            // An operator's request that needs no call. Whether the rollout has ended, the next due pass decides.
            RolloutEnd::Succeeded(..) => Ok(later),
            RolloutEnd::Failed(reason) => Err(PassError::Failed(Reason::from(reason.message().to_owned()))),
        }
    }

    /// The rollout of the recorded version in a pass that ends by `until` and does not wait.
    fn rollout<'b, Cloud>(
        &'b self,
        cloud: &'b Cloud,
        record: &OwnerRecord,
        environment: &'b Environment,
        until: Timestamp,
    ) -> Rollout<'b, R, Cloud, C> {
        Rollout {
            records: self.records,
            cloud,
            ledger: self.cloud_factory,
            owner: self.owner,
            scope: &environment.scope,
            settings: &environment.spec.rollout,
            trigger: Trigger::Due,
            hold_request: record.hold_request_ms.map(Timestamp),
            asked: environment.rollout.asked.clone(),
            desired: DesiredVersion::Recorded(environment.desired.clone()),
            until,
            wait_budget: Duration::ZERO,
        }
    }

    /// The version that this release of Envkeeper writes for the recorded spec, if it is a newer revision of the recorded version,
    /// and the group launches that.
    fn newer_revision(
        &self,
        record: &OwnerRecord,
        environment: &Environment,
        observed: &ObservedRollout,
    ) -> Option<TemplateVersion> {
        let Environment { desired, spec, scope, .. } = environment;
        let image = recorded_image(Some(record), spec)?;
        let newest = template_version(spec, &scope.names, self.owner.as_str(), &image);
        let launches_desired = observed.saved.version().is_some_and(|it| it.number == desired.number);
        (launches_desired && observed.has_newer_revision(&newest)).then_some(newest)
    }

    /// The digest of the newest revision of the version that the group launches, if this release of Envkeeper writes a newer one:
    /// an operator's `roll` takes it. It is created here, since no plan asks for it.
    ///
    /// # Errors
    /// Those of the observations and of the call; [`PassError::Requeue`] if the version is not visible in time.
    async fn newest_revision(
        &self,
        cloud: &C::Cloud<'_>,
        record: &OwnerRecord,
        environment: &Environment,
    ) -> Result<Option<String>, PassError> {
        let scope = &environment.scope;
        let observe = async || cloud.observe_rollout(scope, &[]).await;
        let Some(observed) = observe().await? else { return Ok(None) };
        let Some(newest) = self.newer_revision(record, environment, &observed) else { return Ok(None) };
        if observed.version(&newest.digest).is_some() {
            return Ok(Some(newest.digest));
        }
        // The call names other resources by ids, which only the observation of everything shows.
        let key = scope.names.launch_template();
        let all = cloud.observe(scope).await?;
        let Some(template) = all.iter().find(|it| it.key() == key && it.ownership == Ownership::Owned) else {
            return Ok(None);
        };
        let setting = Setting::LaunchTemplate(LaunchTemplateSetting::Version(newest.clone()));
        let call = Call { key, id: template.id.clone(), kind: CallKind::Set(vec![setting]) };
        cloud.call(&call).await?;
        let called = cloud.now();
        while cloud.now() - called <= READ_LAG {
            if observe().await?.is_some_and(|it| it.version(&newest.digest).is_some()) {
                return Ok(Some(newest.digest));
            }
            cloud.pause(OBSERVATION_INTERVAL).await;
        }
        Err(PassError::Requeue(format!("{}: its new version is not visible yet", call.key)))
    }
}

/// The environment of a due pass.
struct Environment {
    rollout: RolloutRecord,
    /// The recorded version.
    desired: Version,
    spec: Spec,
    scope: Scope,
}

/// What a pass works on. The first call of an operator's request ends its pass; due passes complete the rollout.
fn trigger(request: Option<RolloutRequest>) -> Trigger {
    match request {
        None => Trigger::Due,
        Some(RolloutRequest::Roll) => Trigger::Roll,
        Some(RolloutRequest::Rollback) => Trigger::Rollback,
        Some(RolloutRequest::Cancel) => Trigger::Cancel,
    }
}
