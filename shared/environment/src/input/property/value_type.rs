//! The value types of properties: validation of a text, and the description of the valid form.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};
use ipnet::Ipv4Net;

use super::ValueType;
use crate::input::alarm_action::{AlarmAction, MAX_ALARM_NAME};
use crate::input::forms::{MAX_LIST_LENGTH, counted, form_of_text, is_account, is_arn, is_number, shown, whole};
use crate::model::names::is_suffix;
use crate::model::user_data::MAX_USER_DATA_BYTES;

/// The prefix length of the largest VPC that AWS creates (the VPC user guide).
pub const LARGEST_NETWORK: u8 = 16;
/// The prefix length of the smallest VPC: its eight parts are /28 subnets, the smallest that AWS creates (the VPC user
/// guide).
pub const SMALLEST_NETWORK: u8 = 25;
/// The longest suffix, in characters: a bucket's name (the S3 user guide). The other parts of the names leave less:
/// [`Names::longest_suffix`](crate::Names::longest_suffix).
pub(super) const MAX_SUFFIX: usize = 63;
/// The longest instance type, in characters: Envkeeper's bound; the longest type of EC2 has about 20.
pub(super) const MAX_INSTANCE_TYPE: usize = 64;
/// The longest script that is read, in bytes: more than user data can have, so that the response to a script that is
/// somewhat too long names the bytes that the other parts of the user data leave.
const MAX_READ_SCRIPT: usize = 4 * MAX_USER_DATA_BYTES;
/// The longest name of a systemd unit, in characters (systemd.unit).
pub(super) const MAX_UNIT: usize = 255;
/// The longest key of a tag, in UTF-16 code units ([`tag_length`]): EC2 accepts 127 characters, IAM and S3 accept 128 (the
/// API references of the three, Tag).
pub(crate) const MAX_TAG_KEY: usize = 127;
/// The longest value of a tag, in UTF-16 code units (the same sources).
pub(crate) const MAX_TAG_VALUE: usize = 256;
/// The maximum number of tags that a stack author may set. AWS allows 50 on a resource; the rest is for ownership
/// marks.
pub const MAX_TAGS: usize = 40;

/// The maximum number of alarms in a rollout (Auto Scaling API reference, `AlarmSpecification`).
pub const MAX_ROLLOUT_ALARMS: usize = 10;

/// The characters of tags, for messages.
const TAG_CHARACTERS: &str = "letters and digits without combining marks, inner spaces and any of _ . : / = + - @";

/// The maximum length of a path in `ParameterPaths`, in characters: twenty of them fit into the role's inline policy.
pub const MAX_PARAMETER_PATH: usize = 100;
/// The longest `ImageParameter`, in characters: the description of a launch template version, which has 255, contains it.
pub(super) const MAX_PARAMETER: usize = 200;
/// The maximum number of levels of a parameter's name (the SSM API reference of `PutParameter`).
pub(super) const MAX_PARAMETER_LEVELS: usize = 15;

impl ValueType {
    /// The description of the valid form, for messages and the reference page.
    #[must_use]
    pub fn valid(&self) -> String {
        match self {
            ValueType::Suffix => {
                format!("1 to {MAX_SUFFIX} lowercase letters, digits and dashes, with a letter or digit at both ends")
            }
            ValueType::Text(most) => {
                format!("1 to {most} characters (UTF-16 code units): {TAG_CHARACTERS}")
            }
            ValueType::Network => format!(
                "a network of a private range (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16) between /{LARGEST_NETWORK} and /{SMALLEST_NETWORK}, such as 10.0.0.0/16"
            ),
            ValueType::Whole(least, most) => format!("a whole number from {least} to {most}"),
            ValueType::OneOf(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
                format!("one of {}", numbers.join(", "))
            }
            ValueType::Choice(words) => format!("one of {}", words.join(", ")),
            ValueType::Bool => "true or false".into(),
            ValueType::Id(prefix) => format!("an id: {prefix} and 8 or 17 hexadecimal digits"),
            ValueType::Ids(prefix) => format!(
                "1 to {MAX_LIST_LENGTH} different ids, as a list or separated by commas, each {prefix} and 8 or 17 hexadecimal digits"
            ),
            ValueType::Arn(service, prefix) => format!("an ARN, {}", form_of_arn(service, prefix)),
            ValueType::Arns(service, prefix) => format!(
                "1 to {MAX_LIST_LENGTH} different ARNs, as a list or separated by commas, {}",
                form_of_arn(service, prefix)
            ),
            ValueType::Units => format!(
                "1 to {MAX_LIST_LENGTH} different names of systemd units of 1 to {MAX_UNIT} characters, as a list or separated by commas, such as nginx or worker@2.service"
            ),
            ValueType::InstanceType => {
                format!("an instance type of at most {MAX_INSTANCE_TYPE} characters, such as t3.micro")
            }
            ValueType::ImageId => "an image id: ami- and 8 or 17 hexadecimal digits".into(),
            ValueType::ParameterName => {
                "the full name of an SSM parameter, such as /aws/service/…, or the ARN of a shared one, with a version or a label behind a colon if the image of that version is meant; at most 200 characters".into()
            }
            ValueType::ParameterPaths => format!(
                "1 to {MAX_LIST_LENGTH} different paths of SSM parameters, as a list or separated by commas, such as /team/app: at most {MAX_PARAMETER_PATH} characters and {MAX_PARAMETER_LEVELS} levels, each level a slash and letters, digits and any of _ . -; the first level does not start with aws or ssm, which SSM reserves"
            ),
            ValueType::Script => format!(
                "a plain-text script of at most {MAX_USER_DATA_BYTES} bytes without NUL characters: not base64, and not another format of user data"
            ),
            ValueType::AlarmNames => format!(
                "1 to {MAX_ROLLOUT_ALARMS} different names of alarms of 1 to {MAX_ALARM_NAME} characters, as a list or separated by commas, without control characters"
            ),
            ValueType::AlarmActions => AlarmAction::valid_list(),
            ValueType::Tags => format!(
                "a map of at most {MAX_TAGS} tags, or a list of Key and Value: keys of 1 to {MAX_TAG_KEY} and values of at most {MAX_TAG_VALUE} characters (UTF-16 code units): {TAG_CHARACTERS}; no duplicate keys, ignoring case; not the keys that Envkeeper sets (Name, Project, Environment, ManagedBy), and no key that starts with aws: or envkeeper:"
            ),
        }
    }

    /// The form in a row of the reference page, where [`ValueType::valid`] is too long for one.
    pub(super) fn short(&self) -> Option<String> {
        Some(match self {
            ValueType::Suffix => format!("1 to {MAX_SUFFIX} lowercase letters, digits and dashes"),
            ValueType::Text(most) => format!("1 to {most} characters"),
            ValueType::Network => format!("a private network, /{LARGEST_NETWORK} to /{SMALLEST_NETWORK}"),
            ValueType::OneOf(numbers @ [least, .., most]) if numbers.len() > 9 => {
                format!("one of {} numbers, {least} to {most}", numbers.len())
            }
            ValueType::Ids(prefix) => format!("1 to {MAX_LIST_LENGTH} ids {prefix}…"),
            ValueType::Arn(service, prefix) => format!("an ARN, {service} {prefix}…"),
            ValueType::Arns(service, prefix) => format!("1 to {MAX_LIST_LENGTH} ARNs, {service} {prefix}…"),
            ValueType::Units => format!("1 to {MAX_LIST_LENGTH} unit names"),
            ValueType::ParameterName => "the parameter's full name or ARN, at most 200 characters".into(),
            ValueType::ParameterPaths => format!("1 to {MAX_LIST_LENGTH} paths"),
            ValueType::Script => format!("plain text, at most {MAX_USER_DATA_BYTES} bytes"),
            ValueType::Tags => format!("at most {MAX_TAGS} tags"),
            ValueType::AlarmNames => format!("1 to {MAX_ROLLOUT_ALARMS} names"),
            ValueType::AlarmActions => format!("at most {MAX_LIST_LENGTH} rules"),
            ValueType::Whole(..)
            | ValueType::OneOf(_)
            | ValueType::Choice(_)
            | ValueType::Bool
            | ValueType::Id(_)
            | ValueType::InstanceType
            | ValueType::ImageId => return None,
        })
    }

    /// Whether the text of a scalar is valid. (Networks and tags also have to be parsed; see `spec`.)
    pub(crate) fn admits(&self, text: &str) -> bool {
        let dashed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        match self {
            ValueType::Suffix => text.len() <= MAX_SUFFIX && is_suffix(text),
            ValueType::Text(most) => {
                (1..=*most).contains(&tag_length(text)) && text.trim() == text && text.chars().all(is_tag_character)
            }
            ValueType::Network => network(text).is_some(),
            ValueType::Whole(least, most) => whole(text).is_some_and(|it| (*least..=*most).contains(&it)),
            ValueType::OneOf(numbers) => whole(text).is_some_and(|it| numbers.contains(&it)),
            ValueType::InstanceType => text.split_once('.').is_some_and(|(family, size)| {
                let plain = |part: &str| !part.is_empty() && part.chars().all(dashed);
                text.len() <= MAX_INSTANCE_TYPE && plain(family) && plain(size)
            }),
            ValueType::ImageId => is_id("ami-", text),
            ValueType::Choice(words) => words.contains(&text),
            ValueType::Bool => matches!(text, "true" | "false"),
            ValueType::Id(prefix) => is_id(prefix, text),
            ValueType::Arn(service, prefix) => is_arn(service, prefix, text),
            ValueType::Ids(_) | ValueType::Arns(..) | ValueType::Units | ValueType::ParameterPaths => {
                listed(text).is_some_and(|all| all.iter().all(|it| self.admits_one(it)))
            }
            ValueType::AlarmNames => listed(text)
                .is_some_and(|all| all.len() <= MAX_ROLLOUT_ALARMS && all.iter().all(|it| self.admits_one(it))),
            ValueType::ParameterName => text.len() <= MAX_PARAMETER && is_parameter(text),
            ValueType::Script => (1..=MAX_READ_SCRIPT).contains(&text.len()) && !text.contains('\0'),
            ValueType::Tags | ValueType::AlarmActions => false,
        }
    }
}

impl ValueType {
    /// A given text that is not valid, as messages show it. The text is quoted only if it resembles a valid value: any
    /// other text may be a secret in the wrong place, and is described by its length.
    pub(crate) fn described(&self, text: &str) -> String {
        if self.is_list() {
            let items: Vec<&str> = text.split(',').map(str::trim).collect();
            let list = format!("a list of {}", counted(items.len(), "item"));
            return match items.iter().position(|item| !self.admits_one(item)) {
                Some(at) => format!("{list}, of which number {} is {}", at + 1, self.described_one(items[at])),
                None => list,
            };
        }
        self.described_one(text)
    }

    fn described_one(&self, text: &str) -> String {
        if self.resembles(text) { shown(text) } else { form_of_text(text) }
    }

    /// Whether the text resembles a valid value so closely that it is not a secret.
    fn resembles(&self, text: &str) -> bool {
        let is_word = |word: &&str| word.eq_ignore_ascii_case(text);
        let has_prefix = |prefix: &str| {
            let id = text.strip_prefix(prefix);
            id.is_some_and(|id| id.len() <= 17 && id.chars().all(|c| c.is_ascii_alphanumeric()))
        };
        match self {
            ValueType::Whole(..) | ValueType::OneOf(_) => is_number(text),
            ValueType::Choice(words) => words.iter().any(is_word),
            ValueType::Bool => ["true", "false"].iter().any(is_word),
            ValueType::Network => text.parse::<Ipv4Net>().is_ok() || text.parse::<Ipv4Addr>().is_ok(),
            ValueType::Id(prefix) | ValueType::Ids(prefix) => has_prefix(prefix),
            ValueType::ImageId => has_prefix("ami-"),
            ValueType::Arn(service, prefix) | ValueType::Arns(service, prefix) => is_arn(service, prefix, text),
            _ => false,
        }
    }

    pub(crate) fn is_list(&self) -> bool {
        matches!(
            self,
            ValueType::Ids(_)
                | ValueType::Arns(..)
                | ValueType::Units
                | ValueType::ParameterPaths
                | ValueType::AlarmNames
        )
    }

    /// Whether one element of a list is valid.
    fn admits_one(&self, text: &str) -> bool {
        match self {
            ValueType::Ids(prefix) => is_id(prefix, text),
            ValueType::Arns(service, prefix) => is_arn(service, prefix, text),
            ValueType::Units => is_unit(text),
            ValueType::ParameterPaths => is_parameter_path(text),
            ValueType::AlarmNames => is_alarm_name(text),
            _ => false,
        }
    }
}

/// The elements of a comma-separated list. `None` if the list has more than [`MAX_LIST_LENGTH`] elements or a
/// duplicate.
pub(crate) fn listed(text: &str) -> Option<Vec<String>> {
    let all: Vec<String> = text.split(',').map(|it| it.trim().to_owned()).collect();
    let different: BTreeSet<&String> = all.iter().collect();
    (all.len() <= MAX_LIST_LENGTH && different.len() == all.len()).then_some(all)
}

fn is_id(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|id| {
        matches!(id.len(), 8 | 17) && id.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
    })
}

/// Whether systemd accepts the text as a unit name (systemd.unit). The name is written into a script, so nothing else
/// is accepted.
fn is_unit(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ":-_.@".contains(c);
    (1..=MAX_UNIT).contains(&text.len()) && text.chars().all(plain) && !text.starts_with('-')
}

/// Whether CloudWatch accepts the text as an alarm's name (the CloudWatch API reference of `PutMetricAlarm`).
fn is_alarm_name(text: &str) -> bool {
    (1..=MAX_ALARM_NAME).contains(&text.chars().count()) && !text.contains(char::is_control)
}

/// Whether the text is the path of a parameter that an account can have (the SSM API reference of `PutParameter`). It has
/// no wildcard, so it means itself in a policy.
fn is_parameter_path(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let Some(path) = text.strip_prefix('/').filter(|_| text.len() <= MAX_PARAMETER_PATH) else { return false };
    let levels: Vec<&str> = path.split('/').collect();
    let is_reserved = |level: &str| ["aws", "ssm"].into_iter().any(|it| level.to_ascii_lowercase().starts_with(it));
    levels.len() <= MAX_PARAMETER_LEVELS
        && levels.iter().all(|level| !level.is_empty() && level.chars().all(plain))
        && !is_reserved(levels[0])
}

/// Whether the text names a parameter as `GetParameter` does: by name, or by ARN if another account shares it, and with
/// `:` and a version or a label (the SSM API reference of `GetParameter` and `LabelParameterVersion`).
fn is_parameter(text: &str) -> bool {
    let name_and_selector = match text.strip_prefix("arn:") {
        None => text,
        Some(_) => match text.splitn(6, ':').collect::<Vec<_>>().as_slice() {
            [_, partition, "ssm", region, account, resource]
                if partition.starts_with("aws") && !region.is_empty() && is_account(account) =>
            {
                resource.strip_prefix("parameter").unwrap_or_default()
            }
            _ => return false,
        },
    };
    let (name, selector) = match name_and_selector.split_once(':') {
        Some((name, selector)) => (name, Some(selector)),
        None => (name_and_selector, None),
    };
    let plain = |text: &str, more: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c));
    name.len() > 1 && name.starts_with('/') && plain(name, "_.-/") && selector.is_none_or(is_parameter_selector)
}

/// Whether the text is a version, or a label of a version: labels start with a letter, a dash, a dot or an underscore, and
/// neither with `aws` nor with `ssm` (the SSM API reference of `LabelParameterVersion`).
fn is_parameter_selector(text: &str) -> bool {
    let is_version = text.len() <= 19 && text.chars().all(|c| c.is_ascii_digit());
    let is_reserved = ["aws", "ssm"].into_iter().any(|it| text.to_ascii_lowercase().starts_with(it));
    let is_label = text.len() <= 100
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    !text.is_empty() && (is_version || (is_label && !is_reserved))
}

/// The form of an ARN, with the bounds of its last part: see `forms::is_arn`.
fn form_of_arn(service: &str, prefix: &str) -> String {
    let region = if service == "iam" { "" } else { "us-west-2" };
    let bounds = match service {
        "elasticloadbalancing" => ", a name of 1 to 32 characters, a slash and 16 hexadecimal digits",
        "sns" => ", a name of 1 to 256 characters",
        "kms" => ", a key id of at most 36 characters",
        "iam" => ", path and name of at most 640 characters",
        _ => "",
    };
    format!("such as arn:aws:{service}:{region}:123456789012:{prefix}...{bounds}")
}

/// Whether every service accepts the character in a tag: IAM's set `[\p{L}\p{Z}\p{N}_.:/=+\-@]`, which is the strictest (the
/// IAM API reference, Tag), without its separators other than the space. The categories are Unicode's: `is_alphanumeric` also
/// includes combining marks such as the vowel signs of Devanagari, which IAM rejects.
pub(crate) fn is_tag_character(c: char) -> bool {
    let is_letter_or_number = || {
        let category = CodePointMapData::<GeneralCategory>::new().get(c);
        GeneralCategoryGroup::Letter.contains(category) || GeneralCategoryGroup::Number.contains(category)
    };
    c == ' ' || "_.:/=+-@".contains(c) || is_letter_or_number()
}

/// The length of a tag's key or value, in UTF-16 code units: S3 counts these, and a character outside the Basic
/// Multilingual Plane is two of them (recorded on AWS, September 2026: stackd 9dc356f5,
/// s3/bucket_tags:put-value-astral-letter-128 and -129).
pub(crate) fn tag_length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// A network of a private range (RFC 1918), written with its network address. AWS supports its size, and the subnets of
/// all zones fit into it.
pub(crate) fn network(text: &str) -> Option<Ipv4Net> {
    let net: Ipv4Net = text.parse().ok()?;
    let sized = (LARGEST_NETWORK..=SMALLEST_NETWORK).contains(&net.prefix_len());
    let private = net.network().is_private() && net.broadcast().is_private();
    (sized && private && net.trunc() == net).then_some(net)
}
