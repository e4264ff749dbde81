//! The facts about a spec, by the responses of EC2.

use std::sync::{Arc, Mutex};

use environment::{
    CheckedFacts, Defaults, Deployment, EndpointServiceFacts, Facts, FactsQuery, ImageFacts, ImageOwner,
    InstanceTypeFacts, KmsKeyFacts, Spec, SubnetFacts,
};
use serde_json::{Value, json};

use crate::service;

const IMAGE: &str = "ami-0123456789abcdef0";
const OWNER: &str = "0123456789abcdef0123";

fn spec(more: &Value) -> Spec {
    let deployment = Deployment { project: "p".into(), region: "eu-west-1".into(), account: "123456789012".into() };
    let mut given = json!({ "EnvironmentSuffix": "dev", "ImageId": IMAGE });
    given.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let given = given.as_object().expect("an object");
    Spec::read(given, &Defaults::from_vars(|_| None), &deployment).expect("valid properties")
}

fn query(spec: &Spec, checked: CheckedFacts) -> FactsQuery<'_> {
    let vpc = Some("vpc-1");
    FactsQuery { spec, region: "eu-west-1", hooks_are_handled: true, owner: OWNER, image: None, vpc, checked }
}

/// The facts about `more` by a service with these results, and the actions that were called. An action without a result
/// returns an empty one.
async fn facts(
    more: Value,
    checked: CheckedFacts,
    results: &'static [(&'static str, &'static str)],
) -> (Result<Facts, String>, Vec<String>) {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let called = Arc::clone(&calls);
    let clients = service::start(move |request| {
        let action = request.body.split("Action=").nth(1).and_then(|it| it.split('&').next());
        let (action, is_json) = action.map_or((request.target.as_str(), true), |it| (it, false));
        called.lock().expect("a lock").push(request.body.clone());
        let result = results.iter().find(|(name, _)| *name == action).map_or("", |(_, result)| result);
        if is_json {
            let error = result.strip_prefix("error ").map(|code| format!(r#"{{"__type":"{code}","message":"no"}}"#));
            return Some(error.map_or((200, result.to_owned()), |error| (400, error)));
        }
        if let Some(code) = result.strip_prefix("error ") {
            let body = format!(
                "<Response><Errors><Error><Code>{code}</Code><Message>no</Message></Error></Errors></Response>"
            );
            return Some((if code == "UnauthorizedOperation" { 403 } else { 400 }, body));
        }
        Some((200, format!("<{action}Response>{result}</{action}Response>")))
    });
    let spec = spec(&more);
    let facts = aws_cloud::facts(&clients, &query(&spec, checked)).await.map_err(|error| error.to_string());
    let calls = calls.lock().expect("a lock").clone();
    (facts, calls)
}

const ALL: CheckedFacts =
    CheckedFacts { instance_type: true, image: true, existing_subnets: true, rollout_alarms: false, kms_key: true };

#[tokio::test]
async fn an_image_is_described_with_its_owner_state_architecture_and_root_device() {
    const IMAGES: &[(&str, &str)] = &[(
        "DescribeImages",
        "<imagesSet><item><imageId>ami-0123456789abcdef0</imageId><imageState>available</imageState>\
        <imageOwnerId>137112412989</imageOwnerId><imageOwnerAlias>amazon</imageOwnerAlias><architecture>arm64</architecture>\
        <rootDeviceType>ebs</rootDeviceType><rootDeviceName>/dev/xvda</rootDeviceName>\
        <virtualizationType>hvm</virtualizationType><blockDeviceMapping>\
        <item><deviceName>/dev/sdb</deviceName><ebs><volumeSize>99</volumeSize></ebs></item>\
        <item><deviceName>/dev/xvda</deviceName><ebs><volumeSize>30</volumeSize></ebs></item></blockDeviceMapping>\
        </item></imagesSet>",
    )];
    let (facts, calls) = facts(json!({}), ALL, IMAGES).await;
    let expected = ImageFacts {
        owner: ImageOwner { account: "137112412989".into(), alias: Some("amazon".into()) },
        state: "available".into(),
        architecture: "arm64".into(),
        virtualization: "hvm".into(),
        root_device_type: "ebs".into(),
        root_device_name: "/dev/xvda".into(),
        root_snapshot_gib: Some(30),
    };
    assert_eq!(facts.expect("facts").image_details, Some(expected));
    let call = calls.iter().find(|it| it.contains("Action=DescribeImages")).expect("a call");
    assert!(call.contains(IMAGE) && call.contains("IncludeDeprecated=true"), "{call}");
}

#[tokio::test]
async fn an_image_that_is_not_found_has_no_details_and_another_error_is_an_error() {
    let (facts_without, _) = facts(json!({}), ALL, &[("DescribeImages", "error InvalidAMIID.NotFound")]).await;
    assert_eq!(facts_without.expect("facts").image_details, None);
    let (facts_without, _) = facts(json!({}), ALL, &[]).await;
    assert_eq!(facts_without.expect("facts").image_details, None);
    let (denied, _) = facts(json!({}), ALL, &[("DescribeImages", "error UnauthorizedOperation")]).await;
    assert!(denied.is_err_and(|it| it.contains("ec2:DescribeImages")));
}

#[tokio::test]
async fn a_key_is_described_and_one_that_is_not_readable_is_unknown() {
    const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555";
    const ENABLED: &[(&str, &str)] = &[(
        "DescribeKey",
        r#"{"KeyMetadata":{"KeyId":"1","KeyState":"PendingDeletion","KeySpec":"SYMMETRIC_DEFAULT"}}"#,
    )];
    let key = async |results| {
        let (found, calls) = facts(json!({ "KmsKeyArn": KEY }), ALL, results).await;
        assert!(calls.contains(&json!({ "KeyId": KEY }).to_string()), "{calls:?}");
        found.expect("facts").kms_key
    };
    let known = KmsKeyFacts::Known { state: "PendingDeletion".into(), spec: "SYMMETRIC_DEFAULT".into() };
    assert_eq!(key(ENABLED).await, Some(known));
    assert_eq!(key(&[("DescribeKey", "error NotFoundException")]).await, Some(KmsKeyFacts::Missing));
    for code in ["error AccessDeniedException", "error InvalidArnException"] {
        let results: &'static [(&str, &str)] = Vec::leak(vec![("DescribeKey", code)]);
        assert_eq!(key(results).await, None, "{code}");
    }
}

#[tokio::test]
async fn a_type_is_described_with_the_zones_that_offer_it_and_an_unknown_one_with_all_types_of_the_region() {
    const OFFERINGS: &str = "<instanceTypeOfferingSet><item><instanceType>t3.micro</instanceType><location>eu-west-1a</location>\
        </item></instanceTypeOfferingSet>";
    const KNOWN: &[(&str, &str)] = &[
        ("DescribeInstanceTypeOfferings", OFFERINGS),
        (
            "DescribeInstanceTypes",
            "<instanceTypeSet><item><instanceType>t3.micro</instanceType><supportedVirtualizationTypes><item>hvm</item>\
             </supportedVirtualizationTypes><processorInfo><supportedArchitectures><item>x86_64</item></supportedArchitectures>\
             </processorInfo><vCpuInfo><defaultVCpus>2</defaultVCpus></vCpuInfo></item></instanceTypeSet>",
        ),
    ];
    let (facts_of_known, _) = facts(json!({}), ALL, KNOWN).await;
    let known = InstanceTypeFacts::Known {
        architectures: vec!["x86_64".into()],
        virtualization: vec!["hvm".into()],
        vcpus: Some(2),
        zones: ["eu-west-1a".to_owned()].into(),
    };
    assert_eq!(facts_of_known.expect("facts").instance_type, Some(known));
    let (facts_of_unknown, calls) =
        facts(json!({ "InstanceType": "t3.mirco" }), ALL, &[("DescribeInstanceTypeOfferings", OFFERINGS)]).await;
    let unknown = InstanceTypeFacts::Unknown { known: vec!["t3.micro".into()] };
    assert_eq!(facts_of_unknown.expect("facts").instance_type, Some(unknown));
    assert!(calls.iter().any(|it| it.contains("LocationType=region") && !it.contains("Filter")), "{calls:?}");
}

#[tokio::test]
async fn the_subnets_of_the_managed_vpc_are_owned_by_their_mark() {
    const SUBNETS: &[(&str, &str)] = &[(
        "DescribeSubnets",
        "<subnetSet><item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/19</cidrBlock>\
         <availabilityZone>eu-west-1a</availabilityZone><availableIpAddressCount>8187</availableIpAddressCount><tagSet><item><key>envkeeper:owner</key>\
         <value>0123456789abcdef0123</value></item></tagSet></item>\
         <item><subnetId>subnet-2</subnetId><vpcId>vpc-1</vpcId><cidrBlock>10.0.32.0/19</cidrBlock>\
         <availabilityZone>eu-west-1b</availabilityZone><availableIpAddressCount>8187</availableIpAddressCount></item></subnetSet>",
    )];
    let (facts, calls) = facts(json!({}), CheckedFacts::default(), SUBNETS).await;
    let subnet = |id: &str, cidr: &str, zone: &str, is_marked| SubnetFacts {
        id: id.into(),
        vpc: "vpc-1".into(),
        cidr: cidr.parse().expect("a network"),
        zone: zone.into(),
        free_addresses: Some(8_187),
        is_marked,
    };
    let expected = [
        subnet("subnet-1", "10.0.0.0/19", "eu-west-1a", true),
        subnet("subnet-2", "10.0.32.0/19", "eu-west-1b", false),
    ];
    assert_eq!(facts.expect("facts").subnets, expected);
    let call = calls.iter().find(|it| it.contains("Action=DescribeSubnets")).expect("a call");
    assert!(call.contains("Filter.1.Name=vpc-id") && call.contains("vpc-1"), "{call}");
}

#[tokio::test]
async fn an_endpoint_service_has_zones_and_may_be_a_gateway_as_well() {
    const SERVICES: &[(&str, &str)] = &[(
        "DescribeVpcEndpointServices",
        "<serviceDetailSet><item><serviceName>com.amazonaws.eu-west-1.s3</serviceName><serviceType><item>\
         <serviceType>Gateway</serviceType></item></serviceType><availabilityZoneSet><item>eu-west-1c</item></availabilityZoneSet>\
         </item><item><serviceName>com.amazonaws.eu-west-1.s3</serviceName><serviceType><item>\
         <serviceType>Interface</serviceType></item></serviceType><availabilityZoneSet><item>eu-west-1a</item>\
         </availabilityZoneSet></item></serviceDetailSet>",
    )];
    let (facts, calls) = facts(json!({ "Egress": "VpcEndpoints" }), CheckedFacts::default(), SERVICES).await;
    let s3 = EndpointServiceFacts { zones: ["eu-west-1a".to_owned()].into(), has_interface: true, has_gateway: true };
    assert_eq!(facts.expect("facts").endpoint_services, [("com.amazonaws.eu-west-1.s3".to_owned(), s3)].into());
    let call = calls.iter().find(|it| it.contains("Action=DescribeVpcEndpointServices")).expect("a call");
    assert!(call.contains("com.amazonaws.eu-west-1.ssmmessages") && !call.contains("ec2messages"), "{call}");
}

#[tokio::test]
async fn only_the_facts_that_a_pass_needs_are_read() {
    let actions = async |more, checked| {
        let (_, calls) = facts(more, checked, &[]).await;
        let action = |it: &String| it.split("Action=").nth(1).and_then(|it| it.split('&').next()).map(str::to_owned);
        let mut actions: Vec<String> = calls.iter().filter_map(action).collect();
        actions.sort();
        actions.dedup();
        actions
    };
    let managed = ["DescribeAvailabilityZones", "DescribeInstanceTypeOfferings", "DescribeSubnets"];
    assert_eq!(actions(json!({}), CheckedFacts::default()).await, managed);
    let existing = json!({ "VpcId": "vpc-12345678", "SubnetIds": "subnet-12345678" });
    assert_eq!(actions(existing.clone(), CheckedFacts::default()).await, <[&str; 0]>::default());
    let checked = ["DescribeImages", "DescribeInstanceTypeOfferings", "DescribeInstanceTypes", "DescribeSubnets"];
    assert_eq!(actions(existing, ALL).await, checked);
}
