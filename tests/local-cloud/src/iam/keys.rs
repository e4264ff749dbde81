//! The condition keys whose values the local cloud derives, or of which it knows that its requests never have them.

/// Keys, in lower case; a `*` at the end stands for the name of a tag or of an encryption context's entry.
const KNOWN: &[&str] = &[
    "autoscaling:resourcetag/*",
    "aws:calledvia",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principalorgid",
    "aws:principalservicename",
    "aws:principaltag/*",
    "aws:principaltype",
    "aws:requestedregion",
    "aws:requesttag/*",
    "aws:resourceaccount",
    "aws:resourceorgid",
    "aws:resourcetag/*",
    "aws:securetransport",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceowner",
    "aws:tagkeys",
    "aws:userid",
    "aws:username",
    "aws:viaawsservice",
    "cloudwatch:namespace",
    "dynamodb:leadingkeys",
    "ec2:createaction",
    "ec2:instanceid",
    "ec2:resourcetag/*",
    "ec2:sourceinstancearn",
    "events:detail-type",
    "events:source",
    "iam:passedtoservice",
    "iam:permissionsboundary",
    "iam:policyarn",
    "kms:encryptioncontext:*",
    "kms:encryptioncontextkeys",
    "kms:viaservice",
    "s3:prefix",
    "ssm:resourcetag/*",
];

/// Whether the values of this key are known.
#[must_use]
pub fn is_known(key: &str) -> bool {
    let key = key.to_lowercase();
    KNOWN.iter().any(|known| match known.strip_suffix('*') {
        Some(prefix) => key.len() > prefix.len() && key.starts_with(prefix),
        None => key == *known,
    })
}
