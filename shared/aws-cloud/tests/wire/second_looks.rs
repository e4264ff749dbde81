//! Rejections whose code has two causes: a second look decides.

use std::sync::{Arc, Mutex};

use aws_cloud::{AwsCloud, Clients};
use environment::{
    Call, CallError, CallKind, Cloud, Fields, InternetGatewaySetting, Key, Kind, LaunchTemplate, Ref, Resource,
    RoleSetting, RouteTableSetting, Setting, Tags,
};

use crate::samples::template_version;
use crate::service;

fn error(code: &str) -> (u16, String) {
    let error = format!("<Error><Code>{code}</Code><Message>no.</Message></Error>");
    (400, format!("<Response><Errors>{error}</Errors></Response>"))
}

fn response(operation: &str, content: &str) -> String {
    format!("<{operation}Response>{content}</{operation}Response>")
}

/// An EC2 that rejects every change with this code, with a route table in vpc-1 and this attachment of the gateway.
fn with_attachment(vpc: Option<&'static str>, code: &'static str) -> Clients {
    service::start(move |request| {
        let item = |set: &str, item: String| format!("<{set}><item>{item}</item></{set}>");
        let tables = item("routeTableSet", String::from("<routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId>"));
        let attachment = |vpc| item("attachmentSet", format!("<vpcId>{vpc}</vpcId><state>available</state>"));
        let gateway =
            format!("<internetGatewayId>igw-1</internetGatewayId>{}", vpc.map(attachment).unwrap_or_default());
        let gateways = item("internetGatewaySet", gateway);
        Some(match request.body.split('&').next() {
            Some("Action=DescribeRouteTables") => (200, response("DescribeRouteTables", &tables)),
            Some("Action=DescribeInternetGateways") => (200, response("DescribeInternetGateways", &gateways)),
            _ => error(code),
        })
    })
}

async fn with_code(
    code: &'static str,
    attached_to: Option<&'static str>,
    call: &Call,
) -> Result<Option<String>, CallError> {
    AwsCloud::new(&with_attachment(attached_to, code), "owner".into(), "request".into()).call(call).await
}

/// The message names the VPC that the gateway is attached to, which need not be that of the call (recorded on AWS, September
/// 2026: stackd 9dc356f5, `ec2/internet_gateways:attach_repeat`, `attach_gateway_to_second_vpc`).
#[tokio::test]
async fn an_attached_gateway_is_accepted_in_its_own_vpc_only() {
    let attachment = InternetGatewaySetting::Attachment(Ref::Foreign("vpc-1".into()));
    let attach = Call {
        key: Key::new(Kind::InternetGateway, "internet"),
        id: Some("igw-1".into()),
        kind: CallKind::Set(vec![Setting::InternetGateway(attachment)]),
    };
    assert_eq!(with_code("Resource.AlreadyAssociated", Some("vpc-1"), &attach).await, Ok(None));
    let elsewhere = with_code("Resource.AlreadyAssociated", Some("vpc-2"), &attach).await;
    assert!(matches!(elsewhere, Err(CallError::Retry { .. })), "{elsewhere:?}");
    let occupied = with_code("InvalidParameterValue", None, &attach).await;
    assert!(matches!(occupied, Err(CallError::Rejected { .. })), "{occupied:?}");
}

/// AWS has one text for a gateway of another VPC and for one whose attachment it does not see.
#[tokio::test]
async fn a_route_to_a_gateway_waits_for_its_attachment_unless_it_is_attached_elsewhere() {
    let route = Call {
        key: Key::new(Kind::RouteTable, "public"),
        id: Some("rtb-1".into()),
        kind: CallKind::Set(vec![Setting::RouteTable(RouteTableSetting::DefaultRoute(Ref::Foreign("igw-1".into())))]),
    };
    for (vpc, waits) in [(Some("vpc-1"), true), (None, true), (Some("vpc-2"), false)] {
        let response = with_code("InvalidParameterValue", vpc, &route).await;
        assert_eq!(matches!(response, Err(CallError::Retry { .. })), waits, "{vpc:?}: {response:?}");
        assert_eq!(matches!(response, Err(CallError::Rejected { .. })), !waits, "{vpc:?}: {response:?}");
    }
}

fn template() -> Call {
    let versions = vec![template_version()];
    let fields = Fields::LaunchTemplate(LaunchTemplate { versions });
    let resource = Resource { name: "the-template".into(), tags: Tags::new(), fields };
    Call { key: resource.key(), id: None, kind: CallKind::Create(Box::new(resource)) }
}

/// An EC2 in which the first token is used up. Returns its clients and the tokens of the creates.
fn with_used_token(template_exists: bool) -> (Clients, Arc<Mutex<Vec<String>>>) {
    let tokens = Arc::new(Mutex::new(Vec::new()));
    let received = Arc::clone(&tokens);
    let clients = service::start(move |request| {
        let found = "<item><launchTemplateId>lt-1</launchTemplateId><launchTemplateName>the-template</launchTemplateName></item>";
        if request.body.starts_with("Action=DescribeLaunchTemplates&") {
            let found = if template_exists { found } else { "" };
            let found = format!("<launchTemplates>{found}</launchTemplates>");
            return Some((200, response("DescribeLaunchTemplates", &found)));
        }
        let token = request.body.split('&').find_map(|it| it.strip_prefix("ClientToken=")).expect("a token").to_owned();
        let mut tokens = received.lock().expect("tokens");
        tokens.push(token);
        Some(if tokens.first() == tokens.last() {
            error("IdempotentParameterMismatch")
        } else {
            (
                200,
                response(
                    "CreateLaunchTemplate",
                    "<launchTemplate><launchTemplateId>lt-2</launchTemplateId></launchTemplate>",
                ),
            )
        })
    });
    (clients, tokens)
}

/// Another sender deleted the template that an earlier attempt created.
#[tokio::test]
async fn a_template_that_was_deleted_within_its_request_is_created_with_another_token() {
    let (clients, tokens) = with_used_token(false);
    let response = AwsCloud::new(&clients, "owner".into(), "request".into()).call(&template()).await;
    assert_eq!(response, Ok(None));
    let tokens = tokens.lock().expect("tokens");
    assert_eq!((tokens.len(), tokens[0] == tokens[1]), (2, false), "{tokens:?}");
}

#[tokio::test]
async fn a_template_that_exists_is_observed_before_its_create_is_sent_again() {
    let (clients, tokens) = with_used_token(true);
    let response = AwsCloud::new(&clients, "owner".into(), "request".into()).call(&template()).await;
    assert!(matches!(response, Err(CallError::Retry { .. })), "{response:?}");
    assert_eq!(tokens.lock().expect("tokens").len(), 1);
}

/// One call replaces the whole trust policy: services that others added are removed.
#[tokio::test]
async fn the_trust_of_a_role_is_set_by_its_own_call() {
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let received = Arc::clone(&bodies);
    let clients = service::start(move |request| {
        received.lock().expect("bodies").push(request.body);
        Some((200, String::from("<UpdateAssumeRolePolicyResponse/>")))
    });
    let setting = Setting::Role(RoleSetting::Trust("ec2.amazonaws.com".into()));
    let call = Call { key: Key::new(Kind::Role, "the-role"), id: None, kind: CallKind::Set(vec![setting]) };
    assert_eq!(call.operation(), "iam:UpdateAssumeRolePolicy");
    assert_eq!(AwsCloud::new(&clients, "owner".into(), "request".into()).call(&call).await, Ok(None));
    let body = bodies.lock().expect("bodies")[0].clone();
    assert!(body.starts_with("Action=UpdateAssumeRolePolicy&") && body.contains("RoleName=the-role"), "{body}");
    assert!(body.contains("ec2.amazonaws.com") && !body.contains("lambda"), "{body}");
}
