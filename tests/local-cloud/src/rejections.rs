//! Calls that AWS rejects, and that the emulators accept: recorded on AWS, September 2026 (stackd 9dc356f5).

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use hyper::{Response, StatusCode};

use crate::{alarms::Alarms, ec2::Ec2, element::Element, fault_response, policies::Call, responses, router::Body};

/// The lengths of a tag of a bucket, in UTF-16 units (`s3/bucket_tags`).
const MAX_KEY: usize = 128;
const MAX_VALUE: usize = 256;

/// The client tokens of accepted CreateLaunchTemplate calls, each with the parameters of its call.
#[derive(Debug, Default)]
pub struct Rejections(Mutex<BTreeMap<String, BTreeMap<String, String>>>);

impl Rejections {
    /// AWS's response to a call that the emulators answer in another way; `None` for every other call.
    pub async fn response(
        &self,
        call: &Call<'_>,
        request: &fault_response::Request<'_>,
        alarms: &Alarms,
        ec2: &Ec2,
    ) -> Option<Response<Body>> {
        let reject = |code: &str, message: &str| fault_response::rejection(request, code, message);
        match (call.service, call.operation) {
            ("monitoring", "DeleteAlarms") => {
                let alarm = alarms.first_with_composite(&call.texts("AlarmNames")).await?;
                let message = format!("Cannot delete {alarm} as there are composite alarm(s) depending on it.");
                Some(reject("ValidationError", &message))
            }
            ("s3", "PutBucketTagging" | "CreateBucket") => {
                Some(reject("InvalidTag", invalid_tag(&Element::parse(&String::from_utf8_lossy(call.body))?)?))
            }
            ("ec2", "CreateLaunchTemplate") => {
                let first = self.seen(call.text("ClientToken")?)?;
                Some(match replayed(ec2, &first, &call.form).await {
                    Some(template) => {
                        let response = Element::node("CreateLaunchTemplateResponse", vec![template]);
                        responses::xml(StatusCode::OK, &response.to_string())
                    }
                    None => reject("IdempotentParameterMismatch", "Client token already used before."),
                })
            }
            ("ec2", "CreateRoute") => {
                let (table, gateway) = (call.text("RouteTableId")?, call.text("GatewayId")?);
                let tables = described(ec2, "DescribeRouteTables", "RouteTableId.1", table).await?;
                let gateways = described(ec2, "DescribeInternetGateways", "InternetGatewayId.1", gateway).await?;
                Some(reject("InvalidParameterValue", &other_network(&tables, &gateways)?))
            }
            ("ec2", "AttachInternetGateway") => {
                let (gateway, vpc) = (call.text("InternetGatewayId")?, call.text("VpcId")?);
                let gateways = ec2.call("DescribeInternetGateways", BTreeMap::new()).await.ok()?;
                Some(reject("InvalidParameterValue", &occupied(&gateways, gateway, vpc)?))
            }
            _ => None,
        }
    }

    /// Notes a call that its emulator has accepted.
    pub fn accepted(&self, call: &Call<'_>) {
        if let ("ec2", "CreateLaunchTemplate", Some(token)) = (call.service, call.operation, call.text("ClientToken")) {
            let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            tokens.insert(token.to_owned(), call.form.clone());
        }
    }

    fn seen(&self, token: &str) -> Option<BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }
}

/// The template that a call with a used token returns: the parameters are the same, and the template exists with its first
/// version alone (`launch_templates:create-replay`; `launch_template_edges:replay-after-versions`, `-after-delete`).
async fn replayed(ec2: &Ec2, first: &BTreeMap<String, String>, again: &BTreeMap<String, String>) -> Option<Element> {
    let name = first.get("LaunchTemplateName").filter(|_| first == again)?;
    let parameters = BTreeMap::from([("LaunchTemplateName.1".to_owned(), name.clone())]);
    let found = ec2.call("DescribeLaunchTemplates", parameters).await.ok()?;
    let template = found.items("launchTemplates").first()?;
    let has_one_version = template.text_of("latestVersionNumber") == Some("1");
    has_one_version.then(|| Element::node("launchTemplate", template.children.clone()))
}

/// The response of a read of one id; `None` if it does not exist.
async fn described(ec2: &Ec2, action: &str, parameter: &str, id: &str) -> Option<Element> {
    ec2.call(action, BTreeMap::from([(parameter.to_owned(), id.to_owned())])).await.ok()
}

fn is_attached(gateway: &Element, vpc: &str) -> bool {
    gateway.items("attachmentSet").iter().any(|it| it.text_of("vpcId") == Some(vpc))
}

/// EC2's message about a route to an internet gateway that is attached to no VPC, or to another one than the table's
/// (`ec2/internet_gateways:create_route_unattached_gateway`, `create_route_wrong_vpc_gateway`).
fn other_network(tables: &Element, gateways: &Element) -> Option<String> {
    let (table, gateway) = (tables.items("routeTableSet").first()?, gateways.items("internetGatewaySet").first()?);
    let ids = (table.text_of("routeTableId")?, gateway.text_of("internetGatewayId")?);
    (!is_attached(gateway, table.text_of("vpcId")?))
        .then(|| format!("route table {} and network gateway {} belong to different networks", ids.0, ids.1))
}

/// EC2's message about a VPC that has another internet gateway
/// (`ec2/internet_gateways:attach_second_gateway_to_occupied_vpc`).
fn occupied(gateways: &Element, gateway: &str, vpc: &str) -> Option<String> {
    let is_other = |it: &Element| it.text_of("internetGatewayId") != Some(gateway) && is_attached(it, vpc);
    let is_occupied = gateways.items("internetGatewaySet").iter().any(is_other);
    is_occupied.then(|| format!("Network {vpc} already has an internet gateway attached"))
}

/// S3's message about the first tag that is too long.
fn invalid_tag(document: &Element) -> Option<&'static str> {
    let length = |name: &str| document.text_of(name).map_or(0, |text| text.encode_utf16().count());
    if document.name != "Tag" {
        return document.children.iter().find_map(invalid_tag);
    }
    if length("Key") > MAX_KEY {
        return Some("The TagKey you have provided is invalid");
    }
    (length("Value") > MAX_VALUE).then_some("The TagValue you have provided is invalid")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway(id: &str, vpc: Option<&str>) -> Element {
        let attachment = |vpc| Element::node("item", vec![Element::leaf("vpcId", vpc)]);
        let attachments = Element::node("attachmentSet", vpc.map(attachment).into_iter().collect());
        Element::node("item", vec![Element::leaf("internetGatewayId", id), attachments])
    }

    fn gateways(all: Vec<Element>) -> Element {
        Element::node("Response", vec![Element::node("internetGatewaySet", all)])
    }

    #[test]
    fn a_route_needs_a_gateway_that_is_attached_to_the_vpc_of_its_table() {
        let table = vec![Element::leaf("routeTableId", "rtb-1"), Element::leaf("vpcId", "vpc-1")];
        let tables =
            Element::node("Response", vec![Element::node("routeTableSet", vec![Element::node("item", table)])]);
        let rejected = |vpc| other_network(&tables, &gateways(vec![gateway("igw-1", vpc)]));
        let text = "route table rtb-1 and network gateway igw-1 belong to different networks";
        assert_eq!(rejected(Some("vpc-1")), None);
        assert_eq!(rejected(None).as_deref(), Some(text));
        assert_eq!(rejected(Some("vpc-2")).as_deref(), Some(text));
    }

    #[test]
    fn a_vpc_has_one_internet_gateway() {
        let all = gateways(vec![gateway("igw-1", Some("vpc-1")), gateway("igw-2", None)]);
        assert_eq!(
            occupied(&all, "igw-2", "vpc-1").as_deref(),
            Some("Network vpc-1 already has an internet gateway attached")
        );
        // The same gateway again is moto's error, Resource.AlreadyAssociated.
        assert_eq!(occupied(&all, "igw-1", "vpc-1"), None);
        assert_eq!(occupied(&all, "igw-2", "vpc-2"), None);
    }

    #[test]
    fn the_lengths_of_a_buckets_tags_are_counted_in_utf_16_units() {
        let tagging = |key: &str, value: &str| {
            let tag = Element::node("Tag", vec![Element::leaf("Key", key), Element::leaf("Value", value)]);
            invalid_tag(&Element::node("Tagging", vec![Element::node("TagSet", vec![tag])]))
        };
        assert_eq!(tagging(&"k".repeat(128), &"\u{10400}".repeat(128)), None);
        assert_eq!(tagging("k", &"\u{10400}".repeat(129)), Some("The TagValue you have provided is invalid"));
        assert_eq!(tagging(&"k".repeat(129), "v"), Some("The TagKey you have provided is invalid"));
    }
}
