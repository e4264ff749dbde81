//! The network: a managed network, or an existing network.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;

use super::facts::{Facts, uses_endpoints};
use super::{DesiredInputs, Part};
use crate::input::spec::{Egress, Network, Spec};
use crate::model::key::{Key, Ref};
use crate::model::kinds::{
    Address, InternetGateway, NatGateway, Reach, RouteTable, SecurityGroup, Subnet, Vpc, VpcEndpoint,
};
use crate::model::names::INTERFACE_SERVICES;
use crate::model::resource::Fields;

/// The subnets in which the instances are launched.
pub(super) struct SubnetPlacement {
    pub subnets: Vec<Ref>,
}

pub(super) fn network(inputs: &DesiredInputs<'_>) -> (Part, SubnetPlacement) {
    if let Some(vpc) = &inputs.spec.network.vpc_id {
        let subnets = inputs.spec.network.subnet_ids.iter().cloned().map(Ref::Foreign).collect();
        return (vec![instance_security_group(inputs, Ref::Foreign(vpc.clone()))], SubnetPlacement { subnets });
    }
    let vpc = Ref::Owned(inputs.names.vpc());
    let mut all: Part = vec![(
        inputs.names.vpc(),
        Fields::Vpc(Vpc { cidr: inputs.spec.network.vpc_cidr, dns_support: true, dns_hostnames: true }),
    )];
    let egress = inputs.spec.network.egress;
    if egress != Egress::VpcEndpoints {
        all.extend(public_side(inputs));
    }
    if egress != Egress::PublicIp {
        all.extend(private_side(inputs));
    }
    match egress {
        Egress::NatGateway => all.extend(nat_gateway(inputs, 1)),
        Egress::NatGatewayPerZone => all.extend(inputs.zones().flat_map(|zone| nat_gateway(inputs, zone))),
        Egress::VpcEndpoints => all.extend(endpoints(inputs)),
        Egress::PublicIp => {}
    }
    all.push(instance_security_group(inputs, vpc));
    let subnet = |zone| match egress {
        Egress::PublicIp => inputs.names.public_subnet(zone),
        _ => inputs.names.private_subnet(zone),
    };
    (all, SubnetPlacement { subnets: inputs.zones().map(subnet).map(Ref::Owned).collect() })
}

/// The public subnets, with a route to the internet gateway, and the gateway itself.
fn public_side(inputs: &DesiredInputs<'_>) -> Part {
    let (names, vpc) = (inputs.names, Ref::Owned(inputs.names.vpc()));
    let gateway = InternetGateway { attached_to: Some(vpc.clone()) };
    // The subnets assign public addresses only if the instances are launched in them.
    let subnets = inputs.subnets(0, inputs.spec.network.egress == Egress::PublicIp, |zone| names.public_subnet(zone));
    let table = RouteTable {
        vpc,
        default_route: Some(Ref::Owned(names.internet_gateway())),
        serves: subnets.keys().cloned().map(Ref::Owned).collect(),
    };
    let gateway = (names.internet_gateway(), Fields::InternetGateway(gateway));
    let table = (names.public_route_table(), Fields::RouteTable(table));
    std::iter::once(gateway).chain(subnets).chain([table]).collect()
}

/// The private subnets, without ingress, and the route tables for their egress.
fn private_side(inputs: &DesiredInputs<'_>) -> Part {
    let (names, vpc) = (inputs.names, Ref::Owned(inputs.names.vpc()));
    let subnets = inputs.subnets(FIRST_PRIVATE_PART, false, |zone| names.private_subnet(zone));
    let table = |default_route: Option<Key>, serves: BTreeSet<Ref>| {
        let default_route = default_route.map(Ref::Owned);
        Fields::RouteTable(RouteTable { vpc: vpc.clone(), default_route, serves })
    };
    let subnet_of = |zone| BTreeSet::from([Ref::Owned(names.private_subnet(zone))]);
    let all_subnets = || inputs.zones().flat_map(subnet_of).collect();
    let tables: Part = match inputs.spec.network.egress {
        Egress::NatGatewayPerZone => inputs
            .zones()
            .map(|zone| (names.private_route_table(zone), table(Some(names.nat_gateway(zone)), subnet_of(zone))))
            .collect(),
        Egress::NatGateway => vec![(names.private_route_table(1), table(Some(names.nat_gateway(1)), all_subnets()))],
        Egress::VpcEndpoints | Egress::PublicIp => vec![(names.private_route_table(1), table(None, all_subnets()))],
    };
    subnets.into_iter().chain(tables).collect()
}

fn nat_gateway(inputs: &DesiredInputs<'_>, zone: usize) -> Part {
    let names = inputs.names;
    let address = Ref::Owned(names.nat_address(zone));
    let gateway = NatGateway { subnet: Ref::Owned(names.public_subnet(zone)), address };
    vec![(names.nat_address(zone), Fields::Address(Address)), (names.nat_gateway(zone), Fields::NatGateway(gateway))]
}

/// The full names of the endpoint services that the environment needs: those of [`INTERFACE_SERVICES`], then S3's. Empty
/// for every egress but `VpcEndpoints`.
#[must_use]
pub fn endpoint_services(spec: &Spec, region: &str, partition: &str) -> Vec<String> {
    let services = INTERFACE_SERVICES.iter().copied().chain([GATEWAY_SERVICE]);
    let names = services.map(|service| service_name(service, region, partition));
    if uses_endpoints(&spec.network) { names.collect() } else { vec![] }
}

/// The service that instances reach through a gateway endpoint. Amazon Linux's package repositories are in S3.
pub(super) const GATEWAY_SERVICE: &str = "s3";

/// The full name of a service.
pub(super) fn service_name(service: &str, region: &str, partition: &str) -> String {
    let full_name = format!("com.amazonaws.{region}.{service}");
    // In China these two services have the prefix of that partition (the VPC user guide's list of services).
    if partition == "aws-cn" && ["ec2", "monitoring"].contains(&service) {
        format!("cn.{full_name}")
    } else {
        full_name
    }
}

/// The numbers of the environment's zones, from 1, that have an interface of the service: those in which the service is
/// available. If no fact shows that, EC2 decides.
pub(super) fn zones_with(service: &str, network: &Network, facts: &Facts) -> Vec<usize> {
    let zones = subnet_zones(network, facts);
    let known = facts.endpoint_services.get(service);
    let has_service = |zone: &String| known.is_none_or(|it| zone.is_empty() || it.zones.contains(zone));
    (1..).zip(&zones).filter(|(_, zone)| has_service(zone)).map(|(number, _)| number).collect()
}

fn endpoints(inputs: &DesiredInputs<'_>) -> Part {
    let (names, vpc) = (inputs.names, Ref::Owned(inputs.names.vpc()));
    let endpoint = |service: &str, reach: &dyn Fn(&str) -> Reach| {
        let full_name = service_name(service, &names.region, &inputs.facts.partition);
        let reach = reach(&full_name);
        (names.endpoint(service), Fields::VpcEndpoint(VpcEndpoint { vpc: vpc.clone(), service: full_name, reach }))
    };
    let gateway = |_: &str| Reach::Gateway { route_tables: BTreeSet::from([Ref::Owned(names.private_route_table(1))]) };
    let interface = |service: &str| {
        let zones = zones_with(service, &inputs.spec.network, inputs.facts).into_iter();
        Reach::Interface {
            subnets: zones.map(|zone| Ref::Owned(names.private_subnet(zone))).collect(),
            security_groups: [Ref::Owned(names.endpoint_security_group())].into(),
        }
    };
    let group = SecurityGroup {
        vpc: vpc.clone(),
        description: format!(
            "Interface endpoints of Envkeeper environment {}. Ingress: HTTPS from its instances.",
            names.environment_id()
        ),
        https_from: BTreeSet::from([Ref::Owned(names.instance_security_group())]),
        foreign_ingress: BTreeSet::new(),
    };
    let mut all =
        vec![(names.endpoint_security_group(), Fields::SecurityGroup(group)), endpoint(GATEWAY_SERVICE, &gateway)];
    all.extend(INTERFACE_SERVICES.iter().map(|service| endpoint(service, &interface)));
    all
}

fn instance_security_group(inputs: &DesiredInputs<'_>, vpc: Ref) -> (Key, Fields) {
    let description =
        format!("Instances of Envkeeper environment {}. Ingress: none by default.", inputs.names.environment_id());
    let group = SecurityGroup { vpc, description, https_from: BTreeSet::new(), foreign_ingress: BTreeSet::new() };
    (inputs.names.instance_security_group(), Fields::SecurityGroup(group))
}

/// The index of the first private subnet's part. The VPC has eight equal parts: three for public subnets, and three for
/// private subnets from this index on.
const FIRST_PRIVATE_PART: usize = 4;

impl DesiredInputs<'_> {
    /// The numbers of the zones, from 1.
    fn zones(&self) -> std::ops::RangeInclusive<usize> {
        1..=self.spec.network.zone_count as usize
    }

    /// One subnet in each zone. The subnets use the VPC's parts from the index `first` on.
    fn subnets(&self, first: usize, public_ip_on_launch: bool, key: impl Fn(usize) -> Key) -> BTreeMap<Key, Fields> {
        let parts = parts(self.spec.network.vpc_cidr).into_iter().skip(first);
        let zones = self.zones().zip(subnet_zones(&self.spec.network, self.facts)).zip(parts);
        let vpc = Ref::Owned(self.names.vpc());
        let subnet = |((number, zone), cidr): ((usize, String), Ipv4Net)| {
            let subnet = Subnet { vpc: vpc.clone(), cidr, zone, public_ip_on_launch };
            (key(number), Fields::Subnet(subnet))
        };
        zones.map(subnet).collect()
    }
}

/// The zone of each zone number, from 1: the zone of its existing subnet, else the first zone that no subnet of the
/// environment is in. Empty if no zone is left.
pub(super) fn subnet_zones(network: &Network, facts: &Facts) -> Vec<String> {
    let existing = |number: usize| {
        let ranges = ranges(network, number);
        facts.subnets.iter().find(|it| it.is_marked && ranges.contains(&it.cidr)).map(|it| it.zone.clone())
    };
    let existing: Vec<Option<String>> = (1..=network.zone_count as usize).map(existing).collect();
    let mut free = facts.zones.iter().filter(|zone| !existing.iter().flatten().any(|it| it == *zone)).cloned();
    existing.iter().map(|zone| zone.clone().or_else(|| free.next()).unwrap_or_default()).collect()
}

/// The addresses of the subnets in the zone with this number, from 1. The last range is that of the instances.
pub(super) fn ranges(network: &Network, number: usize) -> Vec<Ipv4Net> {
    let firsts: &[usize] = match network.egress {
        Egress::PublicIp => &[0],
        Egress::VpcEndpoints => &[FIRST_PRIVATE_PART],
        Egress::NatGateway | Egress::NatGatewayPerZone => &[0, FIRST_PRIVATE_PART],
    };
    let parts = parts(network.vpc_cidr);
    firsts.iter().filter_map(|first| parts.get(first + number - 1).copied()).collect()
}

fn parts(vpc: Ipv4Net) -> Vec<Ipv4Net> {
    vpc.subnets(vpc.prefix_len() + 3).map(Iterator::collect).unwrap_or_default()
}
