//! The delay of each call, so that a bench on a laptop has a cloud's distribution of time.

use std::{collections::BTreeMap, path::Path, time::Duration};

use serde::Deserialize;

/// Seconds per service and operation, times one scale.
///
/// The lookup uses the operation's name, then `*read` (for names that begin with Describe, Get,
/// List or Head) or `*write`. An operation without an entry is not delayed.
#[derive(Debug, Clone, Default)]
pub struct LatencyTable {
    delays: BTreeMap<String, BTreeMap<String, Duration>>,
}

/// The reason why a table is invalid.
#[derive(Debug, thiserror::Error)]
pub enum LatencyError {
    #[error("{0}: {1}")]
    Unreadable(String, std::io::Error),
    #[error("not a latency table: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("{0}: seconds times scale is {1}: expected a number, 0 or more")]
    NotATime(String, f64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "comment", default)]
    _comment: String,
    #[serde(default = "unscaled")]
    scale: f64,
    seconds: BTreeMap<String, BTreeMap<String, f64>>,
}

fn unscaled() -> f64 {
    1.0
}

impl LatencyTable {
    /// Reads a table from a file in the form of this crate's `latency.json`.
    ///
    /// # Errors
    /// The file is unreadable or malformed, or a time is negative or not a number.
    pub fn read(path: &Path) -> Result<Self, LatencyError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| LatencyError::Unreadable(path.display().to_string(), error))?;
        Self::parse(&text)
    }

    /// Parses the text of such a file. Errors as for [`LatencyTable::read`].
    ///
    /// # Errors
    /// See [`LatencyTable::read`].
    pub fn parse(text: &str) -> Result<Self, LatencyError> {
        let file: File = serde_json::from_str(text)?;
        let mut delays = BTreeMap::<_, BTreeMap<_, _>>::new();
        for (service, operations) in file.seconds {
            for (operation, seconds) in operations {
                let time = Duration::try_from_secs_f64(seconds * file.scale)
                    .map_err(|_| LatencyError::NotATime(format!("{service} {operation}"), seconds * file.scale))?;
                delays.entry(service.clone()).or_default().insert(operation, time);
            }
        }
        Ok(Self { delays })
    }

    /// The delay of a call before the router forwards the call.
    #[must_use]
    pub fn of(&self, service: &str, operation: &str) -> Duration {
        let Some(operations) = self.delays.get(service) else {
            return Duration::ZERO;
        };
        let kind = if is_read(operation) { "*read" } else { "*write" };
        let time = operations.get(operation).or_else(|| operations.get(kind));
        time.copied().unwrap_or_default()
    }
}

fn is_read(operation: &str) -> bool {
    ["Describe", "Get", "List", "Head"].iter().any(|verb| operation.starts_with(verb))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = r#"{"scale": 0.1, "seconds": {
        "ec2": {"*read": 0.15, "*write": 0.4, "CreateVpc": 0.5}, "iam": {"*write": 0.2}}}"#;

    #[test]
    fn an_operations_entry_overrides_the_kind_and_the_scale_applies() {
        let table = LatencyTable::parse(TABLE).unwrap();
        let millis = |service, operation| table.of(service, operation).as_millis();
        assert_eq!(millis("ec2", "CreateVpc"), 50);
        assert_eq!(millis("ec2", "CreateSubnet"), 40);
        assert_eq!(millis("ec2", "DescribeVpcs"), 15);
    }

    #[test]
    fn an_operation_without_an_entry_is_not_delayed() {
        let table = LatencyTable::parse(TABLE).unwrap();
        assert_eq!(table.of("iam", "GetRole"), Duration::ZERO);
        assert_eq!(table.of("s3", "PutObject"), Duration::ZERO);
        assert_eq!(LatencyTable::default().of("ec2", "CreateVpc"), Duration::ZERO);
    }

    #[test]
    fn an_invalid_table_is_rejected() {
        for invalid in [
            "{}",
            r#"{"seconds": {"ec2": {"*read": "0.1"}}}"#,
            r#"{"seconds": {"ec2": {"*read": -1}}}"#,
            r#"{"scale": 1e300, "seconds": {"ec2": {"*read": 1e300}}}"#,
            r#"{"second": {}, "seconds": {}}"#,
        ] {
            assert!(LatencyTable::parse(invalid).is_err(), "{invalid}");
        }
    }

    #[test]
    fn the_shipped_table_is_valid() {
        let table = LatencyTable::parse(include_str!("../latency.json")).unwrap();
        assert!(table.of("ec2", "CreateVpc") > table.of("ec2", "DescribeVpcs"));
    }
}
