//! Log lines: one JSON object each, on stderr, which Lambda forwards to CloudWatch.

use crate::vars::env_var;
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;
use tracing_subscriber::util::SubscriberInitExt;

/// The libraries of this project. Their lines have the level of the function.
const PROJECT_CRATES: [&str; 4] = ["aws_cloud", "environment", "lambda_kit", "requests"];

/// Starts logging for the function of this name, at the level in `LOG_LEVEL`: `error`, `warn`, `info` (the default),
/// `debug` or `trace`, in lower or upper case. Any other word selects `info`, and a line warns about the word. A second
/// call changes nothing.
///
/// `debug` and `trace` (the same in an optimised build) apply to this project's crates only; all other crates remain at
/// `info`. Below `info` the SDK logs whole requests, and a record's request contains a `ResponseURL`.
pub fn init_logging(name: &str) {
    let word = env_var("LOG_LEVEL");
    let level = word.as_deref().map_or(Some(Level::INFO), level_of);
    let started = subscriber(level.unwrap_or(Level::INFO), name, std::io::stderr).try_init().is_ok();
    if started && level.is_none() {
        tracing::warn!(value = word, "LOG_LEVEL is none of error, warn, info, debug and trace; using info");
    }
}

fn level_of(word: &str) -> Option<Level> {
    let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
    levels.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(word))
}

/// The subscriber that writes one line for each tracing event.
fn subscriber<W>(level: Level, name: &str, writer: W) -> impl SubscriberInitExt
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let json = tracing_subscriber::fmt::layer().json().with_writer(writer);
    // The runtime's span contains the id of the invocation; a span list of one entry would repeat the id.
    let json = json.flatten_event(true).with_current_span(true).with_span_list(false);
    registry().with(filter(level, name)).with(json)
}

fn filter(level: Level, name: &str) -> Targets {
    let level = LevelFilter::from_level(level);
    let function = name.replace('-', "_");
    let project = PROJECT_CRATES.into_iter().chain([function.as_str()]).map(|target| (target, level));
    Targets::new().with_default(level.min(LevelFilter::INFO)).with_targets(project)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct LogBuffer(Arc<Mutex<Vec<u8>>>);

    impl Write for LogBuffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(level: Level, log: impl FnOnce()) -> Vec<Value> {
        let buffer = LogBuffer::default();
        let writer = buffer.clone();
        let guard = subscriber(level, "custom-resource", move || writer.clone()).set_default();
        log();
        drop(guard);
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_is_one_object_with_its_fields_at_the_top_level() {
        let lines = logged(Level::INFO, || {
            let span = tracing::info_span!("invoke", requestId = "8476a536");
            let _inside = span.enter();
            tracing::info!(host = "h.example", attempts = 2, "two\nlines");
        });
        assert_eq!(lines.len(), 1);
        let line = &lines[0];
        assert_eq!((&line["level"], &line["message"]), (&"INFO".into(), &"two\nlines".into()));
        assert_eq!((&line["host"], &line["attempts"]), (&"h.example".into(), &2.into()));
        assert_eq!(line["span"]["requestId"], "8476a536");
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
    }

    #[test]
    fn foreign_crates_remain_at_info_at_every_log_level() {
        let lines = logged(Level::TRACE, || {
            tracing::trace!(target: "custom_resource::act", "project");
            tracing::debug!(target: "requests::deliver", "project");
            tracing::debug!(target: "aws_smithy_runtime::client::orchestrator", "a request with a secret in it");
            tracing::trace!(target: "hyper::proto", "bytes");
            tracing::info!(target: "aws_config::imds", "foreign");
        });
        let messages: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
        assert_eq!(messages, ["project", "project", "foreign"]);
    }

    #[test]
    fn a_higher_level_silences_every_crate() {
        let lines = logged(Level::ERROR, || {
            tracing::warn!(target: "requests::deliver", "project");
            tracing::info!(target: "aws_config::imds", "foreign");
            tracing::error!("bad");
        });
        assert_eq!(lines.len(), 1);
    }

    #[test]
    fn levels_are_read_in_either_case() {
        assert_eq!(level_of("debug"), Some(Level::DEBUG));
        assert_eq!(level_of("WARN"), Some(Level::WARN));
        for other in ["", "verbose", "info,hyper=trace", "5"] {
            assert_eq!(level_of(other), None, "{other}");
        }
    }
}
