//! Carries out what `CloudFormation` asks: create, update, delete; one turn at a time.
//!
//! A turn starts from the records and from a look at the cloud, and takes no hint of where the last one stopped. It ends
//! with an answer, or with the wish to come back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use environment::{
    CALL_TIME, CallError, Cloud as _, Defaults, DesiredState, Key, Names, ObservedResource, Ownership, READ_LAG, Risk,
    Run, RunOutcome, Scope, Spec, Timestamp, Violation, check_change, check_hooks_are_handled, desired,
    indeterminate_until, mark, outputs, reconcile,
};
use requests::records::{Claim, CreateIntent, LatestRequest, OwnerRecord, RecordedRequest};
use requests::{Kind, Owner, PhysicalId, Records, Request};

use crate::cloud_factory::CloudFactory;
use crate::pass_error::{PassError, superseded};
use crate::recorded::{frozen_defaults, known, retired_tags, to_record};
use crate::settings::Settings;

/// What a turn of a request comes to.
#[derive(Debug)]
pub enum PassOutcome {
    /// It is over.
    Done(RequestOutcome),
    /// It goes on in another turn.
    Requeue {
        /// What for, a sentence each.
        waiting_for: Vec<String>,
        /// When.
        again: Duration,
    },
}

/// What a request comes to: the id to answer with, and the reply's data or the reason for a FAILED.
#[derive(Debug)]
pub struct RequestOutcome {
    /// The environment's, where there is one.
    pub id: PhysicalId,
    /// `Fn::GetAtt`'s data, or a sentence for a person.
    pub outcome: Result<BTreeMap<String, String>, String>,
}

/// One request, with all that it takes to carry it out.
#[derive(Debug)]
pub struct RequestPass<'a, R, C> {
    /// The function's.
    pub settings: &'a Settings,
    /// Who asked last, what is wanted, what was settled.
    pub records: &'a R,
    /// Where it is done.
    pub cloud_factory: &'a C,
    /// What is asked.
    pub request: &'a Request,
}

/// A request that may go on, and what was found out on the way.
#[derive(Debug)]
pub struct Admitted {
    owner: Owner,
    record: Option<OwnerRecord>,
    what: RequestedWork,
}

#[derive(Debug)]
pub(crate) enum RequestedWork {
    /// Create and update are one: what is wanted comes to be.
    Made { spec: Box<Spec>, defaults: Defaults },
    /// Whether buckets are kept, as those of a create that never settled are.
    Gone { never_settled: bool },
    /// CloudFormation cleans up after a create that was refused: nothing belongs to the id that it was answered.
    Nothing,
}

type Data = BTreeMap<String, String>;

/// How long a request that something in passing keeps waiting stays away: 5 s, longer than the SDK's own retries.
pub(crate) const TRANSIENT_REQUEUE: Duration = Duration::from_secs(5);

/// How long a request that has something to wait for stays away: 5 s, like the longest pause within a run, so that coming
/// back is hardly later than staying would have been.
const NEXT_PASS: Duration = Duration::from_secs(5);

impl<R: Records, C: CloudFactory> RequestPass<'_, R, C> {
    /// Checks a request, and notes it as its owner's newest word. The door does this before it sends a request on, and
    /// every turn again.
    ///
    /// # Errors
    /// [`PassError::Failed`] with all that is wrong, or because a newer word has come; nothing is noted then.
    pub async fn admit(&self) -> Result<Admitted, PassError> {
        let (owner, event) = (self.request.owner(), &self.request.event);
        let record = self.records.owner(&owner).await?;
        let what = if event.kind == Kind::Delete {
            self.deletable(record.as_ref()).await?
        } else {
            let (spec, defaults) =
                self.checked(record.as_ref()).map_err(|violations| PassError::Failed(told(&violations)))?;
            RequestedWork::Made { spec: Box::new(spec), defaults }
        };
        // A note that is there already keeps what it waits for, or that it was answered. What asks for nothing is no word.
        let is_a_word = !matches!(what, RequestedWork::Nothing);
        if is_a_word
            && !record.as_ref().is_some_and(|it| it.is_latest(&self.request.hash))
            && let RecordedRequest::Superseded { kind, .. } =
                self.records.record_request(&owner, LatestRequest::of_request(self.request)).await?
        {
            return Err(superseded(kind));
        }
        Ok(Admitted { owner, record, what })
    }

    /// One turn, which has to be over at `until`, and ends when nothing has moved for `wait_budget`.
    pub async fn run(&self, until: Timestamp, wait_budget: Duration) -> PassOutcome {
        let deadline = Timestamp(self.request.event.deadline_ms);
        if self.cloud_factory.now() + CALL_TIME > deadline {
            return PassOutcome::Done(self.response(None, Err(self.out_of_time(&[]).await)));
        }
        let admitted = match self.admit().await {
            Ok(admitted) => admitted,
            Err(stop) => return self.stopped(None, stop, deadline).await,
        };
        let id = match &admitted.what {
            RequestedWork::Made { spec, .. } => Some(spec.names(&self.settings.deployment).environment_id()),
            RequestedWork::Gone { .. } | RequestedWork::Nothing => None,
        };
        let limits = Limits { until: until.min(deadline), wait_budget };
        let outcome = match &admitted.what {
            RequestedWork::Made { spec, defaults } => self.apply_desired(&admitted, spec, defaults, limits).await,
            RequestedWork::Gone { never_settled } => self.delete(&admitted, *never_settled, limits).await,
            RequestedWork::Nothing => Ok(Convergence::Settled(Data::new())),
        };
        match outcome {
            Ok(Convergence::Settled(data)) => PassOutcome::Done(self.response(id.as_deref(), Ok(data))),
            Ok(Convergence::Pending(waiting_for)) if self.cloud_factory.now() + CALL_TIME + NEXT_PASS > deadline => {
                PassOutcome::Done(self.response(id.as_deref(), Err(self.out_of_time(&waiting_for).await)))
            }
            Ok(Convergence::Pending(waiting_for)) => PassOutcome::Requeue { waiting_for, again: NEXT_PASS },
            Err(stop) => self.stopped(id.as_deref(), stop, deadline).await,
        }
    }

    async fn stopped(&self, id: Option<&str>, stop: PassError, deadline: Timestamp) -> PassOutcome {
        match stop {
            PassError::Failed(reason) => PassOutcome::Done(self.response(id, Err(reason))),
            PassError::Requeue(reason) if self.cloud_factory.now() + CALL_TIME + TRANSIENT_REQUEUE > deadline => {
                PassOutcome::Done(self.response(id, Err(self.out_of_time(&[reason]).await)))
            }
            PassError::Requeue(reason) => PassOutcome::Requeue { waiting_for: vec![reason], again: TRANSIENT_REQUEUE },
        }
    }

    /// The answer to this request.
    #[must_use]
    pub fn response(&self, id: Option<&str>, outcome: Result<Data, String>) -> RequestOutcome {
        let came = self.request.event.physical_id.as_deref();
        let id = PhysicalId::first_of([came, id], PhysicalId::of_owner(&self.request.owner()));
        RequestOutcome { id, outcome }
    }

    /// What is told when the time is up, with what it waited for: as this turn knows it, or as the last one noted it.
    pub async fn out_of_time(&self, waiting_for: &[String]) -> String {
        let owner = self.request.owner();
        let record = self.records.owner(&owner).await.ok().flatten();
        let noted = record.as_ref().filter(|it| it.is_latest(&self.request.hash));
        let noted = noted.and_then(|it| it.progress.clone()).map(|it| it.waiting_for).unwrap_or_default();
        let waited_for = if waiting_for.is_empty() { &noted } else { waiting_for };
        let waited_for = if waited_for.is_empty() {
            String::from("No turn of it came to its end before.")
        } else {
            format!("It waited for: {}.", waited_for.join("; "))
        };
        let look = record
            .and_then(|it| it.environment)
            .map(|environment| format!(" To see how it stands: {}", self.settings.command("status", &environment)));
        let since = (self.cloud_factory.now() - Timestamp(self.request.event.sent_ms)).as_secs();
        format!(
            "Not finished {since} s after it was asked for, and nothing more is done. {waited_for} What exists carries the tag {}={owner}; the same request again goes on from there.{}",
            mark::OWNER,
            look.unwrap_or_default()
        )
    }

    /// The spec that is asked for, with the defaults that were frozen for it.
    fn checked(&self, record: Option<&OwnerRecord>) -> Result<(Spec, Defaults), Vec<Violation>> {
        let event = &self.request.event;
        let deployment = &self.settings.deployment;
        let defaults = frozen_defaults(record, &self.settings.defaults);
        let recorded = self.settled(record).or_else(|| known(record, |it| it.desired.as_ref(), self.settings));
        let spec = Spec::read_after(recorded.as_ref(), &event.properties, &defaults, deployment)?;
        let before = recorded.or_else(|| Spec::read(event.old_properties.as_ref()?, &defaults, deployment).ok());
        // Going back to what was settled last is a rollback, and equal to it, so nothing about it is refused.
        let violations = before.map(|before| check_change(&before, &spec)).unwrap_or_default();
        if violations.is_empty() { Ok((spec, defaults)) } else { Err(violations) }
    }

    async fn apply_desired(
        &self,
        admitted: &Admitted,
        spec: &Spec,
        defaults: &Defaults,
        limits: Limits,
    ) -> Result<Convergence<Data>, PassError> {
        let Admitted { owner, record, .. } = admitted;
        let record = record.as_ref();
        let names = spec.names(&self.settings.deployment);
        let scope = Scope { owner: owner.as_str().to_owned(), names: names.clone() };
        if self.request.event.kind == Kind::Update && record.is_none_or(|record| record.desired.is_none()) {
            self.is_something_there(&scope).await?;
        }
        let id = names.environment_id();
        if let Claim::Taken { .. } = self.records.claim(&id, owner).await? {
            return Err(PassError::Failed(format!(
                "EnvironmentSuffix is \"{}\": the environment {id} belongs to another stack's resource. Choose another suffix, or remove that one.",
                spec.environment_suffix
            )));
        }
        let settled = self.settled(record);
        if settled.as_ref() != Some(spec) {
            check_hooks_are_handled(spec, self.settings.hooks_are_handled).map_err(PassError::Failed)?;
        }
        let retired_tags = retired_tags(record, spec, self.settings);
        self.records.save_desired(owner, to_record(&id, spec, defaults, &retired_tags)?).await?;
        let resources = resources(self.settings, self.cloud_factory, spec, owner.as_str()).await?;
        // Only a create waits: later the number of instances is Auto Scaling's business.
        let waits = spec.wait_for_instances && record.is_none_or(|it| it.settled_spec.is_none());
        let in_service = if waits { spec.min_size } else { 0 };
        let desired = DesiredState { resources, retired_tags, in_service, never_settled: false };
        match self.reach(admitted, &scope, &desired, limits).await? {
            Convergence::Pending(waiting_for) => Ok(Convergence::Pending(waiting_for)),
            Convergence::Settled(observed) => {
                self.records.mark_settled(owner).await?;
                let data = outputs(&observed, &names).into_iter().map(|(key, value)| (key.to_owned(), value));
                Ok(Convergence::Settled(data.collect()))
            }
        }
    }

    /// What this owner has goes, whatever properties came along.
    async fn delete(
        &self,
        admitted: &Admitted,
        never_settled: bool,
        limits: Limits,
    ) -> Result<Convergence<Data>, PassError> {
        let Admitted { owner, record, .. } = admitted;
        let names = self.names_of_what_goes(record.as_ref());
        let scope = Scope { owner: owner.as_str().to_owned(), names };
        if record.as_ref().is_none_or(|it| it.desired.is_none()) {
            self.is_not_protected_by_itself(&scope).await?;
        }
        let desired = DesiredState { never_settled, ..DesiredState::default() };
        let observed = match self.reach(admitted, &scope, &desired, limits).await? {
            Convergence::Pending(waiting_for) => return Ok(Convergence::Pending(waiting_for)),
            Convergence::Settled(observed) => observed,
        };
        let settled = record.as_ref().is_some_and(|it| it.settled_spec.is_some());
        if let Some((hidden, reason)) = observed.iter().find_map(hidden).filter(|_| settled && !never_settled) {
            return Err(PassError::Failed(format!(
                "{hidden} stays, as {reason}; all else of this environment is gone. Let it be read, and delete again."
            )));
        }
        self.records.release(&scope.names.environment_id(), owner).await?;
        self.records.mark_deleted(owner, self.cloud_factory.now().0).await?;
        let retained = observed.iter().filter(|it| matches!(it.ownership, Ownership::Retained(_)));
        let retained: BTreeSet<String> = retained.map(|it| it.key().name).collect();
        let told = (!retained.is_empty()).then(|| (String::from("Retained"), Vec::from_iter(retained).join(", ")));
        Ok(Convergence::Settled(told.into_iter().collect()))
    }

    /// The spec that was settled last.
    fn settled(&self, record: Option<&OwnerRecord>) -> Option<Spec> {
        known(record, |it| it.settled_spec.as_ref(), self.settings)
    }

    /// The names by the record, else by the properties, else by the id that came. What is found by them is judged by its
    /// mark, so a wrong guess does no harm; but services refuse to be asked for what can't be a name, and the suffix may be
    /// what the create was refused for. Without any guess an empty suffix makes names that nothing can have.
    fn names_of_what_goes(&self, record: Option<&OwnerRecord>) -> Names {
        let suffix = |spec: &serde_json::Value| spec.get("EnvironmentSuffix")?.as_str().map(str::to_owned);
        let recorded = record.and_then(|it| suffix(it.desired.as_ref()?));
        let event = &self.request.event;
        let given = || event.properties.get("EnvironmentSuffix")?.as_str().map(str::to_owned);
        let deployment = &self.settings.deployment;
        let by_id = || Some(deployment.suffix_of_environment(event.physical_id.as_ref()?)?.to_owned());
        let guessed = || given().filter(|it| deployment.admits(it)).or_else(by_id);
        deployment.names(&recorded.or_else(guessed).unwrap_or_default())
    }

    /// An update of what was never made creates nothing.
    async fn is_something_there(&self, scope: &Scope) -> Result<(), PassError> {
        let observed = self.cloud_factory.for_run(&scope.owner, &self.request.hash, None).observe(scope).await?;
        if observed.iter().any(|it| it.ownership == Ownership::Owned) {
            return Ok(()); // The record was lost; this update writes it anew.
        }
        Err(PassError::Failed(format!(
            "There is nothing to update: this resource has no environment {}. Remove the resource from the stack and add it again.",
            scope.names.environment_id()
        )))
    }

    async fn reach(
        &self,
        admitted: &Admitted,
        scope: &Scope,
        desired: &DesiredState,
        Limits { until, wait_budget }: Limits,
    ) -> Result<Convergence<Vec<ObservedResource>>, PassError> {
        let (owner, request) = (&admitted.owner, &self.request.hash);
        // What is gone was seen to be gone, so nothing of it can show up any more.
        let record = admitted.record.as_ref().filter(|it| !it.gone);
        // Of creates only those are written down that may come to be twice: where a network begins.
        let made_at = record.and_then(|it| it.create_intent_ms).map(Timestamp);
        let cloud = self.cloud_factory.for_run(owner.as_str(), request, made_at);
        let create_intent = record.and_then(|it| Some((Timestamp(it.create_intent_ms?), it.settled)));
        let indeterminate_until =
            create_intent.map(|(create_intent, settled)| indeterminate_until(create_intent, settled));
        let before = admitted.record.as_ref().and_then(|it| it.responses.last());
        let before = before.filter(|it| it.request_hash != *request);
        let stale_until = before.map(|it| Timestamp(it.responded_ms) + READ_LAG);
        let run = Run { scope, desired, until, wait_budget, indeterminate_until, stale_until };
        let mut stop = None;
        let still_latest = async |risk: Risk| match self.is_still_latest(owner, risk).await {
            Ok(()) => Ok(()),
            Err(reason) => Err(stop.insert(reason).sentence().to_owned()),
        };
        match reconcile(&cloud, run, still_latest).await {
            RunOutcome::Settled { observed } => Ok(Convergence::Settled(observed)),
            RunOutcome::Rejected { reason } => Err(PassError::Failed(reason.join("\n"))),
            RunOutcome::Stopped { reason } => Err(stop.unwrap_or(PassError::Failed(reason))),
            RunOutcome::Unfinished { waiting_for } => Ok(Convergence::Pending(waiting_for)),
        }
    }

    /// Asked before every wave. Only one that makes what could come to be twice is written down: a turn that only looks for
    /// what may have happened must not begin the wait for it anew.
    async fn is_still_latest(&self, owner: &Owner, risk: Risk) -> Result<(), PassError> {
        let request = &self.request.hash;
        let no_note = || PassError::Failed(String::from("The record of this request is gone; nothing more was done."));
        if risk == Risk::Duplicates {
            return match self.records.record_create_intent(owner, request, self.cloud_factory.now().0).await? {
                CreateIntent::Latest => Ok(()),
                CreateIntent::Superseded { kind, .. } => Err(superseded(kind)),
                CreateIntent::NoRequest => Err(no_note()),
            };
        }
        let latest = self.records.owner(owner).await?.and_then(|record| record.latest).ok_or_else(no_note)?;
        if latest.request_hash == *request { Ok(()) } else { Err(superseded(latest.kind)) }
    }
}

/// What has one of our names, and may not be read; and why.
fn hidden(observed: &ObservedResource) -> Option<(Key, &str)> {
    match &observed.ownership {
        Ownership::Hidden(reason) => Some((observed.key(), reason)),
        Ownership::Owned | Ownership::Foreign(_) | Ownership::Retained(_) => None,
    }
}

/// How long a turn may take.
#[derive(Clone, Copy)]
struct Limits {
    until: Timestamp,
    wait_budget: Duration,
}

/// Where a turn has come to.
enum Convergence<T> {
    Settled(T),
    /// The turn's time is up; what it waited for.
    Pending(Vec<String>),
}

/// The resources that a spec means here and now.
///
/// # Errors
/// What asking the account for the facts may come to.
pub async fn resources<C: CloudFactory>(
    settings: &Settings,
    cloud_factory: &C,
    spec: &Spec,
    owner: &str,
) -> Result<Vec<environment::Resource>, CallError> {
    let Settings { deployment, hooks_are_handled, .. } = settings;
    let facts = cloud_factory.facts(spec, &deployment.region, *hooks_are_handled).await?;
    Ok(desired(spec, &spec.names(deployment), owner, &facts))
}

/// All violations, a line each.
#[must_use]
pub fn told(violations: &[Violation]) -> String {
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
