//! S3's operations, from the method, the presence of a key, and the sub-resource in the query.

use hyper::{HeaderMap, Method};

/// Sub-resources whose operation names consist of a verb and a noun, as (query key, noun).
const BUCKET: &[(&str, &str)] = &[
    ("acl", "BucketAcl"),
    ("cors", "BucketCors"),
    ("encryption", "BucketEncryption"),
    ("lifecycle", "BucketLifecycleConfiguration"),
    ("location", "BucketLocation"),
    ("logging", "BucketLogging"),
    ("notification", "BucketNotificationConfiguration"),
    ("ownershipControls", "BucketOwnershipControls"),
    ("policy", "BucketPolicy"),
    ("publicAccessBlock", "PublicAccessBlock"),
    ("tagging", "BucketTagging"),
    ("versioning", "BucketVersioning"),
];
const OBJECT: &[(&str, &str)] = &[("acl", "ObjectAcl"), ("tagging", "ObjectTagging")];

/// AWS's name for a path-style request; `METHOD bucket?sub-resource` where the operation is not simple to recognize.
pub fn name(method: &Method, path: &str, query: &str, headers: &HeaderMap) -> String {
    let (bucket, key) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
    let query_keys: Vec<&str> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
    let simple = match (bucket, key) {
        ("", _) => (method == Method::GET).then(|| "ListBuckets".to_owned()),
        (_, "") => sub_resource(method, &query_keys, BUCKET).or_else(|| bucket_operation(method, &query_keys)),
        _ => sub_resource(method, &query_keys, OBJECT).or_else(|| object_operation(method, &query_keys, headers)),
    };
    simple.unwrap_or_else(|| other(method, bucket, key, &query_keys))
}

fn sub_resource(method: &Method, query_keys: &[&str], nouns: &[(&str, &str)]) -> Option<String> {
    let (_, noun) = nouns.iter().find(|(key, _)| query_keys.contains(key))?;
    let verb = match *method {
        Method::GET => "Get",
        Method::PUT => "Put",
        Method::DELETE => "Delete",
        _ => return None,
    };
    Some(match (verb, *noun) {
        ("Delete", "BucketLifecycleConfiguration") => "DeleteBucketLifecycle".to_owned(),
        _ => format!("{verb}{noun}"),
    })
}

fn bucket_operation(method: &Method, query_keys: &[&str]) -> Option<String> {
    let name = match *method {
        Method::PUT => "CreateBucket",
        Method::HEAD => "HeadBucket",
        Method::DELETE => "DeleteBucket",
        Method::POST if query_keys.contains(&"delete") => "DeleteObjects",
        Method::GET if query_keys.contains(&"versions") => "ListObjectVersions",
        Method::GET if query_keys.contains(&"uploads") => "ListMultipartUploads",
        Method::GET if query_keys.contains(&"list-type") => "ListObjectsV2",
        Method::GET => "ListObjects",
        _ => return None,
    };
    Some(name.to_owned())
}

fn object_operation(method: &Method, query_keys: &[&str], headers: &HeaderMap) -> Option<String> {
    let name = match *method {
        Method::PUT if query_keys.contains(&"partNumber") => "UploadPart",
        Method::PUT if headers.contains_key("x-amz-copy-source") => "CopyObject",
        Method::PUT => "PutObject",
        Method::GET => "GetObject",
        Method::HEAD => "HeadObject",
        Method::DELETE if query_keys.contains(&"uploadId") => "AbortMultipartUpload",
        Method::DELETE => "DeleteObject",
        Method::POST if query_keys.contains(&"uploads") => "CreateMultipartUpload",
        Method::POST if query_keys.contains(&"uploadId") => "CompleteMultipartUpload",
        _ => return None,
    };
    Some(name.to_owned())
}

fn other(method: &Method, bucket: &str, key: &str, query_keys: &[&str]) -> String {
    let location = match (bucket, key) {
        ("", _) => "/",
        (_, "") => "bucket",
        _ => "object",
    };
    match query_keys.iter().find(|key| !key.is_empty()) {
        Some(key) => format!("{method} {location}?{key}"),
        None => format!("{method} {location}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_have_their_aws_names() {
        for (line, expected) in [
            ("GET / ", "ListBuckets"),
            ("PUT /b ", "CreateBucket"),
            ("PUT /b/ ", "CreateBucket"),
            ("PUT /b tagging", "PutBucketTagging"),
            ("GET /b location=", "GetBucketLocation"),
            ("DELETE /b lifecycle", "DeleteBucketLifecycle"),
            ("GET /b list-type=2&prefix=a", "ListObjectsV2"),
            ("POST /b delete", "DeleteObjects"),
            ("GET /b replication", "ListObjects"),
            ("PUT /b/k ", "PutObject"),
            ("PUT /b/k x-id=PutObject", "PutObject"),
            ("PUT /b/k/m partNumber=1&uploadId=u", "UploadPart"),
            ("GET /b/k ", "GetObject"),
            ("GET /b/k tagging", "GetObjectTagging"),
            ("POST /b/k uploads", "CreateMultipartUpload"),
            ("POST /b/k select&select-type=2", "POST object?select"),
            ("POST /b ", "POST bucket"),
        ] {
            let parts: Vec<&str> = line.split(' ').collect();
            let method = parts[0].parse().unwrap();
            let found = name(&method, parts[1], parts[2], &HeaderMap::new());
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn a_put_with_a_source_is_a_copy() {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-copy-source", "/b/old".parse().unwrap());
        assert_eq!(name(&Method::PUT, "/b/new", "", &headers), "CopyObject");
    }
}
