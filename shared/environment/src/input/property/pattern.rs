//! Regular expressions of the valid values, for the schemas. Each is valid in ECMAScript, with the flag `u` and without, and
//! in Python.

use super::ValueType;
use super::value_type::{
    LARGEST_NETWORK, MAX_PARAMETER_LEVELS, MAX_PARAMETER_PATH, MAX_ROLLOUT_ALARMS, MAX_SUFFIX, MAX_UNIT,
    SMALLEST_NETWORK,
};
use crate::input::alarm_action::{MAX_ALARM_NAME, MAX_INSTANCES_PER_ACTION};
use crate::input::forms::{MAX_LIST_LENGTH, MAX_PARTITION, MAX_REGION, MAX_RESOURCE};
use crate::model::mark::RESERVED;

/// The characters of Unicode's category Cc, in a character class.
const CONTROL: &str = r"\u0000-\u001f\u007f-\u009f";

/// The characters of a tag, as a character class, as far as they are letters and digits by their place in Unicode: of the
/// characters behind U+00A9, only Unicode's tables say which are letters.
const TAG_CHARACTER: &str = r"[^\u0000-\u001f!-*,;<>?\[-\^`{-\u00a9]";

/// A decimal number from 0 to 255, without leading zeros.
const OCTET: &str = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";

/// The characters in the parts of an ARN, for a character class. `-` is the last one.
const IN_ARN: &str = "A-Za-z0-9_+=.@/-";

/// The pattern of a text that the parser reads as a value of the type. `None` for types that are not scalars, and for texts
/// without a form. A pattern expresses no length and no order, and not whether a network has its network address.
pub(super) fn of_value(value_type: &ValueType) -> Option<String> {
    let pattern = match value_type {
        ValueType::Suffix => format!("[a-z0-9](?:[a-z0-9-]{{0,{}}}[a-z0-9])?", MAX_SUFFIX - 2),
        ValueType::Text(_) => return Some(tag_text("")),
        ValueType::Network => format!(
            r"(?:10\.{OCTET}|172\.(?:1[6-9]|2[0-9]|3[01])|192\.168)\.{OCTET}\.{OCTET}/(?:{})",
            range(u32::from(LARGEST_NETWORK), u32::from(SMALLEST_NETWORK))
        ),
        ValueType::Whole(least, most) => format!("0*(?:{})", range(*least, *most)),
        ValueType::OneOf(numbers) => {
            let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
            format!("0*(?:{})", numbers.join("|"))
        }
        ValueType::Bool => String::from("(?:true|false)"),
        ValueType::Id(prefix) => id(prefix),
        ValueType::ImageId => id("ami-"),
        ValueType::Arn(service, prefix) => arn(service, prefix),
        ValueType::InstanceType => String::from(r"[a-z0-9-]+\.[a-z0-9-]+"),
        ValueType::ParameterName => parameter(),
        ValueType::Script => String::from(r"[^\u0000]+"),
        ValueType::Ids(_)
        | ValueType::Arns(..)
        | ValueType::Units
        | ValueType::ParameterPaths
        | ValueType::AlarmNames => {
            return list(value_type);
        }
        ValueType::Choice(_) | ValueType::Tags | ValueType::AlarmActions => return None,
    };
    Some(whole_text(&pattern))
}

/// The pattern of a list in one text, and of one text in a list, which may contain commas as well.
fn list(value_type: &ValueType) -> Option<String> {
    let (element, most) = match value_type {
        ValueType::Ids(prefix) => (id(prefix), MAX_LIST_LENGTH),
        ValueType::Arns(service, prefix) => (arn(service, prefix), MAX_LIST_LENGTH),
        ValueType::Units => (format!("(?!-)[A-Za-z0-9:_.@-]{{1,{MAX_UNIT}}}"), MAX_LIST_LENGTH),
        ValueType::ParameterPaths => (parameter_path(), MAX_LIST_LENGTH),
        ValueType::AlarmNames => (alarm_name_in_list(), MAX_ROLLOUT_ALARMS),
        _ => return None,
    };
    Some(whole_text(&format!(r"\s*{element}\s*(?:,\s*{element}\s*){{0,{}}}", most - 1)))
}

/// The key of a tag, which is none that Envkeeper or AWS sets.
pub(super) fn tag_key() -> String {
    let reserved: Vec<String> = RESERVED.into_iter().map(any_case).collect();
    let [aws, envkeeper] = ["aws", "envkeeper"].map(any_case);
    tag_text(&format!("(?!(?:{})$)(?!(?:{aws}|{envkeeper}):)", reserved.join("|")))
}

/// The text of a tag, without spaces at its ends; it may be empty.
pub(super) fn tag_text(lookahead: &str) -> String {
    whole_text(&format!("{lookahead}(?! )(?!.* $){TAG_CHARACTER}*"))
}

/// The name of an alarm in a rule.
pub(super) fn alarm_name() -> String {
    whole_text(&format!("[^{CONTROL}]+"))
}

/// A number of instances that a rule adds or removes.
pub(super) fn amount() -> String {
    whole_text(&format!("-?0*(?:{})", range(1, MAX_INSTANCES_PER_ACTION.unsigned_abs())))
}

fn whole_text(pattern: &str) -> String {
    format!("^{pattern}$")
}

/// The letters of the word, in either case.
fn any_case(word: &str) -> String {
    word.chars().flat_map(|c| ['[', c.to_ascii_uppercase(), c.to_ascii_lowercase(), ']']).collect()
}

fn id(prefix: &str) -> String {
    format!("{prefix}(?:[0-9a-f]{{8}}|[0-9a-f]{{17}})")
}

/// See `forms::is_arn`. A comma, which ends an element of a list, is in no partition and in no region.
fn arn(service: &str, prefix: &str) -> String {
    let account = if service == "iam" { "(?:[0-9]{12}|aws)" } else { "[0-9]{12}" };
    let rest = match service {
        "elasticloadbalancing" => String::from("[A-Za-z0-9-]{1,32}/[0-9A-Fa-f]{16}"),
        "sns" => String::from(r"[A-Za-z0-9_-]{1,256}(?:\.fifo)?"),
        "kms" => String::from("[A-Za-z0-9-]{1,36}"),
        _ => format!("[,:{IN_ARN}]{{1,{}}}", MAX_RESOURCE - prefix.len()),
    };
    let (partition, region) = (MAX_PARTITION - "aws".len(), MAX_REGION);
    format!("arn:aws[{IN_ARN}]{{0,{partition}}}:{service}:[{IN_ARN}]{{0,{region}}}:{account}:{prefix}{rest}")
}

/// A name of a parameter, or its ARN, with a version or a label.
fn parameter() -> String {
    let [aws, ssm] = ["aws", "ssm"].map(any_case);
    format!(
        "(?:arn:aws[^:]*:ssm:[^:]+:[0-9]{{12}}:parameter)?/[A-Za-z0-9_./-]+\
         (?::(?:[0-9]{{1,19}}|(?!{aws}|{ssm})[A-Za-z_.-][A-Za-z0-9_.-]{{0,99}}))?"
    )
}

fn parameter_path() -> String {
    let [aws, ssm] = ["aws", "ssm"].map(any_case);
    let level = "[A-Za-z0-9_.-]+";
    format!(
        r"(?![^,\s]{{{}}})/(?!{aws}|{ssm}){level}(?:/{level}){{0,{}}}",
        MAX_PARAMETER_PATH + 1,
        MAX_PARAMETER_LEVELS - 1
    )
}

/// The name of an alarm without a comma, and without spaces at its ends.
fn alarm_name_in_list() -> String {
    format!(r"[^,\s{CONTROL}](?:[^,{CONTROL}]{{0,{}}}[^,\s{CONTROL}])?", MAX_ALARM_NAME - 2)
}

/// The numbers between the bounds, without leading zeros, as alternatives: each is a run of blocks of a power of ten, such as
/// `16[0-2][0-9]{2}` for 16000 to 16299.
fn range(least: u32, most: u32) -> String {
    let mut alternatives = Vec::new();
    let mut next = least;
    while next <= most {
        let fits = |size: &u32| *size <= next && next.is_multiple_of(*size) && size - 1 <= most - next;
        let size = (1..10).map(|power| 10_u32.pow(power)).take_while(fits).last().unwrap_or(1);
        let digit = next / size % 10;
        let end = digit + (9 - digit).min((most - next + 1) / size - 1);
        let prefix = Some(next / size / 10).filter(|it| *it > 0).map(|it| it.to_string()).unwrap_or_default();
        let digits = if digit == end { digit.to_string() } else { format!("[{digit}-{end}]") };
        let rest = match size.ilog10() {
            0 => String::new(),
            1 => String::from("[0-9]"),
            count => format!("[0-9]{{{count}}}"),
        };
        alternatives.push(format!("{prefix}{digits}{rest}"));
        next += (end - digit + 1) * size;
    }
    alternatives.join("|")
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn a_range_is_its_runs_of_blocks() {
        assert_eq!(range(0, 3), "[0-3]");
        assert_eq!(
            range(8, 16_384),
            "[8-9]|[1-9][0-9]|[1-9][0-9]{2}|[1-9][0-9]{3}|1[0-5][0-9]{3}|16[0-2][0-9]{2}|163[0-7][0-9]|1638[0-4]"
        );
        assert_eq!(range(100, 200), "1[0-9]{2}|200");
        assert_eq!(range(1, 1_000), "[1-9]|[1-9][0-9]|[1-9][0-9]{2}|1000");
    }
}
