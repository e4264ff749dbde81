//! What properties take: whether a text is valid, and what would be.

use std::collections::BTreeSet;

use ipnet::Ipv4Net;

use super::ValueType;
use crate::alarm_action::AlarmAction;

/// The largest VPC that AWS makes, as a prefix length (the VPC user guide).
pub const LARGEST_NETWORK: u8 = 16;
/// Eight parts of it are subnets of /28, the smallest that AWS makes (the VPC user guide).
pub const SMALLEST_NETWORK: u8 = 25;
/// How many subnets or target groups a property may name; Auto Scaling takes more than anybody has.
pub const MOST_IN_A_LIST: usize = 20;
/// The tags that a user may set; AWS allows 50 on a resource, and the rest is for marks.
pub const MOST_TAGS: usize = 40;

impl ValueType {
    /// What would be valid, for messages and the reference page.
    #[must_use]
    pub fn valid(&self) -> String {
        match self {
            ValueType::Suffix => "lower case letters, digits and dashes, with a letter or digit at both ends".into(),
            ValueType::Text(most) => format!("1 to {most} letters, digits, spaces and any of _ . : / = + - @"),
            ValueType::Network => format!(
                "a network of a private range (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16) between /{LARGEST_NETWORK} and /{SMALLEST_NETWORK}, such as 10.0.0.0/16"
            ),
            ValueType::Whole(least, most) => format!("a whole number from {least} to {most}"),
            ValueType::OneOf(numbers) => {
                let told: Vec<String> = numbers.iter().map(ToString::to_string).collect();
                format!("one of {}", told.join(", "))
            }
            ValueType::Choice(words) => format!("one of {}", words.join(", ")),
            ValueType::Bool => "true or false".into(),
            ValueType::Id(prefix) => format!("an id: {prefix} and 8 or 17 hexadecimal digits"),
            ValueType::Ids(prefix) => format!(
                "1 to {MOST_IN_A_LIST} different ids, as a list or separated by commas, each {prefix} and 8 or 17 hexadecimal digits"
            ),
            ValueType::Arn(service, begins) => format!("an ARN, such as {}", example_arn(service, begins)),
            ValueType::Arns(service, begins) => format!(
                "1 to {MOST_IN_A_LIST} different ARNs, as a list or separated by commas, such as {}",
                example_arn(service, begins)
            ),
            ValueType::Units => format!(
                "1 to {MOST_IN_A_LIST} different names of systemd units, as a list or separated by commas, such as nginx or worker@2.service"
            ),
            ValueType::InstanceType => "an instance type, such as t3.micro".into(),
            ValueType::ImageId => "an image id: ami- and 8 or 17 hexadecimal digits".into(),
            ValueType::ParameterName => {
                "the full name of an SSM parameter of at most 200 characters, such as /aws/service/…".into()
            }
            ValueType::Script => {
                "a script as it is, without NUL characters: not in base64, and no other format of user data".into()
            }
            ValueType::AlarmActions => AlarmAction::valid_list(),
            ValueType::Tags => format!(
                "a map of at most {MOST_TAGS} tags, or a list of Key and Value: keys of 1 to 128 and values of at most 256 letters, digits, spaces and any of _ . : / = + - @; no key twice, in whatever case; no key of Envkeeper's own (Name, Project, Environment, ManagedBy), none that begins with aws: or envkeeper:"
            ),
        }
    }

    /// Whether a scalar's text is valid. (Networks and tags need more than a yes; see `spec`.)
    pub(crate) fn admits(&self, text: &str) -> bool {
        let dashed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        match self {
            ValueType::Suffix => {
                !text.is_empty() && text.chars().all(dashed) && !text.starts_with('-') && !text.ends_with('-')
            }
            ValueType::Text(most) => {
                !text.is_empty() && text.chars().count() <= *most && text.chars().all(is_tag_character)
            }
            ValueType::Network => network(text).is_some(),
            ValueType::Whole(least, most) => whole(text).is_some_and(|it| (*least..=*most).contains(&it)),
            ValueType::OneOf(numbers) => whole(text).is_some_and(|it| numbers.contains(&it)),
            ValueType::InstanceType => text.split_once('.').is_some_and(|(family, size)| {
                let plain = |part: &str| !part.is_empty() && part.chars().all(dashed);
                plain(family) && plain(size)
            }),
            ValueType::ImageId => is_id("ami-", text),
            ValueType::Choice(words) => words.contains(&text),
            ValueType::Bool => matches!(text, "true" | "false"),
            ValueType::Id(prefix) => is_id(prefix, text),
            ValueType::Arn(service, begins) => is_arn(service, begins, text),
            ValueType::Ids(_) | ValueType::Arns(..) | ValueType::Units => {
                listed(text).is_some_and(|all| all.iter().all(|it| self.admits_one(it)))
            }
            ValueType::ParameterName => {
                let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
                text.len() > 1 && text.len() <= 200 && text.starts_with('/') && text.chars().all(allowed)
            }
            ValueType::Script => !text.is_empty() && !text.contains('\0'),
            ValueType::Tags | ValueType::AlarmActions => false,
        }
    }
}

impl ValueType {
    pub(crate) fn is_list(&self) -> bool {
        matches!(self, ValueType::Ids(_) | ValueType::Arns(..) | ValueType::Units)
    }

    /// Whether one element of a list is valid.
    fn admits_one(&self, text: &str) -> bool {
        match self {
            ValueType::Ids(prefix) => is_id(prefix, text),
            ValueType::Arns(service, begins) => is_arn(service, begins, text),
            ValueType::Units => is_unit(text),
            _ => false,
        }
    }
}

/// The elements of a list that is written with commas: some, not too many, and none twice.
pub(crate) fn listed(text: &str) -> Option<Vec<String>> {
    let all: Vec<String> = text.split(',').map(|it| it.trim().to_owned()).collect();
    let different: BTreeSet<&String> = all.iter().collect();
    (all.len() <= MOST_IN_A_LIST && different.len() == all.len()).then_some(all)
}

fn is_id(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|id| {
        matches!(id.len(), 8 | 17) && id.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
    })
}

/// What systemd takes as a unit's name (systemd.unit): it goes into a script, so nothing else does.
fn is_unit(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ":-_.@".contains(c);
    (1..=255).contains(&text.len()) && text.chars().all(plain) && !text.starts_with('-')
}

/// `arn:partition:service:region:account:rest`, where the account of AWS's own policies is `aws`. Whether it exists is
/// for AWS to say.
fn is_arn(service: &str, begins: &str, text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-/:".contains(c);
    match parts.as_slice() {
        ["arn", partition, of, _, account, rest] => {
            partition.starts_with("aws")
                && *of == service
                && (is_account(account) || (*of == "iam" && *account == "aws"))
                && rest.strip_prefix(begins).is_some_and(|name| !name.is_empty())
                && text.chars().all(plain)
        }
        _ => false,
    }
}

/// The ARN of an SNS topic.
pub(crate) fn is_topic(text: &str) -> bool {
    is_arn("sns", "", text)
}

/// An account's number: twelve digits.
#[must_use]
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.chars().all(|c| c.is_ascii_digit())
}

fn example_arn(service: &str, begins: &str) -> String {
    let region = if service == "iam" { "" } else { "us-west-2" };
    format!("arn:aws:{service}:{region}:123456789012:{begins}…")
}

/// What every service takes in a tag: the set of IAM, which is the strictest.
pub(crate) fn is_tag_character(c: char) -> bool {
    c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c)
}

/// Digits and nothing else: no sign, no space, no point.
pub(crate) fn whole(text: &str) -> Option<u32> {
    if text.chars().all(|c| c.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// A network of a private range (RFC 1918), written with its own address, of a size that AWS makes and the zones fit
/// into.
pub(crate) fn network(text: &str) -> Option<Ipv4Net> {
    let net: Ipv4Net = text.parse().ok()?;
    let sized = (LARGEST_NETWORK..=SMALLEST_NETWORK).contains(&net.prefix_len());
    let private = net.network().is_private() && net.broadcast().is_private();
    (sized && private && net.trunc() == net).then_some(net)
}
