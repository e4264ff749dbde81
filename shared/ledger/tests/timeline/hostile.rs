//! Names and reasons that other systems and users chose: they stay text.

use ledger::timeline::{Theme, page};
use proptest::prelude::*;
use serde_json::json;

use crate::ledgers::{Ledger, MIDNIGHT, MINUTE};
use crate::reading::{range, rows, size, tags};

/// A ledger in which every text that another system chooses is this one.
fn named(text: &str) -> Ledger {
    let mut ledger = Ledger::default();
    let cause =
        json!({ "actor": "alarm", "alarm": text, "policy": text, "schedule": text, "rule": text, "text": text });
    let more = json!({ "environment": text, "group": text, "instance": format!("{text}i"), "zone": text, "cause": cause,
        "reason": text, "event": text, "seconds": 5.0, "templateVersion": 7 });
    let kinds = [
        "launch",
        "gate",
        "alarm",
        "remediation",
        "rollout",
        "refresh",
        "capacity",
        "request",
        "interruption",
        "other",
    ];
    for (at, kind) in (0..).zip(kinds) {
        let outcome = if kind == "launch" { "successful" } else { text };
        ledger.add(kind, outcome, MIDNIGHT + (at + 1) * 5 * MINUTE, more.clone());
    }
    ledger
}

fn page_of(text: &str) -> String {
    page(&named(text).entries, range(0, 60), size(900), Theme::Light)
}

/// The names of the tags, in their order.
fn structure(page: &str) -> Vec<String> {
    tags(page).into_iter().map(|it| it.split(' ').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn markup_in_a_name_is_text_in_the_page() {
    for text in [
        "<script>alert(1)</script>",
        "\" onload=\"alert(1)",
        "' x='",
        "]]>",
        "</title></svg><b>",
        "--><b>",
        "&lt;",
        "{}{0}",
    ] {
        let page = page_of(text);
        assert_eq!(structure(&page), structure(&page_of("x")), "{text}");
        let escaped = text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&#39;");
        assert!(rows(&page).iter().any(|it| it.kind == "Alarms" && it.sentence.starts_with(&escaped)), "{page}");
    }
}

proptest! {
    #[test]
    fn no_text_changes_the_structure_of_the_page(text in "(\\PC|[<>&\"'\u{0}-\u{1f}\u{202e}]){0,40}") {
        let page = page_of(&text);
        prop_assert_eq!(structure(&page), structure(&page_of("x")));
        let is_valid = |c: char| c == '\n' || !c.is_control() && !('\u{202a}'..='\u{202e}').contains(&c);
        prop_assert!(page.chars().all(is_valid));
    }
}
