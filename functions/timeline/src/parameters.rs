//! The parameters of the widget, and its context: the time range, the size and the theme of the dashboard.

use std::fmt;

use environment::{Deployment, Names};
use ledger::timeline::{Range, Size, Theme};
use serde_json::{Map, Value};

/// The picture that an event asks for.
#[derive(Debug)]
pub(crate) struct Parameters {
    pub names: Names,
    pub range: Range,
    pub size: Size,
    pub theme: Theme,
    /// The beginning of the ids of the widget's elements.
    pub ids: String,
    /// A sentence for each parameter that the function does not know.
    pub unknown: Vec<String>,
}

/// A parameter that is missing or invalid: its name, its value, and the valid form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidParameter {
    #[error("{name} is missing: valid is {valid}")]
    Missing { name: &'static str, valid: String },
    #[error("{name} is {value}: valid is {valid}")]
    Value { name: &'static str, value: String, valid: String },
}

/// The time range without a context: a day, in ms.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// The size without a context, in pixels.
const DEFAULT_SIZE: (u64, u64) = (900, 400);

/// The maximum length of a value in an error text, in characters.
const MAX_SHOWN_CHARS: usize = 60;

const KNOWN: [&str; 4] = ["environment", "theme", "describe", "widgetContext"];

/// Whether the event asks for the documentation of the parameters.
pub(crate) fn is_description(event: &Value) -> bool {
    event.get("describe").is_some_and(|it| *it != Value::Bool(false))
}

impl Parameters {
    /// Reads an event. An end of the time range after `now_ms` is replaced by `now_ms`.
    pub fn read(event: &Value, deployment: &Deployment, now_ms: u64) -> Result<Parameters, InvalidParameter> {
        let none = Map::new();
        let fields = event.as_object().unwrap_or(&none);
        let context = event.get("widgetContext").unwrap_or(&Value::Null);
        let names = names(event.get("environment"), deployment)?;
        Ok(Parameters {
            range: range(&context["timeRange"], now_ms)?,
            size: size(context)?,
            theme: theme(event.get("theme"), &context["theme"])?,
            ids: context["widgetId"].as_str().map_or_else(|| names.suffix.clone(), str::to_owned) + "-",
            unknown: fields.keys().filter(|it| !KNOWN.contains(&it.as_str())).map(|it| unknown(it)).collect(),
            names,
        })
    }
}

fn unknown(name: &str) -> String {
    let name = shown(&format!("{name:?}"));
    format!("The parameter {name} is unknown and has no effect; the parameters are environment and theme.")
}

/// The names of an environment, from its id or its suffix.
fn names(value: Option<&Value>, deployment: &Deployment) -> Result<Names, InvalidParameter> {
    const NAME: &str = "environment";
    let Deployment { project, region, .. } = deployment;
    let valid = format!("a suffix such as \"dev\", or an id such as \"{project}-{region}-dev\"");
    let Some(value) = value else { return Err(InvalidParameter::Missing { name: NAME, valid }) };
    let suffix = value.as_str().and_then(|text| deployment.suffix_of(text));
    suffix.map(|it| deployment.names(it)).ok_or_else(|| invalid(NAME, value, valid))
}

/// The zoomed range of the dashboard, or its range.
fn range(value: &Value, now_ms: u64) -> Result<Range, InvalidParameter> {
    const NAME: &str = "widgetContext.timeRange";
    const VALID: &str = "start and end in milliseconds since 1970, the start before the end and before now";
    if value.is_null() {
        return Range::new(now_ms.saturating_sub(DAY_MS), now_ms).map_err(|_| invalid(NAME, value, VALID));
    }
    let times = if value["zoom"].is_object() { &value["zoom"] } else { value };
    let time = |name: &str| times[name].as_u64();
    let range = time("start").zip(time("end")).and_then(|(from, until)| Range::new(from, until.min(now_ms)).ok());
    range.ok_or_else(|| invalid(NAME, times, VALID))
}

/// The size of the widget; of a smaller or larger widget, the nearest size that a picture can have.
fn size(context: &Value) -> Result<Size, InvalidParameter> {
    let pixels = |name: &'static str, default: u64| match &context[name.trim_start_matches("widgetContext.")] {
        Value::Null => Ok(default),
        // A browser's sizes may have fractions.
        value => number(value).ok_or_else(|| invalid(name, value, "a number of pixels")),
    };
    let width = pixels("widgetContext.width", DEFAULT_SIZE.0)?;
    Ok(Size::nearest(width, pixels("widgetContext.height", DEFAULT_SIZE.1)?))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of f64 saturates")]
fn number(value: &Value) -> Option<u64> {
    value.as_f64().map(|it| it as u64)
}

/// The theme of the parameter, or that of the dashboard. A theme of the dashboard that has no palette is light.
fn theme(value: Option<&Value>, of_dashboard: &Value) -> Result<Theme, InvalidParameter> {
    let theme = |value: &Value| value.as_str().and_then(|it| it.parse().ok());
    match value {
        Some(value) => theme(value).ok_or_else(|| invalid("theme", value, "light, dark or monochrome")),
        None => Ok(theme(of_dashboard).unwrap_or(Theme::Light)),
    }
}

fn invalid(name: &'static str, value: &Value, valid: impl fmt::Display) -> InvalidParameter {
    InvalidParameter::Value { name, value: shown(&value.to_string()), valid: valid.to_string() }
}

/// A text, shortened if it is longer than a value of a parameter.
fn shown(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
