//! The forms of values that several properties share, and the way messages quote a value.

use serde_json::Value;

/// The maximum number of subnets or target groups in one property. Auto Scaling accepts more than any environment
/// needs.
pub const MAX_LIST_LENGTH: usize = 20;

/// The longest partition in an ARN, in characters: `aws-us-gov` has 10, and the isolated partitions have 9.
pub(super) const MAX_PARTITION: usize = 16;

/// The longest region in an ARN, in characters: `ap-southeast-1` has 14.
pub(super) const MAX_REGION: usize = 32;

/// The longest part of an ARN after the account, in characters: a policy's path of 512 and name of 128 (the IAM API
/// reference), with `policy`. The longest ARN therefore has 729 characters.
pub(super) const MAX_RESOURCE: usize = 646;

/// The longest whole number in digits. A larger number is outside of every range.
pub(super) const MAX_DIGITS: usize = 10;

/// A value of a valid form as messages quote it: its first 60 characters. A value of any other form may be a secret:
/// see [`form`].
pub(crate) fn shown(value: &str) -> String {
    let mut short: String = value.chars().take(60).collect();
    if short.len() < value.len() {
        short.push_str("...");
    }
    format!("\"{short}\"")
}

/// The form of a value: its type and its length, and no part of its content.
#[must_use]
pub fn form(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "a boolean".into(),
        Value::Number(_) => "a number".into(),
        Value::String(text) => form_of_text(text),
        Value::Array(items) => format!("a list of {}", counted(items.len(), "item")),
        Value::Object(members) => format!("an object of {}", counted(members.len(), "member")),
    }
}

/// The form of a text: its length.
pub(crate) fn form_of_text(text: &str) -> String {
    format!("a string of {}", counted(text.chars().count(), "character"))
}

/// A name as messages show it, if it is short and looks like a name; else its length.
pub(crate) fn shown_name(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.:/".contains(c);
    if (1..=MAX_SHOWN_NAME).contains(&name.len()) && name.chars().all(plain) {
        return name.to_owned();
    }
    format!("(a name of {})", counted(name.chars().count(), "character"))
}

/// The longest name that messages show, in characters: the longest property has 23.
const MAX_SHOWN_NAME: usize = 40;

/// `1 item`, `5,120 items`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    let digits = count.to_string();
    let comma = |at: usize| at > 0 && (digits.len() - at).is_multiple_of(3);
    let grouped: String =
        digits.char_indices().flat_map(|(at, digit)| comma(at).then_some(',').into_iter().chain([digit])).collect();
    let plural = if count == 1 { "" } else { "s" };
    format!("{grouped} {noun}{plural}")
}

/// Whether the text is a short number of any form, which messages quote.
pub(crate) fn is_number(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.chars().all(|c| c.is_ascii_digit() || "+-.".contains(c))
}

/// A whole number, from digits alone: without sign, space or decimal point.
pub(crate) fn whole(text: &str) -> Option<u32> {
    if text.len() <= MAX_DIGITS && text.chars().all(|c| c.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Whether the text has the form `arn:partition:service:region:account:rest`, in which each part has a maximum length.
/// The account of AWS's own policies is `aws`. Only AWS knows whether the resource exists.
pub(crate) fn is_arn(service: &str, prefix: &str, text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-/:".contains(c);
    match parts.as_slice() {
        ["arn", partition, of, region, account, rest] => {
            partition.starts_with("aws")
                && partition.len() <= MAX_PARTITION
                && *of == service
                && region.len() <= MAX_REGION
                && (is_account(account) || (*of == "iam" && *account == "aws"))
                && rest.len() <= MAX_RESOURCE
                && rest.strip_prefix(prefix).is_some_and(|name| is_resource(service, name))
                && text.chars().all(plain)
        }
        _ => false,
    }
}

/// Whether a service accepts the last part of an ARN: a target group's name of 1 to 32 characters and 16 hexadecimal
/// digits (the Elastic Load Balancing API reference), a topic's name of 1 to 256 characters (the SNS API reference), a
/// key's id of at most 36 characters, a UUID or `mrk-` and 32 digits (the KMS developer guide).
fn is_resource(service: &str, name: &str) -> bool {
    let word = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    match service {
        "elasticloadbalancing" => name.split_once('/').is_some_and(|(name, id)| {
            (1..=32).contains(&name.len()) && word(name) && id.len() == 16 && id.chars().all(|c| c.is_ascii_hexdigit())
        }),
        "sns" => {
            let name = name.strip_suffix(".fifo").unwrap_or(name);
            (1..=256).contains(&name.len()) && name.split('_').all(word)
        }
        "kms" => (1..=36).contains(&name.len()) && word(name),
        _ => !name.is_empty(),
    }
}

/// Whether the text is the ARN of an SNS topic.
pub(crate) fn is_topic(text: &str) -> bool {
    is_arn("sns", "", text)
}

/// Whether the text is an account id: twelve digits.
#[must_use]
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.chars().all(|c| c.is_ascii_digit())
}
