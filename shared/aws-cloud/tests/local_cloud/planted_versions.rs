//! Versions of the launch template that another principal creates: none is used.

use aws_sdk_ec2::types::{InstanceType, RequestLaunchTemplateData};
use environment::rollout::RolloutCloud;
use environment::{DesiredState, Fields, TemplateVersion, VersionDescription, drift};
use serde_json::json;

use crate::harness::Harness;

/// The desired version.
fn version(desired: &DesiredState) -> TemplateVersion {
    let version = desired.resources.iter().find_map(|it| match &it.fields {
        Fields::LaunchTemplate(template) => template.versions.first().cloned(),
        _ => None,
    });
    version.expect("a template with one version")
}

/// Adds a version with the description of `desired`'s own version and the data of the version 1, in which `data` replaces
/// some fields.
async fn plant(harness: &Harness, desired: &DesiredState, data: RequestLaunchTemplateData) {
    let version = version(desired);
    let description = VersionDescription {
        content: version.digest,
        rolling: version.content.rolling_inputs,
        image_source: version.content.image_source,
    };
    let request = harness.ec2.create_launch_template_version();
    let request = request.launch_template_name(harness.names().launch_template().name).source_version("1");
    request
        .version_description(description.to_string())
        .launch_template_data(data)
        .send()
        .await
        .expect("a planted version");
}

#[tokio::test]
async fn a_planted_version_is_not_used_and_its_image_is_not_believed() {
    let harness = Harness::start().await;
    let current = harness.desired(json!({ "EnvironmentSuffix": "dev" })).await;
    harness.settle(&current).await;
    let next = harness.desired(json!({ "EnvironmentSuffix": "dev", "InstanceType": "t3.small" })).await;
    let evil = || RequestLaunchTemplateData::builder().image_id("ami-eeeeeeee").instance_type(InstanceType::T3Small);
    plant(&harness, &current, evil().build()).await;
    plant(&harness, &next, evil().key_name("evil").build()).await;

    assert_eq!(harness.settle(&current).await.1, [""; 0], "the planted versions change nothing");
    assert!(drift(&current, &harness.observe().await).is_empty());

    let (_, calls) = harness.settle(&next).await;
    assert_eq!(calls, [format!("ec2:CreateLaunchTemplateVersion (version: {})", version(&next).digest)]);
    let rollout = harness.cloud().observe_rollout(&harness.scope(), &[]).await.expect("reads").expect("a group");
    let number = rollout.version(&version(&next).digest).map(|it| it.number);
    assert_eq!(number, Some(4), "version 4 is the first with the desired data");
    assert_eq!(harness.settle(&next).await.1, [""; 0]);
}
