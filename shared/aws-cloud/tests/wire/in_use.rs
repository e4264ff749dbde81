//! Deletes of resources in use, which the emulators allow, and the removal of what GuardDuty created.

use std::sync::{Arc, Mutex};

use aws_cloud::{AwsCloud, Clients};
use environment::{Call, CallError, CallKind, Cloud, Condition, Key, Kind, OBSTACLE_LIMIT};

use crate::service;

/// An account that rejects the deletes of an environment's network and roles, and the requests that it received.
struct RejectingAws {
    requests: Arc<Mutex<Vec<String>>>,
    clients: Clients,
}

impl RejectingAws {
    /// Every call but those in `responses`, by action, is rejected with one code of EC2.
    fn start(code: &'static str, responses: &[(&'static str, u16, String)]) -> RejectingAws {
        RejectingAws::with(400, error(code), responses)
    }

    /// As `start`, with a code of IAM.
    fn start_iam(code: &'static str, responses: &[(&'static str, u16, String)]) -> RejectingAws {
        let body = format!("<ErrorResponse><Error><Code>{code}</Code><Message>no.</Message></Error></ErrorResponse>");
        RejectingAws::with(409, body, responses)
    }

    fn with(status: u16, rejection: String, responses: &[(&'static str, u16, String)]) -> RejectingAws {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let bodies = Arc::clone(&requests);
        let responses: Vec<_> = responses.to_vec();
        let clients = service::start(move |request| {
            let found = responses.iter().find(|(action, ..)| request.body.starts_with(&format!("Action={action}&")));
            bodies.lock().expect("bodies").push(request.body.clone());
            Some(found.map_or_else(|| (status, rejection.clone()), |(_, status, body)| (*status, body.clone())))
        });
        RejectingAws { requests, clients }
    }

    /// Sends a delete. Returns the error and the requests.
    async fn delete(&self, kind: Kind, id: &str) -> (CallError, Vec<String>) {
        let cloud = AwsCloud::new(&self.clients, "owner".into(), "request".into());
        let call = Call { key: Key::new(kind, "a"), id: Some(id.into()), kind: CallKind::Delete };
        let error = cloud.call(&call).await.expect_err("an error");
        (error, std::mem::take(&mut *self.requests.lock().expect("bodies")))
    }
}

/// The actions of requests, sorted.
fn actions(requests: &[String]) -> Vec<&str> {
    let mut all: Vec<&str> = requests.iter().filter_map(|it| it.strip_prefix("Action=")?.split('&').next()).collect();
    all.sort_unstable();
    all
}

fn error(code: &str) -> String {
    format!("<Response><Errors><Error><Code>{code}</Code><Message>no.</Message></Error></Errors></Response>")
}

/// A response of EC2 with these items in one set.
fn set(action: &str, set: &str, items: &[&str]) -> (u16, String) {
    let items: Vec<String> = items.iter().map(|item| format!("<item>{item}</item>")).collect();
    (200, format!("<{action}Response><{set}>{}</{set}></{action}Response>", items.concat()))
}

const BALANCER: &str = "<networkInterfaceId>eni-1</networkInterfaceId><description>ELB app/web/1</description>";

fn interfaces(items: &[&str]) -> (&'static str, u16, String) {
    let (status, body) = set("DescribeNetworkInterfaces", "networkInterfaceSet", items);
    ("DescribeNetworkInterfaces", status, body)
}

/// The awaited condition of a delete that is tried again.
fn waiting_for(error: &CallError) -> &Condition {
    match error {
        CallError::Retry { waiting_for, .. } => waiting_for,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn interfaces_that_block_the_delete_of_a_network_are_named() {
    let ec2 = RejectingAws::start("DependencyViolation", &[interfaces(&[BALANCER])]);
    for (kind, delete, filter, id) in [
        (Kind::Subnet, "ec2:DeleteSubnet", "subnet-id", "subnet-1"),
        (Kind::SecurityGroup, "ec2:DeleteSecurityGroup", "group-id", "sg-1"),
        (Kind::Vpc, "ec2:DeleteVpc", "vpc-id", "vpc-1"),
    ] {
        let (error, requests) = ec2.delete(kind, id).await;
        let blocked = format!(
            "{delete} has to wait: DependencyViolation: no; blocking network interfaces: eni-1 (ELB app/web/1)"
        );
        assert_eq!(waiting_for(&error).sentence, format!("{} a: {blocked}", kind.facts().name));
        assert_eq!(waiting_for(&error).longest, Some(OBSTACLE_LIMIT));
        let filter = format!("&Filter.1.Name={filter}&Filter.1.Value.1={id}");
        let is_read = |it: &&String| it.starts_with("Action=DescribeNetworkInterfaces&");
        assert!(requests.iter().find(is_read).is_some_and(|it| it.ends_with(&filter)), "{requests:?}");
    }
}

#[tokio::test]
async fn what_blocks_a_vpc_is_named_by_kind_id_and_owner() {
    let mark = "<tagSet><item><key>envkeeper:owner</key><value>owner</value></item></tagSet>";
    let own = format!("<groupId>sg-own</groupId><groupName>own</groupName>{mark}");
    let foreign = "<groupId>sg-1</groupId><groupName>web</groupName><ownerId>123456789012</ownerId>";
    let gateway = "<vpnGatewayId>vgw-1</vpnGatewayId>";
    let (groups, gateways) = (
        set("DescribeSecurityGroups", "securityGroupInfo", &[&own, foreign]),
        set("DescribeVpnGateways", "vpnGatewaySet", &[gateway]),
    );
    let responses = [
        ("DescribeSecurityGroups", groups.0, groups.1),
        ("DescribeVpnGateways", gateways.0, gateways.1),
        interfaces(&[]),
    ];
    let (error, _) = RejectingAws::start("DependencyViolation", &responses).delete(Kind::Vpc, "vpc-1").await;
    let blocked =
        "DependencyViolation: no; blocking resources: VPN gateway vgw-1, security group sg-1 (web, owner 123456789012)";
    assert_eq!(waiting_for(&error).sentence, format!("vpc a: ec2:DeleteVpc has to wait: {blocked}"));
}

/// An account where GuardDuty watches the VPC of a subnet. The group exists or not.
fn guardduty(group_exists: bool) -> Vec<(&'static str, u16, String)> {
    let tag = "<tagSet><item><key>GuardDutyManaged</key><value>true</value></item></tagSet>";
    let endpoint = format!(
        "<vpcEndpointId>vpce-1</vpcEndpointId><serviceName>com.amazonaws.us-west-2.guardduty-data</serviceName><requesterManaged>true</requesterManaged>{tag}"
    );
    let group = format!("<groupId>sg-1</groupId><groupName>GuardDutyManagedSecurityGroup-vpc-1</groupName>{tag}");
    let scaling = if group_exists { "<member><AutoScalingGroupName>g</AutoScalingGroupName></member>" } else { "" };
    let scaling = format!(
        "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups>{scaling}</AutoScalingGroups></DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"
    );
    let of = |action: &'static str, (status, body): (u16, String)| (action, status, body);
    vec![
        of(
            "DescribeSubnets",
            set("DescribeSubnets", "subnetSet", &["<subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId>"]),
        ),
        of("DescribeVpcEndpoints", set("DescribeVpcEndpoints", "vpcEndpointSet", &[&endpoint])),
        of("DescribeSecurityGroups", set("DescribeSecurityGroups", "securityGroupInfo", &[&group])),
        of("DescribeAutoScalingGroups", (200, scaling)),
        interfaces(&[]),
    ]
}

#[tokio::test]
async fn what_guardduty_created_is_removed_once_the_group_is_gone() {
    for (kind, id) in [(Kind::Subnet, "subnet-1"), (Kind::Vpc, "vpc-1")] {
        let (error, requests) = RejectingAws::start("DependencyViolation", &guardduty(false)).delete(kind, id).await;
        let sent = actions(&requests);
        assert!(sent.contains(&"DeleteVpcEndpoints") && sent.contains(&"DeleteSecurityGroup"), "{sent:?}");
        waiting_for(&error);
        let (_, requests) = RejectingAws::start("DependencyViolation", &guardduty(true)).delete(kind, id).await;
        let sent = actions(&requests);
        assert!(!sent.contains(&"DeleteVpcEndpoints") && !sent.contains(&"DeleteSecurityGroup"), "{sent:?}");
    }
}

#[tokio::test]
async fn a_denied_removal_of_guarddutys_endpoint_is_named_and_not_retried() {
    let denied = ("DeleteVpcEndpoints", 403, error("UnauthorizedOperation"));
    let responses: Vec<_> = guardduty(false).into_iter().chain([denied]).collect();
    let (error, _) = RejectingAws::start("DependencyViolation", &responses).delete(Kind::Vpc, "vpc-1").await;
    let CallError::Rejected { message } = error else { panic!("{error:?}") };
    assert!(message.contains("AWS rejected ec2:DeleteVpcEndpoints") && message.contains("vpce-1"), "{message}");
}

#[tokio::test]
async fn a_denied_read_of_interfaces_leaves_the_message_of_aws() {
    let denied = ("DescribeNetworkInterfaces", 403, error("UnauthorizedOperation"));
    let (error, _) = RejectingAws::start("DependencyViolation", &[denied]).delete(Kind::Subnet, "subnet-1").await;
    assert!(waiting_for(&error).sentence.ends_with("DependencyViolation: no"), "{error:?}");
}

#[tokio::test]
async fn interfaces_are_not_read_if_they_do_not_block_the_delete() {
    let ec2 = RejectingAws::start("IncorrectState", &[interfaces(&[BALANCER])]);
    let (error, requests) = ec2.delete(Kind::Subnet, "subnet-1").await;
    assert!(waiting_for(&error).sentence.ends_with("IncorrectState: no"), "{error:?}");
    assert!(!actions(&requests).contains(&"DescribeNetworkInterfaces"), "{requests:?}");
}

/// Right after the delete of a NAT gateway, and not always with a code that names the cause.
#[tokio::test]
async fn the_release_of_an_address_in_use_is_retried() {
    for code in ["InvalidIPAddress.InUse", "AuthFailure"] {
        let (error, requests) = RejectingAws::start(code, &[]).delete(Kind::Address, "eipalloc-1").await;
        let sentence = format!("address a: ec2:ReleaseAddress has to wait: {code}: no");
        assert_eq!(waiting_for(&error).sentence, sentence);
        assert_eq!(requests.len(), 1, "{requests:?}");
    }
}

/// A response of IAM with these members in one list.
fn list(action: &'static str, list: &str, members: &[&str]) -> (&'static str, u16, String) {
    let members: Vec<String> = members.iter().map(|member| format!("<member>{member}</member>")).collect();
    let list = format!("<{list}>{}</{list}><IsTruncated>false</IsTruncated>", members.concat());
    (action, 200, format!("<{action}Response><{action}Result>{list}</{action}Result></{action}Response>"))
}

fn named(kind: &str, name: &str) -> String {
    let arn = format!("arn:aws:iam::123456789012:{}/{name}", if kind == "Role" { "role" } else { "instance-profile" });
    let date = "<CreateDate>2026-01-01T00:00:00Z</CreateDate>";
    format!("<Path>/</Path><{kind}Name>{name}</{kind}Name><{kind}Id>ID</{kind}Id><Arn>{arn}</Arn>{date}")
}

#[tokio::test]
async fn what_blocks_a_role_is_named() {
    let profile = named("InstanceProfile", "web") + "<Roles/>";
    let policy = "<PolicyName>audit</PolicyName><PolicyArn>arn:aws:iam::123456789012:policy/audit</PolicyArn>";
    let responses = [
        list("ListInstanceProfilesForRole", "InstanceProfiles", &[&profile]),
        list("ListRolePolicies", "PolicyNames", &["quick-setup"]),
        list("ListAttachedRolePolicies", "AttachedPolicies", &[policy]),
    ];
    let (error, _) = RejectingAws::start_iam("DeleteConflict", &responses).delete(Kind::Role, "arn").await;
    let blocked = "DeleteConflict: no; blocking resources: inline policy quick-setup, instance profile \
                   arn:aws:iam::123456789012:instance-profile/web, managed policy arn:aws:iam::123456789012:policy/audit";
    assert_eq!(waiting_for(&error).sentence, format!("role a: iam:DeleteRole has to wait: {blocked}"));
    assert_eq!(waiting_for(&error).longest, Some(OBSTACLE_LIMIT));

    // A denied read leaves the others.
    let (error, _) = RejectingAws::start_iam("DeleteConflict", &responses[1..2]).delete(Kind::Role, "arn").await;
    assert!(waiting_for(&error).sentence.ends_with("blocking resources: inline policy quick-setup"), "{error:?}");
    let (error, requests) = RejectingAws::start_iam("ConcurrentModification", &responses).delete(Kind::Role, "a").await;
    assert!(waiting_for(&error).sentence.ends_with("ConcurrentModification: no"), "{error:?}");
    assert_eq!(actions(&requests), ["DeleteRole"]);
}

#[tokio::test]
async fn the_role_that_blocks_a_profile_is_named() {
    let roles = format!("<Roles><member>{}</member></Roles>", named("Role", "web"));
    let profile = format!("<InstanceProfile>{}{roles}</InstanceProfile>", named("InstanceProfile", "a"));
    let body = format!("<GetInstanceProfileResult>{profile}</GetInstanceProfileResult>");
    let body = format!("<GetInstanceProfileResponse>{body}</GetInstanceProfileResponse>");
    let aws = RejectingAws::start_iam("DeleteConflict", &[("GetInstanceProfile", 200, body)]);
    let (error, _) = aws.delete(Kind::InstanceProfile, "arn").await;
    let blocked = "DeleteConflict: no; blocking resources: role arn:aws:iam::123456789012:role/web";
    let sentence = format!("instance-profile a: iam:DeleteInstanceProfile has to wait: {blocked}");
    assert_eq!(waiting_for(&error).sentence, sentence);
}
