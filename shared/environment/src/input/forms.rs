//! The forms of values that several properties share, and the way messages quote a value.

/// The maximum number of subnets or target groups in one property. Auto Scaling accepts more than any environment
/// needs.
pub const MAX_LIST_LENGTH: usize = 20;

/// A value as messages quote it: its first 60 characters.
pub(crate) fn shown(value: &str) -> String {
    let mut short: String = value.chars().take(60).collect();
    if short.len() < value.len() {
        short.push('…');
    }
    format!("\"{short}\"")
}

/// A whole number, from digits alone: without sign, space or decimal point.
pub(crate) fn whole(text: &str) -> Option<u32> {
    if text.chars().all(|c| c.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Whether the text has the form `arn:partition:service:region:account:rest`. The account of AWS's own policies is
/// `aws`. Only AWS knows whether the resource exists.
pub(crate) fn is_arn(service: &str, prefix: &str, text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-/:".contains(c);
    match parts.as_slice() {
        ["arn", partition, of, _, account, rest] => {
            partition.starts_with("aws")
                && *of == service
                && (is_account(account) || (*of == "iam" && *account == "aws"))
                && rest.strip_prefix(prefix).is_some_and(|name| !name.is_empty())
                && text.chars().all(plain)
        }
        _ => false,
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
