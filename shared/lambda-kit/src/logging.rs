//! Log lines: one JSON object each, on stderr, which Lambda takes to CloudWatch.

use crate::vars::environment;
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;
use tracing_subscriber::util::SubscriberInitExt;

/// The libraries of this project, which every function logs through.
const OURS: [&str; 4] = ["aws_cloud", "environment", "lambda_kit", "requests"];

/// Starts logging for the function of this name, at the level in `LOG_LEVEL`: `error`, `warn`, `info` (also if it is not
/// set), `debug` or `trace`, in lower or upper case. Another word counts as `info`, and a line says so. Calling it a second
/// time changes nothing.
///
/// `debug` and `trace` (in an optimised build the same) are for this project's crates only, everything else stays at `info`: the SDK logs whole requests
/// below that, and a record's request has a `ResponseURL` in it.
pub fn init_logging(name: &str) {
    let word = environment("LOG_LEVEL");
    let level = word.as_deref().map_or(Some(Level::INFO), level_of);
    let lines = lines(level.unwrap_or(Level::INFO), name, std::io::stderr);
    let started = lines.try_init().is_ok();
    if started && level.is_none() {
        tracing::warn!(value = word, "LOG_LEVEL is none of error, warn, info, debug and trace; taking info");
    }
}

fn level_of(word: &str) -> Option<Level> {
    let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
    levels.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(word))
}

/// What turns events into lines.
fn lines<W>(level: Level, name: &str, writer: W) -> impl SubscriberInitExt
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let json = tracing_subscriber::fmt::layer().json().with_writer(writer);
    // The span is the runtime's, with the id of the invocation; a list of one would say the same twice.
    let json = json.flatten_event(true).with_current_span(true).with_span_list(false);
    registry().with(filter(level, name)).with(json)
}

fn filter(level: Level, name: &str) -> Targets {
    let level = LevelFilter::from_level(level);
    let function = name.replace('-', "_");
    let ours = OURS.into_iter().chain([function.as_str()]).map(|target| (target, level));
    Targets::new().with_default(level.min(LevelFilter::INFO)).with_targets(ours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(level: Level, log: impl FnOnce()) -> Vec<Value> {
        let kept = Lines::default();
        let writer = kept.clone();
        let guard = lines(level, "custom-resource", move || writer.clone()).set_default();
        log();
        drop(guard);
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_is_one_object_with_its_fields_at_the_top() {
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
    fn the_libraries_beneath_stay_at_info_whatever_is_asked_for() {
        let lines = logged(Level::TRACE, || {
            tracing::trace!(target: "custom_resource::act", "ours");
            tracing::debug!(target: "requests::deliver", "ours");
            tracing::debug!(target: "aws_smithy_runtime::client::orchestrator", "a request with a secret in it");
            tracing::trace!(target: "hyper::proto", "bytes");
            tracing::info!(target: "aws_config::imds", "theirs");
        });
        let messages: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
        assert_eq!(messages, ["ours", "ours", "theirs"]);
    }

    #[test]
    fn a_higher_level_silences_everyone() {
        let lines = logged(Level::ERROR, || {
            tracing::warn!(target: "requests::deliver", "ours");
            tracing::info!(target: "aws_config::imds", "theirs");
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
