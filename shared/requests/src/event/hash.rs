//! The hash of a whole event.

use crate::hex::hex;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// SHA-256 over the whole event, as 64 lower-case hexadecimal digits: two deliveries with the same hash are the same request.
///
/// Every field counts, including the `ResponseURL`: CloudFormation reuses a `RequestId` when a deployment is retried, but
/// signs another URL. The order of keys and white space do not count; numbers count as they are written.
#[must_use]
pub fn request_hash(event: &Value) -> String {
    let mut canonical = String::new();
    write(event, &mut canonical);
    hex(&Sha256::digest(canonical))
}

/// Compact JSON with sorted keys. Sorted here, since another crate of the workspace may enable `serde_json`'s
/// `preserve_order`, and the hash of an event must not depend on the other crates in the build.
fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<_> = object.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (at, (key, value)) in entries.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}
