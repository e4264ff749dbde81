//! A host on 127.0.0.1 that answers by script and keeps what it was sent.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub enum Response {
    /// A status line without the protocol, such as `200 OK`.
    Status(&'static str),
    /// The same with a `Location`.
    Redirect(&'static str, String),
    /// The connection is closed after the request was read.
    Reset,
    /// The request is read and nothing follows.
    Silence,
}

/// One connection for each answer, in order; more are not accepted.
pub struct Host {
    /// Address and port.
    pub name: String,
    value: Arc<Mutex<Vec<String>>>,
}

impl Host {
    pub async fn answering(responses: Vec<Response>) -> Host {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let name = listener.local_addr().unwrap().to_string();
        let value = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&value);
        tokio::spawn(async move {
            for response in responses {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read(&mut stream).await;
                kept.lock().unwrap().push(request);
                respond(stream, response).await;
            }
        });
        Host { name, value }
    }

    pub fn value(&self) -> Vec<String> {
        self.value.lock().unwrap().clone()
    }
}

async fn respond(mut stream: TcpStream, response: Response) {
    let head = match response {
        Response::Status(status) => format!("HTTP/1.1 {status}\r\n"),
        Response::Redirect(status, to) => format!("HTTP/1.1 {status}\r\nLocation: {to}\r\n"),
        Response::Reset => return,
        Response::Silence => std::future::pending().await,
    };
    let rest = "Content-Length: 0\r\nConnection: close\r\n\r\n";
    stream.write_all(format!("{head}{rest}").as_bytes()).await.unwrap();
}

/// Reads head and body by the content length.
async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while !is_whole(&bytes) && stream.read_buf(&mut bytes).await.unwrap() > 0 {}
    String::from_utf8(bytes).unwrap()
}

fn is_whole(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    request.len() - end - 4 >= length.unwrap_or(0)
}
