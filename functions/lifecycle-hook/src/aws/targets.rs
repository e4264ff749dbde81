//! Elastic Load Balancing: whether an instance receives requests, and its deregistration.

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::{TargetDescription, TargetHealth, TargetHealthStateEnum};
use futures_util::future::try_join_all;
use lambda_kit::AwsCallError;

use crate::facts::Target;

pub(super) async fn health(client: &Client, arns: &[String], instance: &str) -> Result<Vec<Target>, AwsCallError> {
    try_join_all(arns.iter().map(|arn| health_in(client, arn, instance))).await
}

async fn health_in(client: &Client, arn: &str, instance: &str) -> Result<Target, AwsCallError> {
    let target = TargetDescription::builder().id(instance).build();
    match client.describe_target_health().target_group_arn(arn).targets(target).send().await {
        Ok(response) => {
            let health = response.target_health_descriptions().iter().find_map(|it| it.target_health());
            Ok(health.map_or(Target::Absent, target_of))
        }
        // A deleted group serves no instance, nor does a group that can't have the instance.
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|it| it.is_target_group_not_found_exception() || it.is_invalid_target_exception()) =>
        {
            Ok(Target::Absent)
        }
        Err(error) => Err(AwsCallError::of("elasticloadbalancing:DescribeTargetHealth", &error)),
    }
}

fn target_of(health: &TargetHealth) -> Target {
    match health.state() {
        None | Some(TargetHealthStateEnum::Unused) => Target::Absent,
        // Without health checks the target group reports nothing more.
        Some(TargetHealthStateEnum::Healthy | TargetHealthStateEnum::Unavailable) => Target::Healthy,
        Some(TargetHealthStateEnum::Draining | TargetHealthStateEnum::UnhealthyDraining) => Target::Draining,
        Some(other) => Target::NotHealthy(health.description().unwrap_or(other.as_str()).to_owned()),
    }
}

pub(super) async fn deregister(client: &Client, arns: &[String], instance: &str) -> Result<(), AwsCallError> {
    let deregister = async |arn: &String| {
        let target = TargetDescription::builder().id(instance).build();
        match client.deregister_targets().target_group_arn(arn).targets(target).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(aws_sdk_elasticloadbalancingv2::operation::deregister_targets::DeregisterTargetsError::is_target_group_not_found_exception) => Ok(()),
            Err(error) => Err(AwsCallError::of("elasticloadbalancing:DeregisterTargets", &error)),
        }
    };
    try_join_all(arns.iter().map(deregister)).await.map(|_| ())
}
