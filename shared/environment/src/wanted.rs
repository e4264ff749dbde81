//! From the checked properties to the resources that are to exist.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::kinds::{
    AutoScalingGroup, InstanceProfile, InternetGateway, LaunchTemplate, LogGroup, Role, RouteTable, SecurityGroup,
    Subnet, TemplateContent, TemplateVersion, Vpc,
};
use crate::mark;
use crate::names::Names;
use crate::resource::{Fields, Key, Ref, Resource};
use crate::spec::Spec;
use crate::user_data::user_data;

/// What the account, the region and the moment say, and no property does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Availability zones that offer the instance type, by name, in order.
    pub zones: Vec<String>,
    /// `aws`, `aws-cn`, …: the second part of every ARN.
    pub partition: String,
    /// The image that the properties lead to today. Only a source that is new is resolved with it; see
    /// [`LaunchTemplate`].
    pub image: String,
}

/// The size of the root volume, GiB: the smallest that the Amazon Linux 2023 image fits on.
const ROOT_VOLUME_GIB: u32 = 8;

/// Managed policies of the instances' role: what Session Manager needs, and what the `CloudWatch` agent needs.
const MANAGED_POLICIES: [&str; 2] = ["AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy"];

/// Every resource of the environment.
///
/// # Errors
/// If the region offers the instance type in fewer zones than are wanted.
pub fn wanted(spec: &Spec, names: &Names, owner: &str, facts: &Facts) -> Result<Vec<Resource>, String> {
    let count = spec.zone_count as usize;
    if facts.zones.len() < count {
        return Err(format!(
            "ZoneCount is {count}: {} offers {} in {} availability zones only ({})",
            names.region,
            spec.instance_type,
            facts.zones.len(),
            facts.zones.join(", ")
        ));
    }
    let mut all = network(spec, names, facts);
    all.extend(identity(names, facts));
    all.extend(logs(spec, names));
    all.extend(compute(spec, names, facts));
    let marked = |(key, fields): (Key, Fields)| {
        let tags = mark::tags(&spec.tags, owner, names, &spec.environment, &key.name);
        Resource { name: key.name, tags, fields }
    };
    Ok(all.into_iter().map(marked).collect())
}

fn network(spec: &Spec, names: &Names, facts: &Facts) -> Vec<(Key, Fields)> {
    let vpc = Ref::Ours(names.vpc());
    let gateway = Ref::Ours(names.internet_gateway());
    let cidrs = subnet_cidrs(spec.vpc_cidr);
    let zones = (1..).zip(&facts.zones).zip(cidrs).take(spec.zone_count as usize);
    let subnets = zones.map(|((number, zone), cidr)| {
        let subnet = Subnet { vpc: vpc.clone(), cidr, zone: zone.clone(), public_ip_on_launch: true };
        (names.public_subnet(number), Fields::Subnet(subnet))
    });
    let subnets: BTreeMap<Key, Fields> = subnets.collect();
    let serves = subnets.keys().cloned().map(Ref::Ours).collect();
    let table = RouteTable { vpc: vpc.clone(), default_route: Some(gateway), serves };
    let group = SecurityGroup {
        vpc: vpc.clone(),
        description: format!("Instances of {}: nothing comes in", names.environment_id()),
    };
    let network = Vpc { cidr: spec.vpc_cidr, dns_support: true, dns_hostnames: true };
    let mut all = vec![
        (names.vpc(), Fields::Vpc(network)),
        (names.internet_gateway(), Fields::InternetGateway(InternetGateway { attached_to: Some(vpc) })),
    ];
    all.extend(subnets);
    all.push((names.public_route_table(), Fields::RouteTable(table)));
    all.push((names.instance_security_group(), Fields::SecurityGroup(group)));
    all
}

/// Eight equal parts. The public subnets take the first three; whatever is added later has the others.
fn subnet_cidrs(vpc: Ipv4Net) -> Vec<Ipv4Net> {
    vpc.subnets(vpc.prefix_len() + 3).map(Iterator::collect).unwrap_or_default()
}

fn identity(names: &Names, facts: &Facts) -> Vec<(Key, Fields)> {
    let arn = |name: &str| format!("arn:{}:iam::aws:policy/{name}", facts.partition);
    let managed_policies: BTreeSet<String> = MANAGED_POLICIES.iter().map(|name| arn(name)).collect();
    let role = Role { trusted_service: "ec2.amazonaws.com".into(), managed_policies };
    let profile = InstanceProfile { role: Some(Ref::Ours(names.role())) };
    vec![(names.role(), Fields::Role(role)), (names.instance_profile(), Fields::InstanceProfile(profile))]
}

fn logs(spec: &Spec, names: &Names) -> Vec<(Key, Fields)> {
    let group = || Fields::LogGroup(LogGroup { retention_days: Some(spec.log_retention_days) });
    vec![(names.scaling_log_group(), group()), (names.instance_log_group(), group())]
}

fn compute(spec: &Spec, names: &Names, facts: &Facts) -> Vec<(Key, Fields)> {
    let content = TemplateContent {
        image_source: spec.image_source().to_owned(),
        instance_type: spec.instance_type.clone(),
        instance_profile: Ref::Ours(names.instance_profile()),
        security_groups: vec![Ref::Ours(names.instance_security_group())],
        root_volume_gib: ROOT_VOLUME_GIB,
        user_data: user_data(names, spec.user_data_script.as_deref()),
    };
    let version = TemplateVersion::of(content, facts.image.clone());
    let group = AutoScalingGroup {
        min_size: spec.min_size,
        max_size: spec.max_size,
        desired_capacity: spec.desired_capacity,
        subnets: (1..=spec.zone_count as usize).map(|zone| Ref::Ours(names.public_subnet(zone))).collect(),
        template: Ref::Ours(names.launch_template()),
        digest: version.digest.clone(),
    };
    vec![
        (names.launch_template(), Fields::LaunchTemplate(LaunchTemplate { versions: vec![version] })),
        (names.group(), Fields::AutoScalingGroup(group)),
    ]
}
