//! `list` and `inventory`: what exists.

use serde_json::{Value, json};

use super::{cell, text};
use crate::exit::Exit;
use crate::report::Report;
use crate::style::{Line, Tone, table};

/// `list`: a table of the environments, with the state that their records have. `status` observes the cloud as well.
#[must_use]
pub fn list(environments: &[Value], project: &str, region: &str) -> Report {
    let head = ["ENVIRONMENT", "STATE", "SINCE", "STACK"].map(String::from);
    let row = |it: &Value| {
        let since = if it["Deleted"].is_null() { &it["Since"] } else { &it["Deleted"] };
        let state = format!("{} {}", cell(&it["State"]), cell(&it["Request"])).trim_end().to_owned();
        [cell(&it["Environment"]), state, cell(since), stack_name(&cell(&it["Stack"]))]
    };
    let rows: Vec<[String; 4]> = std::iter::once(head).chain(environments.iter().map(row)).collect();
    let tones = std::iter::once(Tone::Faint).chain(environments.iter().map(tone_of));
    let mut screen: Vec<Line> = tones.zip(table(&rows)).map(|(tone, text)| Line::of(tone, text)).collect();
    if environments.is_empty() {
        screen = vec![Line::plain(format!("The deployment {project} has no environments in {region}."))];
    }
    Report { screen, result: json!({ "Environments": environments }), exit: Exit::Settled }
}

/// `inventory`.
#[must_use]
pub fn inventory(result: Value) -> Report {
    Report { screen: text(&result), result, exit: Exit::Settled }
}

/// The name in a stack's id: `arn:aws:cloudformation:us-west-2:123456789012:stack/web/5b0f5c6e-…`.
fn stack_name(id: &str) -> String {
    id.split(":stack/").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or(id).to_owned()
}

fn tone_of(environment: &Value) -> Tone {
    match environment["State"].as_str().unwrap_or_default() {
        "settled" => Tone::Good,
        "failed" | "unknown" => Tone::Bad,
        "deleted" | "gone" => Tone::Faint,
        _ => Tone::Notice,
    }
}
