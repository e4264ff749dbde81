//! The data of a launch template version, in the form of AWS and in the form of the engine.

use aws_sdk_ec2::types::{
    InstanceType, LaunchTemplateBlockDeviceMapping, LaunchTemplateBlockDeviceMappingRequest,
    LaunchTemplateEbsBlockDevice, LaunchTemplateEbsBlockDeviceRequest, LaunchTemplateHttpTokensState,
    LaunchTemplateIamInstanceProfileSpecification, LaunchTemplateIamInstanceProfileSpecificationRequest,
    LaunchTemplateInstanceMetadataEndpointState, LaunchTemplateInstanceMetadataOptions,
    LaunchTemplateInstanceMetadataOptionsRequest, LaunchTemplateInstanceMetadataProtocolIpv6,
    LaunchTemplateInstanceMetadataTagsState, LaunchTemplateTagSpecification, LaunchTemplateTagSpecificationRequest,
    LaunchTemplateVersion, LaunchTemplatesMonitoring, LaunchTemplatesMonitoringRequest, RequestLaunchTemplateData,
    ResourceType, ResponseLaunchTemplateData, Tag, VolumeType,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use environment::{ROOT_DEVICE, Ref, TemplateContent, TemplateVersion, VersionDescription};

use crate::errors::Problem;
use crate::iam::reference_by_name;
use crate::ids::{Ids, Observation};

use super::tags;

/// The hop limit of metadata responses: one hop to the instance and one more to a container on it, which then reaches
/// the role's credentials too. AWS's own default for Amazon Linux 2023.
const METADATA_HOPS: i32 = 2;

/// Instances, and the resources that EC2 creates with each of them. (A Spot request would be the fourth type that a template
/// tags; the group requests no Spot instances.)
const TAGGED: [ResourceType; 3] = [ResourceType::Instance, ResourceType::Volume, ResourceType::NetworkInterface];

/// The throughput and the IOPS of a gp3 volume by default (the EBS user guide).
const GP3_IOPS: i32 = 3_000;
const GP3_MIB_PER_SECOND: i32 = 125;

/// The description of a version.
pub(super) fn description(version: &TemplateVersion) -> String {
    let TemplateContent { image_source, rolling_inputs, .. } = version.content.clone();
    VersionDescription::of(&version.digest, rolling_inputs, image_source).to_string()
}

/// The data for the create call.
pub(super) fn request(
    version: &TemplateVersion,
    ids: &Ids,
    operation: &'static str,
) -> Result<RequestLaunchTemplateData, Problem> {
    let TemplateContent { instance_type, instance_profile, security_groups, user_data, .. } = &version.content;
    let profile = LaunchTemplateIamInstanceProfileSpecificationRequest::builder().name(instance_profile.to_string());
    let groups: Vec<String> =
        security_groups.iter().map(|group| ids.of_ref(operation, group)).collect::<Result<_, _>>()?;
    // An absent option takes the default of the account, if it has one (EC2 user guide, "Order of precedence for instance
    // metadata options"), so each option with such a default is set. User data needs the endpoint. With instance tags in the
    // metadata, an instance whose tag key contains a space or a slash does not start (karpenter-provider-aws, pull request
    // 7012). The IPv6 endpoint has no default in the account, and is disabled.
    // Session credentials only for requests with a token: a forged request through the instance does not have a token.
    let metadata = LaunchTemplateInstanceMetadataOptionsRequest::builder()
        .http_endpoint(LaunchTemplateInstanceMetadataEndpointState::Enabled)
        .http_tokens(LaunchTemplateHttpTokensState::Required)
        .http_put_response_hop_limit(METADATA_HOPS)
        .instance_metadata_tags(LaunchTemplateInstanceMetadataTagsState::Disabled);
    let specification = |kind: ResourceType| {
        let request = LaunchTemplateTagSpecificationRequest::builder().resource_type(kind);
        request.set_tags(Some(tags::written(&version.content.tags))).build()
    };
    let monitoring = LaunchTemplatesMonitoringRequest::builder().enabled(version.content.detailed_monitoring);
    Ok(RequestLaunchTemplateData::builder()
        .image_id(&version.image)
        .instance_type(InstanceType::from(instance_type.as_str()))
        .iam_instance_profile(profile.build())
        .set_security_group_ids(Some(groups))
        .metadata_options(metadata.build())
        .block_device_mappings(root_volume(&version.content))
        .monitoring(monitoring.build())
        .user_data(BASE64.encode(&**user_data))
        .set_tag_specifications(Some(TAGGED.map(specification).to_vec()))
        .build())
}

fn root_volume(content: &TemplateContent) -> LaunchTemplateBlockDeviceMappingRequest {
    let volume = LaunchTemplateEbsBlockDeviceRequest::builder()
        .volume_size(i32::try_from(content.root_volume_gib).unwrap_or(i32::MAX))
        .volume_type(VolumeType::Gp3)
        .encrypted(true)
        .set_kms_key_id(content.volume_key.clone())
        .delete_on_termination(true);
    LaunchTemplateBlockDeviceMappingRequest::builder().device_name(ROOT_DEVICE).ebs(volume.build()).build()
}

/// The version in the form of the engine; `None` if its description is not of Envkeeper's form.
///
/// The digest is computed from the data. A version with a deleted security group therefore has another digest than
/// before, and a version whose data differs in any field from the data of [`request`] is altered.
pub(crate) fn version(found: &LaunchTemplateVersion, observation: &Observation<'_>) -> Option<TemplateVersion> {
    let VersionDescription { rolling, image_source, .. } = VersionDescription::read(found.version_description()?)?;
    let data = found.launch_template_data()?;
    let volume = data.block_device_mappings().iter().find_map(LaunchTemplateBlockDeviceMapping::ebs);
    let size = volume.and_then(LaunchTemplateEbsBlockDevice::volume_size).and_then(|gib| u32::try_from(gib).ok());
    let user_data = BASE64.decode(data.user_data().unwrap_or_default()).unwrap_or_default();
    let content = TemplateContent {
        image_source,
        rolling_inputs: rolling,
        instance_type: data.instance_type().map(|it| it.as_str().to_owned()).unwrap_or_default(),
        instance_profile: profile(data.iam_instance_profile(), observation),
        security_groups: data.security_group_ids().iter().map(|id| observation.reference(id)).collect(),
        root_volume_gib: size.unwrap_or_default(),
        volume_key: volume.and_then(LaunchTemplateEbsBlockDevice::kms_key_id).map(str::to_owned),
        detailed_monitoring: data.monitoring().and_then(LaunchTemplatesMonitoring::enabled).unwrap_or_default(),
        user_data: String::from_utf8_lossy(&user_data).into_owned().into(),
        tags: tags::read(instance_tags(data)),
    };
    let image = data.image_id().unwrap_or_default().to_owned();
    let as_sent = as_sent(&content, &image, data.security_group_ids());
    let is_as_sent = normalized(data.clone(), &content, &observation.names.account) == as_sent;
    Some(if is_as_sent { TemplateVersion::of(content, image) } else { TemplateVersion::altered(content, image) })
}

/// The tags of the instances, which volumes and interfaces have as well.
fn instance_tags(data: &ResponseLaunchTemplateData) -> &[Tag] {
    let specifications = data.tag_specifications();
    let of_instances = specifications.iter().find(|it| it.resource_type == Some(ResourceType::Instance));
    of_instances.map(LaunchTemplateTagSpecification::tags).unwrap_or_default()
}

/// The data that AWS returns for the data of [`request`]: the same fields.
fn as_sent(content: &TemplateContent, image: &str, groups: &[String]) -> ResponseLaunchTemplateData {
    let profile = LaunchTemplateIamInstanceProfileSpecification::builder().name(content.instance_profile.to_string());
    let metadata = LaunchTemplateInstanceMetadataOptions::builder()
        .http_endpoint(LaunchTemplateInstanceMetadataEndpointState::Enabled)
        .http_tokens(LaunchTemplateHttpTokensState::Required)
        .http_put_response_hop_limit(METADATA_HOPS)
        .instance_metadata_tags(LaunchTemplateInstanceMetadataTagsState::Disabled);
    let specification = |kind: ResourceType| {
        let sent = LaunchTemplateTagSpecification::builder().resource_type(kind);
        sent.set_tags(Some(tags::written(&content.tags))).build()
    };
    let volume = LaunchTemplateEbsBlockDevice::builder()
        .volume_size(i32::try_from(content.root_volume_gib).unwrap_or(i32::MAX))
        .volume_type(VolumeType::Gp3)
        .encrypted(true)
        .set_kms_key_id(content.volume_key.clone())
        .delete_on_termination(true);
    let root = LaunchTemplateBlockDeviceMapping::builder().device_name(ROOT_DEVICE).ebs(volume.build());
    ResponseLaunchTemplateData::builder()
        .image_id(image)
        .instance_type(InstanceType::from(content.instance_type.as_str()))
        .iam_instance_profile(profile.build())
        .set_security_group_ids(Some(groups.to_vec()))
        .metadata_options(metadata.build())
        .block_device_mappings(root.build())
        .monitoring(LaunchTemplatesMonitoring::builder().enabled(content.detailed_monitoring).build())
        .user_data(BASE64.encode(&*content.user_data))
        .set_tag_specifications(Some(TAGGED.map(specification).to_vec()))
        .build()
}

/// The data without the differences that have no effect: a field that has its default of the EC2 API reference is the
/// same as an absent field, unless the account can have another default; an empty list is the same as an absent list; and the
/// order of tags has no meaning.
fn normalized(
    mut data: ResponseLaunchTemplateData,
    content: &TemplateContent,
    account: &str,
) -> ResponseLaunchTemplateData {
    // An instance profile by its ARN is the same as by its name.
    let profile = content.instance_profile.to_string();
    if let Some(found) = &mut data.iam_instance_profile
        && found.arn.take_if(|arn| arn.ends_with(&format!(":{account}:instance-profile/{profile}"))).is_some()
    {
        found.name.get_or_insert(profile);
    }
    if let Some(options) = &mut data.metadata_options {
        // The state of the options at a launch, not an option.
        options.state = None;
        options.http_protocol_ipv6.take_if(|it| *it == LaunchTemplateInstanceMetadataProtocolIpv6::Disabled);
    }
    for volume in data.block_device_mappings.iter_mut().flatten().filter_map(|it| it.ebs.as_mut()) {
        volume.iops.take_if(|it| *it == GP3_IOPS);
        volume.throughput.take_if(|it| *it == GP3_MIB_PER_SECOND);
    }
    for flag in [&mut data.ebs_optimized, &mut data.disable_api_termination, &mut data.disable_api_stop] {
        flag.take_if(|it| !*it);
    }
    data.operator.take_if(|it| it.managed != Some(true));
    if let Some(specifications) = &mut data.tag_specifications {
        // EC2 has no such tags in the data; the emulator copies those of the template's create call into it.
        specifications.retain(|it| it.resource_type != Some(ResourceType::LaunchTemplate));
        specifications.sort_by_key(|it| TAGGED.iter().position(|kind| it.resource_type.as_ref() == Some(kind)));
        for specification in specifications {
            specification.tags.iter_mut().for_each(|tags| tags.sort_by(|one, other| one.key.cmp(&other.key)));
        }
    }
    data.network_interfaces.take_if(|it| it.is_empty());
    data.tag_specifications.take_if(|it| it.is_empty());
    data.elastic_gpu_specifications.take_if(|it| it.is_empty());
    data.elastic_inference_accelerators.take_if(|it| it.is_empty());
    data.security_groups.take_if(|it| it.is_empty());
    data.license_specifications.take_if(|it| it.is_empty());
    data.secondary_interfaces.take_if(|it| it.is_empty());
    data.security_group_ids.get_or_insert_default();
    data
}

/// The reference to the profile. Envkeeper sets the name; an ARN ends with the name.
fn profile(found: Option<&LaunchTemplateIamInstanceProfileSpecification>, observation: &Observation<'_>) -> Ref {
    let arn_end = |it: &LaunchTemplateIamInstanceProfileSpecification| {
        it.arn().and_then(|arn| arn.rsplit('/').next()).map(str::to_owned)
    };
    let name = found.and_then(|it| it.name().map(str::to_owned).or_else(|| arn_end(it)));
    reference_by_name(observation.names.instance_profile(), &name.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use environment::{Key, Kind};

    fn desired(source: &str) -> TemplateVersion {
        let content = TemplateContent {
            image_source: source.into(),
            rolling_inputs: Some("fedcba9876543210".into()),
            instance_type: "t3.micro".into(),
            instance_profile: Ref::owned(Kind::InstanceProfile, "the-profile"),
            security_groups: vec![Ref::owned(Kind::SecurityGroup, "the-sg"), Ref::Foreign("sg-9".into())],
            root_volume_gib: 8,
            volume_key: Some("arn:key".into()),
            detailed_monitoring: true,
            user_data: "#!/bin/bash\n".into(),
            tags: [("CostCenter".to_owned(), "4711".to_owned())].into(),
        };
        TemplateVersion::of(content, "ami-12345678".into())
    }

    #[test]
    fn the_description_has_the_digest_of_the_rolling_inputs_and_the_source_of_the_image() {
        let version = desired("/image");
        assert_eq!(description(&version), format!("envkeeper {} fedcba9876543210 /image", &version.digest[..16]));
    }

    #[test]
    fn a_version_is_requested_with_its_script_encoded_once() {
        let ids = Ids::default();
        ids.record_created(&Key::new(Kind::SecurityGroup, "the-sg"), "sg-1");
        let data = request(&desired("ami-12345678"), &ids, "ec2:CreateLaunchTemplate").unwrap();
        assert_eq!(data.user_data(), Some("IyEvYmluL2Jhc2gK"));
        assert_eq!(data.security_group_ids(), ["sg-1", "sg-9"]);
        let metadata = data.metadata_options().unwrap();
        assert_eq!(metadata.http_tokens(), Some(&LaunchTemplateHttpTokensState::Required));
        // An absent option would take the account's default.
        assert_eq!(metadata.http_endpoint(), Some(&LaunchTemplateInstanceMetadataEndpointState::Enabled));
        assert_eq!(metadata.instance_metadata_tags(), Some(&LaunchTemplateInstanceMetadataTagsState::Disabled));
        let tagged: Vec<_> = data.tag_specifications().iter().map(|it| (it.resource_type(), it.tags())).collect();
        let tags = [Tag::builder().key("CostCenter").value("4711").build()];
        let kinds = [ResourceType::Instance, ResourceType::Volume, ResourceType::NetworkInterface];
        assert_eq!(tagged, kinds.each_ref().map(|kind| (Some(kind), tags.as_slice())));
        let [root] = data.block_device_mappings() else { panic!("one volume") };
        let volume = root.ebs().unwrap();
        assert_eq!((root.device_name(), volume.volume_size()), (Some("/dev/xvda"), Some(8)));
        assert_eq!(volume.kms_key_id(), Some("arn:key"));
        assert_eq!((volume.encrypted(), volume.delete_on_termination()), (Some(true), Some(true)));
        assert_eq!(data.monitoring().and_then(LaunchTemplatesMonitoringRequest::enabled), Some(true));
    }
}
