//! The verbs. Each file turns results of the service into a [`Report`](crate::report::Report); it makes no call.

pub mod change;
pub mod differences;
pub mod environments;
pub mod health;
pub mod ledger;
pub mod status;
pub mod template;
pub mod timeline;
pub mod version;
pub mod watch;
pub mod why;

use serde_json::Value;

use crate::exit::Exit;
use crate::style::{Line, Tone};

/// The text of a result, one line each. A result without a text is shown as JSON.
#[must_use]
pub fn text(result: &Value) -> Vec<Line> {
    match result["Text"].as_str() {
        Some(text) => text.lines().map(Line::plain).collect(),
        None => vec![Line::plain(result.to_string())],
    }
}

/// The text of a result, whose first line has the tone of the exit code.
#[must_use]
pub fn toned_text(result: &Value, exit: Exit) -> Vec<Line> {
    let mut lines = text(result);
    if let Some(first) = lines.first_mut() {
        first.tone = tone(exit);
    }
    lines
}

/// The tone of an exit code.
#[must_use]
pub fn tone(exit: Exit) -> Tone {
    match exit {
        Exit::Settled => Tone::Good,
        Exit::UnderWay | Exit::Differs => Tone::Notice,
        Exit::Error | Exit::Degraded | Exit::Refused | Exit::NoAnswer | Exit::Usage | Exit::Interrupted => Tone::Bad,
    }
}

/// The members of a list in a result; none if it has none.
pub(crate) fn items<'a>(result: &'a Value, name: &str) -> &'a [Value] {
    result[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A member as a cell of a table: a text without quotes, nothing for null.
pub(crate) fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
