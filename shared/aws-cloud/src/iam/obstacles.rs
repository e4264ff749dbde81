//! What blocks the delete of a role or of an instance profile. The plan first clears every policy of the role and the role
//! of the profile, also those that others set. The rest was added since the observation, or belongs to another profile: some
//! services add a role to a profile of their own (aws-controllers-k8s/iam-controller, pull request 180).
//!
//! IAM does not refuse a delete because of running instances: its API reference only warns of it.

use aws_sdk_iam::types::{InstanceProfile, Role};

use super::instance_profile::find;
use crate::AwsCloud;
use crate::errors::{ClassifyErrors, Problem};

/// The number of obstacles that the reason names, and the words before them.
const MAX_NAMED: usize = 8;
const BLOCKING: &str = "blocking resources";

/// Adds the obstacles to the problem of a role's delete: instance profiles, inline policies and managed policies (IAM API
/// reference, DeleteRole). A read that fails names nothing.
pub(super) async fn of_role(aws: &AwsCloud, problem: Problem, role: &str) -> Problem {
    if !is_in_use(&problem) {
        return problem;
    }
    let iam = &aws.clients.iam;
    let profiles = iam.list_instance_profiles_for_role().role_name(role).into_paginator().items().send();
    let inline = iam.list_role_policies().role_name(role).into_paginator().items().send();
    let managed = iam.list_attached_role_policies().role_name(role).into_paginator().items().send();
    let (profiles, inline, managed) = tokio::join!(
        async { profiles.collect::<Result<Vec<_>, _>>().await.classified("iam:ListInstanceProfilesForRole") },
        async { inline.collect::<Result<Vec<_>, _>>().await.classified("iam:ListRolePolicies") },
        async { managed.collect::<Result<Vec<_>, _>>().await.classified("iam:ListAttachedRolePolicies") },
    );
    let mut blocking = Vec::new();
    blocking.extend(profiles.iter().flatten().map(InstanceProfile::arn).map(|arn| format!("instance profile {arn}")));
    blocking.extend(inline.iter().flatten().map(|name| format!("inline policy {name}")));
    let managed = managed.iter().flatten().filter_map(|it| it.policy_arn());
    blocking.extend(managed.map(|arn| format!("managed policy {arn}")));
    problem.naming(BLOCKING, blocking, MAX_NAMED)
}

/// Adds the roles in a profile to the problem of the profile's delete.
pub(super) async fn of_profile(aws: &AwsCloud, problem: Problem, profile: &str) -> Problem {
    if !is_in_use(&problem) {
        return problem;
    }
    let found = find(&aws.clients, profile).await.ok().flatten();
    let roles = found.iter().flat_map(InstanceProfile::roles).map(Role::arn).map(|arn| format!("role {arn}"));
    problem.naming(BLOCKING, roles.collect(), MAX_NAMED)
}

fn is_in_use(problem: &Problem) -> bool {
    problem.code == "DeleteConflict"
}
