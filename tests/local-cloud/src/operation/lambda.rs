//! Lambda's operations, from the method and from the path after the date of the API version.

use hyper::Method;

/// AWS's name of the operation; `METHOD path`, with the path's names replaced, where the operation is not simple to
/// recognize.
pub fn name(method: &Method, path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let name = match (method.as_str(), parts.get(1..).unwrap_or_default()) {
        ("POST", ["functions"]) => "CreateFunction",
        ("GET", ["functions"]) => "ListFunctions",
        ("GET", ["functions", _]) => "GetFunction",
        ("DELETE", ["functions", _]) => "DeleteFunction",
        ("PUT", ["functions", _, "code"]) => "UpdateFunctionCode",
        ("GET", ["functions", _, "configuration"]) => "GetFunctionConfiguration",
        ("PUT", ["functions", _, "configuration"]) => "UpdateFunctionConfiguration",
        ("POST", ["functions", _, "invocations"]) => "Invoke",
        ("GET", ["functions", _, "policy"]) => "GetPolicy",
        ("POST", ["functions", _, "policy"]) => "AddPermission",
        ("DELETE", ["functions", _, "policy", _]) => "RemovePermission",
        ("PUT", ["functions", _, "concurrency"]) => "PutFunctionConcurrency",
        ("POST", ["event-source-mappings"]) => "CreateEventSourceMapping",
        ("GET", ["event-source-mappings"]) => "ListEventSourceMappings",
        ("GET", ["event-source-mappings", _]) => "GetEventSourceMapping",
        ("PUT", ["event-source-mappings", _]) => "UpdateEventSourceMapping",
        ("DELETE", ["event-source-mappings", _]) => "DeleteEventSourceMapping",
        ("GET", ["tags", ..]) => "ListTags",
        ("POST", ["tags", ..]) => "TagResource",
        ("DELETE", ["tags", ..]) => "UntagResource",
        _ => return format!("{method} {}", template(path)),
    };
    name.to_owned()
}

/// The path with every second part, which is a name, replaced: `/DATE/functions/{}/aliases/{}`.
fn template(path: &str) -> String {
    let parts = path.split('/').enumerate();
    let kept = parts.map(|(at, part)| if at > 2 && at % 2 == 1 { "{}" } else { part });
    kept.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_have_their_aws_names() {
        for (line, expected) in [
            ("POST /2015-03-31/functions", "CreateFunction"),
            ("GET /2015-03-31/functions/", "ListFunctions"),
            ("POST /2015-03-31/functions/web/invocations", "Invoke"),
            ("GET /2015-03-31/functions/web", "GetFunction"),
            ("DELETE /2015-03-31/functions/web/policy/s", "RemovePermission"),
            ("GET /2017-03-31/tags/arn:aws:lambda:a", "ListTags"),
            ("GET /2015-03-31/functions/web/aliases/current", "GET /2015-03-31/functions/{}/aliases/{}"),
            ("GET /", "GET /"),
        ] {
            let (method, path) = line.split_once(' ').unwrap();
            assert_eq!(name(&method.parse().unwrap(), path), expected, "{line}");
        }
    }
}
