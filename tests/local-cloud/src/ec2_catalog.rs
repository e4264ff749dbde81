//! What EC2 offers in the region: endpoint services, which moto cannot list without every one of its services installed,
//! and the zones of instance types. Controls make a service or a type missing, in the region or in zones.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use hyper::{Response, StatusCode};

use crate::{REGION, element::Element, form, responses, router::Body};

/// The EC2 actions that the catalog answers, the second only for types whose zones were set.
pub const ACTIONS: [&str; 2] = ["DescribeVpcEndpointServices", "DescribeInstanceTypeOfferings"];

/// The zones of the region in moto.
const ZONES: [&str; 4] = ["us-west-2a", "us-west-2b", "us-west-2c", "us-west-2d"];

/// The services with interface endpoints; S3 has gateway endpoints as well.
const SERVICES: [&str; 8] = ["ec2", "ec2messages", "ecr.api", "logs", "monitoring", "s3", "ssm", "ssmmessages"];

/// moto gives the root snapshot of every image this size in GiB.
const ROOT_SNAPSHOT_OF_MOTO: &str = "<volumeSize>15</volumeSize>";
/// The size of the root snapshot of Amazon Linux 2023's images.
const ROOT_SNAPSHOT: &str = "<volumeSize>8</volumeSize>";

/// The zones that were set, by service and by instance type. An empty set: the region does not have it.
#[derive(Debug, Default)]
pub struct Ec2Catalog {
    services: Mutex<BTreeMap<String, BTreeSet<String>>>,
    types: Mutex<BTreeMap<String, BTreeSet<String>>>,
}

impl Ec2Catalog {
    /// Sets the zones of an endpoint service by its short name, such as `logs`.
    ///
    /// # Errors
    /// The service is unknown.
    pub fn set_service(&self, service: &str, zones: BTreeSet<String>) -> Result<(), String> {
        if !SERVICES.contains(&service) {
            return Err(format!("service is '{service}': expected one of {}", SERVICES.join(", ")));
        }
        self.services.lock().unwrap_or_else(PoisonError::into_inner).insert(service.to_owned(), zones);
        Ok(())
    }

    /// Sets the zones of an instance type.
    pub fn set_type(&self, instance_type: &str, zones: BTreeSet<String>) {
        self.types.lock().unwrap_or_else(PoisonError::into_inner).insert(instance_type.to_owned(), zones);
    }

    /// The response to one of [`ACTIONS`]; `None` if moto has to answer.
    pub fn response(&self, action: &str, form: &str) -> Option<Response<Body>> {
        let parameters = form::read(form);
        let set = match action {
            "DescribeVpcEndpointServices" => self.services(&values(&parameters, "service-name")),
            _ => self.offerings(&parameters)?,
        };
        let id = "<requestId>00000000-0000-4000-a000-000000000000</requestId>";
        let namespace = "http://ec2.amazonaws.com/doc/2016-11-15/";
        let children: String = set.iter().map(ToString::to_string).collect();
        let document = format!(r#"<{action}Response xmlns="{namespace}">{id}{children}</{action}Response>"#);
        Some(responses::xml(StatusCode::OK, &document))
    }

    /// The services that a filter names, all without a filter.
    fn services(&self, names: &[&str]) -> Vec<Element> {
        let set = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = Vec::new();
        for service in SERVICES {
            let zones = set.get(service).cloned().unwrap_or_else(|| ZONES.map(str::to_owned).into());
            let name = format!("com.amazonaws.{REGION}.{service}");
            if !zones.is_empty() && (names.is_empty() || names.contains(&name.as_str())) {
                let types: &[&str] = if service == "s3" { &["Gateway", "Interface"] } else { &["Interface"] };
                all.extend(types.iter().map(|kind| detail(&name, kind, &zones)));
            }
        }
        let names: BTreeSet<&str> = all.iter().filter_map(|it| it.text_of("serviceName")).collect();
        let names = names.into_iter().map(|name| Element::leaf("item", name)).collect();
        vec![Element::node("serviceNameSet", names), Element::node("serviceDetailSet", all)]
    }

    /// The offerings of a single instance type in zones, if they were set.
    fn offerings(&self, parameters: &BTreeMap<String, String>) -> Option<Vec<Element>> {
        let types = self.types.lock().unwrap_or_else(PoisonError::into_inner);
        let [name] = values(parameters, "instance-type")[..] else { return None };
        let zones =
            types.get(name).filter(|_| parameters.get("LocationType").is_some_and(|it| it == "availability-zone"))?;
        let offering = |zone: &String| {
            let of = [("instanceType", name), ("locationType", "availability-zone"), ("location", zone)];
            Element::node("item", of.map(|(name, text)| Element::leaf(name, text)).into())
        };
        Some(vec![Element::node("instanceTypeOfferingSet", zones.iter().map(offering).collect())])
    }
}

fn detail(name: &str, kind: &str, zones: &BTreeSet<String>) -> Element {
    let zones = zones.iter().map(|zone| Element::leaf("item", zone)).collect();
    let kind = Element::node("item", vec![Element::leaf("serviceType", kind)]);
    let fields = vec![
        Element::leaf("serviceName", name),
        Element::node("serviceType", vec![kind]),
        Element::node("availabilityZoneSet", zones),
        Element::leaf("owner", "amazon"),
        Element::leaf("acceptanceRequired", "false"),
    ];
    Element::node("item", fields)
}

/// The values of the filter with this name.
fn values<'a>(parameters: &'a BTreeMap<String, String>, filter: &str) -> Vec<&'a str> {
    let number = parameters.iter().find_map(|(key, value)| {
        let number = key.strip_prefix("Filter.")?.strip_suffix(".Name")?;
        (value == filter).then_some(number)
    });
    let Some(number) = number else { return vec![] };
    let prefix = format!("Filter.{number}.Value.");
    parameters.iter().filter(|(key, _)| key.starts_with(&prefix)).map(|(_, value)| value.as_str()).collect()
}

/// moto's description of images, with root snapshots of the size that Amazon Linux 2023 has.
#[must_use]
pub fn with_root_snapshots(images: &str) -> String {
    images.replace(ROOT_SNAPSHOT_OF_MOTO, ROOT_SNAPSHOT)
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Either};

    use super::*;

    async fn body(response: Response<Body>) -> Element {
        let Either::Right(full) = response.into_body() else { panic!("not a response of the local cloud") };
        let bytes = full.collect().await.unwrap().to_bytes();
        Element::parse(&String::from_utf8_lossy(&bytes)).unwrap()
    }

    #[tokio::test]
    async fn a_service_is_listed_with_its_zones_unless_the_region_lacks_it() {
        let catalog = Ec2Catalog::default();
        let form = "Filter.1.Name=service-name&Filter.1.Value.1=com.amazonaws.us-west-2.logs\
                    &Filter.1.Value.2=com.amazonaws.us-west-2.s3&Filter.1.Value.3=com.amazonaws.us-west-2.nope";
        let listed = async || {
            let response = body(catalog.response("DescribeVpcEndpointServices", form).unwrap()).await;
            let detail = |it: &Element| {
                let kind = it.items("serviceType")[0].text_of("serviceType").unwrap().to_owned();
                (it.text_of("serviceName").unwrap().to_owned(), kind, it.items("availabilityZoneSet").len())
            };
            response.items("serviceDetailSet").iter().map(detail).collect::<Vec<_>>()
        };
        let [logs, s3] = ["com.amazonaws.us-west-2.logs", "com.amazonaws.us-west-2.s3"].map(str::to_owned);
        let gateway = [(s3.clone(), "Gateway".to_owned(), 4), (s3, "Interface".to_owned(), 4)];
        assert_eq!(listed().await, [&[(logs.clone(), "Interface".to_owned(), 4)][..], &gateway].concat());
        catalog.set_service("logs", ["us-west-2b".to_owned()].into()).unwrap();
        assert_eq!(listed().await[0], (logs, "Interface".to_owned(), 1));
        catalog.set_service("logs", BTreeSet::new()).unwrap();
        assert_eq!(listed().await, gateway);
        assert!(catalog.set_service("nope", BTreeSet::new()).is_err());
    }

    #[tokio::test]
    async fn the_zones_of_a_type_are_those_that_were_set() {
        let catalog = Ec2Catalog::default();
        let form = "LocationType=availability-zone&Filter.1.Name=instance-type&Filter.1.Value.1=p5.48xlarge";
        assert!(catalog.response("DescribeInstanceTypeOfferings", form).is_none(), "moto answers");
        catalog.set_type("p5.48xlarge", ["us-west-2c".to_owned()].into());
        let response = body(catalog.response("DescribeInstanceTypeOfferings", form).unwrap()).await;
        let [offering] = response.items("instanceTypeOfferingSet") else { panic!("{response}") };
        assert_eq!(offering.text_of("location"), Some("us-west-2c"));
    }
}
