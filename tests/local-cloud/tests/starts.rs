//! The real program with the real emulators: started, used, recorded, stopped.
#![allow(clippy::unwrap_used, reason = "a test stops where it finds nonsense")]

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, StatusCode};
use local_cloud::http::Http;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Far more than it takes: a busy machine is no failure.
const LIMIT: Duration = Duration::from_mins(1);

#[tokio::test]
async fn it_starts_routes_records_and_leaves_nothing_behind() {
    let mut cloud = LocalCloud::start("used");
    let url = cloud.url();

    let vpc = "Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0/16";
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let (status, body) = call(&url, "ec2", &form, vpc).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert!(body.contains("<vpcId>vpc-"), "{body}");

    let target = [("x-amz-target", "DynamoDB_20120810.DescribeTable")];
    let table = r#"{"TableName": "envkeeper-records"}"#;
    let (status, body) = call(&url, "dynamodb", &target, table).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert!(body.contains(r#""AttributeName": "pk""#), "{body}");

    let calls = cloud.recorded().await;
    assert_eq!(calls, ["ec2 CreateVpc 200 tester", "dynamodb DescribeTable 200 tester"]);
    let record = fs::read_to_string(cloud.folder.join("calls.jsonl")).unwrap();
    assert_eq!(record.lines().count(), 2, "{record}");
    send(Method::DELETE, &format!("{url}/_local-cloud/calls"), &[], "").await;
    assert!(cloud.recorded().await.is_empty());

    let emulators = cloud.emulators();
    assert!(emulators.iter().all(|address| TcpStream::connect(address).is_ok()));
    assert!(cloud.stop().success());
    for address in emulators {
        assert!(TcpStream::connect(&address).is_err(), "{address} still answers");
    }
    assert!(!cloud.exports().exists(), "the exports promise a cloud that is gone");
    let left = fs::read_dir(cloud.folder.join("logs")).unwrap();
    let left = left.map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(left.len(), 2, "only the two logs should be left: {left:?}");
}

#[test]
fn without_a_venv_it_says_what_to_run() {
    let output = Command::new(env!("CARGO_BIN_EXE_local-cloud")).args(["--tools", "/nonexistent"]).output();
    let Output { status, stderr, .. } = output.unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert!(!status.success());
    assert!(stderr.contains("/nonexistent/bin/ministack is missing"), "{stderr}");
    assert!(stderr.contains("make tools"), "{stderr}");
}

struct LocalCloud {
    child: Child,
    folder: PathBuf,
}

impl LocalCloud {
    /// Starts it in a folder of its own and waits until it is ready.
    fn start(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/venv");
        assert!(venv.join("bin/python").exists(), "no Python venv in .tools/venv: run `make tools` first");
        let child = Command::new(env!("CARGO_BIN_EXE_local-cloud"))
            .arg("--tools")
            .arg(venv)
            .args(["--logs", "logs", "--exports", "exports.sh", "--record", "calls.jsonl"])
            .current_dir(&folder)
            .stdout(Stdio::null())
            .spawn();
        let mut cloud = Self { child: child.unwrap(), folder };
        within_limit("the exports", || {
            let ended = cloud.child.try_wait().unwrap();
            assert_eq!(ended, None, "it ended at start; it says why on stderr");
            cloud.exports().exists().then_some(())
        });
        cloud
    }

    fn exports(&self) -> PathBuf {
        self.folder.join("exports.sh")
    }

    fn url(&self) -> String {
        let exports = fs::read_to_string(self.exports()).unwrap();
        let mut lines = exports.lines();
        let url = lines.find_map(|line| line.strip_prefix("export AWS_ENDPOINT_URL="));
        url.unwrap().to_owned()
    }

    /// Each recorded call as one line.
    async fn recorded(&self) -> Vec<String> {
        let url = format!("{}/_local-cloud/calls", self.url());
        let (_, body) = send(Method::GET, &url, &[], "").await;
        let calls: Vec<Value> = serde_json::from_str(&body).unwrap();
        let line = |call: &Value| {
            let fields = ["service", "operation", "status", "access_key"];
            fields.map(|field| call[field].to_string().replace('"', "")).join(" ")
        };
        calls.iter().map(line).collect()
    }

    /// Where the emulators listen, from what they say themselves.
    fn emulators(&self) -> [String; 2] {
        ["moto.log", "ministack.log"].map(|log| {
            let log = fs::File::open(self.folder.join("logs").join(log)).unwrap();
            let mut lines = BufReader::new(log).lines().map(Result::unwrap);
            let line = lines.find_map(|line| Some(line.split_once("on http://")?.1.to_owned()));
            line.unwrap().split(' ').next().unwrap().to_owned()
        })
    }

    fn stop(&mut self) -> ExitStatus {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        within_limit("its end", || self.child.try_wait().unwrap())
    }
}

impl Drop for LocalCloud {
    /// A test that failed half-way must not leave emulators behind.
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.stop();
        }
    }
}

async fn call(url: &str, service: &str, headers: &[(&str, &str)], body: &str) -> (StatusCode, String) {
    let scope = format!("Credential=tester/20260101/us-west-2/{service}/aws4_request");
    let signature = format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0");
    let mut headers = headers.to_vec();
    headers.push(("authorization", &signature));
    send(Method::POST, url, &headers, body).await
}

async fn send(method: Method, url: &str, headers: &[(&str, &str)], body: &str) -> (StatusCode, String) {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::from(body.to_owned())).unwrap();
    let (head, body) = Http::default().send(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status, String::from_utf8(body.to_vec()).unwrap())
}

fn within_limit<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(start.elapsed() < LIMIT, "waited for {what} in vain");
        std::thread::sleep(Duration::from_millis(20));
    }
}
