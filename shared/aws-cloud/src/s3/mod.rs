//! Buckets. Bucket names are globally unique, so this crate finds each of the two buckets by its name, and then checks
//! its ownership.

pub(crate) mod bucket;
mod configuration;
mod empty;
mod obstacles;
mod tags;

use aws_sdk_s3::Client;
use environment::Call;

use crate::AwsCloud;

/// A bucket by its name, and the account that has to own it. Every call names that account, and AWS rejects the call if
/// another account owns the name in the meantime.
struct Target<'a> {
    s3: &'a Client,
    name: &'a str,
    account: &'a str,
}

impl<'a> Target<'a> {
    /// The bucket of a call. A bucket's computed name ends with its account (`Names::data_bucket`).
    fn of(aws: &'a AwsCloud, call: &'a Call) -> Self {
        let name = &call.key.name;
        let account = name.rsplit('-').next().unwrap_or_default();
        Target { s3: &aws.clients.s3, name, account }
    }
}
