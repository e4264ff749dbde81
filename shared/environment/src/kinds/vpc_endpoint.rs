use std::collections::BTreeSet;

use crate::field::{Field, Setting, Value};
use crate::resource::Ref;

/// A way to one AWS service that stays inside the network.
#[derive(Clone, Debug, PartialEq)]
pub struct VpcEndpoint {
    /// The VPC that it is in; fixed.
    pub vpc: Ref,
    /// The service's full name, such as `com.amazonaws.us-west-2.ssm`.
    pub service: String,
    /// By routes or by network interfaces, as the service has it.
    pub reach: Reach,
}

/// How the instances get to the endpoint.
#[derive(Clone, Debug, PartialEq)]
pub enum Reach {
    /// By routes that AWS puts into these tables (S3).
    Gateway {
        /// Those whose subnets use it.
        route_tables: BTreeSet<Ref>,
    },
    /// By network interfaces in these subnets, under the service's usual names.
    Interface {
        /// One in each zone: an endpoint has one interface in a zone.
        subnets: BTreeSet<Ref>,
        /// Of the interfaces: they let the instances in.
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
