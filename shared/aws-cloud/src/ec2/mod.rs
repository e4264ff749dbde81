//! Networks and launch templates. This crate finds resources that EC2 lists with their tags by the owner's tag.

use aws_sdk_ec2::types::Filter;
use environment::mark;
use ipnet::Ipv4Net;

use crate::errors::Problem;

pub(crate) mod address;
mod interfaces;
pub(crate) mod internet_gateway;
pub(crate) mod launch_template;
pub(crate) mod nat_gateway;
pub(crate) mod route_table;
pub(crate) mod security_group;
pub(crate) mod subnet;
pub(crate) mod tags;
mod template_data;
pub(crate) mod vpc;
pub(crate) mod vpc_endpoint;

/// A filter for the resources that carry the owner's mark.
fn owned_by(owner: &str) -> Filter {
    Filter::builder().name(format!("tag:{}", mark::OWNER)).values(owner).build()
}

/// Parses a network's CIDR from a response.
pub(crate) fn network(text: Option<&str>, operation: &'static str) -> Result<Ipv4Net, Problem> {
    text.and_then(|text| text.parse().ok()).ok_or_else(|| Problem::unreadable(operation, "CIDR"))
}
