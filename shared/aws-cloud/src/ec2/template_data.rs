//! The data of a launch template version, in the form of AWS and in the form of the engine.

use aws_sdk_ec2::types::{
    InstanceType, LaunchTemplateBlockDeviceMapping, LaunchTemplateBlockDeviceMappingRequest,
    LaunchTemplateEbsBlockDevice, LaunchTemplateEbsBlockDeviceRequest, LaunchTemplateHttpTokensState,
    LaunchTemplateIamInstanceProfileSpecification, LaunchTemplateIamInstanceProfileSpecificationRequest,
    LaunchTemplateInstanceMetadataOptionsRequest, LaunchTemplateVersion, LaunchTemplatesMonitoring,
    LaunchTemplatesMonitoringRequest, RequestLaunchTemplateData, VolumeType,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use environment::{Ref, TemplateContent, TemplateVersion};

use crate::errors::Problem;
use crate::iam::reference_by_name;
use crate::ids::{Ids, Observation};

/// The first word of a description, which identifies the versions that Envkeeper created.
const DESCRIPTION_PREFIX: &str = "envkeeper";

/// The root device of the Amazon Linux 2023 images.
const ROOT_DEVICE: &str = "/dev/xvda";

/// The hop limit of metadata responses: one hop to the instance and one more to a container on it, which then reaches
/// the role's credentials too. AWS's own default for Amazon Linux 2023.
const METADATA_HOPS: i32 = 2;

/// `envkeeper <digest> <image source>`: at most 227 characters of the 255 that AWS accepts, since sources have at most
/// 200.
pub(super) fn description(version: &TemplateVersion) -> String {
    format!("{DESCRIPTION_PREFIX} {} {}", version.digest, version.content.image_source)
}

/// Parses a description into the digest and the image's source.
fn parse(description: &str) -> Option<(&str, &str)> {
    let (digest, source) = description.strip_prefix(DESCRIPTION_PREFIX)?.strip_prefix(' ')?.split_once(' ')?;
    let is_digest = digest.len() == 16 && digest.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    (is_digest && !source.is_empty() && !source.contains(' ')).then_some((digest, source))
}

/// The digest in a version's description.
pub(super) fn digest(found: &LaunchTemplateVersion) -> Option<&str> {
    found.version_description().and_then(parse).map(|(digest, _)| digest)
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
    // Session credentials only for requests with a token: a forged request through the instance does not have a token.
    let metadata = LaunchTemplateInstanceMetadataOptionsRequest::builder()
        .http_tokens(LaunchTemplateHttpTokensState::Required)
        .http_put_response_hop_limit(METADATA_HOPS);
    let monitoring = LaunchTemplatesMonitoringRequest::builder().enabled(version.content.detailed_monitoring);
    Ok(RequestLaunchTemplateData::builder()
        .image_id(&version.image)
        .instance_type(InstanceType::from(instance_type.as_str()))
        .iam_instance_profile(profile.build())
        .set_security_group_ids(Some(groups))
        .metadata_options(metadata.build())
        .block_device_mappings(root_volume(&version.content))
        .monitoring(monitoring.build())
        .user_data(BASE64.encode(user_data))
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

/// The version in the form of the engine; `None` if Envkeeper did not create the version.
///
/// The digest is the one in the description, as long as the version still has the described content. A version with a
/// deleted security group gets the digest of its actual content: the plan then requests a new version.
pub(super) fn version(found: &LaunchTemplateVersion, observation: &Observation<'_>) -> Option<TemplateVersion> {
    let (digest, source) = parse(found.version_description()?)?;
    let data = found.launch_template_data()?;
    let volume = data.block_device_mappings().iter().find_map(LaunchTemplateBlockDeviceMapping::ebs);
    let size = volume.and_then(LaunchTemplateEbsBlockDevice::volume_size).and_then(|gib| u32::try_from(gib).ok());
    let user_data = BASE64.decode(data.user_data().unwrap_or_default()).unwrap_or_default();
    let content = TemplateContent {
        image_source: source.to_owned(),
        instance_type: data.instance_type().map(|it| it.as_str().to_owned()).unwrap_or_default(),
        instance_profile: profile(data.iam_instance_profile(), observation),
        security_groups: data.security_group_ids().iter().map(|id| observation.reference(id)).collect(),
        root_volume_gib: size.unwrap_or_default(),
        volume_key: volume.and_then(LaunchTemplateEbsBlockDevice::kms_key_id).map(str::to_owned),
        detailed_monitoring: data.monitoring().and_then(LaunchTemplatesMonitoring::enabled).unwrap_or_default(),
        user_data: String::from_utf8_lossy(&user_data).into_owned(),
    };
    let image = data.image_id().unwrap_or_default().to_owned();
    let has_foreign_group = content.security_groups.iter().any(|group| group.key().is_none());
    if has_foreign_group {
        return Some(TemplateVersion::of(content, image));
    }
    Some(TemplateVersion { digest: digest.to_owned(), image, content })
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
            instance_type: "t3.micro".into(),
            instance_profile: Ref::owned(Kind::InstanceProfile, "the-profile"),
            security_groups: vec![Ref::owned(Kind::SecurityGroup, "the-sg"), Ref::Foreign("sg-9".into())],
            root_volume_gib: 8,
            volume_key: Some("arn:key".into()),
            detailed_monitoring: true,
            user_data: "#!/bin/bash\n".into(),
        };
        TemplateVersion::of(content, "ami-12345678".into())
    }

    #[test]
    fn a_description_is_parsed_as_it_was_written_and_fits_the_limit() {
        let source = format!("/{}", "p".repeat(199));
        let version = desired(&source);
        let text = description(&version);
        assert!(text.len() <= 255);
        assert_eq!(parse(&text), Some((version.digest.as_str(), source.as_str())));
    }

    #[test]
    fn a_description_of_another_form_is_foreign() {
        let others = [
            "",
            "envkeeper",
            "envkeeper 0123456789abcdef",
            "envkeeper 0123456789abcdef ",
            "envkeeper 0123456789ABCDEF ami-1",
            "envkeeper 0123456789abcde ami-1",
            "envkeeper 0123456789abcdef ami-1 and more",
            "envkeeper2 0123456789abcdef ami-1",
            "my own envkeeper 0123456789abcdef ami-1",
        ];
        for other in others {
            assert_eq!(parse(other), None, "{other}");
        }
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
        let [root] = data.block_device_mappings() else { panic!("one volume") };
        let volume = root.ebs().unwrap();
        assert_eq!((root.device_name(), volume.volume_size()), (Some("/dev/xvda"), Some(8)));
        assert_eq!(volume.kms_key_id(), Some("arn:key"));
        assert_eq!((volume.encrypted(), volume.delete_on_termination()), (Some(true), Some(true)));
        assert_eq!(data.monitoring().and_then(LaunchTemplatesMonitoringRequest::enabled), Some(true));
    }
}
