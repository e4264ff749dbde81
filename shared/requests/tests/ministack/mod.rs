//! A ministack of our own: started on a free port, asked until it answers, killed with the test.

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
    /// Starts it and waits for its first answer, 20 s at most.
    pub async fn start() -> Ministack {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/venv/bin/ministack");
        assert!(program.exists(), "ministack is not there: run `make tools` in the project's folder first");
        let port = free_port();
        let mut command = Command::new(program);
        command.env("BIND_HOST", "127.0.0.1").env("GATEWAY_PORT", port.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("ministack starts");
        let mut ministack = Ministack { child, port };
        ministack.wait().await;
        ministack
    }

    pub fn dynamodb(&self) -> Client {
        client(&format!("http://127.0.0.1:{}", self.port))
    }

    /// Whoever answers has to be our own child: one that found its port taken is not running any more.
    async fn wait(&mut self) {
        for _ in 0..200 {
            let ended = self.child.try_wait().expect("the child can be asked");
            assert!(ended.is_none(), "ministack ended at once ({ended:?}): run it by hand to see why");
            if self.dynamodb().list_tables().send().await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("ministack does not answer on port {} within 20 s", self.port);
    }
}

impl Drop for Ministack {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client of an emulator: it believes any credentials.
pub fn client(endpoint: &str) -> Client {
    let nobody = Credentials::new("nobody", "nothing", None, None, "test");
    let config = Config::builder().behavior_version(BehaviorVersion::latest());
    let config = config.region(Region::new("us-west-2")).credentials_provider(nobody);
    Client::from_conf(config.endpoint_url(endpoint).build())
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
