//! AWS's operation name of a request: the name in records, fault rules and latency tables.

mod lambda;
mod s3;

use hyper::{HeaderMap, Method, Uri};

/// The operation of a request to a service, by protocol:
/// `X-Amz-Target` (JSON), `/service/…/operation/NAME` (RPC v2), `Action=` (query), otherwise method and
/// path (REST), mapped to AWS's name for the S3 and Lambda operations that are simple to recognize.
#[must_use]
pub fn name(service: &str, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> String {
    target(headers)
        .or_else(|| rpc_v2(uri.path()))
        .or_else(|| action(uri.query().unwrap_or_default()))
        .or_else(|| form_action(headers, body))
        .map_or_else(|| rest(service, method, uri, headers), str::to_owned)
}

fn target(headers: &HeaderMap) -> Option<&str> {
    let target = headers.get("x-amz-target")?.to_str().ok()?;
    target.rsplit('.').next()
}

fn rpc_v2(path: &str) -> Option<&str> {
    let (_, operation) = path.strip_prefix("/service/")?.split_once("/operation/")?;
    Some(operation)
}

fn form_action<'a>(headers: &HeaderMap, body: &'a [u8]) -> Option<&'a str> {
    let kind = headers.get(hyper::header::CONTENT_TYPE)?.to_str().ok()?;
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return None;
    }
    action(std::str::from_utf8(body).ok()?)
}

fn action(form: &str) -> Option<&str> {
    form.split('&').find_map(|pair| pair.strip_prefix("Action="))
}

fn rest(service: &str, method: &Method, uri: &Uri, headers: &HeaderMap) -> String {
    let query = uri.query().unwrap_or_default();
    match service {
        "s3" => s3::name(method, uri.path(), query, headers),
        "lambda" => lambda::name(method, uri.path()),
        _ => format!("{method} {}", without_ids(uri.path())),
    }
}

/// The path with each UUID replaced, such as the UUID in a ResponseURL. With UUIDs, every call would be
/// a separate operation.
fn without_ids(path: &str) -> String {
    let is_uuid = |part: &str| part.len() == 36 && part.matches('-').count() == 4;
    let parts = path.split('/');
    let named = parts.map(|part| if is_uuid(part) { "{}" } else { part });
    named.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(service: &str, line: &str, header: (&'static str, &str), body: &str) -> String {
        let (method, uri) = line.split_once(' ').unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header.0, header.1.parse().unwrap());
        name(service, &method.parse().unwrap(), &uri.parse().unwrap(), &headers, body.as_bytes())
    }

    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    const NONE: (&str, &str) = ("accept", "*/*");

    #[test]
    fn query_protocols_have_the_action_in_the_body_or_in_the_query() {
        let body = "Version=2016-11-15&Action=CreateVpc&CidrBlock=10.0.0.0%2F16";
        assert_eq!(named("ec2", "POST /", FORM, body), "CreateVpc");
        assert_eq!(named("ec2", "GET /?Action=DescribeVpcs", NONE, ""), "DescribeVpcs");
    }

    #[test]
    fn json_protocols_have_the_operation_in_a_header() {
        let target = ("x-amz-target", "DynamoDB_20120810.PutItem");
        assert_eq!(named("dynamodb", "POST /", target, "{}"), "PutItem");
    }

    #[test]
    fn rpc_v2_has_the_operation_in_the_path() {
        let line = "POST /service/GraniteServiceVersion20100801/operation/PutMetricData";
        assert_eq!(named("monitoring", line, NONE, ""), "PutMetricData");
    }

    #[test]
    fn a_body_that_is_not_a_form_is_not_searched() {
        let line = "PUT /bucket/key";
        assert_eq!(named("s3", line, NONE, "Action=CreateVpc"), "PutObject");
    }

    #[test]
    fn an_operation_without_a_simple_name_is_method_and_path() {
        let line = "PUT /_ministack/cfn-response/ed2ff382-3a1b-4a6c-8ec4-ec448b8ab4b0";
        let expected = "PUT /_ministack/cfn-response/{}";
        assert_eq!(named("unsigned", line, FORM, ""), expected);
    }
}
