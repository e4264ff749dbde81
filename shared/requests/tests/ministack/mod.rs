//! A separate ministack for one test: started on a free port, polled until the first response, killed with the test.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub struct Ministack {
    child: Child,
    port: u16,
}

impl Ministack {
    /// Starts ministack and waits for the first response, 20 s at most.
    pub async fn start() -> Ministack {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/venv/bin/ministack");
        assert!(program.exists(), "ministack is not installed: run `make tools` in the project's folder first");
        let port = free_port();
        let mut command = Command::new(program);
        command.env("BIND_HOST", "127.0.0.1").env("GATEWAY_PORT", port.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("ministack starts");
        let mut ministack = Ministack { child, port };
        ministack.poll().await;
        ministack
    }

    pub fn dynamodb(&self) -> Client {
        client(&format!("http://127.0.0.1:{}", self.port))
    }

    /// The responder has to be this child process: a ministack that found the port taken is not running any more.
    async fn poll(&mut self) {
        for _ in 0..600 {
            let exit = self.child.try_wait().expect("the child has a status");
            assert!(exit.is_none(), "ministack exited at once ({exit:?}): run it manually to see the error");
            if self.dynamodb().list_tables().send().await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("ministack did not respond on port {} within a minute", self.port);
    }
}

impl Drop for Ministack {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client of an emulator, which accepts any credentials.
pub fn client(endpoint: &str) -> Client {
    let credentials = Credentials::new("fake-access-key", "fake-secret", None, None, "test");
    let config = Config::builder().behavior_version(BehaviorVersion::latest());
    let config = config.region(Region::new("us-west-2")).credentials_provider(credentials);
    Client::from_conf(config.endpoint_url(endpoint).build())
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
