//! A host on 127.0.0.1 with scripted responses, which keeps the requests that it received.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub enum Response {
    /// A status line without the protocol, such as `200 OK`.
    Status(&'static str),
    /// A status line with a `Location`.
    Redirect(&'static str, String),
    /// The connection is closed after the request was read.
    Reset,
    /// The request is read and gets no response.
    Silence,
}

/// Accepts one connection for each response, in order, and no more.
pub struct Host {
    /// Address and port.
    pub name: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Host {
    pub async fn responding(responses: Vec<Response>) -> Host {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let name = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let received = Arc::clone(&requests);
        tokio::spawn(async move {
            for response in responses {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read(&mut stream).await;
                received.lock().unwrap().push(request);
                respond(stream, response).await;
            }
        });
        Host { name, requests }
    }

    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn respond(mut stream: TcpStream, response: Response) {
    let head = match response {
        Response::Status(status) => format!("HTTP/1.1 {status}\r\n"),
        Response::Redirect(status, to) => format!("HTTP/1.1 {status}\r\nLocation: {to}\r\n"),
        Response::Reset => return,
        Response::Silence => std::future::pending().await,
    };
    let tail = "Content-Length: 0\r\nConnection: close\r\n\r\n";
    stream.write_all(format!("{head}{tail}").as_bytes()).await.unwrap();
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
