//! Network interfaces that stand in the way of a delete. They are other people's (a load balancer's, a function's), or
//! those of instances that still end: nobody here removes them, and whoever waits is told which they are.

use aws_sdk_ec2::types::{Filter, NetworkInterface, NetworkInterfaceAttachment};

use crate::AwsCloud;
use crate::errors::{Problem, ClassifyErrors};

/// How many are told.
const MAX_LISTED: usize = 3;

/// How much of a description is told, in characters.
const MAX_DESCRIPTION_CHARS: usize = 80;

/// What refused a delete, with the interfaces that this filter finds, if it is them that AWS can mean. Where they can't
/// be asked for, what AWS said is told alone.
pub(super) async fn with_blocking_interfaces(aws: &AwsCloud, problem: Problem, filter: &str, id: &str) -> Problem {
    if problem.code != "DependencyViolation" {
        return problem;
    }
    let filter = Filter::builder().name(filter).values(id).build();
    let request = aws.clients.ec2.describe_network_interfaces().filters(filter);
    match request.send().await.classified("ec2:DescribeNetworkInterfaces") {
        Ok(response) => add_interfaces(problem, response.network_interfaces()),
        Err(_) => problem,
    }
}

fn add_interfaces(problem: Problem, interfaces: &[NetworkInterface]) -> Problem {
    if interfaces.is_empty() {
        return problem;
    }
    let message_with: Vec<String> = interfaces.iter().take(MAX_LISTED).map(describe).collect();
    let others = match interfaces.len().saturating_sub(MAX_LISTED) {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    let said = problem.message.trim_end_matches('.');
    let message = format!("{said}; in the way: {}{others}", message_with.join(", "));
    Problem { message, ..problem }
}

/// Services describe what they make: `ELB app/web/50dc6c495c0c9188`. An instance's own interface has no description.
fn describe(interface: &NetworkInterface) -> String {
    let instance = interface.attachment().and_then(NetworkInterfaceAttachment::instance_id);
    let of = [interface.description(), instance, interface.requester_id(), interface.owner_id()];
    let of = of.into_iter().flatten().find(|it| !it.is_empty()).unwrap_or("nobody's");
    let of: String = of.chars().take(MAX_DESCRIPTION_CHARS).collect();
    format!("{} ({of})", interface.network_interface_id().unwrap_or("an interface"))
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
        let (operation, code) = ("ec2:DeleteSubnet", String::from("DependencyViolation"));
        let message = String::from("The subnet has dependencies.");
        add_interfaces(Problem { class: ErrorClass::Blocked, operation, code, message }, interfaces).message
    }

    #[test]
    fn each_is_told_with_what_says_most_of_whose_it_is() {
        let instance = NetworkInterfaceAttachment::builder().instance_id("i-1").build();
        let balancer = interface("eni-1").description("ELB app/web/1").requester_id("amazon-elb").build();
        let instance = interface("eni-2").description("").attachment(instance).build();
        assert_eq!(
            message_with(&[balancer, instance, interface("eni-3").requester_id("amazon-rds").build()]),
            "The subnet has dependencies; in the way: eni-1 (ELB app/web/1), eni-2 (i-1), eni-3 (amazon-rds)"
        );
        assert!(message_with(&[interface("eni-4").build()]).ends_with("in the way: eni-4 (123456789012)"));
        let long = interface("eni-5").description("é".repeat(500)).build();
        assert!(message_with(&[long]).ends_with(&format!("eni-5 ({})", "é".repeat(80))));
    }

    #[test]
    fn three_are_told_the_others_counted_and_none_is_nothing_to_tell() {
        let interfaces: Vec<_> = (1..=5).map(|number| interface(&format!("eni-{number}")).build()).collect();
        let told_of_five = message_with(&interfaces);
        assert!(told_of_five.ends_with("eni-3 (123456789012) and 2 more"), "{told_of_five}");
        assert!(message_with(&interfaces[..3]).ends_with("eni-3 (123456789012)"));
        assert_eq!(message_with(&[]), "The subnet has dependencies.");
    }
}
