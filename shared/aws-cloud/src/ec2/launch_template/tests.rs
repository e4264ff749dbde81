//! Versions as AWS lists them.

use super::*;
use crate::ids::Ids;
use aws_sdk_ec2::types::{
    InstanceRequirements, InstanceType, LaunchTemplateBlockDeviceMapping, LaunchTemplateEbsBlockDevice,
    LaunchTemplateHttpTokensState, LaunchTemplateIamInstanceProfileSpecification,
    LaunchTemplateInstanceMetadataEndpointState, LaunchTemplateInstanceMetadataOptions,
    LaunchTemplateInstanceMetadataProtocolIpv6, LaunchTemplateInstanceMetadataTagsState,
    LaunchTemplateInstanceNetworkInterfaceSpecification, LaunchTemplateTagSpecification, LaunchTemplatesMonitoring,
    ShutdownBehavior, VolumeType,
};
use environment::{Key, Kind, Ref, TemplateContent};

/// The description of the version with [`content`].
const DESCRIPTION: &str = "envkeeper 0123456789abcdef fedcba9876543210 /aws/service/ami";

fn names() -> Names {
    Names { project: "p".into(), region: "eu-west-1".into(), account: "123456789012".into(), suffix: "dev".into() }
}

fn content() -> TemplateContent {
    TemplateContent {
        image_source: "/aws/service/ami".into(),
        rolling_inputs: Some("fedcba9876543210".into()),
        instance_type: "t3.micro".into(),
        instance_profile: Ref::Owned(names().instance_profile()),
        security_groups: vec![Ref::owned(Kind::SecurityGroup, "the-sg")],
        root_volume_gib: 8,
        volume_key: Some("arn:key".into()),
        detailed_monitoring: true,
        user_data: "#!/bin/bash\n".into(),
        tags: Tags::from([("CostCenter".into(), "4711".into()), ("Name".into(), "web".into())]),
    }
}

/// Tags of one type of resource, in another order than they were sent.
fn tags_of(kind: ResourceType) -> LaunchTemplateTagSpecification {
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    let specification = LaunchTemplateTagSpecification::builder().resource_type(kind);
    specification.tags(tag("Name", "web")).tags(tag("CostCenter", "4711")).build()
}

/// The data as AWS returns it for a version that Envkeeper sent.
fn sent() -> ResponseLaunchTemplateData {
    let root = LaunchTemplateEbsBlockDevice::builder()
        .volume_size(8)
        .volume_type(VolumeType::Gp3)
        .encrypted(true)
        .kms_key_id("arn:key")
        .delete_on_termination(true);
    let root = LaunchTemplateBlockDeviceMapping::builder().device_name("/dev/xvda").ebs(root.build());
    let profile = LaunchTemplateIamInstanceProfileSpecification::builder();
    let metadata = LaunchTemplateInstanceMetadataOptions::builder()
        .http_endpoint(LaunchTemplateInstanceMetadataEndpointState::Enabled)
        .http_tokens(LaunchTemplateHttpTokensState::Required)
        .http_put_response_hop_limit(2)
        .instance_metadata_tags(LaunchTemplateInstanceMetadataTagsState::Disabled);
    ResponseLaunchTemplateData::builder()
        .image_id("ami-12345678")
        .instance_type(InstanceType::T3Micro)
        .iam_instance_profile(profile.name(names().instance_profile().name).build())
        .security_group_ids("sg-1")
        .metadata_options(metadata.build())
        .block_device_mappings(root.build())
        .monitoring(LaunchTemplatesMonitoring::builder().enabled(true).build())
        .user_data("IyEvYmluL2Jhc2gK")
        .tag_specifications(tags_of(ResourceType::Instance))
        .tag_specifications(tags_of(ResourceType::NetworkInterface))
        .tag_specifications(tags_of(ResourceType::Volume))
        .build()
}

fn found_with(number: i64, description: &str, data: ResponseLaunchTemplateData) -> LaunchTemplateVersion {
    LaunchTemplateVersion::builder()
        .version_number(number)
        .version_description(description)
        .launch_template_data(data)
        .build()
}

fn found(number: i64, description: &str) -> LaunchTemplateVersion {
    found_with(number, description, sent())
}

fn template_with(versions: Vec<LaunchTemplateVersion>) -> TemplateAttributes {
    let name = names().launch_template().name;
    let template = Found::builder().launch_template_id("lt-1").launch_template_name(name).build();
    TemplateAttributes { template, tags: Tags::new(), versions }
}

fn versions_of(observed: &ObservedResource) -> Vec<TemplateVersion> {
    match &observed.resource.fields {
        Fields::LaunchTemplate(template) => template.versions.clone(),
        other => panic!("{other:?}"),
    }
}

/// The observed version with this data, beside the security group that it uses.
fn observed_version(data: ResponseLaunchTemplateData) -> TemplateVersion {
    let (ids, names) = (Ids::default(), names());
    ids.record_created(&Key::new(Kind::SecurityGroup, "the-sg"), "sg-1");
    let template = template_with(vec![found_with(1, DESCRIPTION, data)]);
    let observed = observed(&template, &mut ids.observation("owner", &names)).unwrap();
    let [version] = versions_of(&observed).try_into().unwrap();
    version
}

#[test]
fn a_version_is_read_as_it_was_requested_and_its_digest_is_that_of_its_data() {
    let (ids, names) = (Ids::default(), names());
    ids.record_created(&Key::new(Kind::SecurityGroup, "the-sg"), "sg-1");
    let mut observation = ids.observation("owner", &names);
    let observed = observed(&template_with(vec![found(1, DESCRIPTION)]), &mut observation).unwrap();
    let version = TemplateVersion::of(content(), "ami-12345678".into());
    assert_eq!(observation.digest("lt-1", 1), Some(version.digest.as_str()));
    assert_eq!(versions_of(&observed), [version]);
    assert_eq!(observed.references, ["sg-1"]);
}

/// Its description has no digest of rolling inputs, so no instance is replaced for it.
#[test]
fn a_version_of_an_earlier_release_is_read_without_rolling_inputs() {
    let (ids, names) = (Ids::default(), names());
    ids.record_created(&Key::new(Kind::SecurityGroup, "the-sg"), "sg-1");
    let template = template_with(vec![found(1, "envkeeper 0123456789abcdef /aws/service/ami")]);
    let observed = observed(&template, &mut ids.observation("owner", &names)).unwrap();
    let earlier = TemplateVersion::of(TemplateContent { rolling_inputs: None, ..content() }, "ami-12345678".into());
    assert_eq!((versions_of(&observed), earlier.rolling()), (vec![earlier.clone()], None));
}

type Change = Box<dyn Fn(&mut ResponseLaunchTemplateData)>;

#[test]
fn a_version_with_any_other_data_is_not_the_desired_version() {
    let desired = TemplateVersion::of(content(), "ami-12345678".into());
    let changes: Vec<(&str, Change)> = vec![
        ("image", Box::new(|it| it.image_id = Some("ami-eeeeeeee".into()))),
        ("image alias", Box::new(|it| it.image_id = Some("resolve:ssm:/evil".into()))),
        ("user data", Box::new(|it| it.user_data = Some("IyEvYmluL2Jhc2gKZXZpbAo=".into()))),
        ("no user data", Box::new(|it| it.user_data = None)),
        ("user data that is not base64", Box::new(|it| it.user_data = Some("IyEvYmluL2Jhc2gK!".into()))),
        ("instance type", Box::new(|it| it.instance_type = Some(InstanceType::T3Small))),
        ("no instance type", Box::new(|it| it.instance_type = None)),
        (
            "instance requirements",
            Box::new(|it| it.instance_requirements = Some(InstanceRequirements::builder().build())),
        ),
        ("profile", Box::new(|it| it.iam_instance_profile.iter_mut().for_each(|it| it.name = Some("admin".into())))),
        (
            "profile by ARN",
            Box::new(|it| {
                it.iam_instance_profile.iter_mut().for_each(|it| {
                    it.arn = Some("arn:aws:iam::123456789012:instance-profile/admin".into());
                });
            }),
        ),
        ("no profile", Box::new(|it| it.iam_instance_profile = None)),
        ("another group", Box::new(|it| it.security_group_ids = Some(vec!["sg-1".into(), "sg-9".into()]))),
        ("no group", Box::new(|it| it.security_group_ids = None)),
        ("a group by name", Box::new(|it| it.security_groups = Some(vec!["open".into()]))),
    ];
    for (name, change) in changes {
        let mut data = sent();
        change(&mut data);
        assert_ne!(observed_version(data).digest, desired.digest, "{name}");
    }
}

#[test]
fn a_version_with_other_options_volumes_or_tags_is_not_the_desired_version() {
    let desired = TemplateVersion::of(content(), "ami-12345678".into());
    let ebs = |data: &mut ResponseLaunchTemplateData, change: fn(&mut LaunchTemplateEbsBlockDevice)| {
        data.block_device_mappings.iter_mut().flatten().filter_map(|it| it.ebs.as_mut()).for_each(change);
    };
    let metadata = |data: &mut ResponseLaunchTemplateData, change: fn(&mut LaunchTemplateInstanceMetadataOptions)| {
        data.metadata_options.iter_mut().for_each(change);
    };
    let changes: Vec<(&str, Change)> = vec![
        (
            "network interface",
            Box::new(|it| {
                let interface = LaunchTemplateInstanceNetworkInterfaceSpecification::builder();
                it.network_interfaces = Some(vec![interface.build()]);
            }),
        ),
        ("key pair", Box::new(|it| it.key_name = Some("evil".into()))),
        ("kernel", Box::new(|it| it.kernel_id = Some("aki-1".into()))),
        ("RAM disk", Box::new(|it| it.ram_disk_id = Some("ari-1".into()))),
        ("shutdown", Box::new(|it| it.instance_initiated_shutdown_behavior = Some(ShutdownBehavior::Stop))),
        ("termination", Box::new(|it| it.disable_api_termination = Some(true))),
        ("stop", Box::new(|it| it.disable_api_stop = Some(true))),
        ("monitoring", Box::new(|it| it.monitoring = None)),
        ("IMDSv1", Box::new(move |it| metadata(it, |it| it.http_tokens = None))),
        ("hops", Box::new(move |it| metadata(it, |it| it.http_put_response_hop_limit = Some(64)))),
        (
            "instance tags",
            Box::new(move |it| {
                metadata(it, |it| {
                    it.instance_metadata_tags = Some(LaunchTemplateInstanceMetadataTagsState::Enabled);
                });
            }),
        ),
        ("instance tags of the account", Box::new(move |it| metadata(it, |it| it.instance_metadata_tags = None))),
        ("endpoint of the account", Box::new(move |it| metadata(it, |it| it.http_endpoint = None))),
        ("no metadata options", Box::new(|it| it.metadata_options = None)),
        ("plain volume", Box::new(move |it| ebs(it, |it| it.encrypted = Some(false)))),
        ("snapshot", Box::new(move |it| ebs(it, |it| it.snapshot_id = Some("snap-1".into())))),
        ("kept volume", Box::new(move |it| ebs(it, |it| it.delete_on_termination = Some(false)))),
        ("IOPS", Box::new(move |it| ebs(it, |it| it.iops = Some(16_000)))),
        (
            "second volume",
            Box::new(|it| {
                let second = LaunchTemplateBlockDeviceMapping::builder().device_name("/dev/sdb").build();
                it.block_device_mappings.iter_mut().for_each(|all| all.push(second.clone()));
            }),
        ),
        (
            "instance tag",
            Box::new(|it| {
                let tags = LaunchTemplateTagSpecification::builder().resource_type(ResourceType::Instance);
                it.tag_specifications = Some(vec![tags.build()]);
            }),
        ),
        ("no tags", Box::new(|it| it.tag_specifications = None)),
        (
            "untagged volumes",
            Box::new(|it| {
                it.tag_specifications
                    .iter_mut()
                    .for_each(|all| all.retain(|it| it.resource_type != Some(ResourceType::Volume)));
            }),
        ),
        (
            "another tag of volumes",
            Box::new(|it| {
                let other = Tag::builder().key("envkeeper:owner").value("evil").build();
                let volumes = it.tag_specifications.iter_mut().flatten();
                volumes.filter(|it| it.resource_type == Some(ResourceType::Volume)).for_each(|it| {
                    it.tags.get_or_insert_default().push(other.clone());
                });
            }),
        ),
        (
            "tags of Spot requests",
            Box::new(|it| {
                it.tag_specifications.get_or_insert_default().push(tags_of(ResourceType::SpotInstancesRequest));
            }),
        ),
    ];
    for (name, change) in changes {
        let mut data = sent();
        change(&mut data);
        assert_ne!(observed_version(data).digest, desired.digest, "{name}");
    }
}

#[test]
fn a_field_with_its_default_is_the_same_as_an_absent_one() {
    let desired = TemplateVersion::of(content(), "ami-12345678".into());
    let mut data = sent();
    data.ebs_optimized = Some(false);
    data.network_interfaces = Some(vec![]);
    data.tag_specifications.get_or_insert_default().push(tags_of(ResourceType::LaunchTemplate));
    data.iam_instance_profile = Some(
        LaunchTemplateIamInstanceProfileSpecification::builder()
            .arn(format!("arn:aws:iam::123456789012:instance-profile/{}", names().instance_profile().name))
            .build(),
    );
    if let Some(options) = &mut data.metadata_options {
        options.http_protocol_ipv6 = Some(LaunchTemplateInstanceMetadataProtocolIpv6::Disabled);
    }
    assert_eq!(observed_version(data), desired);
}

#[test]
fn of_two_versions_with_the_same_data_the_oldest_is_used() {
    let (ids, names) = (Ids::default(), names());
    ids.record_created(&Key::new(Kind::SecurityGroup, "the-sg"), "sg-1");
    let all = vec![found(7, DESCRIPTION), found(2, DESCRIPTION)];
    let mut observation = ids.observation("owner", &names);
    observed(&template_with(all), &mut observation).unwrap();
    ids.replace_observed(&observation);
    let digest = TemplateVersion::of(content(), "ami-12345678".into()).digest;
    assert_eq!(ids.version("lt-1", &digest), Some(2));
}

#[test]
fn a_template_whose_tags_are_not_listed_yet_is_owned() {
    let mark = Tag::builder().key(environment::mark::OWNER).value("owner").build();
    let template = Found::builder().launch_template_id("lt-1").tags(mark).build();
    let attributes = TemplateAttributes { template, tags: Tags::new(), versions: vec![] };
    let (ids, names) = (Ids::default(), names());
    let observed = observed(&attributes, &mut ids.observation("owner", &names)).unwrap();
    assert_eq!((observed.ownership, observed.resource.tags), (environment::Ownership::Owned, Tags::new()));
}

#[test]
fn versions_are_sorted_by_age_and_foreign_versions_are_left_out() {
    let (ids, names) = (Ids::default(), names());
    ids.record_created(&Key::new(Kind::SecurityGroup, "the-sg"), "sg-1");
    let all = vec![
        found(3, "envkeeper 3333333333333333 ami-3"),
        found(2, "created manually"),
        found(1, "envkeeper 1111111111111111 ami-1"),
    ];
    let observed = observed(&template_with(all), &mut ids.observation("owner", &names)).unwrap();
    let sources: Vec<String> = versions_of(&observed).into_iter().map(|it| it.content.image_source).collect();
    assert_eq!(sources, ["ami-1", "ami-3"]);
}

#[test]
fn a_version_with_a_deleted_security_group_has_another_digest() {
    let (ids, names) = (Ids::default(), names());
    let mut observation = ids.observation("owner", &names);
    let observed =
        observed(&template_with(vec![found(1, "envkeeper 0123456789abcdef ami-1")]), &mut observation).unwrap();
    let [version] = versions_of(&observed).try_into().unwrap();
    assert_eq!(version.content.security_groups, [Ref::Foreign("sg-1".into())]);
    assert_ne!(version.digest, "0123456789abcdef");
    assert_eq!(observation.digest("lt-1", 1), Some(version.digest.as_str()));
    assert_eq!((version.content.image_source.as_str(), version.image.as_str()), ("ami-1", "ami-12345678"));
}
