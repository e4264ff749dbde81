//! The widget for events of the dashboard, over a fake log group.
#![allow(clippy::expect_used, reason = "a test stops at the first unexpected value")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use environment::Deployment;
use lambda_kit::{AwsCallError, Error};
use ledger::time;
use serde_json::{Value, json};
use test_support::sample;
use timeline::Timeline;
use timeline::logs::{LogApi, LogError, LogPage, LogQuery};

/// 2026-01-02T05:30:00Z, half an hour after the zoom of the sample.
const NOW: u64 = 1_767_331_800_000;
const MINUTE: u64 = 60_000;
/// The zoom of the sample: 03:00 to 05:00.
const FROM: u64 = 1_767_322_800_000;
const GROUP: &str = "/aws/autoscaling/scalable-ec2-dev";

/// The log groups of an account, with the events by their times. A page has 10,000 events or 1 MB at most
/// (CloudWatch Logs API reference, FilterLogEvents), and each fourth one is empty, which the reference allows.
#[derive(Default)]
struct FakeLogs {
    groups: BTreeMap<String, Vec<(u64, String)>>,
    now_ms: Cell<u64>,
    /// The duration of a call.
    call_ms: u64,
    fails: bool,
    queries: RefCell<Vec<(u64, u64)>>,
}

impl LogApi for FakeLogs {
    fn now_ms(&self) -> u64 {
        self.now_ms.get()
    }

    async fn page(&self, query: &LogQuery<'_>, token: Option<&str>) -> Result<LogPage, LogError> {
        self.now_ms.set(self.now_ms.get() + self.call_ms);
        if self.fails {
            let (operation, cause) = ("logs:FilterLogEvents", String::from("ServiceUnavailableException"));
            return Err(AwsCallError::Indeterminate { operation, cause }.into());
        }
        let events = self.groups.get(query.group).ok_or(LogError::NoLogGroup)?;
        self.queries.borrow_mut().push((query.from_ms, query.until_ms));
        let mut all: Vec<&(u64, String)> =
            events.iter().filter(|it| (query.from_ms..query.until_ms).contains(&it.0)).collect();
        all.sort_by_key(|it| it.0);
        let begin: usize = token.map_or(0, |it| it.parse().expect("a token of the page before"));
        if self.queries.borrow().len().is_multiple_of(4) {
            return Ok(LogPage { texts: Vec::new(), next: Some(begin.to_string()) });
        }
        let mut bytes = 0;
        let fits = |it: &&&(u64, String)| {
            bytes += it.1.len();
            bytes <= 1 << 20
        };
        let texts: Vec<String> = all[begin..].iter().take(10_000).take_while(fits).map(|it| it.1.clone()).collect();
        let end = begin + texts.len();
        Ok(LogPage { texts, next: (end < all.len()).then(|| end.to_string()) })
    }
}

/// An alarm of the ledger at a time.
fn alarm(number: usize, at_ms: u64) -> (u64, String) {
    let line = json!({
        "v": 1, "id": format!("alarm-{number}"), "time": time::text(at_ms), "environment": "scalable-ec2-us-west-2-dev",
        "group": "scalable-ec2-asg-uswest2-dev", "kind": "alarm", "outcome": "alarm", "event": "",
        "cause": { "actor": "alarm", "alarm": format!("alarm <{number}>") }, "detail": { "long": "x".repeat(90) },
    });
    (at_ms, line.to_string())
}

fn function(events: Vec<(u64, String)>) -> Timeline<FakeLogs> {
    let deployment =
        Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() };
    let groups = BTreeMap::from([(GROUP.to_owned(), events)]);
    Timeline { deployment, logs: FakeLogs { groups, now_ms: Cell::new(NOW), ..FakeLogs::default() } }
}

fn result(function: &Timeline<FakeLogs>, event: &Value) -> Result<Value, Error> {
    match pin!(function.handle(event)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the fake does not wait"),
    }
}

fn widget(function: &Timeline<FakeLogs>, event: &Value) -> String {
    result(function, event).expect("a widget").as_str().expect("a text").to_owned()
}

/// The sample with another value at a pointer.
fn with(pointer: &str, value: Value) -> Value {
    let mut event = sample("timeline", "widget.json");
    *event.pointer_mut(pointer).expect("a field of the sample") = value;
    event
}

#[test]
fn the_widget_shows_the_zoomed_range_in_the_theme_of_the_dashboard() {
    let function = function(vec![alarm(1, FROM - MINUTE), alarm(2, FROM + MINUTE), alarm(3, FROM + 200 * MINUTE)]);
    let html = widget(&function, &sample("timeline", "widget.json"));
    assert!(html.starts_with("<div class=\"timeline\">"), "{html}");
    assert!(html.contains("aria-label=\"scalable-ec2-us-west-2-dev, 2026-01-02 03:00:00 to 2026-01-02 05:00:00 UTC\""));
    assert!(html.contains("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"588\""));
    assert!(html.contains("fill=\"#0f141a\""), "the background of the dark theme");
    assert!(html.contains("<td id=\"widget-16-e1\">alarm &lt;2&gt; is ALARM</td>"), "{html}");
    assert!(!html.contains("&lt;1&gt;") && !html.contains("&lt;3&gt;"), "entries outside the range");
    // The entries from 35 minutes before the range show its first state.
    assert_eq!(*function.logs.queries.borrow(), [(FROM - 35 * MINUTE, FROM + 120 * MINUTE)]);
}

#[test]
fn without_a_zoom_the_widget_shows_the_range_of_the_dashboard_until_now() {
    let range = json!({ "mode": "absolute", "start": FROM, "end": NOW + 60 * MINUTE });
    let html = widget(&function(vec![]), &with("/widgetContext/timeRange", range));
    assert!(html.contains("No entries from 2026-01-02 03:00:00 to 2026-01-02 05:30:00 UTC"), "{html}");
}

#[test]
fn without_a_context_the_widget_shows_the_last_day() {
    let html = widget(&function(vec![alarm(1, FROM)]), &json!({ "environment": "scalable-ec2-us-west-2-dev" }));
    assert!(html.contains("2026-01-01 05:30:00 to 2026-01-02 05:30:00 UTC"), "{html}");
    assert!(html.contains("width=\"900\"") && html.contains("id=\"dev-e0\""), "{html}");
}

#[test]
fn a_parameter_chooses_the_theme_and_a_size_without_a_picture_is_replaced_by_the_nearest() {
    let mut event = with("/widgetContext/width", json!(120.5));
    event["theme"] = json!("monochrome");
    let html = widget(&function(vec![alarm(1, FROM)]), &event);
    assert!(html.contains("width=\"400\"") && html.contains("fill=\"#ffffff\""), "{html}");
}

#[test]
fn an_invalid_parameter_is_named_with_its_value_and_the_valid_form() {
    let suffix = "valid is a suffix such as &quot;dev&quot;, or an id such as &quot;scalable-ec2-us-west-2-dev&quot;";
    let time = "valid is start and end in milliseconds since 1970, the start before the end and before now";
    let missing = json!({ "widgetContext": {} });
    let mut theme = sample("timeline", "widget.json");
    theme["theme"] = json!("<b>");
    for (event, text) in [
        (missing, format!("environment is missing: {suffix}")),
        (json!([]), format!("environment is missing: {suffix}")),
        (with("/environment", json!("Dev")), format!("environment is &quot;Dev&quot;: {suffix}")),
        (with("/environment", json!(7)), format!("environment is 7: {suffix}")),
        (
            with("/environment", json!("scalable-ec2-eu-west-1-dev")),
            format!("environment is &quot;scalable-ec2-eu-west-1-dev&quot;: {suffix}"),
        ),
        (with("/environment", json!("x".repeat(5_000))), format!("environment is &quot;{}…: {suffix}", "x".repeat(59))),
        (theme, "theme is &quot;&lt;b&gt;&quot;: valid is light, dark or monochrome".into()),
        (
            with("/widgetContext/width", json!("wide")),
            "widgetContext.width is &quot;wide&quot;: valid is a number of pixels".into(),
        ),
        (
            with("/widgetContext/timeRange/zoom", json!({ "start": 5 })),
            format!("widgetContext.timeRange is {{&quot;start&quot;:5}}: {time}"),
        ),
        (
            with("/widgetContext/timeRange", json!({ "start": NOW, "end": NOW + 5 })),
            format!(
                "widgetContext.timeRange is {{&quot;end&quot;:1767331800005,&quot;start&quot;:1767331800000}}: {time}"
            ),
        ),
        (
            with("/widgetContext/timeRange", json!("today")),
            format!("widgetContext.timeRange is &quot;today&quot;: {time}"),
        ),
    ] {
        let function = function(vec![]);
        assert_eq!(widget(&function, &event), format!("<p>{text}</p>\n"));
        assert_eq!(*function.logs.queries.borrow(), [], "a call for an invalid parameter");
    }
}

#[test]
fn an_unknown_parameter_is_named_above_the_picture() {
    let mut event = sample("timeline", "widget.json");
    event["themes"] = json!("dark");
    let html = widget(&function(vec![]), &event);
    let note = "<p>The parameter &quot;themes&quot; is unknown and has no effect; the parameters are environment and theme.</p>";
    assert!(html.starts_with(note) && html.contains("<svg"), "{html}");
}

#[test]
fn an_environment_without_a_ledger_is_named() {
    let html = widget(&function(vec![]), &with("/environment", json!("prod")));
    let text =
        "scalable-ec2-us-west-2-prod has no ledger: the log group /aws/autoscaling/scalable-ec2-prod does not exist.";
    assert_eq!(html, format!("<p>{text}</p>\n"));
}

#[test]
fn a_range_with_more_entries_than_a_picture_reads_ends_at_the_last_one_with_a_sentence() {
    let many: Vec<(u64, String)> = (0..40_000).map(|it| alarm(it, FROM + it as u64 * 100)).collect();
    let cut = "The range has more entries than a picture reads, so it ends earlier. Select a shorter range.";
    // Pages of 1 MB have some 3,500 of these entries each.
    let by_number = function(many.clone());
    let html = widget(&by_number, &sample("timeline", "widget.json"));
    assert!(html.starts_with(&format!("<p>{cut}</p>")), "{html:.200}");
    let until = html.split("03:00:00 to 2026-01-02 ").nth(1).expect("a title").get(..5).expect("a clock");
    assert!(("03:33".."03:45").contains(&until), "{until}");
    assert!((6..16).contains(&by_number.logs.queries.borrow().len()), "{:?}", by_number.logs.queries);
    assert!(html.len() < 400_000, "{}", html.len());
    assert!(!html.contains("not observed from 2026-01-02 03:40"), "an unread time is no gap");

    let mut by_time = function(many);
    by_time.logs.call_ms = 9_000;
    assert!(widget(&by_time, &sample("timeline", "widget.json")).contains(cut));
    assert_eq!(by_time.logs.queries.borrow().len(), 3);

    // The entries before the range alone are too many.
    let before: Vec<(u64, String)> = (0..30_000).map(|it| alarm(it, FROM - 30 * MINUTE + it as u64)).collect();
    let html = widget(&function(before), &sample("timeline", "widget.json"));
    assert!(
        html.starts_with("<p>The range has more entries than a picture reads; only the oldest are drawn."),
        "{html:.200}"
    );
}

#[test]
fn the_documentation_of_the_parameters_is_markdown() {
    let described = result(&function(vec![]), &sample("timeline", "describe.json")).expect("a description");
    let text = described["markdown"].as_str().expect("Markdown");
    assert!(["**environment**", "**theme**", "environment: dev"].iter().all(|it| text.contains(it)), "{text}");
}

#[test]
fn a_failed_call_fails_the_invocation() {
    let mut function = function(vec![]);
    function.logs.fails = true;
    let failed = result(&function, &sample("timeline", "widget.json"));
    let error = failed.expect_err("a failed call").to_string();
    assert_eq!(error, "logs:FilterLogEvents: ServiceUnavailableException");
}
