//! A service with recorded results, a terminal with prepared answers, and runs of the command line with both.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs;
use std::path::PathBuf;

use clap::Parser as _;
use environment::Deployment;
use envkeeper::arguments::Arguments;
use envkeeper::console::Console;
use envkeeper::exit::Exit;
use envkeeper::run::{Surroundings, run};
use envkeeper::service::{LogEvent, LogPage, LogQuery, Service, ServiceError};
use ledger::read::{Reading, body};
use serde_json::Value;

/// 2026-01-02T06:00:00Z, after the samples of the ledger.
pub const NOW_MS: u64 = 1_767_333_600_000;

pub const DEV: &str = "scalable-ec2-us-west-2-dev";

/// A path in the folder of the tests.
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// A recorded result.
pub fn result(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(path(&format!("results/{name}.json"))).unwrap()).unwrap()
}

/// The lines that a sample of `events/scaling-log` results in.
pub fn ledger_lines(sample: &str) -> Vec<LogEvent> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events/scaling-log");
    let text = fs::read_to_string(root.join(format!("{sample}.json"))).unwrap();
    let deployment =
        Deployment { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() };
    let Reading::Entries { entries, .. } = body(&deployment, &text, NOW_MS).unwrap() else { panic!("{sample}") };
    let event = |it: &ledger::Entry| LogEvent { at_ms: it.at_ms, stream: "asg/2026-01-02".into(), text: it.line() };
    entries.iter().map(event).collect()
}

/// A service that answers in the order of its prepared results, and records each call.
#[derive(Default)]
pub struct FakeService {
    results: RefCell<VecDeque<Result<Value, ServiceError>>>,
    logs: RefCell<VecDeque<Result<LogPage, ServiceError>>>,
    pub invoked: RefCell<Vec<(String, Value)>>,
    pub queried: RefCell<Vec<LogQuery>>,
    no_credentials: bool,
}

impl FakeService {
    /// A service with these recorded results.
    pub fn with(names: &[&str]) -> FakeService {
        let results = names.iter().map(|name| Ok(result(name))).collect();
        FakeService { results: RefCell::new(results), ..FakeService::default() }
    }

    pub fn failing(error: ServiceError) -> FakeService {
        FakeService { results: RefCell::new(VecDeque::from([Err(error)])), ..FakeService::default() }
    }

    pub fn answering(results: &[Value]) -> FakeService {
        let results = results.iter().cloned().map(Ok).collect();
        FakeService { results: RefCell::new(results), ..FakeService::default() }
    }

    /// The pages that the queries of log events return.
    pub fn with_logs(self, pages: Vec<LogPage>) -> FakeService {
        FakeService { logs: RefCell::new(pages.into_iter().map(Ok).collect()), ..self }
    }

    /// The first query of log events fails.
    pub fn failing_first(self, error: ServiceError) -> FakeService {
        self.logs.borrow_mut().push_front(Err(error));
        self
    }

    pub fn without_credentials(self) -> FakeService {
        FakeService { no_credentials: true, ..self }
    }

    /// The names of the functions and requests, in the order of the calls.
    pub fn requests(&self) -> Vec<String> {
        let invoked = self.invoked.borrow();
        invoked
            .iter()
            .map(|(function, request)| format!("{function} {}", request["Request"].as_str().unwrap()))
            .collect()
    }
}

impl Service for FakeService {
    async fn invoke(&self, function: &str, request: &Value) -> Result<Value, ServiceError> {
        self.invoked.borrow_mut().push((function.to_owned(), request.clone()));
        // An SDK's call yields to the runtime.
        tokio::task::yield_now().await;
        self.results.borrow_mut().pop_front().expect("a prepared result")
    }

    async fn log_events(&self, query: &LogQuery) -> Result<LogPage, ServiceError> {
        self.queried.borrow_mut().push(query.clone());
        self.logs.borrow_mut().pop_front().unwrap_or_else(|| Ok(LogPage::default()))
    }

    async fn credentials(&self) -> Result<String, ServiceError> {
        if self.no_credentials {
            return Err(ServiceError::NoCredentials { reason: "the profile has none".into() });
        }
        Ok("access key ending in WXYZ".into())
    }
}

/// A terminal, or none, with the answer to each question.
#[derive(Default)]
pub struct FakeConsole {
    pub is_terminal: bool,
    pub answer: Option<bool>,
    pub out: String,
    pub notes: String,
}

impl Console for FakeConsole {
    fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    fn can_ask(&self) -> bool {
        self.answer.is_some()
    }

    fn print(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn note(&mut self, text: &str) {
        self.notes.push_str(text);
    }

    fn ask(&mut self, question: &str) -> bool {
        self.notes.push_str(question);
        self.answer.expect("a terminal")
    }
}

/// The golden output of a verb, plain and as JSON: over recorded results, or over `service: …`, which is built for each run.
macro_rules! golden {
    ($name:expr, $line:expr, service: $service:expr) => {{
        let line: &str = $line.as_ref();
        let plain = crate::fixture::run_line(line, &$service);
        insta::assert_snapshot!($name, plain.golden());
        let json = crate::fixture::run_line(&format!("{line} --json"), &$service);
        assert_eq!(json.exit, plain.exit);
        let document = json.document();
        assert_eq!(document["schema"], 1);
        assert_eq!(document["exit"], plain.exit.code());
        assert_eq!(document["verb"], line.split(' ').next().unwrap());
        insta::assert_snapshot!(format!("{}-json", $name), serde_json::to_string_pretty(&document["result"]).unwrap());
        plain.exit
    }};
    ($name:expr, $line:expr, $results:expr) => {
        crate::fixture::golden!($name, $line, service: crate::fixture::FakeService::with($results))
    };
}

pub(crate) use golden;

/// The output of a run.
pub struct Output {
    pub exit: Exit,
    pub out: String,
    pub notes: String,
}

impl Output {
    /// The exit code, the output and the error output, for a golden file.
    pub fn golden(&self) -> String {
        let notes = if self.notes.is_empty() { String::new() } else { format!("--- stderr\n{}", self.notes) };
        format!("exit {}\n{}{notes}", self.exit.code(), self.out)
    }

    /// The document of `--json`.
    pub fn document(&self) -> Value {
        assert_eq!(self.out.lines().count(), 1, "{}", self.out);
        serde_json::from_str(&self.out).unwrap()
    }
}

/// Runs a command line without a terminal.
pub fn run_line(line: &str, service: &FakeService) -> Output {
    run_on(line, service, FakeConsole::default())
}

/// Runs a command line on a terminal whose user answers each question with `answer`.
pub fn run_asked(line: &str, service: &FakeService, answer: bool) -> Output {
    run_on(line, service, FakeConsole { answer: Some(answer), ..FakeConsole::default() })
}

/// Runs a command line, in us-west-2.
pub fn run_on(line: &str, service: &FakeService, console: FakeConsole) -> Output {
    let words = std::iter::once("envkeeper").chain(line.split_whitespace());
    run_in(Some("us-west-2"), &Arguments::try_parse_from(words).unwrap(), service, console)
}

/// Runs arguments in a region, with virtual time.
pub fn run_in(region: Option<&str>, arguments: &Arguments, service: &FakeService, mut console: FakeConsole) -> Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let surroundings = Surroundings {
        service,
        region,
        caller: "kim@laptop",
        now_ms: || NOW_MS,
        allows_colour: true,
        console: &mut console,
    };
    let exit = runtime.block_on(run(arguments, surroundings));
    Output { exit, out: console.out, notes: console.notes }
}
