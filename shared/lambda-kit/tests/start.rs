//! The example as Lambda would run it: a process, its environment variables, and the runtime API.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where it finds nonsense")]

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};

/// Starts the example `echo` with these variables.
fn echo(runtime_api: &str, greeting: &str) -> Command {
    let mut command = example("echo", runtime_api);
    command.env("GREETING", greeting);
    command
}

/// Starts an example. It is built with the tests, beside them.
fn example(name: &str, runtime_api: &str) -> Command {
    let tests = std::env::current_exe().unwrap();
    let program = tests.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(program.exists(), "the example is built by a run of all tests of this crate, not of this file alone");
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

/// One request of the runtime: its first line and its body.
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

/// Hands out events one by one, and gives back what was answered to each; then the process is ended.
fn serve(name: &str, events: &[String]) -> (Vec<(String, Value)>, Output) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let runtime_api = listener.local_addr().unwrap().to_string();
    let mut child = example(name, &runtime_api).env("GREETING", "hello").spawn().unwrap();
    let (mut left, mut responses) = (events.iter(), Vec::new());
    while responses.len() < events.len() {
        let (mut stream, _) = listener.accept().unwrap();
        let (line, body) = read(&stream);
        let (status, response) = if line.starts_with("GET /2018-06-01/runtime/invocation/next ") {
            ("200 OK", left.next().unwrap().clone())
        } else {
            responses.push((line, serde_json::from_str(&body).unwrap()));
            ("202 Accepted", String::new())
        };
        write!(
            stream,
            "HTTP/1.1 {status}\r\nLambda-Runtime-Aws-Request-Id: 8476a536\r\nLambda-Runtime-Deadline-Ms: {}\r\n\
             Lambda-Runtime-Invoked-Function-Arn: arn\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{response}",
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
fn an_event_is_answered_and_the_log_is_json_on_stderr() {
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
fn a_panic_is_an_error_answer_and_the_next_event_is_served() {
    let (responses, _) = serve("echo", &["\"panic\"".to_owned(), "\"fine\"".to_owned()]);
    assert_eq!(responses[0].0, "POST /2018-06-01/runtime/invocation/8476a536/error HTTP/1.1");
    assert_eq!(responses[1].1["event"], "fine");
}

/// JSON that no `Value` can hold.
fn unreadable() -> Vec<String> {
    let nested = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
    vec![nested, "{\"a\": 1e999}".to_owned(), "[\"\\ud83d\"]".to_owned()]
}

#[test]
fn a_handler_of_text_gets_it_as_it_came() {
    let events = unreadable();
    let (responses, _) = serve("text", &events);
    let told: Vec<&Value> = responses.iter().map(|(_, response)| response).collect();
    assert_eq!(told, events.iter().map(|it| Value::from(it.as_str())).collect::<Vec<_>>().iter().collect::<Vec<_>>());
}

#[test]
fn an_event_that_no_value_can_hold_is_an_error_that_says_so_and_the_next_is_served() {
    let mut events = unreadable();
    events.push("\"fine\"".to_owned());
    let (responses, _) = serve("echo", &events);
    for (line, response) in &responses[..3] {
        assert_eq!(line, "POST /2018-06-01/runtime/invocation/8476a536/error HTTP/1.1");
        let told = response["errorMessage"].as_str().unwrap();
        assert!(told.starts_with("the event can't be read: ") && told.contains("line 1 column"), "{told}");
    }
    assert_eq!(responses[3].1["event"], "fine");
}

#[test]
fn a_bad_setting_ends_the_start_and_is_named() {
    let output = echo("127.0.0.1:9", "").output().unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("GREETING") && told.contains("any word"), "{told}");
}
