//! The check of a request against the facts of the account and the region.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test fails on an unexpected value, and takes JSON by value"
)]

use crate::common::{OWNER, names, plan_now, settled, spec};
use environment::{
    CheckedFacts, DesiredState, EndpointServiceFacts, Facts, Fields, ImageFacts, InstanceTypeFacts, Kind, KmsKeyFacts,
    Reach, Spec, SubnetFacts, check_facts, desired, endpoint_services,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Three zones that offer everything, and an image of Amazon Linux 2023.
fn facts(spec: &Spec) -> Facts {
    let zones = crate::common::facts().zones;
    let instance_type = InstanceTypeFacts::Known {
        architectures: vec!["x86_64".into()],
        virtualization: vec!["hvm".into()],
        zones: zones.iter().cloned().collect(),
        vcpus: Some(2),
    };
    let image = ImageFacts {
        state: "available".into(),
        architecture: "x86_64".into(),
        virtualization: "hvm".into(),
        root_device_type: "ebs".into(),
        root_device_name: "/dev/xvda".into(),
        root_snapshot_gib: Some(8),
        ..ImageFacts::default()
    };
    let service =
        EndpointServiceFacts { zones: zones.iter().cloned().collect(), has_interface: true, has_gateway: true };
    let services = endpoint_services(spec, "us-west-2", "aws").into_iter();
    Facts {
        instance_type: Some(instance_type),
        image_details: Some(image),
        endpoint_services: services.map(|name| (name, service.clone())).collect(),
        ..crate::common::facts()
    }
}

/// What the check says about a create with these properties, with facts that `change` adjusts.
fn create(properties: Value, change: impl Fn(&mut Facts)) -> Vec<String> {
    check(None, properties, change)
}

/// What the check says about an update from one set of properties to another.
fn update(before: Value, properties: Value, change: impl Fn(&mut Facts)) -> Vec<String> {
    check(Some(&spec(before)), properties, change)
}

fn check(before: Option<&Spec>, properties: Value, change: impl Fn(&mut Facts)) -> Vec<String> {
    let spec = spec(properties);
    let mut facts = facts(&spec);
    change(&mut facts);
    check_facts(before, &spec, &names(), &facts).iter().map(ToString::to_string).collect()
}

fn subnet(id: &str, cidr: &str, zone: &str, is_marked: bool) -> SubnetFacts {
    let cidr = cidr.parse().expect("a network");
    SubnetFacts { id: id.into(), vpc: "vpc-1".into(), cidr, zone: zone.into(), free_addresses: None, is_marked }
}

const NONE: [&str; 0] = [];

/// A change of the facts.
type Change<'a> = &'a dyn Fn(&mut Facts);

/// A type with these architectures in these zones.
fn offered(architecture: &str, zones: &[&str]) -> InstanceTypeFacts {
    InstanceTypeFacts::Known {
        architectures: vec![architecture.into()],
        virtualization: vec!["hvm".into()],
        zones: zones.iter().map(|it| (*it).to_owned()).collect(),
        vcpus: Some(2),
    }
}

fn with_image(change: impl Fn(&mut ImageFacts)) -> impl Fn(&mut Facts) {
    move |facts| change(facts.image_details.as_mut().expect("an image"))
}

#[test]
fn a_create_that_fits_is_not_rejected() {
    for egress in ["NatGateway", "NatGatewayPerZone", "VpcEndpoints", "PublicIp"] {
        assert_eq!(create(json!({ "Egress": egress, "ZoneCount": "3" }), |_| {}), NONE);
    }
}

#[test]
fn a_mistyped_instance_type_is_an_unknown_type_and_not_a_lack_of_zones() {
    let known = |facts: &mut Facts| {
        facts.instance_type = Some(InstanceTypeFacts::Unknown { known: vec!["t3.micro".into(), "m5.large".into()] });
        facts.zones.clear();
    };
    let expected =
        "InstanceType is \"t3.mirco\": the region us-west-2 has no such instance type; did you mean t3.micro?";
    assert_eq!(create(json!({ "InstanceType": "t3.mirco" }), known), [expected]);
    let no_resemblance = "InstanceType is \"zz9.plural\": the region us-west-2 has no such instance type";
    assert_eq!(create(json!({ "InstanceType": "zz9.plural" }), known), [no_resemblance]);
    assert_eq!(update(json!({}), json!({ "Tags": { "team": "web" } }), known), NONE);
}

#[test]
fn a_type_that_none_of_the_environments_zones_offers_is_rejected_with_the_zones() {
    let only_c = |facts: &mut Facts| {
        facts.zones = vec!["us-west-2c".into()];
        facts.instance_type = Some(offered("x86_64", &["us-west-2c", "us-west-2d"]));
        facts.subnets = vec![
            subnet("subnet-1", "10.0.128.0/19", "us-west-2a", true),
            subnet("subnet-2", "10.0.160.0/19", "us-west-2b", true),
            subnet("subnet-3", "10.0.224.0/19", "us-west-2c", false),
        ];
    };
    let expected = "InstanceType is \"p5.48xlarge\": a type that one of the environment's zones offers: its zones are us-west-2a, us-west-2b, and this type is offered in us-west-2c, us-west-2d";
    assert_eq!(update(json!({}), json!({ "InstanceType": "p5.48xlarge" }), only_c), [expected]);
    let one_zone = |facts: &mut Facts| {
        only_c(facts);
        facts.instance_type = Some(offered("x86_64", &["us-west-2b"]));
    };
    assert_eq!(
        update(json!({}), json!({ "InstanceType": "p5.48xlarge" }), one_zone),
        NONE,
        "Auto Scaling uses that zone"
    );
    assert_eq!(update(json!({}), json!({ "Tags": { "team": "web" } }), only_c), NONE);
}

#[test]
fn more_zones_than_those_that_offer_the_type_are_rejected_with_the_number() {
    let two = |facts: &mut Facts| facts.zones.truncate(2);
    let expected = "ZoneCount is 3: at most 2, since t3.micro is offered in us-west-2a, us-west-2b";
    assert_eq!(create(json!({ "ZoneCount": "3" }), two), [expected]);
    assert_eq!(update(json!({}), json!({ "ZoneCount": "3" }), two), [expected]);
    assert_eq!(create(json!({}), two), NONE);
    let none = create(json!({}), |facts| facts.zones.clear());
    assert_eq!(
        none,
        [
            "InstanceType is \"t3.micro\": a type that an availability zone of the region us-west-2 offers to this account"
        ]
    );
}

#[test]
fn a_new_zone_is_one_that_no_subnet_of_the_environment_is_in() {
    let facts = Facts {
        subnets: vec![
            subnet("subnet-1", "10.0.128.0/19", "us-west-2b", true),
            subnet("subnet-2", "10.0.160.0/19", "us-west-2c", true),
        ],
        ..crate::common::facts()
    };
    let of = |egress: &str| {
        let resources = desired(&spec(json!({ "ZoneCount": "3", "Egress": egress })), &names(), OWNER, &facts);
        let zone = |number| {
            let key = names().private_subnet(number);
            let found = resources.iter().find(|it| it.key() == key).expect("a subnet");
            let Fields::Subnet(subnet) = &found.fields else { panic!("not a subnet") };
            subnet.zone.clone()
        };
        [1, 2, 3].map(zone)
    };
    assert_eq!(of("NatGateway"), ["us-west-2b", "us-west-2c", "us-west-2a"]);
    assert_eq!(of("VpcEndpoints"), ["us-west-2b", "us-west-2c", "us-west-2a"]);
}

#[test]
fn an_image_of_another_architecture_is_rejected_with_the_parameter_that_fits() {
    let arm = |facts: &mut Facts| facts.instance_type = Some(offered("arm64", &["us-west-2a", "us-west-2b"]));
    let expected = "InstanceType is \"t4g.micro\": its architecture is arm64, and that of the image ami-0123456789abcdef0 is x86_64. Set a type with x86_64, or an image with arm64, such as ImageParameter /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64";
    assert_eq!(create(json!({ "InstanceType": "t4g.micro" }), arm), [expected]);
    assert_eq!(update(json!({}), json!({ "InstanceType": "t4g.micro" }), arm), [expected]);
    let of_image = update(json!({}), json!({ "ImageId": "ami-0123456789abcdef0" }), arm);
    assert_eq!(
        of_image,
        [
            "ImageId is \"ami-0123456789abcdef0\": the architecture of ami-0123456789abcdef0 is x86_64; valid is an image for InstanceType t3.micro, which has arm64"
        ]
    );
    let paravirtual = create(json!({}), with_image(|it| it.virtualization = "paravirtual".into()));
    assert_eq!(paravirtual.len(), 1);
    assert!(paravirtual[0].contains("its virtualization is hvm, and that of the image"), "{paravirtual:?}");
}

#[test]
fn an_image_that_no_instance_starts_from_is_rejected_only_if_the_request_sets_it() {
    let image = json!({ "ImageId": "ami-0123456789abcdef0" });
    let gone = |facts: &mut Facts| facts.image_details = None;
    let pending = with_image(|it| it.state = "pending".into());
    let instance_store = with_image(|it| it.root_device_type = "instance-store".into());
    let other_root = with_image(|it| it.root_device_name = "/dev/sda1".into());
    let cases: [(Change<'_>, &str); 4] = [
        (&gone, "ami-0123456789abcdef0 does not exist, or is not shared with this account"),
        (&pending, "ami-0123456789abcdef0 is pending; valid is an image that is available"),
        (
            &instance_store,
            "the root device of ami-0123456789abcdef0 is instance-store; valid is an image with an EBS root volume",
        ),
        (
            &other_root,
            "the root device of ami-0123456789abcdef0 is /dev/sda1; valid is an image whose root device is /dev/xvda, as in Amazon Linux 2023",
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(create(image.clone(), change), [format!("ImageId is \"ami-0123456789abcdef0\": {expected}")]);
        assert_eq!(update(json!({}), image.clone(), change).len(), 1);
        let mut tagged = image.clone();
        tagged["Tags"] = json!({ "team": "web" });
        assert_eq!(update(image.clone(), tagged, change), NONE, "{expected}");
        let mut other_type = image.clone();
        other_type["InstanceType"] = json!("t3.small");
        assert_eq!(update(image.clone(), other_type, change), NONE, "{expected}");
    }
    let no_parameter = create(json!({ "ImageParameter": "/golden" }), |facts| facts.image = None);
    assert_eq!(no_parameter, ["ImageParameter is \"/golden\": the SSM parameter does not exist"]);
    let no_version = create(json!({ "ImageParameter": "/golden:3" }), |facts| facts.image = None);
    assert!(no_version[0].ends_with("does not exist, or has no such version or label"), "{no_version:?}");
}

#[test]
fn a_root_volume_smaller_than_the_snapshot_is_rejected_with_the_size() {
    let big = with_image(|it| it.root_snapshot_gib = Some(30));
    let expected = "RootVolumeGiB is 8: at least 30, the size of the root snapshot of the image ami-0123456789abcdef0";
    assert_eq!(create(json!({}), &big), [expected]);
    assert_eq!(create(json!({ "RootVolumeGiB": "30" }), &big), NONE);
    assert_eq!(update(json!({ "RootVolumeGiB": "30" }), json!({}), &big), [expected]);
    assert_eq!(update(json!({}), json!({ "MaxSize": "2" }), &big), NONE);
}

#[test]
fn the_subnets_of_an_existing_network_exist_are_in_its_vpc_and_have_a_zone_for_the_type() {
    let network = json!({ "VpcId": "vpc-12345678", "SubnetIds": ["subnet-11111111", "subnet-22222222"] });
    let found = |vpc: &'static str| {
        move |facts: &mut Facts| {
            let of = |id| SubnetFacts { vpc: vpc.into(), ..subnet(id, "10.9.0.0/24", "us-west-2d", false) };
            facts.subnets = vec![of("subnet-11111111")];
            if vpc == "vpc-12345678" {
                facts.subnets.push(of("subnet-22222222"));
            }
            facts.instance_type = Some(offered("x86_64", &["us-west-2d"]));
        }
    };
    assert_eq!(create(network.clone(), found("vpc-12345678")), NONE);
    let elsewhere = "SubnetIds is \"subnet-11111111\": it is in vpc-87654321, not in VpcId, which is \"vpc-12345678\"";
    let missing = "SubnetIds is \"subnet-22222222\": there is no such subnet in us-west-2";
    assert_eq!(create(network.clone(), found("vpc-87654321")), [elsewhere, missing]);
    let mut tagged = network.clone();
    tagged["Tags"] = json!({ "team": "web" });
    assert_eq!(update(network.clone(), tagged, found("vpc-87654321")), NONE, "the update does not change them");
    let not_offered = |facts: &mut Facts| {
        found("vpc-12345678")(facts);
        facts.instance_type = Some(offered("x86_64", &["us-west-2a"]));
    };
    let [text] = &create(network, not_offered)[..] else { panic!("one violation") };
    assert!(text.contains("its zones are us-west-2d, and this type is offered in us-west-2a"), "{text}");
}

#[test]
fn a_foreign_subnet_in_the_range_of_a_new_zone_is_rejected_with_its_id() {
    let network = json!({ "VpcCidr": "10.40.0.0/16", "ZoneCount": "2", "Egress": "PublicIp" });
    let three = json!({ "VpcCidr": "10.40.0.0/16", "ZoneCount": "3", "Egress": "PublicIp" });
    let foreign = |cidr: &'static str| {
        move |facts: &mut Facts| {
            facts.subnets = vec![
                subnet("subnet-a", "10.40.0.0/19", "us-west-2a", true),
                subnet("subnet-b", "10.40.32.0/19", "us-west-2b", true),
                subnet("subnet-f", cidr, "us-west-2a", false),
            ];
        }
    };
    let rejected = update(network.clone(), three.clone(), foreign("10.40.64.0/19"));
    assert_eq!(
        rejected,
        [
            "ZoneCount is 3: the subnet subnet-f with 10.40.64.0/19 in the environment's VPC vpc-1 is not Envkeeper's, and takes addresses of 10.40.64.0/19, which the environment reserves for a zone. Delete that subnet, or use fewer zones"
        ]
    );
    assert_eq!(update(network.clone(), three.clone(), foreign("10.40.80.0/28")).len(), 1, "a part of the range");
    assert_eq!(
        update(network.clone(), three, foreign("10.40.96.0/19")),
        NONE,
        "a range that Envkeeper never uses here"
    );
    let mut tagged = network.clone();
    tagged["Tags"] = json!({ "team": "web" });
    assert_eq!(update(network, tagged, foreign("10.40.64.0/19")), NONE);
}

fn without(service: &'static str) -> impl Fn(&mut Facts) {
    move |facts| {
        facts.endpoint_services.remove(&format!("com.amazonaws.us-west-2.{service}"));
    }
}

/// The service is in these zones only.
fn only_in(service: &'static str, zones: &'static [&'static str]) -> impl Fn(&mut Facts) {
    move |facts| {
        let found = facts.endpoint_services.get_mut(&format!("com.amazonaws.us-west-2.{service}"));
        found.expect("a service").zones = zones.iter().map(|it| (*it).to_owned()).collect();
    }
}

#[test]
fn five_interface_endpoints_and_a_gateway_are_enough_and_each_of_them_is_needed() {
    let endpoints = json!({ "Egress": "VpcEndpoints" });
    let services = endpoint_services(&spec(endpoints.clone()), "us-west-2", "aws");
    let short: Vec<&str> = services.iter().filter_map(|it| it.strip_prefix("com.amazonaws.us-west-2.")).collect();
    assert_eq!(short, ["ssm", "ssmmessages", "ec2", "logs", "monitoring", "s3"]);
    assert_eq!(create(endpoints.clone(), without("ec2messages")), NONE, "regions launched since 2024 lack it");
    for service in ["ssm", "ssmmessages", "ec2", "logs", "monitoring"] {
        let expected = format!(
            "Egress is \"VpcEndpoints\": the region us-west-2 has no endpoint service com.amazonaws.us-west-2.{service}. Use NatGateway, NatGatewayPerZone or PublicIp"
        );
        assert_eq!(create(endpoints.clone(), without(service)), [expected]);
    }
    let [text] = &create(endpoints.clone(), without("s3"))[..] else { panic!("one violation") };
    assert!(text.contains("has no gateway endpoint service com.amazonaws.us-west-2.s3"), "{text}");
    let [text] = &create(endpoints.clone(), only_in("logs", &["us-west-2d"]))[..] else { panic!("one violation") };
    assert!(
        text.contains("com.amazonaws.us-west-2.logs is only in us-west-2d, in none of the environment's zones"),
        "{text}"
    );
    let tagged = json!({ "Egress": "VpcEndpoints", "Tags": { "team": "web" } });
    assert_eq!(update(endpoints, tagged, without("logs")), NONE);
}

#[test]
fn a_service_that_lacks_a_zone_uses_the_others() {
    let spec = spec(json!({ "Egress": "VpcEndpoints", "ZoneCount": "3" }));
    let mut facts = facts(&spec);
    only_in("logs", &["us-west-2a", "us-west-2c", "us-west-2d"])(&mut facts);
    assert_eq!(check_facts(None, &spec, &names(), &facts), []);
    let resources = desired(&spec, &names(), OWNER, &facts);
    for (service, expected) in [("logs", vec![1, 3]), ("ssm", vec![1, 2, 3])] {
        let found = resources.iter().find(|it| it.key() == names().endpoint(service)).expect("an endpoint");
        let Fields::VpcEndpoint(endpoint) = &found.fields else { panic!("not an endpoint") };
        let Reach::Interface { subnets, .. } = &endpoint.reach else { panic!("not an interface endpoint") };
        let private = expected.into_iter().map(|number| environment::Ref::Owned(names().private_subnet(number)));
        assert_eq!(*subnets, private.collect(), "{service}");
    }
    let account = settled(&DesiredState { resources, ..DesiredState::default() });
    assert!(!account.inventory().is_empty());
}

#[test]
fn an_update_of_an_environment_with_six_endpoints_deletes_the_sixth_and_nothing_else() {
    let desired = crate::common::resources(&spec(json!({ "Egress": "VpcEndpoints" })));
    let mut six = desired.clone();
    let ssm = six.resources.iter().find(|it| it.key() == names().endpoint("ssm")).expect("an endpoint").clone();
    let name = names().endpoint("ec2messages").name;
    let mut sixth = environment::Resource { name: name.clone(), ..ssm };
    sixth.tags.insert("Name".into(), name.clone());
    sixth.tags.insert(environment::mark::NAME.into(), name);
    if let Fields::VpcEndpoint(endpoint) = &mut sixth.fields {
        endpoint.service = "com.amazonaws.us-west-2.ec2messages".into();
    }
    six.resources.push(sixth);
    let account = settled(&six);
    let plan = plan_now(&account, &desired);
    let steps: Vec<String> = plan.steps.iter().map(|it| format!("{:?} {}", it.action, it.key.name)).collect();
    assert_eq!(steps, [format!("Delete {}", names().endpoint("ec2messages").name)]);
    crate::common::run(&account, "update", &desired, None);
    assert_eq!(account.inventory().iter().filter(|it| it.kind() == Kind::VpcEndpoint).count(), 6);
}

#[test]
fn a_maximum_size_that_the_addresses_never_allow_is_rejected_with_the_room() {
    let small = |max: &str, more: Value| {
        let mut all = json!({ "VpcCidr": "10.0.0.0/25", "MaxSize": max });
        all.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        all
    };
    let expected = "MaxSize is 1000: at most 22, the number of instances for which the environment's subnets have addresses. They are eighths of VpcCidr, 10.0.0.0/25, in 2 of at most 3 zones";
    assert_eq!(create(small("1000", json!({})), |_| {}), [expected]);
    for (room, more) in [
        (22, json!({})),
        (11, json!({ "ZoneCount": "1" })),
        (33, json!({ "ZoneCount": "3", "Egress": "PublicIp" })),
        (12, json!({ "Egress": "VpcEndpoints" })),
    ] {
        assert_eq!(create(small(&room.to_string(), more.clone()), |_| {}), NONE, "{more}");
        let [text] = &create(small(&(room + 1).to_string(), more.clone()), |_| {})[..] else { panic!("{more}") };
        assert!(text.contains(&format!("at most {room},")), "{text}");
    }
    let endpoints = small("13", json!({ "Egress": "VpcEndpoints" }));
    assert_eq!(create(endpoints, only_in("logs", &["us-west-2a"])), NONE, "one interface less");
    // What an environment has already blocks no other change, and may decrease.
    let large = small("1000", json!({}));
    assert_eq!(update(large.clone(), small("1000", json!({ "Tags": { "team": "web" } })), |_| {}), NONE);
    assert_eq!(update(large.clone(), small("900", json!({})), |_| {}), NONE);
    assert_eq!(update(large, small("1000", json!({ "ZoneCount": "1" })), |_| {}).len(), 1);
}

#[test]
fn a_request_needs_only_the_facts_that_its_change_depends_on() {
    let of = |before: Value, after: Value| {
        let CheckedFacts { instance_type, image, existing_subnets, rollout_alarms, kms_key } =
            CheckedFacts::of(Some(&spec(before)), &spec(after));
        assert!(!rollout_alarms && !kms_key, "there are none");
        [instance_type, image, existing_subnets]
    };
    let network = |subnets: &str| json!({ "VpcId": "vpc-12345678", "SubnetIds": subnets });
    assert_eq!(of(json!({}), json!({ "Tags": { "team": "web" }, "MaxSize": "9" })), [false; 3]);
    assert_eq!(of(json!({}), json!({ "InstanceType": "t3.small" })), [true, true, false]);
    assert_eq!(of(json!({}), json!({ "RootVolumeGiB": "30" })), [false, true, false]);
    assert_eq!(of(json!({}), json!({ "ZoneCount": "3" })), [true, false, false]);
    assert_eq!(of(network("subnet-11111111"), network("subnet-22222222")), [true, false, true]);
    let created = CheckedFacts::of(None, &spec(json!({})));
    assert_eq!(created, CheckedFacts { instance_type: true, image: true, ..CheckedFacts::default() });
}

#[test]
fn a_key_that_encrypts_nothing_is_named_before_the_first_write() {
    const KEY: &str = "arn:aws:kms:us-west-2:123456789012:key/11111111-2222-3333-4444-555555555555";
    let known = |state: &str, spec: &str| Some(KmsKeyFacts::Known { state: state.into(), spec: spec.into() });
    let cases = [
        (None, None),
        (known("Enabled", "SYMMETRIC_DEFAULT"), None),
        (known("Updating", "SYMMETRIC_DEFAULT"), None),
        (
            known("PendingDeletion", "SYMMETRIC_DEFAULT"),
            Some("the key is PendingDeletion; valid is a key that is Enabled"),
        ),
        (known("Enabled", "RSA_2048"), Some("the key is of the type RSA_2048; valid is a symmetric key")),
        (Some(KmsKeyFacts::Missing), Some("there is no such key in us-west-2")),
    ];
    for (found, expected) in cases {
        let with_key = |mut properties: Value| {
            properties["KmsKeyArn"] = json!(KEY);
            properties
        };
        let change = |facts: &mut Facts| facts.kms_key.clone_from(&found);
        let (plain, tagged) = (with_key(json!({})), with_key(json!({ "Tags": { "team": "web" } })));
        let named = |texts: Vec<String>| match (texts.as_slice(), expected) {
            ([], None) => true,
            ([text], Some(expected)) => text.starts_with(&format!("KmsKeyArn is \"{KEY}\"")) && text.contains(expected),
            _ => false,
        };
        assert!(named(create(plain.clone(), change)), "{found:?}");
        assert!(named(update(json!({}), plain.clone(), change)), "{found:?}");
        assert!(named(update(plain.clone(), with_key(json!({ "InstanceType": "t3.small" })), change)), "{found:?}");
        assert_eq!(update(plain, tagged, change), NONE, "a change without new instances needs no key");
    }
    let read = |before: Option<Value>, after: Value| CheckedFacts::of(before.map(spec).as_ref(), &spec(after)).kms_key;
    assert!(read(None, json!({ "KmsKeyArn": KEY })) && !read(None, json!({})));
    assert!(!read(Some(json!({ "KmsKeyArn": KEY })), json!({ "KmsKeyArn": KEY, "MaxSize": "9" })));
}

/// Properties that facts decide about.
fn properties() -> impl Strategy<Value = Value> {
    let types = prop::sample::select(vec!["t3.micro", "t4g.micro", "p5.48xlarge"]);
    let egress = prop::sample::select(vec!["NatGateway", "NatGatewayPerZone", "VpcEndpoints", "PublicIp"]);
    let images = prop::option::of(prop::sample::select(vec!["ami-12345678", "ami-87654321"]));
    let cidr = prop::sample::select(vec!["10.0.0.0/16", "10.0.0.0/25"]);
    (types, egress, images, cidr, 1..=3_u32, 1..=1000_u32, 8..=40_u32).prop_map(
        |(instance_type, egress, image, cidr, zones, max, gib)| {
            let mut all = json!({
                "InstanceType": instance_type, "Egress": egress, "VpcCidr": cidr, "ZoneCount": zones, "MaxSize": max,
                "RootVolumeGiB": gib,
            });
            if let Some(image) = image {
                all["ImageId"] = json!(image);
            }
            all
        },
    )
}

/// Facts of a region that lacks more or less.
fn any_facts() -> impl Strategy<Value = Facts> {
    let zones = prop::sample::subsequence(vec!["us-west-2a", "us-west-2b", "us-west-2c"], 0..=3);
    let types = prop::sample::select(vec!["x86_64", "arm64"]);
    let foreign = prop::option::of(prop::sample::select(vec!["10.0.0.0/28", "10.0.64.0/19", "10.0.160.0/19"]));
    (zones, types, any::<bool>(), foreign, any::<bool>()).prop_map(
        |(zones, architecture, has_image, foreign, knows_type)| Facts {
            zones: zones.iter().map(|it| (*it).to_owned()).collect(),
            instance_type: if knows_type {
                Some(offered(architecture, &zones))
            } else {
                Some(InstanceTypeFacts::Unknown { known: vec![] })
            },
            image_details: has_image.then(ImageFacts::default),
            subnets: foreign.iter().map(|cidr| subnet("subnet-f", cidr, "us-west-2a", false)).collect(),
            ..crate::common::facts()
        },
    )
}

proptest! {
    #[test]
    fn an_update_that_changes_nothing_that_facts_decide_about_is_never_rejected(
        before in properties(), facts in any_facts()
    ) {
        let mut after = before.clone();
        after["Tags"] = json!({ "team": "web" });
        let (before, after) = (spec(before), spec(after));
        prop_assert_eq!(check_facts(Some(&before), &after, &names(), &facts), vec![]);
        prop_assert_eq!(CheckedFacts::of(Some(&before), &after), CheckedFacts::default());
    }

    #[test]
    fn a_violation_names_a_property_that_the_update_changes(
        before in properties(), after in properties(), facts in any_facts()
    ) {
        let changed: Vec<&str> = ["InstanceType", "Egress", "VpcCidr", "ZoneCount", "MaxSize", "RootVolumeGiB", "ImageId"]
            .into_iter()
            .filter(|name| before.get(name) != after.get(name))
            .collect();
        let (before, after) = (spec(before), spec(after));
        for violation in check_facts(Some(&before), &after, &names(), &facts) {
            // Zones decide about the type, the image about the volume, and the source of the image has two properties.
            let causes: &[&str] = match violation.property.as_str() {
                "InstanceType" | "ZoneCount" => &["InstanceType", "ZoneCount", "Egress", "VpcCidr", "ImageId"],
                "ImageId" | "ImageParameter" => &["ImageId", "InstanceType"],
                "RootVolumeGiB" => &["RootVolumeGiB", "ImageId"],
                "MaxSize" => &["MaxSize", "ZoneCount"],
                other => panic!("{other}"),
            };
            prop_assert!(causes.iter().any(|it| changed.contains(it)), "{} after {:?}", violation, changed);
        }
    }
}
