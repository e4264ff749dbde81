//! The built function at Lambda's runtime API (Lambda developer guide, "Using the Lambda runtime API"): a test tool, and an
//! emulator, may leave out the headers that a function does not need (aws-lambda-rust-runtime, pull request 332).
#![allow(clippy::expect_used, reason = "a test fails at unexpected data")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use serde_json::Value;
use test_support::sample;

/// Gives one event with the two headers that identify and limit the invocation, and sends the function's result.
fn serve(listener: &TcpListener, event: &Value, results: &Sender<String>) {
    let mut is_first = true;
    // The function waits for its next event on an open connection.
    let mut waiting = Vec::new();
    for mut connection in listener.incoming().map_while(Result::ok) {
        let (line, body) = read(&connection);
        if line.starts_with("POST ") {
            write(&mut connection, "202 Accepted", "", "{}");
            results.send(format!("{line}\n{body}")).expect("the test waits");
        } else if std::mem::take(&mut is_first) {
            let headers = "Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n\
                           Lambda-Runtime-Deadline-Ms: 4102444800000\r\n";
            write(&mut connection, "200 OK", headers, &event.to_string());
        } else {
            waiting.push(connection);
        }
    }
}

fn read(connection: &TcpStream) -> (String, String) {
    let mut reader = BufReader::new(connection);
    let lines: Vec<String> = reader.by_ref().lines().map_while(Result::ok).take_while(|it| !it.is_empty()).collect();
    let length = |line: &String| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok();
    let mut body = vec![0; lines.iter().find_map(length).unwrap_or_default()];
    reader.read_exact(&mut body).expect("the body");
    (lines.into_iter().next().unwrap_or_default(), String::from_utf8_lossy(&body).into_owned())
}

fn write(connection: &mut TcpStream, status: &str, headers: &str, body: &str) {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    connection.write_all(format!("{head}{body}").as_bytes()).expect("the function reads");
}

/// Ends the function with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_request_without_the_optional_headers_of_lambda_gets_a_response() {
    let event = sample("custom-resource", "create.json");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address").to_string();
    let (results, received) = channel();
    // The thread ends with the test's process.
    std::thread::spawn(move || serve(&listener, &event, &results));
    let mut function = Command::new(env!("CARGO_BIN_EXE_custom-resource"));
    let lambda = [("FUNCTION_NAME", "f"), ("FUNCTION_VERSION", "1"), ("FUNCTION_MEMORY_SIZE", "128")];
    let lambda = lambda.map(|(name, value)| (format!("AWS_LAMBDA_{name}"), value.to_owned()));
    function.env_clear().envs(lambda).env("AWS_LAMBDA_RUNTIME_API", address);
    // Without its settings the function calls no service.
    function.env("AWS_REGION", "us-west-2");
    let _running = Running(function.spawn().expect("the function starts"));
    let result = received.recv_timeout(Duration::from_mins(1)).expect("a result");
    assert!(result.contains("/response ") && result.contains("FAILED") && result.contains("RECORDS_TABLE"), "{result}");
}
