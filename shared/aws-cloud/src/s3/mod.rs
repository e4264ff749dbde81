//! Buckets. Their names are unique in the world, so each of the two is found by its name, and then judged.

pub(crate) mod bucket;
mod configuration;
mod empty;
mod tags;

use aws_sdk_s3::Client;
use environment::Call;

use crate::AwsCloud;

/// A bucket by its name, and the account that it has to belong to. Every call says so, and AWS refuses it on a name
/// that went to somebody else in the meantime.
struct Target<'a> {
    s3: &'a Client,
    name: &'a str,
    account: &'a str,
}

impl<'a> Target<'a> {
    /// What a call is about. A bucket's computed name ends with its account (`Names::data_bucket`).
    fn of(aws: &'a AwsCloud, call: &'a Call) -> Self {
        let name = &call.key.name;
        let account = name.rsplit('-').next().unwrap_or_default();
        Target { s3: &aws.clients.s3, name, account }
    }
}
