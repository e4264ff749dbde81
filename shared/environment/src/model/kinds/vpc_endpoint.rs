use std::collections::BTreeSet;

use crate::model::field::{Field, Setting, Value};
use crate::model::resource::Ref;

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
        security_groups: Vec<Ref>,
    },
}

impl VpcEndpoint {
    pub(crate) fn fields(&self) -> Vec<Field> {
        let mut fields = vec![
            Field::Fixed("vpc", Value::Ref(self.vpc.clone())),
            Field::Fixed("service", Value::Text(self.service.clone())),
        ];
        match &self.reach {
            Reach::Gateway { route_tables } => {
                fields.extend(route_tables.iter().map(|it| Field::Created(Setting::EndpointRouteTable(it.clone()))));
            }
            Reach::Interface { subnets, security_groups } => {
                fields.extend(security_groups.iter().map(|it| Field::Once("security-group", Value::Ref(it.clone()))));
                fields.extend(subnets.iter().map(|it| Field::Created(Setting::EndpointSubnet(it.clone()))));
            }
        }
        fields
    }

    pub(crate) fn set(&mut self, setting: &Setting) {
        match (&mut self.reach, setting) {
            (Reach::Gateway { route_tables }, Setting::EndpointRouteTable(to)) => {
                route_tables.insert(to.clone());
            }
            (Reach::Interface { subnets, .. }, Setting::EndpointSubnet(to)) => {
                subnets.insert(to.clone());
            }
            _ => {}
        }
    }

    pub(crate) fn clear(&mut self, setting: &Setting) {
        match (&mut self.reach, setting) {
            (Reach::Gateway { route_tables }, Setting::EndpointRouteTable(to)) => {
                route_tables.remove(to);
            }
            (Reach::Interface { subnets, .. }, Setting::EndpointSubnet(to)) => {
                subnets.remove(to);
            }
            _ => {}
        }
    }
}
