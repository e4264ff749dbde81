//! Deletes of resources in use, which the emulators allow.

use std::sync::{Arc, Mutex};

use aws_cloud::{AwsCloud, Clients};
use environment::{Call, CallError, CallKind, Cloud, Key, Kind};

use crate::service;

/// An EC2 that rejects every delete with one code, and the requests that it received.
struct RejectingEc2 {
    requests: Arc<Mutex<Vec<String>>>,
    clients: Clients,
}

impl RejectingEc2 {
    /// `interfaces` is the response to a request for network interfaces; `None` is a denial.
    fn start(code: &'static str, interfaces: Option<String>) -> RejectingEc2 {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let bodies = Arc::clone(&requests);
        let clients = service::start(move |request| {
            let is_read = request.body.starts_with("Action=DescribeNetworkInterfaces&");
            bodies.lock().expect("bodies").push(request.body);
            Some(match (&interfaces, is_read) {
                (Some(interfaces), true) => (200, interfaces.clone()),
                (None, true) => (403, error("UnauthorizedOperation")),
                (_, false) => (400, error(code)),
            })
        });
        RejectingEc2 { requests, clients }
    }

    /// Sends a delete. Returns the awaited condition and the requests.
    async fn delete(&self, kind: Kind, id: &str) -> (String, Vec<String>) {
        let cloud = AwsCloud::new(&self.clients, "owner".into(), "request".into());
        let call = Call { key: Key::new(kind, "a"), id: Some(id.into()), kind: CallKind::Delete };
        let Err(CallError::Retry { waiting_for, .. }) = cloud.call(&call).await else { panic!("not a retry") };
        (waiting_for.to_string(), std::mem::take(&mut *self.requests.lock().expect("bodies")))
    }
}

fn error(code: &str) -> String {
    format!("<Response><Errors><Error><Code>{code}</Code><Message>no.</Message></Error></Errors></Response>")
}

fn balancers() -> String {
    let interface = "<networkInterfaceId>eni-1</networkInterfaceId><description>ELB app/web/1</description>";
    let set = format!("<networkInterfaceSet><item>{interface}</item></networkInterfaceSet>");
    format!("<DescribeNetworkInterfacesResponse>{set}</DescribeNetworkInterfacesResponse>")
}

#[tokio::test]
async fn interfaces_that_block_the_delete_of_a_network_are_named() {
    let ec2 = RejectingEc2::start("DependencyViolation", Some(balancers()));
    for (kind, delete, filter, id) in [
        (Kind::Subnet, "ec2:DeleteSubnet", "subnet-id", "subnet-1"),
        (Kind::SecurityGroup, "ec2:DeleteSecurityGroup", "group-id", "sg-1"),
        (Kind::Vpc, "ec2:DeleteVpc", "vpc-id", "vpc-1"),
    ] {
        let (waiting_for, requests) = ec2.delete(kind, id).await;
        let blocked = format!(
            "{delete} has to wait: DependencyViolation: no; blocking network interfaces: eni-1 (ELB app/web/1)"
        );
        assert_eq!(waiting_for, format!("{} a: {blocked}", kind.facts().name));
        assert_eq!(requests.len(), 2, "{requests:?}");
        assert!(requests[1].ends_with(&format!("&Filter.1.Name={filter}&Filter.1.Value.1={id}")), "{requests:?}");
    }
}

#[tokio::test]
async fn a_denied_read_of_interfaces_leaves_the_message_of_aws() {
    let ec2 = RejectingEc2::start("DependencyViolation", None);
    let (waiting_for, requests) = ec2.delete(Kind::Subnet, "subnet-1").await;
    assert_eq!((waiting_for.ends_with("DependencyViolation: no"), requests.len()), (true, 2), "{waiting_for}");
}

#[tokio::test]
async fn interfaces_are_not_read_if_they_do_not_block_the_delete() {
    let ec2 = RejectingEc2::start("IncorrectState", Some(balancers()));
    let (waiting_for, requests) = ec2.delete(Kind::Subnet, "subnet-1").await;
    assert_eq!((waiting_for.ends_with("IncorrectState: no"), requests.len()), (true, 1), "{waiting_for}");
}

/// Right after the delete of a NAT gateway, and not always with a code that names the cause.
#[tokio::test]
async fn the_release_of_an_address_in_use_is_retried() {
    for code in ["InvalidIPAddress.InUse", "AuthFailure"] {
        let (waiting_for, requests) = RejectingEc2::start(code, None).delete(Kind::Address, "eipalloc-1").await;
        assert_eq!(waiting_for, format!("address a: ec2:ReleaseAddress has to wait: {code}: no"));
        assert_eq!(requests.len(), 1, "{requests:?}");
    }
}
