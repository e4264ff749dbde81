//! Error responses of injected faults: the service's own error codes, in the protocol of the request.

use http_body_util::{Either, Full};
use hyper::{
    HeaderMap, Method, Response, StatusCode,
    body::Bytes,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
};
use serde_json::{Value, json};

use crate::{element::Element, faults::Fault, form, router::Body};

const MESSAGE: &str = "A fault rule of the local cloud applies to this call.";
const REQUEST_ID: &str = "00000000-0000-4000-a000-000000000000";

/// The protocol of a request, and therefore of the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    /// EC2's variant of the query protocol.
    Ec2,
    Query,
    Json,
    Cbor,
    /// S3, and requests without a signature: addresses for a CloudFormation response are S3's.
    RestXml,
    RestJson,
}

/// A request with an injected fault.
pub struct Request<'a> {
    pub service: &'a str,
    pub operation: &'a str,
    pub method: &'a Method,
    pub path: &'a str,
    pub headers: &'a HeaderMap,
    /// The query and the body, as far as the body is text.
    pub form: &'a str,
    pub body: &'a [u8],
}

/// Whether an operation can have this fault.
#[must_use]
pub fn exists(fault: Fault, service: &str, operation: &str) -> bool {
    match fault {
        Fault::NotFoundLag => service != "unsigned" && is_read(operation),
        Fault::Quota => quota_code(service, operation).is_some(),
        Fault::PartialFailure => is_batch(service, operation),
        _ => true,
    }
}

/// The service's response to the fault; `None` for faults of the network.
#[must_use]
pub fn of(fault: Fault, request: &Request<'_>) -> Option<Response<Body>> {
    let service = request.service;
    let (status, code) = match fault {
        Fault::Throttling => throttling_code(service),
        Fault::InternalError => (500, internal_error_code(service)),
        Fault::Unavailable => (503, if service == "ec2" { "Unavailable" } else { "ServiceUnavailable" }),
        Fault::AccessDenied => access_denied_code(service),
        Fault::Quota => quota_code(service, request.operation)?,
        Fault::NotFoundLag => match not_found(request) {
            Some(error_response) => error_response,
            None => return Some(empty_list(request)),
        },
        Fault::PartialFailure => return Some(failed_batch(request)),
        _ => return None,
    };
    Some(error_response(request, status, code))
}

/// The service's access denied error with this message.
#[must_use]
pub fn access_denied(request: &Request<'_>, words: &str) -> Response<Body> {
    let (status, code) = access_denied_code(request.service);
    error_with_message(request, status, code, words)
}

/// An error of the service with status 400.
#[must_use]
pub fn rejection(request: &Request<'_>, code: &str, message: &str) -> Response<Body> {
    error_with_message(request, 400, code, message)
}

fn is_read(operation: &str) -> bool {
    ["Describe", "Get", "List", "Head", "Query"].iter().any(|verb| operation.starts_with(verb))
}

fn is_batch(service: &str, operation: &str) -> bool {
    match service {
        "s3" => operation == "DeleteObjects",
        "sqs" => operation.ends_with("Batch"),
        "ec2" => operation == "DeleteVpcEndpoints",
        _ => false,
    }
}

fn throttling_code(service: &str) -> (u16, &'static str) {
    match service {
        "ec2" => (503, "RequestLimitExceeded"),
        "s3" | "unsigned" => (503, "SlowDown"),
        "iam" | "autoscaling" | "cloudformation" | "monitoring" | "sns" | "sts" => (400, "Throttling"),
        "dynamodb" => (400, "ProvisionedThroughputExceededException"),
        "sqs" => (403, "RequestThrottled"),
        "lambda" => (429, "TooManyRequestsException"),
        _ => (400, "ThrottlingException"),
    }
}

fn internal_error_code(service: &str) -> &'static str {
    match service {
        "ec2" | "s3" | "unsigned" => "InternalError",
        "dynamodb" | "ssm" => "InternalServerError",
        "lambda" => "ServiceException",
        _ => "InternalFailure",
    }
}

fn access_denied_code(service: &str) -> (u16, &'static str) {
    match service {
        "ec2" => (403, "UnauthorizedOperation"),
        "iam" | "autoscaling" | "cloudformation" | "monitoring" | "s3" | "sns" | "sts" | "unsigned" => {
            (403, "AccessDenied")
        }
        "lambda" => (403, "AccessDeniedException"),
        _ => (400, "AccessDeniedException"),
    }
}

/// Status and code of a creating operation that exceeds the account's quota; `None` for operations without a quota.
fn quota_code(service: &str, operation: &str) -> Option<(u16, &'static str)> {
    let ec2_code = |operation: &str| {
        Some(match operation {
            "CreateVpc" => "VpcLimitExceeded",
            "CreateSubnet" => "SubnetLimitExceeded",
            "CreateInternetGateway" => "InternetGatewayLimitExceeded",
            "CreateNatGateway" => "NatGatewayLimitExceeded",
            "CreateVpcEndpoint" => "VpcEndpointLimitExceeded",
            "CreateRouteTable" => "RouteTableLimitExceeded",
            "CreateRoute" => "RouteLimitExceeded",
            "CreateSecurityGroup" => "SecurityGroupLimitExceeded",
            "CreateLaunchTemplate" => "LaunchTemplateLimitExceeded",
            "CreateLaunchTemplateVersion" => "LaunchTemplateVersionLimitExceeded",
            "AllocateAddress" => "AddressLimitExceeded",
            "RunInstances" => "VcpuLimitExceeded",
            _ => return None,
        })
    };
    let creates = ["Create", "Put", "Attach"].iter().any(|verb| operation.starts_with(verb));
    match service {
        "ec2" => ec2_code(operation).map(|code| (400, code)),
        "s3" => (operation == "CreateBucket").then_some((400, "TooManyBuckets")),
        "iam" => creates.then_some((409, "LimitExceeded")),
        "autoscaling" | "monitoring" => creates.then_some((400, "LimitExceeded")),
        "logs" => creates.then_some((400, "LimitExceededException")),
        _ => None,
    }
}

/// Status and code for a read that names a resource; `None` for a list, which is empty instead.
fn not_found(request: &Request<'_>) -> Option<(u16, &'static str)> {
    let operation = request.operation;
    let lists = ["Describe", "List", "Query"].iter().any(|verb| operation.starts_with(verb));
    match request.service {
        "ec2" => not_found_in_ec2(request),
        "iam" if !lists || operation.contains("RolePolicies") || operation.ends_with("Tags") => {
            Some((404, "NoSuchEntity"))
        }
        "s3" if operation == "ListBuckets" => None,
        "s3" if operation.ends_with("Object") => Some((404, "NoSuchKey")),
        "s3" => Some((404, "NoSuchBucket")),
        "ssm" if operation == "GetParameter" => Some((400, "ParameterNotFound")),
        "sqs" if !lists => Some((400, "QueueDoesNotExist")),
        "monitoring" if operation == "GetDashboard" => Some((404, "ResourceNotFound")),
        "cloudformation" => Some((400, "ValidationError")),
        "logs" if operation.starts_with("ListTags") => Some((400, "ResourceNotFoundException")),
        "lambda" if !lists => Some((404, "ResourceNotFoundException")),
        _ => None,
    }
}

/// EC2 rejects unknown ids, and returns an empty list for filters.
fn not_found_in_ec2(request: &Request<'_>) -> Option<(u16, &'static str)> {
    let request_parameters = form::read(request.form);
    let has = |name: &str| request_parameters.keys().any(|key| key == name || key.starts_with(&format!("{name}.")));
    let code = match request.operation {
        "DescribeVpcs" | "DescribeVpcAttribute" if has("VpcId") => "InvalidVpcID.NotFound",
        "DescribeSubnets" if has("SubnetId") => "InvalidSubnetID.NotFound",
        "DescribeInternetGateways" if has("InternetGatewayId") => "InvalidInternetGatewayID.NotFound",
        "DescribeNatGateways" if has("NatGatewayId") => "NatGatewayNotFound",
        "DescribeVpcEndpoints" if has("VpcEndpointId") => "InvalidVpcEndpointId.NotFound",
        "DescribeRouteTables" if has("RouteTableId") => "InvalidRouteTableID.NotFound",
        "DescribeSecurityGroups" if has("GroupId") => "InvalidGroup.NotFound",
        "DescribeAddresses" if has("AllocationId") => "InvalidAllocationID.NotFound",
        "DescribeInstances" if has("InstanceId") => "InvalidInstanceID.NotFound",
        _ if has("LaunchTemplateId") => "InvalidLaunchTemplateId.NotFound",
        _ if has("LaunchTemplateName") => "InvalidLaunchTemplateName.NotFoundException",
        _ => return None,
    };
    Some((400, code))
}

impl Request<'_> {
    fn protocol(&self) -> Protocol {
        let service = self.service;
        if self.path.starts_with("/service/") && self.path.contains("/operation/") {
            Protocol::Cbor
        } else if self.headers.contains_key("x-amz-target") {
            Protocol::Json
        } else if service == "s3" || service == "unsigned" {
            Protocol::RestXml
        } else if service == "ec2" {
            Protocol::Ec2
        } else if self.form.split('&').any(|pair| pair.starts_with("Action=")) {
            Protocol::Query
        } else {
            Protocol::RestJson
        }
    }
}

/// An error in the form of the protocol.
fn error_response(request: &Request<'_>, status: u16, code: &str) -> Response<Body> {
    error_with_message(request, status, code, MESSAGE)
}

fn error_with_message(request: &Request<'_>, status: u16, code: &str, message: &str) -> Response<Body> {
    let code_and_message = || vec![Element::leaf("Code", code), Element::leaf("Message", message)];
    let protocol = request.protocol();
    let body = match protocol {
        Protocol::Ec2 => {
            let errors = Element::node("Errors", vec![Element::node("Error", code_and_message())]);
            xml(&Element::node("Response", vec![errors, Element::leaf("RequestID", REQUEST_ID)]))
        }
        Protocol::Query => {
            let mut error = code_and_message();
            error.insert(0, Element::leaf("Type", if status < 500 { "Sender" } else { "Receiver" }));
            let error = Element::node("Error", error);
            xml(&Element::node("ErrorResponse", vec![error, Element::leaf("RequestId", REQUEST_ID)]))
        }
        // A response to HEAD has no body, so the status is the error.
        Protocol::RestXml if request.method == Method::HEAD => Vec::new(),
        Protocol::RestXml => xml(&Element::node("Error", code_and_message())),
        Protocol::Json | Protocol::RestJson => json!({"__type": code, "message": message}).to_string().into_bytes(),
        Protocol::Cbor => cbor(&[("__type", code), ("message", message)]),
    };
    let mut response = respond(protocol, status, body);
    if protocol == Protocol::RestJson {
        header(&mut response, "x-amzn-errortype", code);
    }
    // The code of the earlier query protocol: SDKs prefer this header to the code in the body.
    if protocol == Protocol::Cbor || request.service == "sqs" {
        header(
            &mut response,
            "x-amzn-query-error",
            &format!("{code};{}", if status < 500 { "Sender" } else { "Receiver" }),
        );
    }
    response
}

/// An empty list. Every SDK reads a missing list as empty, so the response does not need the list's name.
fn empty_list(request: &Request<'_>) -> Response<Body> {
    let (protocol, operation) = (request.protocol(), request.operation);
    let id = |name: &str| Element::leaf(name, REQUEST_ID);
    let body = match protocol {
        Protocol::Ec2 => xml(&Element::node(&format!("{operation}Response"), vec![id("requestId")])),
        Protocol::Query => {
            let result = Element::node(&format!("{operation}Result"), Vec::new());
            let metadata = Element::node("ResponseMetadata", vec![id("RequestId")]);
            xml(&Element::node(&format!("{operation}Response"), vec![result, metadata]))
        }
        Protocol::RestXml => xml(&Element::node("ListAllMyBucketsResult", vec![Element::node("Buckets", Vec::new())])),
        Protocol::Json | Protocol::RestJson => b"{}".to_vec(),
        Protocol::Cbor => cbor(&[]),
    };
    respond(protocol, 200, body)
}

/// A successful response that reports every entry of the batch as failed.
fn failed_batch(request: &Request<'_>) -> Response<Body> {
    let body = match request.service {
        "s3" => failed_objects(request.body),
        "sqs" => failed_messages(request.body),
        _ => failed_endpoints(request.form),
    };
    respond(request.protocol(), 200, body)
}

fn failed_objects(body: &[u8]) -> Vec<u8> {
    let request_parameters = Element::parse(&String::from_utf8_lossy(body)).unwrap_or_default();
    let failed = |object: &Element| {
        let named = ["Key", "VersionId"].into_iter();
        let mut error: Vec<_> = named.filter_map(|name| Some(Element::leaf(name, object.text_of(name)?))).collect();
        error.extend([Element::leaf("Code", "InternalError"), Element::leaf("Message", MESSAGE)]);
        Element::node("Error", error)
    };
    let objects = request_parameters.children.iter().filter(|child| child.name == "Object");
    xml(&Element::node("DeleteResult", objects.map(failed).collect()))
}

fn failed_messages(body: &[u8]) -> Vec<u8> {
    let request_parameters: Value = serde_json::from_slice(body).unwrap_or_default();
    let failed =
        |entry: &Value| json!({"Id": entry["Id"], "SenderFault": false, "Code": "InternalError", "Message": MESSAGE});
    let failed: Vec<Value> = request_parameters["Entries"].as_array().into_iter().flatten().map(failed).collect();
    json!({"Successful": [], "Failed": failed}).to_string().into_bytes()
}

fn failed_endpoints(form: &str) -> Vec<u8> {
    let request_parameters = form::read(form);
    let ids = request_parameters.iter().filter(|(name, _)| name.starts_with("VpcEndpointId."));
    let failed = ids.map(|(_, id)| {
        let error = vec![Element::leaf("code", "InternalError"), Element::leaf("message", MESSAGE)];
        Element::node("item", vec![Element::node("error", error), Element::leaf("resourceId", id)])
    });
    let failed = Element::node("unsuccessful", failed.collect());
    xml(&Element::node("DeleteVpcEndpointsResponse", vec![Element::leaf("requestId", REQUEST_ID), failed]))
}

fn xml(document: &Element) -> Vec<u8> {
    format!(r#"<?xml version="1.0" encoding="UTF-8"?>{document}"#).into_bytes()
}

/// A map of short texts in CBOR (RFC 8949): sufficient for an error and for an empty list.
fn cbor(map: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| {
        let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
        let mut bytes = vec![0x78, length];
        bytes.extend_from_slice(&text.as_bytes()[..usize::from(length)]);
        bytes
    };
    let mut bytes = vec![0xa0 | u8::try_from(map.len()).unwrap_or_default()];
    bytes.extend(map.iter().flat_map(|(name, value)| [text(name), text(value)].concat()));
    bytes
}

fn respond(protocol: Protocol, status: u16, body: Vec<u8>) -> Response<Body> {
    let kind = match protocol {
        Protocol::Ec2 | Protocol::Query => "text/xml",
        Protocol::RestXml => "application/xml",
        Protocol::Json => "application/x-amz-json-1.1",
        Protocol::RestJson => "application/json",
        Protocol::Cbor => "application/cbor",
    };
    let mut response = Response::new(Either::Right(Full::new(Bytes::from(body))));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if protocol == Protocol::Cbor {
        header(&mut response, "smithy-protocol", "rpc-v2-cbor");
    }
    response
}

fn header(response: &mut Response<Body>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
}
