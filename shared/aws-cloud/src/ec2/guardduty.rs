//! What GuardDuty creates in a VPC: its runtime monitoring adds an endpoint for its data service and a security group,
//! and removes neither. Both block the delete of the VPC (hashicorp/terraform-provider-aws, issue 46747).
//!
//! Envkeeper removes them from a VPC of the environment once the group is deleted and no instance is left. The endpoint
//! is recognized by service name, tag and `RequesterManaged` together, the security group by its name for this VPC and
//! the tag: no resource of another sender has all of them.

use aws_sdk_ec2::types::{Filter, NetworkInterface, SecurityGroup, State, Tag, VpcEndpoint};
use environment::mark;

use crate::AwsCloud;
use crate::errors::{ClassifyErrors, ErrorClass, NoneIfNotFound, Problem};

const TAG: &str = "GuardDutyManaged";
const SERVICE_SUFFIX: &str = ".guardduty-data";
const GROUP_PREFIX: &str = "GuardDutyManagedSecurityGroup-";

/// Whether a resource of GuardDuty may have caused the problem of a delete.
pub(super) fn may_block(problem: &Problem) -> bool {
    problem.code == "DependencyViolation"
}

/// Removes what GuardDuty created in the VPC, unless it is in use. The endpoint's interfaces disappear minutes later, and then
/// the security group can be deleted: the retries of the blocked delete do the rest.
///
/// # Errors
/// A denied call, which names the endpoint or the group; every other failure is left to the next attempt.
pub(super) async fn remove(aws: &AwsCloud, vpc: &str) -> Result<(), Problem> {
    let (endpoints, groups) = tokio::join!(endpoints(aws, vpc), security_groups(aws, vpc));
    let (endpoints, groups) = (endpoints.unwrap_or_default(), groups.unwrap_or_default());
    if (endpoints.is_empty() && groups.is_empty()) || is_in_use(aws, vpc).await.unwrap_or(true) {
        return Ok(());
    }
    for id in endpoints.iter().filter_map(VpcEndpoint::vpc_endpoint_id) {
        let request = aws.clients.ec2.delete_vpc_endpoints().vpc_endpoint_ids(id);
        only_denial(request.send().await.classified("ec2:DeleteVpcEndpoints"), id)?;
    }
    for id in groups.iter().filter_map(SecurityGroup::group_id) {
        let request = aws.clients.ec2.delete_security_group().group_id(id);
        only_denial(request.send().await.classified("ec2:DeleteSecurityGroup").none_if_not_found(), id)?;
    }
    Ok(())
}

/// The denial of a call on a resource of GuardDuty: no retry helps against a policy.
fn only_denial<T>(response: Result<T, Problem>, id: &str) -> Result<(), Problem> {
    match response {
        Err(problem) if problem.class == ErrorClass::Denied => {
            let message = format!("GuardDuty's {id} blocks the delete: {}", problem.message);
            Err(Problem { message, ..problem })
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Whether the environment's group exists, or an instance is in the VPC.
async fn is_in_use(aws: &AwsCloud, vpc: &str) -> Result<bool, Problem> {
    use aws_sdk_autoscaling::types::Filter as GroupFilter;
    let owned = GroupFilter::builder().name(format!("tag:{}", mark::OWNER)).values(&aws.owner).build();
    let groups = aws.clients.autoscaling.describe_auto_scaling_groups().filters(owned).send();
    let interfaces = aws.clients.ec2.describe_network_interfaces().filters(in_vpc(vpc)).send();
    let (groups, interfaces) = tokio::join!(groups, interfaces);
    let groups = groups.classified("autoscaling:DescribeAutoScalingGroups")?;
    let interfaces = interfaces.classified("ec2:DescribeNetworkInterfaces")?;
    let is_of_instance = |it: &NetworkInterface| it.attachment().is_some_and(|it| it.instance_id().is_some());
    Ok(!groups.auto_scaling_groups().is_empty() || interfaces.network_interfaces().iter().any(is_of_instance))
}

async fn endpoints(aws: &AwsCloud, vpc: &str) -> Result<Vec<VpcEndpoint>, Problem> {
    let request = aws.clients.ec2.describe_vpc_endpoints().filters(in_vpc(vpc)).filters(tagged());
    let response = request.send().await.classified("ec2:DescribeVpcEndpoints")?;
    Ok(response.vpc_endpoints.unwrap_or_default().into_iter().filter(is_guardduty_endpoint).collect())
}

async fn security_groups(aws: &AwsCloud, vpc: &str) -> Result<Vec<SecurityGroup>, Problem> {
    let request = aws.clients.ec2.describe_security_groups().filters(in_vpc(vpc)).filters(tagged());
    let response = request.send().await.classified("ec2:DescribeSecurityGroups")?;
    Ok(response.security_groups.unwrap_or_default().into_iter().filter(|it| is_guardduty_group(it, vpc)).collect())
}

fn in_vpc(vpc: &str) -> Filter {
    Filter::builder().name("vpc-id").values(vpc).build()
}

fn tagged() -> Filter {
    Filter::builder().name(format!("tag:{TAG}")).values("true").build()
}

fn is_tagged(tags: &[Tag]) -> bool {
    tags.iter().any(|it| it.key() == Some(TAG) && it.value() == Some("true"))
}

fn is_guardduty_endpoint(it: &VpcEndpoint) -> bool {
    let is_gone = matches!(it.state(), Some(State::Deleted | State::Deleting));
    let is_of_service = it.service_name().is_some_and(|name| name.ends_with(SERVICE_SUFFIX));
    !is_gone && is_of_service && it.requester_managed() == Some(true) && is_tagged(it.tags())
}

fn is_guardduty_group(it: &SecurityGroup, vpc: &str) -> bool {
    it.group_name().and_then(|name| name.strip_prefix(GROUP_PREFIX)) == Some(vpc) && is_tagged(it.tags())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn managed() -> Tag {
        Tag::builder().key(TAG).value("true").build()
    }

    #[test]
    fn an_endpoint_is_guarddutys_only_by_service_tag_and_requester_together() {
        let service = "com.amazonaws.us-west-2.guardduty-data";
        let endpoint = || VpcEndpoint::builder().service_name(service).requester_managed(true).tags(managed());
        assert!(is_guardduty_endpoint(&endpoint().build()));
        for other in [
            endpoint().service_name("com.amazonaws.us-west-2.ssm").build(),
            endpoint().requester_managed(false).build(),
            endpoint().set_tags(None).build(),
            endpoint().state(State::Deleting).build(),
        ] {
            assert!(!is_guardduty_endpoint(&other), "{other:?}");
        }
    }

    #[test]
    fn a_security_group_is_guarddutys_only_by_its_name_for_this_vpc_and_its_tag() {
        let group = || SecurityGroup::builder().group_name("GuardDutyManagedSecurityGroup-vpc-1").tags(managed());
        assert!(is_guardduty_group(&group().build(), "vpc-1"));
        assert!(!is_guardduty_group(&group().build(), "vpc-2"));
        assert!(!is_guardduty_group(&group().set_tags(None).build(), "vpc-1"));
        assert!(!is_guardduty_group(&group().group_name("web").build(), "vpc-1"));
    }
}
