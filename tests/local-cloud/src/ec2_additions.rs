//! What other senders add to an environment's network: GuardDuty's endpoint and security group, and further addresses of NAT
//! gateways. moto has no `AssociateNatGatewayAddress` and no `RequesterManaged`, and none of these blocks a delete there.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use hyper::{Response, StatusCode};

use crate::{REGION, ec2::Ec2, element::Element, form, responses, router::Body};

const ASSOCIATE: &str = "AssociateNatGatewayAddress";
const TAG: [(&str, &str); 2] = [("Tag.1.Key", "GuardDutyManaged"), ("Tag.1.Value", "true")];

/// The additions in all networks.
#[derive(Debug, Default)]
pub struct Ec2Additions {
    monitored: Mutex<Vec<MonitoredVpc>>,
    addresses: Mutex<Vec<Address>>,
}

/// A VPC with GuardDuty's runtime monitoring. AWS creates the endpoint some time after the first instance, and removes
/// neither the endpoint nor the group (hashicorp/terraform-provider-aws, issue 46747).
#[derive(Debug)]
struct MonitoredVpc {
    vpc: String,
    subnets: Vec<String>,
    /// `None` once it is deleted.
    endpoint: Option<String>,
    group: Option<String>,
}

/// A secondary address of a NAT gateway.
#[derive(Debug)]
struct Address {
    gateway: String,
    allocation: String,
    public_ip: String,
}

fn locked<T>(all: &Mutex<Vec<T>>) -> MutexGuard<'_, Vec<T>> {
    all.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ec2Additions {
    /// Creates GuardDuty's endpoint and security group in a VPC.
    ///
    /// # Errors
    /// EC2's message: the VPC does not exist, or has no subnet.
    pub async fn monitor(&self, ec2: &Ec2, vpc: &str) -> Result<(), String> {
        let call = async |action: &str, parameters: &[(&str, &str)]| {
            let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            ec2.call(action, parameters.collect()).await
        };
        let found = call("DescribeSubnets", &[("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", vpc)]).await?;
        let subnets = found.items("subnetSet").iter().filter_map(|it| it.text_of("subnetId"));
        let subnets: Vec<String> = subnets.map(str::to_owned).collect();
        let first = subnets.first().ok_or_else(|| format!("vpc is '{vpc}': it has no subnet"))?;
        let name = format!("GuardDutyManagedSecurityGroup-{vpc}");
        let group = [("GroupName", name.as_str()), ("GroupDescription", "GuardDuty"), ("VpcId", vpc)];
        let group = id(&call("CreateSecurityGroup", &group).await?, "groupId")?;
        let service = format!("com.amazonaws.{REGION}.guardduty-data");
        let endpoint = [
            ("VpcId", vpc),
            ("ServiceName", service.as_str()),
            ("VpcEndpointType", "Interface"),
            ("SubnetId.1", first),
            ("SecurityGroupId.1", &group),
        ];
        let endpoint = id(&call("CreateVpcEndpoint", &endpoint).await?, "vpcEndpoint/vpcEndpointId")?;
        call("CreateTags", &[&[("ResourceId.1", group.as_str()), ("ResourceId.2", &endpoint)], &TAG[..]].concat())
            .await?;
        let (endpoint, group) = (Some(endpoint), Some(group));
        locked(&self.monitored).push(MonitoredVpc { vpc: vpc.to_owned(), subnets, endpoint, group });
        Ok(())
    }

    /// The response to an action that moto does not have, or that an addition blocks; `None` if moto has to respond.
    pub async fn response(&self, ec2: &Ec2, action: &str, form: &str) -> Option<Response<Body>> {
        let parameters = form::read(form);
        let of = |name: &str| parameters.get(name).cloned().unwrap_or_default();
        match action {
            ASSOCIATE => Some(match self.associate(ec2, &of("NatGatewayId"), &of("AllocationId.1")).await {
                Ok(fields) => success(ASSOCIATE, fields),
                Err(message) => rejection("InvalidParameterValue", &message),
            }),
            "ReleaseAddress" => {
                let allocation = of("AllocationId");
                let is_used = locked(&self.addresses).iter().any(|it| it.allocation == allocation);
                is_used.then(|| rejection("InvalidIPAddress.InUse", &format!("Address {allocation} is in use.")))
            }
            _ => self.blocked(action, &parameters).map(|message| rejection("DependencyViolation", &message)),
        }
    }

    async fn associate(&self, ec2: &Ec2, gateway: &str, allocation: &str) -> Result<Vec<Element>, String> {
        let parameters = BTreeMap::from([("AllocationId.1".to_owned(), allocation.to_owned())]);
        let found = ec2.call("DescribeAddresses", parameters).await?;
        let public_ip = found.items("addressesSet").first().and_then(|it| it.text_of("publicIp"));
        let public_ip = public_ip.ok_or_else(|| format!("The allocation ID '{allocation}' does not exist"))?.to_owned();
        let address = Address { gateway: gateway.to_owned(), allocation: allocation.to_owned(), public_ip };
        let fields = vec![
            Element::leaf("natGatewayId", gateway),
            Element::node("natGatewayAddressSet", vec![address.element()]),
        ];
        locked(&self.addresses).push(address);
        Ok(fields)
    }

    /// EC2's message where an addition blocks a delete.
    fn blocked(&self, action: &str, parameters: &BTreeMap<String, String>) -> Option<String> {
        let monitored = locked(&self.monitored);
        let is = |name: &str, id: &str| parameters.get(name).is_some_and(|it| it == id);
        monitored.iter().find_map(|it| match (action, &it.endpoint, &it.group) {
            ("DeleteSubnet", Some(_), _) => {
                let subnet = it.subnets.first().filter(|id| is("SubnetId", id))?;
                Some(format!("The subnet '{subnet}' has dependencies and cannot be deleted."))
            }
            ("DeleteSecurityGroup", Some(_), Some(group)) if is("GroupId", group) => {
                Some(format!("resource {group} has a dependent object"))
            }
            ("DeleteVpc", endpoint, group) if is("VpcId", &it.vpc) && (endpoint.is_some() || group.is_some()) => {
                Some(format!("The vpc '{}' has dependencies and cannot be deleted.", it.vpc))
            }
            _ => None,
        })
    }

    /// Notes a delete that moto has accepted.
    pub fn accepted(&self, action: &str, form: &str) {
        let parameters = form::read(form);
        let names = |id: &String| parameters.values().any(|it| it == id);
        match action {
            "DeleteVpcEndpoints" => {
                locked(&self.monitored).iter_mut().for_each(|it| drop(it.endpoint.take_if(|id| names(id))));
            }
            "DeleteSecurityGroup" => {
                locked(&self.monitored).iter_mut().for_each(|it| drop(it.group.take_if(|id| names(id))));
            }
            "DeleteNatGateway" => locked(&self.addresses).retain(|it| !names(&it.gateway)),
            _ => {}
        }
    }

    /// moto's response to an action, with the additions that moto does not know.
    #[must_use]
    pub fn with_additions(&self, action: &str, response: &str) -> String {
        let Some(mut parsed) = Element::parse(response) else { return response.to_owned() };
        match action {
            "DescribeVpcEndpoints" => {
                let monitored = locked(&self.monitored);
                let managed: Vec<&str> = monitored.iter().filter_map(|it| it.endpoint.as_deref()).collect();
                for endpoint in items(&mut parsed, "vpcEndpointSet") {
                    if endpoint.text_of("vpcEndpointId").is_some_and(|id| managed.contains(&id)) {
                        endpoint.children.push(Element::leaf("requesterManaged", true));
                    }
                }
            }
            "DescribeNatGateways" => {
                let addresses = locked(&self.addresses);
                for gateway in items(&mut parsed, "natGatewaySet") {
                    let id = gateway.text_of("natGatewayId").unwrap_or_default().to_owned();
                    // The list has no order.
                    let added = addresses.iter().filter(|it| it.gateway == id).map(Address::element);
                    let added: Vec<Element> = added.collect();
                    let set = gateway.children.iter_mut().find(|it| it.name == "natGatewayAddressSet");
                    if let Some(set) = set.filter(|_| !added.is_empty()) {
                        set.children.iter_mut().for_each(|it| it.children.push(Element::leaf("isPrimary", true)));
                        set.children.splice(0..0, added);
                    }
                }
            }
            _ => {}
        }
        parsed.to_string()
    }

    /// Whether [`Ec2Additions::with_additions`] changes responses to an action.
    #[must_use]
    pub fn changes(&self, action: &str) -> bool {
        match action {
            "DescribeVpcEndpoints" => !locked(&self.monitored).is_empty(),
            "DescribeNatGateways" => !locked(&self.addresses).is_empty(),
            _ => false,
        }
    }
}

impl Address {
    fn element(&self) -> Element {
        let fields =
            [("allocationId", self.allocation.as_str()), ("publicIp", &self.public_ip), ("isPrimary", "false")];
        Element::node("item", fields.map(|(name, text)| Element::leaf(name, text)).into())
    }
}

pub(crate) fn items<'a>(response: &'a mut Element, set: &str) -> impl Iterator<Item = &'a mut Element> {
    response.children.iter_mut().filter(move |it| it.name == set).flat_map(|it| it.children.iter_mut())
}

fn id(response: &Element, path: &str) -> Result<String, String> {
    response.text_of(path).map(str::to_owned).ok_or_else(|| format!("the response has no {path}"))
}

pub(crate) fn success(action: &str, fields: Vec<Element>) -> Response<Body> {
    responses::xml(StatusCode::OK, &Element::node(&format!("{action}Response"), fields).to_string())
}

pub(crate) fn rejection(code: &str, message: &str) -> Response<Body> {
    let error = Element::node("Error", vec![Element::leaf("Code", code), Element::leaf("Message", message)]);
    let errors = Element::node("Errors", vec![error]);
    responses::xml(StatusCode::BAD_REQUEST, &Element::node("Response", vec![errors]).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn monitored() -> Ec2Additions {
        let additions = Ec2Additions::default();
        locked(&additions.monitored).push(MonitoredVpc {
            vpc: "vpc-1".into(),
            subnets: vec!["subnet-1".into(), "subnet-2".into()],
            endpoint: Some("vpce-1".into()),
            group: Some("sg-1".into()),
        });
        additions
    }

    #[test]
    fn what_guardduty_created_blocks_deletes_until_it_is_deleted() {
        let additions = monitored();
        let is_blocked = |action: &str, form: &str| additions.blocked(action, &form::read(form)).is_some();
        assert!(is_blocked("DeleteSubnet", "SubnetId=subnet-1") && !is_blocked("DeleteSubnet", "SubnetId=subnet-2"));
        assert!(is_blocked("DeleteSecurityGroup", "GroupId=sg-1") && is_blocked("DeleteVpc", "VpcId=vpc-1"));
        assert!(!is_blocked("DeleteVpc", "VpcId=vpc-2") && !is_blocked("DescribeVpcs", "VpcId=vpc-1"));
        additions.accepted("DeleteVpcEndpoints", "VpcEndpointId.1=vpce-1");
        assert!(!is_blocked("DeleteSubnet", "SubnetId=subnet-1") && is_blocked("DeleteVpc", "VpcId=vpc-1"));
        assert!(!is_blocked("DeleteSecurityGroup", "GroupId=sg-1"));
        additions.accepted("DeleteSecurityGroup", "GroupId=sg-1");
        assert!(!is_blocked("DeleteVpc", "VpcId=vpc-1"));
    }

    #[test]
    fn the_endpoint_is_managed_by_its_requester() {
        let item = |id: &str| Element::node("item", vec![Element::leaf("vpcEndpointId", id)]);
        let set = Element::node("vpcEndpointSet", vec![item("vpce-1"), item("vpce-2")]);
        let response = Element::node("DescribeVpcEndpointsResponse", vec![set]).to_string();
        let changed = Element::parse(&monitored().with_additions("DescribeVpcEndpoints", &response)).unwrap();
        let managed: Vec<_> = changed.items("vpcEndpointSet").iter().map(|it| it.text_of("requesterManaged")).collect();
        assert_eq!(managed, [Some("true"), None]);
    }

    #[test]
    fn a_secondary_address_is_listed_until_its_gateway_is_deleted() {
        let additions = Ec2Additions::default();
        let (gateway, allocation, public_ip) = ("nat-1".into(), "eipalloc-2".into(), "192.0.2.1".into());
        locked(&additions.addresses).push(Address { gateway, allocation, public_ip });
        let own = Element::node("item", vec![Element::leaf("allocationId", "eipalloc-1")]);
        let addresses = Element::node("natGatewayAddressSet", vec![own]);
        let item = Element::node("item", vec![Element::leaf("natGatewayId", "nat-1"), addresses]);
        let response = Element::node("Response", vec![Element::node("natGatewaySet", vec![item])]).to_string();
        let listed = || {
            let changed = Element::parse(&additions.with_additions("DescribeNatGateways", &response)).unwrap();
            let [gateway] = changed.items("natGatewaySet") else { panic!("{changed}") };
            let of = |it: &Element, name| it.text_of(name).map(str::to_owned);
            let set = gateway.items("natGatewayAddressSet").iter();
            set.map(|it| (of(it, "allocationId").unwrap(), of(it, "isPrimary"))).collect::<Vec<_>>()
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(listed(), [("eipalloc-2".into(), some("false")), ("eipalloc-1".into(), some("true"))]);
        additions.accepted("DeleteNatGateway", "NatGatewayId=nat-1");
        assert_eq!(listed(), [("eipalloc-1".into(), None)]);
        assert!(!additions.changes("DescribeNatGateways"));
    }
}
