use std::collections::BTreeSet;

use crate::model::field::{Field, KindSetting, ResourceKind, Value};
use crate::model::key::Ref;
use crate::model::kind::KindFacts;

/// A VPC endpoint: a path to one AWS service inside the network.
#[derive(Clone, Debug, PartialEq)]
pub struct VpcEndpoint {
    /// The VPC of the endpoint; cannot change.
    pub vpc: Ref,
    /// The service's full name, such as `com.amazonaws.us-west-2.ssm`.
    pub service: String,
    /// The endpoint type that the service offers: gateway or interface.
    pub reach: Reach,
}

/// The path from the instances to the endpoint.
#[derive(Clone, Debug, PartialEq)]
pub enum Reach {
    /// Routes that AWS adds to these route tables (S3).
    Gateway {
        /// The route tables of the subnets that use the endpoint.
        route_tables: BTreeSet<Ref>,
    },
    /// Network interfaces in these subnets, under the service's usual DNS names.
    Interface {
        /// One subnet in each zone: an endpoint has one interface in a zone.
        subnets: BTreeSet<Ref>,
        /// The security groups of the interfaces, which allow ingress from the instances.
        security_groups: BTreeSet<Ref>,
    },
}

/// The connections of an endpoint that calls change.
#[derive(Clone, Debug, PartialEq)]
pub enum VpcEndpointSetting {
    /// A route table that has the routes to a gateway endpoint.
    RouteTable(Ref),
    /// A subnet in which an interface endpoint has a network interface.
    Subnet(Ref),
    /// A security group of an interface endpoint's network interfaces.
    SecurityGroup(Ref),
}

impl ResourceKind for VpcEndpoint {
    type Setting = VpcEndpointSetting;

    const FACTS: KindFacts = KindFacts {
        completes_asynchronously: true,
        ..KindFacts::named_by_tag("vpc-endpoint", "ec2:CreateVpcEndpoint", "ec2:DeleteVpcEndpoints")
    };

    fn fields(&self) -> Vec<Field<VpcEndpointSetting>> {
        let mut fields = vec![
            Field::Fixed("vpc", Value::Ref(self.vpc.clone())),
            Field::Fixed("service", Value::Text(self.service.clone())),
        ];
        match &self.reach {
            Reach::Gateway { route_tables } => {
                fields.extend(route_tables.iter().map(|it| Field::Created(VpcEndpointSetting::RouteTable(it.clone()))));
            }
            Reach::Interface { subnets, security_groups } => {
                let group = |it: &Ref| Field::Created(VpcEndpointSetting::SecurityGroup(it.clone()));
                fields.extend(security_groups.iter().map(group));
                fields.extend(subnets.iter().map(|it| Field::Created(VpcEndpointSetting::Subnet(it.clone()))));
            }
        }
        fields
    }

    fn set(&mut self, setting: &VpcEndpointSetting) {
        match (&mut self.reach, setting) {
            (Reach::Gateway { route_tables }, VpcEndpointSetting::RouteTable(to)) => {
                route_tables.insert(to.clone());
            }
            (Reach::Interface { subnets, .. }, VpcEndpointSetting::Subnet(to)) => {
                subnets.insert(to.clone());
            }
            (Reach::Interface { security_groups, .. }, VpcEndpointSetting::SecurityGroup(to)) => {
                security_groups.insert(to.clone());
            }
            _ => {}
        }
    }

    fn clear(&mut self, setting: &VpcEndpointSetting) {
        match (&mut self.reach, setting) {
            (Reach::Gateway { route_tables }, VpcEndpointSetting::RouteTable(to)) => {
                route_tables.remove(to);
            }
            (Reach::Interface { subnets, .. }, VpcEndpointSetting::Subnet(to)) => {
                subnets.remove(to);
            }
            (Reach::Interface { security_groups, .. }, VpcEndpointSetting::SecurityGroup(to)) => {
                security_groups.remove(to);
            }
            _ => {}
        }
    }
}

impl KindSetting for VpcEndpointSetting {
    fn slot(&self) -> (&'static str, String) {
        match self {
            VpcEndpointSetting::RouteTable(table) => ("routes-in", table.to_string()),
            VpcEndpointSetting::Subnet(subnet) => ("interface-in", subnet.to_string()),
            VpcEndpointSetting::SecurityGroup(group) => ("security-group", group.to_string()),
        }
    }

    fn value(&self) -> String {
        String::new()
    }

    fn references(&self) -> Vec<&Ref> {
        let (VpcEndpointSetting::RouteTable(to)
        | VpcEndpointSetting::Subnet(to)
        | VpcEndpointSetting::SecurityGroup(to)) = self;
        vec![to]
    }

    fn set_operation(&self) -> &'static str {
        "ec2:ModifyVpcEndpoint"
    }

    fn shared_call(&self) -> Option<&'static str> {
        match self {
            VpcEndpointSetting::RouteTable(_) => Some("route tables of an endpoint"),
            VpcEndpointSetting::Subnet(_) => Some("subnets of an endpoint"),
            VpcEndpointSetting::SecurityGroup(_) => Some("security groups of an endpoint"),
        }
    }

    /// A security group that another actor added is retained: the endpoint serves the instances also with it, and an
    /// endpoint has at least one.
    fn is_retained_when_not_desired(&self) -> bool {
        matches!(self, VpcEndpointSetting::SecurityGroup(_))
    }
}
