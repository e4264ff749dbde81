//! The in-memory cloud, in the form that the functions expect.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use environment::preflight::{Account, Allowance, Limit, Need};
use environment::rollout::RolloutAlarm;
use environment::{
    CallError, EndpointServiceFacts, Facts, FactsQuery, Fields, ImageFacts, ImageOwner, InstanceTypeFacts,
    ObservedAlarm, ObservedGroup, RemediationAction, Spec, SubnetFacts, Timestamp, endpoint_services, mark,
};
use memory_cloud::{Counted, MemoryAccount, Session};
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
    /// The facts that a query can read. The subnets are the foreign ones of the managed VPC; the environment's own and
    /// those of an existing network are added.
    pub facts: Facts,
    /// The endpoint services that the region lacks.
    pub missing_services: BTreeSet<String>,
    /// The number of times that facts were read.
    pub fact_reads: Cell<usize>,
    /// Whether the reads of the account's limits are denied.
    pub denies_limits: bool,
    /// The number of times that the account's limits were read.
    pub limit_reads: Cell<usize>,
    /// The number of times that an image was described.
    pub image_reads: Cell<usize>,
    /// The observed alarm, if one exists.
    pub alarm: RefCell<Option<ObservedAlarm>>,
    /// The instances whose status checks fail.
    pub impaired: RefCell<BTreeSet<String>>,
    /// The errors of the next remediation actions, which then have no effect.
    pub call_errors: RefCell<VecDeque<CallError>>,
    /// The events published to the ledger.
    pub published: RefCell<Vec<Value>>,
    /// Whether neither the event bus nor the ledger's queue accepts an event.
    pub publish_fails: Cell<bool>,
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
            facts: facts(),
            missing_services: BTreeSet::new(),
            fact_reads: Cell::default(),
            denies_limits: false,
            limit_reads: Cell::default(),
            image_reads: Cell::default(),
            alarm: RefCell::new(Some(alarm)),
            impaired: RefCell::default(),
            call_errors: RefCell::default(),
            published: RefCell::default(),
            publish_fails: Cell::default(),
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

/// Three zones in which everything is offered, and an image of Amazon Linux 2023.
fn facts() -> Facts {
    let zones = ["us-west-2a", "us-west-2b", "us-west-2c"].map(String::from);
    let instance_type = InstanceTypeFacts::Known {
        architectures: vec!["x86_64".into()],
        virtualization: vec!["hvm".into()],
        zones: zones.iter().cloned().collect(),
        vcpus: Some(2),
    };
    let image = ImageFacts {
        owner: ImageOwner { account: "137112412989".into(), alias: Some("amazon".into()) },
        state: "available".into(),
        architecture: "x86_64".into(),
        virtualization: "hvm".into(),
        root_device_type: "ebs".into(),
        root_device_name: environment::ROOT_DEVICE.into(),
        root_snapshot_gib: Some(8),
    };
    Facts {
        zones: zones.to_vec(),
        partition: "aws".into(),
        image: Some("ami-0123456789abcdef0".into()),
        instance_type: Some(instance_type),
        image_details: Some(image),
        ..Facts::default()
    }
}

impl MemoryCloudFactory {
    /// The alarms of `RolloutAlarms`: those of the facts, and the account's.
    fn rollout_alarms(&self, spec: &Spec) -> Vec<RolloutAlarm> {
        let of_facts = |name: &String| self.facts.rollout_alarms.iter().find(|it| it.name == *name).cloned();
        let all = spec.rollout.alarms.iter();
        all.map(|name| of_facts(name).unwrap_or_else(|| self.account.rollout_alarm(name))).collect()
    }

    /// The subnets that a query can read: all of an existing network, or those of the managed VPC.
    fn subnets(&self, query: &FactsQuery<'_>) -> Vec<SubnetFacts> {
        let network = &query.spec.network;
        let subnet = |id: &String, vpc: &str, cidr, zone: &str, is_marked| SubnetFacts {
            id: id.clone(),
            vpc: vpc.to_owned(),
            cidr,
            zone: zone.to_owned(),
            free_addresses: None,
            is_marked,
        };
        if let Some(vpc) = &network.vpc_id {
            let all = network.subnet_ids.iter().filter(|_| query.checked.existing_subnets);
            let mut all: Vec<SubnetFacts> =
                all.map(|id| subnet(id, vpc, network.vpc_cidr, "us-west-2a", false)).collect();
            // The quota is that of all subnets together.
            if let Some((allowed, used)) = self.account.quota(Counted::InstanceAddress, None) {
                let free = std::iter::once(allowed.saturating_sub(used)).chain(std::iter::repeat(0));
                for (subnet, free) in all.iter_mut().zip(free) {
                    subnet.free_addresses = Some(free);
                }
            }
            return all;
        }
        let Some(vpc) = query.vpc else { return vec![] };
        let inventory = self.account.inventory();
        let own = inventory.iter().filter(|it| it.tags.get(mark::OWNER).is_some_and(|owner| owner == query.owner));
        let own = own.filter_map(|it| match &it.fields {
            Fields::Subnet(found) => Some(subnet(&it.name, vpc, found.cidr, &found.zone, true)),
            _ => None,
        });
        own.chain(self.facts.subnets.iter().cloned()).collect()
    }
}

/// What the account counts for a limit. Buckets and alarms are not counted by `aws-cloud` either.
fn counted(limit: Limit) -> Option<Counted> {
    Some(match limit {
        Limit::Vpcs => Counted::Vpc,
        Limit::InternetGateways => Counted::InternetGateway,
        Limit::NatGateways => Counted::NatGateway,
        Limit::Addresses => Counted::Address,
        Limit::GatewayEndpoints => Counted::GatewayEndpoint,
        Limit::SecurityGroups => Counted::SecurityGroup,
        Limit::AutoScalingGroups => Counted::Group,
        Limit::Roles => Counted::Role,
        Limit::InstanceProfiles => Counted::Profile,
        Limit::Vcpus(_) => Counted::Vcpu,
        _ => return None,
    })
}

impl CloudFactory for MemoryCloudFactory {
    type Cloud<'a> = Session<'a>;

    fn for_run(&self, _owner: &str, request: &str, _made_at: Option<Timestamp>) -> Session<'_> {
        Session::new(&self.account, request)
    }

    async fn facts(&self, query: &FactsQuery<'_>) -> Result<Facts, CallError> {
        assert!(!self.panics, "the test requested this panic");
        self.fact_reads.set(self.fact_reads.get() + 1);
        let known = self.facts.clone();
        let image = query.image.or(query.spec.image_id.as_deref()).map(str::to_owned).or(known.image);
        let mut services = endpoint_services(query.spec, query.region, &known.partition);
        services.retain(|it| !self.missing_services.contains(it));
        let service = EndpointServiceFacts {
            zones: known.zones.iter().cloned().collect(),
            has_interface: true,
            has_gateway: true,
        };
        if query.checked.image {
            self.image_reads.set(self.image_reads.get() + 1);
        }
        Ok(Facts {
            image,
            hooks_are_handled: query.hooks_are_handled,
            subnets: self.subnets(query),
            endpoint_services: services.into_iter().map(|name| (name, service.clone())).collect(),
            instance_type: known.instance_type.filter(|_| query.checked.instance_type),
            image_details: known.image_details.filter(|_| query.checked.image),
            rollout_alarms: if query.checked.rollout_alarms { self.rollout_alarms(query.spec) } else { vec![] },
            ..known
        })
    }

    async fn account(&self, _id: &str, needs: &[Need]) -> Account {
        self.limit_reads.set(self.limit_reads.get() + 1);
        let mut account = Account::default();
        for need in needs {
            if self.denies_limits {
                let denied = "servicequotas:GetServiceQuota: AccessDeniedException";
                account.insert(need, Allowance { limit: Err(denied.into()), used: Err(denied.into()) });
                continue;
            }
            let quota = counted(need.limit).and_then(|it| self.account.quota(it, need.within.as_deref()));
            if let Some((limit, used)) = quota {
                account.insert(need, Allowance { limit: Ok(limit), used: Ok(used) });
            }
        }
        account
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
        if self.publish_fails.get() {
            let (queue, message) = (String::from("scaling-events"), String::from("the queue does not respond"));
            return Err(QueueError { queue, message });
        }
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
