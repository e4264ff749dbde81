//! The environment's dashboard.
#![allow(clippy::expect_used, reason = "a test fails on an unexpected value")]

use crate::common::standard;
use environment::Fields;
use serde_json::Value;

/// The dashboard's tables and the saved queries are the same queries, so both show the same ledger entries.
#[test]
fn the_dashboard_shows_the_saved_queries_and_no_widget_overlaps_another() {
    let all = standard().resources;
    let body = all.iter().find_map(|it| match &it.fields {
        Fields::Dashboard(dashboard) => Some(dashboard.body.clone()),
        _ => None,
    });
    let body: Value = serde_json::from_str(&body.expect("a dashboard")).expect("JSON");
    let saved = |title: &str| {
        let query = all.iter().find_map(|it| match &it.fields {
            Fields::SavedQuery(saved) if it.name.ends_with(&format!("/{title}")) => Some(saved.query.text.clone()),
            _ => None,
        });
        let text = query.expect("a saved query");
        // The first line is the ownership mark.
        text.split_once('\n').expect("two lines").1.to_owned()
    };
    let widgets = body["widgets"].as_array().expect("a list");
    let shown: Vec<&str> = widgets.iter().filter_map(|it| it["properties"]["query"].as_str()).collect();
    let titles = ["capacity-changes", "scaling-events", "failures-by-cause", "slowest-launches", "flapping", "drains"];
    let expected =
        titles.map(|title| format!("SOURCE '/aws/autoscaling/scalable-ec2-dev' | {} | limit 20", saved(title)));
    assert_eq!(shown, expected);

    let number = |it: &Value, name: &str| it[name].as_u64().expect("a number");
    let mut cells = std::collections::BTreeSet::new();
    for widget in widgets {
        let [x, y, width, height] = ["x", "y", "width", "height"].map(|name| number(widget, name));
        assert!(x + width <= 24, "{widget}");
        for (column, row) in (x..x + width).flat_map(|column| (y..y + height).map(move |row| (column, row))) {
            assert!(cells.insert((column, row)), "{column}, {row}: {widget}");
        }
    }
}
