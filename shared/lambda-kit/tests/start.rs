//! The examples as Lambda runs them: a process with environment variables that calls the runtime API.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first unexpected value")]

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};

/// The example `echo` with these variables.
fn echo(runtime_api: &str, greeting: &str) -> Command {
    let mut command = example("echo", runtime_api);
    command.env("GREETING", greeting);
    command
}

/// An example as a command. Cargo builds the examples together with the tests, into the neighbouring folder.
fn example(name: &str, runtime_api: &str) -> Command {
    let tests = std::env::current_exe().unwrap();
    let program = tests.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(
        program.exists(),
        "a run of all tests of this crate builds the examples; a run of this file alone does not"
    );
    let mut command = Command::new(program);
    command.env("AWS_LAMBDA_RUNTIME_API", runtime_api);
    for (name, value) in [
        ("AWS_LAMBDA_FUNCTION_NAME", name),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("LOG_LEVEL", "loud"),
    ] {
        command.env(name, value);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// One request of the runtime: the request line and the body.
fn read(stream: &TcpStream) -> (String, String) {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    while lines.last().is_none_or(|line: &String| !line.trim().is_empty()) {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        lines.push(line);
    }
    let length = lines.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    (lines[0].trim().to_owned(), String::from_utf8(body).unwrap())
}

/// Serves the events one by one and returns the request line and the body of each response. The process is killed
/// afterwards.
fn serve(name: &str, events: &[String]) -> (Vec<(String, Value)>, Output) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let runtime_api = listener.local_addr().unwrap().to_string();
    let mut child = example(name, &runtime_api).env("GREETING", "hello").spawn().unwrap();
    let (mut pending, mut responses) = (events.iter(), Vec::new());
    while responses.len() < events.len() {
        let (mut stream, _) = listener.accept().unwrap();
        let (line, body) = read(&stream);
        let (status, response) = if line.starts_with("GET /2018-06-01/runtime/invocation/next ") {
            ("200 OK", pending.next().unwrap().clone())
        } else {
            responses.push((line, serde_json::from_str(&body).unwrap()));
            ("202 Accepted", String::new())
        };
        write!(
            stream,
            "HTTP/1.1 {status}\r\nLambda-Runtime-Aws-Request-Id: 8476a536\r\nLambda-Runtime-Deadline-Ms: {}\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{response}",
            lambda_kit::now_ms() + 3_600_000,
            response.len()
        )
        .unwrap();
    }
    child.kill().unwrap();
    (responses, child.wait_with_output().unwrap())
}

fn log_lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[test]
fn an_event_gets_a_response_and_the_log_is_json_on_stderr() {
    let (responses, output) = serve("echo", &[json!({ "MinSize": "2" }).to_string()]);
    let (line, response) = &responses[0];
    assert_eq!(line, "POST /2018-06-01/runtime/invocation/8476a536/response HTTP/1.1");
    assert_eq!(*response, json!({ "greeting": "hello", "event": { "MinSize": "2" }, "id": "8476a536" }));

    assert_eq!(output.stdout, b"");
    let lines = log_lines(&output);
    let messages: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert!(messages[0].contains("LOG_LEVEL is none of"), "{messages:?}");
    assert_eq!(lines[1]["function"], "echo");
    let echoed = lines.iter().find(|line| line["message"] == "echoed").unwrap();
    assert_eq!(echoed["span"]["requestId"], "8476a536");
    assert!(echoed["left_s"].as_u64().is_some_and(|left| (3_000..=3_600).contains(&left)), "{echoed}");
}

#[test]
fn a_panic_is_an_error_response_and_the_next_event_is_served() {
    let (responses, _) = serve("echo", &["\"panic\"".to_owned(), "\"fine\"".to_owned()]);
    assert_eq!(responses[0].0, "POST /2018-06-01/runtime/invocation/8476a536/error HTTP/1.1");
    assert_eq!(responses[1].1["event"], "fine");
}

/// Operators filter failed invocations by this name, so a Rust type path must not appear in it.
#[test]
fn a_failed_invocation_reports_an_error_type_of_this_project() {
    let mut events = unreadable();
    events.extend(["\"fail\"".to_owned(), "\"panic\"".to_owned()]);
    let (responses, _) = serve("echo", &events);
    let error_types: Vec<_> = responses.iter().map(|(_, body)| body["errorType"].as_str().unwrap()).collect();
    let invalid = "Envkeeper.InvalidEvent";
    assert_eq!(error_types, [invalid, invalid, invalid, "Envkeeper.Unhandled", "Envkeeper.Panic"]);
    let messages: Vec<_> = responses.iter().map(|(_, body)| body["errorMessage"].as_str().unwrap()).collect();
    assert_eq!(messages[3..], ["requested by the event", "the handler panicked: requested by the event"]);
}

/// JSON that a `Value` cannot represent.
fn unreadable() -> Vec<String> {
    let nested = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
    vec![nested, "{\"a\": 1e999}".to_owned(), "[\"\\ud83d\"]".to_owned()]
}

#[test]
fn a_text_handler_receives_the_event_unchanged() {
    let events = unreadable();
    let (responses, _) = serve("text", &events);
    let received: Vec<Value> = responses.into_iter().map(|(_, response)| response).collect();
    assert_eq!(received, events.into_iter().map(Value::from).collect::<Vec<_>>());
}

#[test]
fn an_event_that_a_value_cannot_represent_is_an_error_response_and_the_next_event_is_served() {
    let mut events = unreadable();
    events.push("\"fine\"".to_owned());
    let (responses, _) = serve("echo", &events);
    for (line, response) in &responses[..3] {
        assert_eq!(line, "POST /2018-06-01/runtime/invocation/8476a536/error HTTP/1.1");
        let message = response["errorMessage"].as_str().unwrap();
        assert!(message.starts_with("the event can't be read: ") && message.contains("line 1 column"), "{message}");
    }
    assert_eq!(responses[3].1["event"], "fine");
}

#[test]
fn an_invalid_setting_stops_the_start_and_its_name_is_logged() {
    let output = echo("127.0.0.1:9", "").output().unwrap();
    assert!(!output.status.success());
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("GREETING") && log.contains("any word"), "{log}");
}
