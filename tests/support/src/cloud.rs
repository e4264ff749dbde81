//! The in-memory cloud, in the form that the functions expect.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use environment::{CallError, Facts, ImageOwner, ObservedAlarm, ObservedGroup, RemediationAction, Spec, Timestamp};
use memory_cloud::{MemoryAccount, Session};
use request_pass::{CloudFactory, Settings, StackState};
use requests::QueueError;
use serde_json::Value;

/// 2026-01-02T03:04:05Z: the start of all tests.
pub const BEGIN_S: u64 = 1_767_323_045;

/// The in-memory account, its facts, and the state of the requesting stack.
#[derive(Debug)]
pub struct MemoryCloudFactory {
    pub account: MemoryAccount,
    /// Whether requesting the facts panics.
    pub panics: bool,
    /// The state of the stack; `None` where the call is denied.
    pub stack: Option<StackState>,
    /// The owner of every image, and the number of times that it was read.
    pub image_owner: Option<ImageOwner>,
    pub image_owner_reads: Cell<usize>,
    /// The observed alarm, if one exists.
    pub alarm: RefCell<Option<ObservedAlarm>>,
    /// The instances whose status checks fail.
    pub impaired: RefCell<BTreeSet<String>>,
    /// The errors of the next remediation actions, which then have no effect.
    pub call_errors: RefCell<VecDeque<CallError>>,
    /// The events published to the ledger.
    pub published: RefCell<Vec<Value>>,
}

impl Default for MemoryCloudFactory {
    fn default() -> MemoryCloudFactory {
        let account = MemoryAccount::default();
        account.clock.advance(Duration::from_secs(BEGIN_S));
        // No observation of the alarm is older than its report.
        let (state, updated_ms) = ("ALARM".into(), u64::MAX);
        let dimensions = vec![("AutoScalingGroupName".into(), "scalable-ec2-asg-uswest2-dev".into())];
        let alarm = ObservedAlarm { state, updated_ms, actions_enabled: true, dimensions, ..ObservedAlarm::default() };
        MemoryCloudFactory {
            account,
            panics: false,
            stack: Some(StackState::Active),
            image_owner: None,
            image_owner_reads: Cell::default(),
            alarm: RefCell::new(Some(alarm)),
            impaired: RefCell::default(),
            call_errors: RefCell::default(),
            published: RefCell::default(),
        }
    }
}

impl MemoryCloudFactory {
    /// The number of write calls that were sent.
    pub fn write_count(&self) -> usize {
        self.account.calls.borrow().len()
    }

    /// The number of all calls, observations included.
    pub fn call_count(&self) -> usize {
        self.write_count() + self.account.observations.get()
    }
}

impl CloudFactory for MemoryCloudFactory {
    type Cloud<'a> = Session<'a>;

    fn for_run(&self, _owner: &str, request: &str, _made_at: Option<Timestamp>) -> Session<'_> {
        Session::new(&self.account, request)
    }

    async fn facts(&self, _spec: &Spec, _region: &str, hooks_are_handled: bool) -> Result<Facts, CallError> {
        assert!(!self.panics, "the test requested this panic");
        let zones = ["us-west-2a", "us-west-2b", "us-west-2c"].map(String::from).to_vec();
        Ok(Facts { zones, partition: "aws".into(), image: Some("ami-0123456789abcdef0".into()), hooks_are_handled })
    }

    async fn image_owner(&self, _spec: &Spec) -> Result<Option<ImageOwner>, CallError> {
        self.image_owner_reads.set(self.image_owner_reads.get() + 1);
        Ok(self.image_owner.clone())
    }

    async fn stack(&self, _stack_id: &str) -> Result<StackState, CallError> {
        self.stack.ok_or_else(|| CallError::Rejected { message: "cloudformation:DescribeStacks: access denied".into() })
    }

    async fn observe_alarm(&self, _name: &str) -> Result<Option<ObservedAlarm>, CallError> {
        Ok(self.alarm.borrow().clone())
    }

    async fn observe_group(&self, name: &str) -> Result<Option<ObservedGroup>, CallError> {
        Ok(self.account.observe_group(name))
    }

    async fn with_status_checks(&self, mut group: ObservedGroup) -> Result<ObservedGroup, CallError> {
        for member in &mut group.instances {
            member.healthy &= !self.impaired.borrow().contains(&member.id);
        }
        Ok(group)
    }

    async fn perform(&self, group: &str, remediation: &RemediationAction, message: &str) -> Result<(), CallError> {
        match self.call_errors.borrow_mut().pop_front() {
            Some(call_error) => Err(call_error),
            None => self.account.remediate(group, remediation, message),
        }
    }

    async fn publish(&self, event: &Value) -> Result<(), QueueError> {
        self.published.borrow_mut().push(event.clone());
        Ok(())
    }

    fn now(&self) -> Timestamp {
        self.account.clock.now()
    }
}

/// The settings of `custom-resource` with these variables in addition to the required ones.
pub fn settings(variables: &[(&str, &str)]) -> Result<Settings, lambda_kit::InvalidSettings> {
    Settings::from_vars("custom-resource", vars(variables))
}

/// These environment variables in addition to the required ones.
pub fn vars(variables: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
    move |name| {
        let own = [("AWS_REGION", "us-west-2"), ("ACCOUNT_ID", "123456789012"), ("RECORDS_TABLE", "records")];
        let found = variables.iter().chain(&own).find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    }
}
