//! Deletes of what is still in use, which the emulators let happen.

use std::sync::{Arc, Mutex};

use aws_cloud::{AwsCloud, Clients};
use environment::{Call, CallError, CallKind, Cloud, Key, Kind};

use crate::service;

/// What is asked, action by action, of an EC2 that refuses every delete with this code.
struct Refusing {
    asked: Arc<Mutex<Vec<String>>>,
    clients: Clients,
}

impl Refusing {
    /// `interfaces` is what it answers to who asks for network interfaces; nothing is a denial.
    fn start(code: &'static str, interfaces: Option<String>) -> Refusing {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let bodies = Arc::clone(&asked);
        let clients = service::start(move |request| {
            let observations = request.body.starts_with("Action=DescribeNetworkInterfaces&");
            bodies.lock().expect("bodies").push(request.body);
            Some(match (&interfaces, observations) {
                (Some(interfaces), true) => (200, interfaces.clone()),
                (None, true) => (403, error("UnauthorizedOperation")),
                (_, false) => (400, error(code)),
            })
        });
        Refusing { asked, clients }
    }

    /// What a delete is answered, and what EC2 was asked.
    async fn delete(&self, kind: Kind, id: &str) -> (String, Vec<String>) {
        let cloud = AwsCloud::new(&self.clients, "owner".into(), "request".into());
        let call = Call { key: Key::new(kind, "a"), id: Some(id.into()), kind: CallKind::Delete };
        let Err(CallError::Retry { waiting_for: what, .. }) = cloud.call(&call).await else {
            panic!("it does not wait")
        };
        (what, std::mem::take(&mut *self.asked.lock().expect("bodies")))
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
async fn what_stands_in_a_network_that_is_to_go_is_named() {
    let ec2 = Refusing::start("DependencyViolation", Some(balancers()));
    for (kind, delete, filter, id) in [
        (Kind::Subnet, "ec2:DeleteSubnet", "subnet-id", "subnet-1"),
        (Kind::SecurityGroup, "ec2:DeleteSecurityGroup", "group-id", "sg-1"),
        (Kind::Vpc, "ec2:DeleteVpc", "vpc-id", "vpc-1"),
    ] {
        let (told, asked) = ec2.delete(kind, id).await;
        let blocked = format!("{delete} has to wait: DependencyViolation: no; in the way: eni-1 (ELB app/web/1)");
        assert_eq!(told, format!("{} a: {blocked}", kind.name()));
        assert_eq!(asked.len(), 2, "{asked:?}");
        assert!(asked[1].ends_with(&format!("&Filter.1.Name={filter}&Filter.1.Value.1={id}")), "{asked:?}");
    }
}

#[tokio::test]
async fn who_may_not_ask_for_interfaces_is_told_what_aws_said() {
    let ec2 = Refusing::start("DependencyViolation", None);
    let (told, asked) = ec2.delete(Kind::Subnet, "subnet-1").await;
    assert_eq!((told.ends_with("DependencyViolation: no"), asked.len()), (true, 2), "{told}");
}

#[tokio::test]
async fn nobody_asks_for_interfaces_if_they_are_not_in_the_way() {
    let ec2 = Refusing::start("IncorrectState", Some(balancers()));
    let (told, asked) = ec2.delete(Kind::Subnet, "subnet-1").await;
    assert_eq!((told.ends_with("IncorrectState: no"), asked.len()), (true, 1), "{told}");
}

/// Right after the end of a NAT gateway, and not always with the code that says it.
#[tokio::test]
async fn an_address_that_is_still_in_use_is_waited_for() {
    for code in ["InvalidIPAddress.InUse", "AuthFailure"] {
        let (told, asked) = Refusing::start(code, None).delete(Kind::Address, "eipalloc-1").await;
        assert_eq!(told, format!("address a: ec2:ReleaseAddress has to wait: {code}: no"));
        assert_eq!(asked.len(), 1, "{asked:?}");
    }
}
