//! The check of a request against the facts, before anything is created: what certainly cannot succeed.

use std::collections::BTreeSet;

use super::facts::{Changes, Facts, ImageFacts, InstanceTypeFacts, KmsKeyFacts, uses_endpoints};
use super::network::{GATEWAY_SERVICE, ranges, service_name, subnet_zones, zones_with};
use super::rollout_alarm::RolloutAlarmState;
use crate::input::forms::shown;
use crate::input::property;
use crate::input::spec::{Spec, Violation};
use crate::model::names::{INTERFACE_SERVICES, Names};

/// The root device of Amazon Linux 2023's images, which the launch template maps to the encrypted root volume.
pub const ROOT_DEVICE: &str = "/dev/xvda";

/// The addresses of each subnet that AWS reserves (the VPC user guide, "Subnet CIDR blocks").
const RESERVED_ADDRESSES: usize = 5;

/// The states in which a key encrypts. A multi-Region key is `Updating` for seconds, while its primary Region changes (the KMS
/// developer guide, "Change the primary key in a set of multi-Region keys").
const USABLE_KEY_STATES: [&str; 2] = ["Enabled", "Updating"];

/// The part of the name of Amazon Linux's public parameters that states the architecture.
const PARAMETER_OF_X86: &str = "-x86_64";

/// The reasons why the account or the region does not fit to a spec. An update is checked for the properties that it
/// changes, from `before` on: an image that was deregistered does not block a change of tags. The facts have to be those
/// of [`CheckedFacts::of`](crate::CheckedFacts::of) for the same two specs.
///
/// Callers report the violations of a rollback, and never reject it.
#[must_use]
pub fn check_facts(before: Option<&Spec>, spec: &Spec, names: &Names, facts: &Facts) -> Vec<Violation> {
    let check = Check { spec, names, facts, changes: Changes::of(before, spec), is_new: before.is_none() };
    let mut violations = Vec::from_iter(check.instance_type());
    violations.extend(check.image());
    violations.extend(check.root_volume());
    violations.extend(check.kms_key());
    violations.extend(check.rollout_alarms());
    if spec.network.vpc_id.is_some() {
        violations.extend(check.existing_subnets());
    } else {
        violations.extend(check.zones());
        violations.extend(check.foreign_subnets());
        violations.extend(check.endpoint_services());
        violations.extend(check.room());
    }
    violations
}

struct Check<'a> {
    spec: &'a Spec,
    names: &'a Names,
    facts: &'a Facts,
    changes: Changes,
    is_new: bool,
}

impl Check<'_> {
    /// An unknown type, or a type that none of the environment's existing zones offers.
    fn instance_type(&self) -> Option<Violation> {
        let violation =
            |valid: String| Violation::of(&property::INSTANCE_TYPE, &shown(&self.spec.instance_type), valid);
        match self.facts.instance_type.as_ref()? {
            InstanceTypeFacts::Unknown { known } if self.changes.instance_type => {
                let nearest = nearest(&self.spec.instance_type, known);
                let nearest = nearest.map(|it| format!("; did you mean {it}?")).unwrap_or_default();
                Some(violation(format!("the region {} has no such instance type{nearest}", self.names.region)))
            }
            InstanceTypeFacts::Known { zones: offering, .. } if self.changes.instance_type || self.changes.zones => {
                let zones: BTreeSet<&str> = self.existing_zones().collect();
                let valid = format!(
                    "a type that one of the environment's zones offers: its zones are {}, and this type is offered in {}",
                    listed(zones.iter().copied()),
                    listed(offering.iter().map(String::as_str))
                );
                (!zones.is_empty() && !zones.iter().any(|zone| offering.contains(*zone))).then(|| violation(valid))
            }
            _ => None,
        }
    }

    /// The zones of the subnets that exist and are the environment's.
    fn existing_zones(&self) -> impl Iterator<Item = &str> {
        let is_existing_network = self.spec.network.vpc_id.is_some();
        self.facts.subnets.iter().filter(move |it| is_existing_network || it.is_marked).map(|it| it.zone.as_str())
    }

    /// An image that instances of the type cannot start from.
    fn image(&self) -> Vec<Violation> {
        let Changes { image: is_changed, instance_type, .. } = self.changes;
        let Some(id) = self.facts.image.as_deref() else {
            let has_selector = self.spec.image_source().rsplit('/').next().is_some_and(|name| name.contains(':'));
            let selector = if has_selector { ", or has no such version or label" } else { "" };
            let missing = || self.image_violation(format!("the SSM parameter does not exist{selector}"));
            return if is_changed { vec![missing()] } else { vec![] };
        };
        let Some(image) = &self.facts.image_details else {
            let missing = || self.image_violation(format!("{id} does not exist, or is not shared with this account"));
            return if is_changed { vec![missing()] } else { vec![] };
        };
        let mut violations = Vec::new();
        if is_changed {
            violations.extend(invalid_image(id, image).map(|it| self.image_violation(it)));
        }
        if (is_changed || instance_type) && violations.is_empty() {
            violations.extend(self.mismatch(id, image));
        }
        violations
    }

    fn image_violation(&self, valid: String) -> Violation {
        let source = if self.spec.image_id.is_some() { &property::IMAGE_ID } else { &property::IMAGE_PARAMETER };
        Violation::of(source, &shown(self.spec.image_source()), valid)
    }

    /// An instance type that does not start from the image.
    fn mismatch(&self, id: &str, image: &ImageFacts) -> Option<Violation> {
        let Some(InstanceTypeFacts::Known { architectures, virtualization, .. }) = &self.facts.instance_type else {
            return None;
        };
        let (wrong, of_image, of_type) = if !architectures.contains(&image.architecture) {
            ("architecture", &image.architecture, architectures)
        } else if !virtualization.contains(&image.virtualization) {
            ("virtualization", &image.virtualization, virtualization)
        } else {
            return None;
        };
        let (instance_type, of_type) = (&self.spec.instance_type, listed(of_type.iter().map(String::as_str)));
        if !self.changes.instance_type {
            return Some(self.image_violation(format!(
                "the {wrong} of {id} is {of_image}; valid is an image for InstanceType {instance_type}, which has {of_type}"
            )));
        }
        let other = self.spec.image_source().strip_suffix(PARAMETER_OF_X86).filter(|_| of_type == "arm64");
        let other = other.map(|it| format!(", such as ImageParameter {it}-arm64")).unwrap_or_default();
        let valid = format!(
            "its {wrong} is {of_type}, and that of the image {id} is {of_image}. Set a type with {of_image}, or an image with {of_type}{other}"
        );
        Some(Violation::of(&property::INSTANCE_TYPE, &shown(instance_type), valid))
    }

    fn root_volume(&self) -> Option<Violation> {
        let image = self.facts.image_details.as_ref().filter(|_| self.changes.image || self.changes.root_volume)?;
        let (id, gib) = (self.facts.image.as_deref()?, image.root_snapshot_gib?);
        let valid = format!("at least {gib}, the size of the root snapshot of the image {id}");
        (self.spec.root_volume_gib < gib)
            .then(|| Violation::of(&property::ROOT_VOLUME_GIB, &self.spec.root_volume_gib, valid))
    }

    /// A key that encrypts nothing. Volumes, log groups and buckets take only an enabled symmetric key (the KMS developer guide,
    /// "Key states of AWS KMS keys"; the EBS, CloudWatch Logs and S3 user guides).
    fn kms_key(&self) -> Option<Violation> {
        let found = self.facts.kms_key.as_ref().filter(|_| self.changes.kms_key || self.changes.rolls)?;
        let valid = match found {
            KmsKeyFacts::Missing => format!("there is no such key in {}", self.names.region),
            KmsKeyFacts::Known { state, .. } if !USABLE_KEY_STATES.contains(&state.as_str()) => {
                format!("the key is {state}; valid is a key that is Enabled")
            }
            KmsKeyFacts::Known { spec, .. } if spec != "SYMMETRIC_DEFAULT" => {
                format!("the key is of the type {spec}; valid is a symmetric key, SYMMETRIC_DEFAULT")
            }
            KmsKeyFacts::Known { .. } => return None,
        };
        let key = self.spec.kms_key_arn.as_deref()?;
        Some(Violation::of(&property::KMS_KEY_ARN, &format!("\"{key}\""), valid))
    }

    /// Alarms that would end each rollout, and alarms with which Auto Scaling starts none: it requires OK (Auto Scaling user
    /// guide, "Start an instance refresh with auto rollback").
    fn rollout_alarms(&self) -> Vec<Violation> {
        let invalid = self.facts.rollout_alarms.iter().filter_map(|alarm| {
            let valid = match alarm.state {
                RolloutAlarmState::Ok => return None,
                RolloutAlarmState::Alarm | RolloutAlarmState::InsufficientData if !self.changes.rolls => return None,
                RolloutAlarmState::Alarm | RolloutAlarmState::InsufficientData => {
                    "valid is an alarm in OK, since this update replaces running instances. Wait, or remove the alarm"
                }
                RolloutAlarmState::Missing => "valid is an alarm that exists before the request",
                RolloutAlarmState::BreachesOnMissingData => {
                    "valid is an alarm with TreatMissingData notBreaching or ignore, since the metrics of replaced instances end"
                }
            };
            let obstacle = alarm.state.obstacle()?;
            Some(Violation::of(&property::ROLLOUT_ALARMS, &shown(&alarm.name), format!("it {obstacle}; {valid}")))
        });
        invalid.collect()
    }

    /// Subnets of an existing network that do not exist, or that are in another VPC.
    fn existing_subnets(&self) -> Vec<Violation> {
        let (Some(vpc), true) = (&self.spec.network.vpc_id, self.changes.zones) else { return vec![] };
        let invalid = self.spec.network.subnet_ids.iter().filter_map(|id| {
            let valid = match self.facts.subnets.iter().find(|it| it.id == *id) {
                None => format!("there is no such subnet in {}", self.names.region),
                Some(found) if found.vpc != *vpc => {
                    format!("it is in {}, not in VpcId, which is \"{vpc}\"", found.vpc)
                }
                Some(_) => return None,
            };
            Some(Violation::of(&property::SUBNET_IDS, &shown(id), valid))
        });
        invalid.collect()
    }

    /// More zones than those that offer the type.
    fn zones(&self) -> Option<Violation> {
        let (zones, offering) = (subnet_zones(&self.spec.network, self.facts), &self.facts.zones);
        let is_known = !matches!(self.facts.instance_type, Some(InstanceTypeFacts::Unknown { .. }));
        let is_missing = zones.iter().any(String::is_empty) && is_known && self.changes.zones;
        is_missing.then(|| match zones.iter().filter(|it| !it.is_empty()).count() {
            0 => Violation::of(
                &property::INSTANCE_TYPE,
                &shown(&self.spec.instance_type),
                format!("a type that an availability zone of the region {} offers to this account", self.names.region),
            ),
            most => Violation::of(
                &property::ZONE_COUNT,
                &self.spec.network.zone_count,
                format!(
                    "at most {most}, since {} is offered in {}",
                    self.spec.instance_type,
                    listed(offering.iter().map(String::as_str))
                ),
            ),
        })
    }

    /// Foreign subnets in the ranges of subnets that do not exist yet.
    fn foreign_subnets(&self) -> Vec<Violation> {
        if !self.changes.zones {
            return vec![];
        }
        let network = &self.spec.network;
        let all = (1..=network.zone_count as usize).flat_map(|number| ranges(network, number));
        let missing = all.filter(|range| !self.facts.subnets.iter().any(|it| it.is_marked && it.cidr == *range));
        let blocked = missing.filter_map(|range| {
            let overlaps = |cidr: &ipnet::Ipv4Net| cidr.contains(&range) || range.contains(cidr);
            let foreign = self.facts.subnets.iter().find(|it| !it.is_marked && overlaps(&it.cidr))?;
            let valid = format!(
                "the subnet {} with {} in the environment's VPC {} is not Envkeeper's, and takes addresses of {range}, which the environment reserves for a zone. Delete that subnet, or use fewer zones",
                foreign.id, foreign.cidr, foreign.vpc
            );
            Some(Violation::of(&property::ZONE_COUNT, &network.zone_count, valid))
        });
        blocked.collect()
    }

    /// Services of `VpcEndpoints` that the region, or all of the environment's zones, lack.
    fn endpoint_services(&self) -> Vec<Violation> {
        let network = &self.spec.network;
        if !uses_endpoints(network) || !self.changes.zones {
            return vec![];
        }
        let property = if self.is_new { &property::EGRESS } else { &property::ZONE_COUNT };
        let value = if self.is_new { shown("VpcEndpoints") } else { network.zone_count.to_string() };
        let other = if self.is_new { ". Use NatGateway, NatGatewayPerZone or PublicIp" } else { "" };
        let full_name = |service: &str| service_name(service, &self.names.region, &self.facts.partition);
        let gateway = full_name(GATEWAY_SERVICE);
        let has_gateway = self.facts.endpoint_services.get(&gateway).is_some_and(|it| it.has_gateway);
        let no_gateway = (!has_gateway).then(|| format!("gateway endpoint service {gateway}"));
        let mut missing: Vec<String> = no_gateway.into_iter().collect();
        let mut elsewhere = Vec::new();
        for service in INTERFACE_SERVICES.map(full_name) {
            match self.facts.endpoint_services.get(&service).filter(|it| it.has_interface) {
                None => missing.push(format!("endpoint service {service}")),
                Some(found) if zones_with(&service, network, self.facts).is_empty() => {
                    let zones = listed(found.zones.iter().map(String::as_str));
                    elsewhere.push(format!(
                        "the endpoint service {service} is only in {zones}, in none of the environment's zones"
                    ));
                }
                Some(_) => {}
            }
        }
        let missing = missing.into_iter().map(|it| format!("the region {} has no {it}", self.names.region));
        let violation = |valid: String| Violation::of(property, &value, format!("{valid}{other}"));
        missing.chain(elsewhere).map(violation).collect()
    }

    /// More instances than the subnets have addresses.
    fn room(&self) -> Option<Violation> {
        let network = &self.spec.network;
        let addresses = |number: usize| {
            let range = ranges(network, number).pop()?;
            let interfaces = INTERFACE_SERVICES.map(|it| service_name(it, &self.names.region, &self.facts.partition));
            let interfaces = interfaces.iter().filter(|it| zones_with(it, network, self.facts).contains(&number));
            let interfaces = if uses_endpoints(network) { interfaces.count() } else { 0 };
            Some((1_usize << (32 - range.prefix_len())).saturating_sub(RESERVED_ADDRESSES + interfaces))
        };
        let room: usize = (1..=network.zone_count as usize).filter_map(addresses).sum();
        let is_too_small = self.changes.room && self.spec.max_size as usize > room;
        is_too_small.then(|| {
            let valid = format!(
                "at most {room}, the number of instances for which the environment's subnets have addresses. They are eighths of VpcCidr, {}, in {} of at most 3 zones",
                network.vpc_cidr, network.zone_count
            );
            Violation::of(&property::MAX_SIZE, &self.spec.max_size, valid)
        })
    }
}

/// The reason why no instance can start from an image, or not with the root volume that the launch template describes.
fn invalid_image(id: &str, image: &ImageFacts) -> Option<String> {
    if image.state != "available" {
        return Some(format!("{id} is {}; valid is an image that is available", image.state));
    }
    if image.root_device_type != "ebs" {
        return Some(format!(
            "the root device of {id} is {}; valid is an image with an EBS root volume",
            image.root_device_type
        ));
    }
    (image.root_device_name != ROOT_DEVICE).then(|| {
        format!(
            "the root device of {id} is {}; valid is an image whose root device is {ROOT_DEVICE}, as in Amazon Linux 2023",
            image.root_device_name
        )
    })
}

/// The most similar type of the region, with a similarity of at least 0.8 on the Jaro-Winkler scale.
fn nearest<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    let scored = known.iter().map(|it| (strsim::jaro_winkler(it, name), it.as_str()));
    scored.filter(|(similarity, _)| *similarity >= 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, it)| it)
}

/// The elements, separated by commas.
fn listed<'a>(all: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<&str> = all.collect();
    if all.is_empty() { String::from("none") } else { all.join(", ") }
}
