use std::collections::BTreeSet;

use crate::model::field::{Field, KindSetting, ResourceKind, Value};
use crate::model::key::Ref;
use crate::model::kind::KindFacts;

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

/// The routes and associations of a route table.
#[derive(Clone, Debug, PartialEq)]
pub enum RouteTableSetting {
    /// The target of the route to 0.0.0.0/0.
    DefaultRoute(Ref),
    /// An associated subnet.
    Association(Ref),
}

impl ResourceKind for RouteTable {
    type Setting = RouteTableSetting;

    const FACTS: KindFacts = KindFacts::named_by_tag("route-table", "ec2:CreateRouteTable", "ec2:DeleteRouteTable");

    fn fields(&self) -> Vec<Field<RouteTableSetting>> {
        let mut fields = vec![Field::Fixed("vpc", Value::Ref(self.vpc.clone()))];
        let route = |to: &Ref| Field::After(RouteTableSetting::DefaultRoute(to.clone()));
        let association = |subnet: &Ref| Field::After(RouteTableSetting::Association(subnet.clone()));
        fields.extend(self.default_route.iter().map(route));
        fields.extend(self.serves.iter().map(association));
        fields
    }

    fn set(&mut self, setting: &RouteTableSetting) {
        match setting {
            RouteTableSetting::DefaultRoute(to) => self.default_route = Some(to.clone()),
            RouteTableSetting::Association(subnet) => {
                self.serves.insert(subnet.clone());
            }
        }
    }

    fn clear(&mut self, setting: &RouteTableSetting) {
        match setting {
            RouteTableSetting::DefaultRoute(_) => self.default_route = None,
            RouteTableSetting::Association(subnet) => {
                self.serves.remove(subnet);
            }
        }
    }
}

impl KindSetting for RouteTableSetting {
    fn slot(&self) -> (&'static str, String) {
        match self {
            RouteTableSetting::DefaultRoute(_) => ("default-route", String::new()),
            RouteTableSetting::Association(subnet) => ("serves", subnet.to_string()),
        }
    }

    fn value(&self) -> String {
        match self {
            RouteTableSetting::DefaultRoute(to) => to.to_string(),
            RouteTableSetting::Association(_) => String::new(),
        }
    }

    fn references(&self) -> Vec<&Ref> {
        let (RouteTableSetting::DefaultRoute(to) | RouteTableSetting::Association(to)) = self;
        vec![to]
    }

    fn set_operation(&self) -> &'static str {
        match self {
            RouteTableSetting::DefaultRoute(_) => "ec2:CreateRoute",
            RouteTableSetting::Association(_) => "ec2:AssociateRouteTable",
        }
    }

    fn clear_operation(&self) -> &'static str {
        match self {
            RouteTableSetting::DefaultRoute(_) => "ec2:DeleteRoute",
            RouteTableSetting::Association(_) => "ec2:DisassociateRouteTable",
        }
    }

    fn blocks_deletion(&self) -> bool {
        matches!(self, RouteTableSetting::Association(_))
    }
}
