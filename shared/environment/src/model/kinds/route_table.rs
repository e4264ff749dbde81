use std::collections::BTreeSet;

use crate::model::field::{Field, Setting, Value};
use crate::model::resource::Ref;

/// A route table: the routes of its subnets for traffic to destinations outside the VPC.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteTable {
    /// The VPC of the route table; cannot change.
    pub vpc: Ref,
    /// The target of 0.0.0.0/0: an internet gateway or a NAT gateway. `None` means no egress.
    pub default_route: Option<Ref>,
    /// The associated subnets.
    pub serves: BTreeSet<Ref>,
}

impl RouteTable {
    pub(crate) fn fields(&self) -> Vec<Field> {
        let mut fields = vec![Field::Fixed("vpc", Value::Ref(self.vpc.clone()))];
        fields.extend(self.default_route.iter().map(|to| Field::After(Setting::DefaultRoute(to.clone()))));
        fields.extend(self.serves.iter().map(|subnet| Field::After(Setting::Association(subnet.clone()))));
        fields
    }

    pub(crate) fn set(&mut self, setting: &Setting) {
        match setting {
            Setting::DefaultRoute(to) => self.default_route = Some(to.clone()),
            Setting::Association(subnet) => {
                self.serves.insert(subnet.clone());
            }
            _ => {}
        }
    }

    pub(crate) fn clear(&mut self, setting: &Setting) {
        match setting {
            Setting::DefaultRoute(_) => self.default_route = None,
            Setting::Association(subnet) => {
                self.serves.remove(subnet);
            }
            _ => {}
        }
    }
}
