//! The inputs that no property contains: facts of the account, the region, the deployment and the time.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;

use super::rolling::rolling_inputs;
use super::rollout_alarm::RolloutAlarm;
use crate::input::allow_lists::ImageOwner;
use crate::input::rollout_settings::RolloutMode;
use crate::input::spec::{Egress, Network, Spec};

/// The facts about one spec. What a request does not need is empty or `None`: see [`FactsQuery`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The names of the availability zones that this account can use and that offer the instance type, in order. The list
    /// may be shorter than the desired number of zones: only a subnet that does not exist yet needs a zone.
    pub zones: Vec<String>,
    /// The second part of every ARN: `aws`, `aws-cn`, ….
    pub partition: String,
    /// The image id to which the properties currently resolve, if any. Only a new image source uses it; see
    /// [`LaunchTemplate`](crate::LaunchTemplate).
    pub image: Option<String>,
    /// Whether the deployment has the function that handles lifecycle hooks. Without the function, every launch would
    /// wait until its hook expires.
    pub hooks_are_handled: bool,
    /// The subnets of the managed VPC, as far as it exists; of an existing network, those of `SubnetIds` that exist.
    pub subnets: Vec<SubnetFacts>,
    /// The endpoint services that the region has, by full name, of those that `VpcEndpoints` needs.
    pub endpoint_services: BTreeMap<String, EndpointServiceFacts>,
    /// The instance type; `None` if it was not read.
    pub instance_type: Option<InstanceTypeFacts>,
    /// The image of [`Facts::image`]; `None` if it was not read, or does not exist for this account.
    pub image_details: Option<ImageFacts>,
    /// The alarms of `RolloutAlarms`, in the order of the property; empty if they were not read.
    pub rollout_alarms: Vec<RolloutAlarm>,
    /// The key of `KmsKeyArn`; `None` if it was not read, or if its policy does not let Envkeeper read it.
    pub kms_key: Option<KmsKeyFacts>,
}

/// A subnet, owned or foreign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubnetFacts {
    /// The id.
    pub id: String,
    /// The id of its VPC.
    pub vpc: String,
    /// Its addresses.
    pub cidr: Ipv4Net,
    /// The name of its availability zone.
    pub zone: String,
    /// The addresses that no network interface has; `None` if EC2 does not state them.
    pub free_addresses: Option<u32>,
    /// Whether it carries the environment's ownership mark.
    pub is_marked: bool,
}

/// An endpoint service of AWS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointServiceFacts {
    /// The names of the zones in which it takes interface endpoints.
    pub zones: BTreeSet<String>,
    /// Whether it takes interface endpoints.
    pub has_interface: bool,
    /// Whether it takes gateway endpoints.
    pub has_gateway: bool,
}

/// An instance type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstanceTypeFacts {
    /// The region has the type.
    Known {
        /// Its architectures, such as `x86_64`.
        architectures: Vec<String>,
        /// Its types of virtualization, such as `hvm`.
        virtualization: Vec<String>,
        /// The names of the zones that offer it.
        zones: BTreeSet<String>,
        /// Its vCPUs by default; `None` if EC2 does not state them.
        vcpus: Option<u32>,
    },
    /// The region does not have the type.
    Unknown {
        /// All types of the region.
        known: Vec<String>,
    },
}

/// An image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageFacts {
    /// Its owner.
    pub owner: ImageOwner,
    /// `available`, `pending`, `failed`, ….
    pub state: String,
    /// Such as `x86_64`.
    pub architecture: String,
    /// Such as `hvm`.
    pub virtualization: String,
    /// `ebs` or `instance-store`.
    pub root_device_type: String,
    /// Such as `/dev/xvda`.
    pub root_device_name: String,
    /// The size of the root snapshot in GiB; `None` if the image does not state it.
    pub root_snapshot_gib: Option<u32>,
}

/// A key of KMS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KmsKeyFacts {
    /// The key exists.
    Known {
        /// `Enabled`, `Disabled`, `PendingDeletion`, ….
        state: String,
        /// `SYMMETRIC_DEFAULT`, `RSA_2048`, ….
        spec: String,
    },
    /// There is no such key.
    Missing,
}

/// The facts that one pass needs.
#[derive(Clone, Copy, Debug)]
pub struct FactsQuery<'a> {
    /// The spec.
    pub spec: &'a Spec,
    /// The region of the deployment.
    pub region: &'a str,
    /// [`Facts::hooks_are_handled`].
    pub hooks_are_handled: bool,
    /// The owner of the environment, by whose mark its subnets are recognized.
    pub owner: &'a str,
    /// The recorded image, if the record has one for the spec's source. Then the source is not read again.
    pub image: Option<&'a str>,
    /// The id of the managed VPC, if the record has one.
    pub vpc: Option<&'a str>,
    /// The facts that only [`check_facts`](crate::check_facts) uses.
    pub checked: CheckedFacts,
}

/// The facts that decide whether a request can succeed, and that the desired resources do not need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "one answer for each fact, read by its name")]
pub struct CheckedFacts {
    /// [`Facts::instance_type`].
    pub instance_type: bool,
    /// [`Facts::image_details`].
    pub image: bool,
    /// [`Facts::subnets`] of an existing network.
    pub existing_subnets: bool,
    /// [`Facts::rollout_alarms`].
    pub rollout_alarms: bool,
    /// [`Facts::kms_key`].
    pub kms_key: bool,
}

impl CheckedFacts {
    /// The facts that the change from `before` to `spec` depends on; without `before`, a create.
    #[must_use]
    pub fn of(before: Option<&Spec>, spec: &Spec) -> Self {
        let changes = Changes::of(before, spec);
        CheckedFacts {
            instance_type: changes.instance_type || changes.image || changes.zones,
            image: changes.instance_type || changes.image || changes.root_volume,
            existing_subnets: spec.network.vpc_id.is_some()
                && (changes.instance_type || changes.zones || changes.room || changes.rolls),
            rollout_alarms: !spec.rollout.alarms.is_empty() && (changes.rollout_alarms || changes.rolls),
            kms_key: spec.kms_key_arn.is_some() && (changes.kms_key || changes.rolls),
        }
    }
}

/// The properties that a request changes, as far as facts decide about them.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "one answer for each property, read by its name")]
pub(super) struct Changes {
    pub instance_type: bool,
    /// The source of the image.
    pub image: bool,
    pub root_volume: bool,
    /// The network, and so the zones of the instances.
    pub zones: bool,
    /// The number of instances or of addresses, towards fewer addresses for each instance.
    pub room: bool,
    /// The alarms of rollouts, or that there are rollouts.
    pub rollout_alarms: bool,
    /// The key of volumes, logs and buckets.
    pub kms_key: bool,
    /// A rolling input, so that running instances are replaced.
    pub rolls: bool,
}

impl Changes {
    pub(super) fn of(before: Option<&Spec>, spec: &Spec) -> Self {
        let is_new = before.is_none();
        let changed = |differs: &dyn Fn(&Spec) -> bool| is_new || before.is_some_and(differs);
        let network = |it: &Network| (it.vpc_id.clone(), it.subnet_ids.clone(), it.zone_count, it.egress, it.vpc_cidr);
        let is_rolling = spec.rollout.mode == RolloutMode::Rolling;
        let alarms = |it: &Spec| (it.rollout.mode, it.rollout.alarms.clone());
        let rolling = |it: &Spec| (rolling_inputs(it), it.image_source().to_owned());
        Changes {
            instance_type: changed(&|it| it.instance_type != spec.instance_type),
            image: changed(&|it| it.image_source() != spec.image_source()),
            root_volume: changed(&|it| it.root_volume_gib != spec.root_volume_gib),
            zones: changed(&|it| network(&it.network) != network(&spec.network)),
            kms_key: changed(&|it| it.kms_key_arn != spec.kms_key_arn),
            rollout_alarms: is_rolling && changed(&|it| alarms(it) != alarms(spec)),
            rolls: is_rolling && before.is_some_and(|it| rolling(it) != rolling(spec)),
            room: changed(&|it| spec.max_size > it.max_size || spec.network.zone_count < it.network.zone_count),
        }
    }
}

/// Whether the network needs endpoint services.
pub(super) fn uses_endpoints(network: &Network) -> bool {
    network.vpc_id.is_none() && network.egress == Egress::VpcEndpoints
}
