//! A service of AWS over HTTP that answers with the responses of a test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};

/// A request of a client.
#[derive(Debug)]
pub struct Request {
    /// Method and path with query.
    pub line: String,
    /// The operation, where the service's protocol is JSON.
    pub target: String,
    pub body: String,
}

/// Starts the service, and returns the configuration for its clients. A response is a status and a body; `None` is a
/// lost response.
pub fn service(response: impl Fn(Request) -> Option<(u16, String)> + Send + Sync + 'static) -> SdkConfig {
    binary_service(move |request| response(request).map(|(status, body)| (status, body.into_bytes())))
}

/// The same, for a service whose protocol is binary (CBOR).
pub fn binary_service(response: impl Fn(Request) -> Option<(u16, Vec<u8>)> + Send + Sync + 'static) -> SdkConfig {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let response = Arc::new(response);
    // The threads end with the test's process.
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let response = Arc::clone(&response);
            std::thread::spawn(move || {
                if let Some((status, body)) = response(read(&connection)) {
                    write(&connection, status, &body);
                }
            });
        }
    });
    let credentials = Credentials::new("key", "secret", None, None, "tests");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(format!("http://{address}"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

fn read(connection: &TcpStream) -> Request {
    let mut reader = BufReader::new(connection);
    let (mut line, mut target, mut length) = (String::new(), String::new(), 0);
    for (number, text) in reader.by_ref().lines().map_while(Result::ok).take_while(|it| !it.is_empty()).enumerate() {
        if let Some(value) = text.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if let Some(value) = text.strip_prefix("x-amz-target:") {
            value.trim().split('.').next_back().unwrap_or_default().clone_into(&mut target);
        }
        if number == 0 {
            line = text;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the body");
    Request { line, target, body: String::from_utf8_lossy(&body).into_owned() }
}

fn write(mut connection: &TcpStream, status: u16, body: &[u8]) {
    let head = format!("HTTP/1.1 {status} It\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    // The client may have disconnected.
    let _ = connection.write_all(&[head.as_bytes(), body].concat());
}
