//! Network interfaces that block a delete. They belong to foreign resources (a load balancer, a function), or to
//! terminating instances. Envkeeper never removes such an interface; the error of the blocked call names the
//! interfaces.

use std::time::Duration;

use aws_sdk_ec2::types::{Filter, NetworkInterface, NetworkInterfaceAttachment, NetworkInterfaceType, Tag};
use environment::mark;

use crate::AwsCloud;
use crate::errors::{ClassifyErrors, ErrorClass, Problem};

/// The number of interfaces that the error names.
const MAX_LISTED: usize = 3;

/// The part of a description that the error contains, in characters.
const MAX_DESCRIPTION_CHARS: usize = 80;

/// The longest time until AWS removes the interface of a deleted function: 45 minutes, the bound that AWS's Lambda team
/// confirmed to the authors of Terraform's provider (hashicorp/terraform-provider-aws, pull request 10347).
const LAMBDA_REMOVAL: Duration = Duration::from_mins(45);
/// The longest time until AWS removes the interfaces of a deleted endpoint: 10 minutes, the time that Terraform's
/// provider waits for an endpoint's deletion.
const ENDPOINT_REMOVAL: Duration = Duration::from_mins(10);
/// The longest time until Auto Scaling has moved an instance out of a subnet that its group no longer has: it launches the
/// replacement first (Auto Scaling user guide, "Rebalancing activities"), whose gate takes at most 2 hours, and the drain at most 8.
const INSTANCE_MOVE: Duration = Duration::from_hours(10);

/// The addition to the error while instances of the group are in a subnet.
///
/// It advises only what works during the request: an operator request is refused while an update is under way. A delete
/// of the environment removes the group first.
const MOVED: &str = " While the group exists, Auto Scaling moves its instances to its other subnets. If it leaves one there: \
                     remove its protection from scale-in or end its Standby, resume the group's suspended processes \
                     (AZRebalance, Launch, Terminate), or terminate the instance in the group.";

/// Adds the interfaces that the filter finds to the error of a delete, if AWS can mean them. If this read fails, the
/// error contains only AWS's own message.
pub(super) async fn with_blocking_interfaces(aws: &AwsCloud, problem: Problem, filter: &str, id: &str) -> Problem {
    if problem.code != "DependencyViolation" {
        return problem;
    }
    let filter = Filter::builder().name(filter).values(id).build();
    let request = aws.clients.ec2.describe_network_interfaces().filters(filter);
    match request.send().await.classified("ec2:DescribeNetworkInterfaces") {
        Ok(response) => add_interfaces(problem, response.network_interfaces(), &aws.owner),
        Err(_) => problem,
    }
}

fn add_interfaces(problem: Problem, interfaces: &[NetworkInterface], owner: &str) -> Problem {
    let class = interfaces
        .iter()
        .filter_map(|it| removed_within(it, owner))
        .max()
        .map_or(problem.class, ErrorClass::BlockedFor);
    let described = interfaces.iter().map(describe).collect();
    let hint = if interfaces.iter().any(|it| is_of_group(it, owner)) { MOVED } else { "" };
    let message = format!("{}{hint}", problem.message);
    Problem { class, message, ..problem }.naming("blocking network interfaces", described, MAX_LISTED)
}

/// How long AWS may take to remove an interface: one that it manages, after its user has deleted the resource that it belongs to;
/// one of an instance of the group, until Auto Scaling has moved the instance. `None` for every other interface: its owner has to
/// delete it.
fn removed_within(interface: &NetworkInterface, owner: &str) -> Option<Duration> {
    if is_of_group(interface, owner) {
        return Some(INSTANCE_MOVE);
    }
    match interface.interface_type()? {
        NetworkInterfaceType::Lambda => Some(LAMBDA_REMOVAL),
        NetworkInterfaceType::VpcEndpoint | NetworkInterfaceType::GatewayLoadBalancerEndpoint => Some(ENDPOINT_REMOVAL),
        _ => None,
    }
}

/// Whether the interface is that of an instance of the owner's group: the launch template's tags reach it.
fn is_of_group(interface: &NetworkInterface, owner: &str) -> bool {
    let is_mark = |it: &Tag| it.key() == Some(mark::OWNER) && it.value() == Some(owner);
    interface.tag_set().iter().any(is_mark) && interface.attachment().is_some_and(|it| it.instance_id().is_some())
}

/// Describes an interface. Services set descriptions such as `ELB app/web/50dc6c495c0c9188`. An instance's own
/// interface has no description.
fn describe(interface: &NetworkInterface) -> String {
    let instance = interface.attachment().and_then(NetworkInterfaceAttachment::instance_id);
    let users = [interface.description(), instance, interface.requester_id(), interface.owner_id()];
    let user = users.into_iter().flatten().find(|it| !it.is_empty()).unwrap_or("unknown owner");
    let user: String = user.chars().take(MAX_DESCRIPTION_CHARS).collect();
    format!("{} ({user})", interface.network_interface_id().unwrap_or("an interface"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::ErrorClass;
    use aws_sdk_ec2::types::builders::NetworkInterfaceBuilder;

    fn interface(id: &str) -> NetworkInterfaceBuilder {
        NetworkInterface::builder().network_interface_id(id).owner_id("123456789012")
    }

    fn message_with(interfaces: &[NetworkInterface]) -> String {
        let (operation, code) = ("ec2:DeleteSubnet", "DependencyViolation");
        let problem = Problem::new(ErrorClass::Blocked, operation, code, "The subnet has dependencies.");
        add_interfaces(problem, interfaces, "owner").message
    }

    #[test]
    fn each_interface_is_named_with_the_most_specific_owner() {
        let instance = NetworkInterfaceAttachment::builder().instance_id("i-1").build();
        let balancer = interface("eni-1").description("ELB app/web/1").requester_id("amazon-elb").build();
        let instance = interface("eni-2").description("").attachment(instance).build();
        assert_eq!(
            message_with(&[balancer, instance, interface("eni-3").requester_id("amazon-rds").build()]),
            "The subnet has dependencies; blocking network interfaces: eni-1 (ELB app/web/1), eni-2 (i-1), eni-3 (amazon-rds)"
        );
        assert!(
            message_with(&[interface("eni-4").build()]).ends_with("blocking network interfaces: eni-4 (123456789012)")
        );
        let long = interface("eni-5").description("é".repeat(500)).build();
        assert!(message_with(&[long]).ends_with(&format!("eni-5 ({})", "é".repeat(80))));
    }

    #[test]
    fn an_interface_that_aws_removes_by_itself_is_waited_for_as_long_as_its_source_says() {
        let class = |kinds: &[&str]| {
            let interface = |kind: &&str| interface("eni-1").interface_type(NetworkInterfaceType::from(*kind)).build();
            let interfaces: Vec<_> = kinds.iter().map(interface).collect();
            add_interfaces(Problem::blocked("ec2:DeleteSubnet", "in use"), &interfaces, "owner").class
        };
        assert_eq!(class(&["interface"]), ErrorClass::Blocked);
        assert_eq!(class(&["interface", "lambda", "vpc_endpoint"]), ErrorClass::BlockedFor(Duration::from_mins(45)));
        assert_eq!(class(&["vpc_endpoint"]), ErrorClass::BlockedFor(Duration::from_mins(10)));
    }

    #[test]
    fn an_instance_of_the_group_is_waited_for_and_another_instance_is_not() {
        let problem = |owner: &str| {
            let attachment = NetworkInterfaceAttachment::builder().instance_id("i-1").build();
            let mark = Tag::builder().key(mark::OWNER).value(owner).build();
            let interface = interface("eni-1").attachment(attachment).tag_set(mark).build();
            add_interfaces(Problem::blocked("ec2:DeleteSubnet", "It has dependencies."), &[interface], "owner")
        };
        let own = problem("owner");
        assert_eq!(own.class, ErrorClass::BlockedFor(Duration::from_hours(10)));
        assert!(
            own.message.contains("protection from scale-in or end its Standby") && own.message.ends_with("eni-1 (i-1)"),
            "{own:?}"
        );
        let foreign = problem("another");
        assert_eq!((foreign.class, foreign.message.contains("Standby")), (ErrorClass::Blocked, false));
    }

    #[test]
    fn three_interfaces_are_named_and_the_others_are_counted() {
        let interfaces: Vec<_> = (1..=5).rev().map(|number| interface(&format!("eni-{number}")).build()).collect();
        let message = message_with(&interfaces);
        assert!(message.ends_with("eni-3 (123456789012) and 2 more"), "{message}");
        assert!(message_with(&interfaces[2..]).ends_with("eni-3 (123456789012)"));
        assert_eq!(message_with(&[]), "The subnet has dependencies.");
    }
}
