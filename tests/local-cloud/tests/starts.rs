//! The real program with the real emulators: start, routing, record of calls, stop.
#![allow(clippy::unwrap_used, reason = "an unexpected response stops the test")]

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
use local_cloud::{element::Element, http::Http};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Far more than the duration of any wait: a slow machine must not cause a failure.
const LIMIT: Duration = Duration::from_mins(1);

#[tokio::test]
async fn the_local_cloud_starts_routes_records_and_stops_without_leftovers() {
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
    // A fork of `moto_forks.py` ends when it sees the end of the process that asked for it.
    let is_closed = async || emulators.iter().all(|address| TcpStream::connect(address).is_err());
    wait_until("no emulator accepts connections", is_closed).await;
    assert!(!cloud.exports().exists(), "the exports file must not outlive the local cloud");
    let left = fs::read_dir(cloud.folder.join("logs")).unwrap();
    let left = left.map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(left.len(), 2, "only the two logs remain: {left:?}");
}

#[tokio::test]
async fn a_group_launches_instances_in_ec2_and_terminates_them() {
    let cloud = LocalCloud::start("group");
    let url = cloud.url();
    let Network { subnets, security_group, template } = Network::create(&url).await;
    let group = format!(
        "AutoScalingGroupName=web&MinSize=2&MaxSize=2&VPCZoneIdentifier={}\
         &LaunchTemplate.LaunchTemplateId={template}&LaunchTemplate.Version",
        subnets.join(",")
    );
    let (status, body) = auto_scaling(&url, &format!("CreateAutoScalingGroup&{group}=3")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let unknown =
        format!("<Message>Could not find the specified version 3 for the launch template with ID {template}.</");
    assert!(body.contains(&unknown), "{body}");
    fail_launches(&url, "count=2&reason=no+room").await;
    let (status, body) = auto_scaling(&url, &format!("CreateAutoScalingGroup&{group}=2")).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    wait_until("two instances in service", async || in_service(&url).await == 2).await;
    let (_, body) = auto_scaling(&url, "DescribeScalingActivities&AutoScalingGroupName=web").await;
    assert_eq!(body.matches("Status Reason: no room. Launching EC2 instance failed.").count(), 2, "{body}");

    assert_eq!(instance_texts(&url, "subnetId").await, subnets);
    assert_eq!(instance_texts(&url, "groupSet/item/groupId").await, [security_group.as_str(), &security_group]);
    assert_eq!(instance_texts(&url, "instanceState/name").await, ["running", "running"]);

    // EC2's termination protection stops users, and not the group.
    for instance in instance_texts(&url, "instanceId").await {
        let protected = "DisableApiTermination.Value=true";
        ec2(&url, &format!("ModifyInstanceAttribute&InstanceId={instance}&{protected}")).await;
        let (status, body) = ec2_call(&url, &format!("TerminateInstances&InstanceId.1={instance}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(body.contains("<Code>OperationNotPermitted</Code>"), "{body}");
    }

    let (status, body) = auto_scaling(&url, "DeleteAutoScalingGroup&AutoScalingGroupName=web").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body.contains("<Code>ResourceInUse</Code>"), "{body}");
    auto_scaling(&url, "DeleteAutoScalingGroup&AutoScalingGroupName=web&ForceDelete=true").await;
    wait_until("the deletion of the group", async || {
        !auto_scaling(&url, "DescribeAutoScalingGroups").await.1.contains("web")
    })
    .await;
    assert_eq!(instance_texts(&url, "instanceState/name").await, ["terminated", "terminated"]);
    let calls = cloud.recorded().await;
    assert!(calls.contains(&"autoscaling CreateAutoScalingGroup 200 tester".to_owned()), "{calls:?}");
    assert!(
        !calls.iter().any(|call| call.contains("RunInstances")),
        "Auto Scaling's own actions are not recorded as calls"
    );
}

#[tokio::test]
async fn saved_queries_are_handled_here_and_log_groups_by_ministack() {
    let cloud = LocalCloud::start("queries");
    let url = cloud.url();
    let logs = async |operation: &str, input: &str| {
        let target = format!("Logs_20140328.{operation}");
        let headers = [("x-amz-target", target.as_str()), ("content-type", "application/x-amz-json-1.1")];
        let (status, body) = call(&url, "logs", &headers, input).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    };
    logs("CreateLogGroup", r#"{"logGroupName": "/aws/ec2/web"}"#).await;
    assert!(logs("DescribeLogGroups", "{}").await.contains("/aws/ec2/web"));
    logs("PutQueryDefinition", r#"{"name": "web/errors", "queryString": "fields @message"}"#).await;
    let found = logs("DescribeQueryDefinitions", r#"{"queryDefinitionNamePrefix": "web/"}"#).await;
    assert!(found.contains(r#""name":"web/errors""#), "{found}");
}

#[test]
fn without_a_venv_the_error_names_the_command_to_run() {
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
    /// Starts the local cloud in a separate folder and waits until it is ready.
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
            assert_eq!(ended, None, "the local cloud exited at start; the reason is on stderr");
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

    /// Each recorded call as one line of text.
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

    /// The addresses of the emulators, from their logs.
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
        within_limit("the exit", || self.child.try_wait().unwrap())
    }
}

impl Drop for LocalCloud {
    /// Stops the local cloud: a failed test must not leave emulators running.
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

/// The network and the template that a group needs: subnets in two zones, in the order of their ids, and a template
/// whose version 2 has user data and the security group in a network interface.
struct Network {
    subnets: [String; 2],
    security_group: String,
    template: String,
}

impl Network {
    async fn create(url: &str) -> Self {
        let vpc = id(&ec2(url, "CreateVpc&CidrBlock=10.0.0.0/16").await, "vpc/vpcId");
        let subnet = async |zone: &str, number: u8| {
            let location = format!("CidrBlock=10.0.{number}.0/24&AvailabilityZone=us-west-2{zone}");
            id(&ec2(url, &format!("CreateSubnet&VpcId={vpc}&{location}")).await, "subnet/subnetId")
        };
        let mut subnets = [subnet("a", 1).await, subnet("b", 2).await];
        subnets.sort();
        let security_group = format!("CreateSecurityGroup&VpcId={vpc}&GroupName=web&GroupDescription=web");
        let security_group = id(&ec2(url, &security_group).await, "groupId");
        let data = "LaunchTemplateData.ImageId=ami-1&LaunchTemplateData.InstanceType=t3.micro";
        let template = ec2(url, &format!("CreateLaunchTemplate&LaunchTemplateName=web&{data}")).await;
        let template = id(&template, "launchTemplate/launchTemplateId");
        let interface = "LaunchTemplateData.NetworkInterface.1";
        let second = format!(
            "{data}&LaunchTemplateData.UserData=IyEvYmluL3No&{interface}.DeviceIndex=0\
             &{interface}.SecurityGroupId.1={security_group}"
        );
        ec2(url, &format!("CreateLaunchTemplateVersion&LaunchTemplateId={template}&{second}")).await;
        Self { subnets, security_group, template }
    }
}

/// The text at a path of each instance of the group `web` in EC2, sorted.
async fn instance_texts(url: &str, path: &str) -> Vec<String> {
    let filter = "Filter.1.Name=tag:aws:autoscaling:groupName&Filter.1.Value.1=web";
    let response = ec2(url, &format!("DescribeInstances&{filter}")).await;
    let instances = response.items("reservationSet").iter().flat_map(|it| it.items("instancesSet"));
    let mut texts: Vec<String> = instances.map(|instance| id(instance, path)).collect();
    texts.sort();
    texts
}

async fn auto_scaling(url: &str, form: &str) -> (StatusCode, String) {
    let form_type = [("content-type", "application/x-www-form-urlencoded")];
    call(url, "autoscaling", &form_type, &format!("Version=2011-01-01&Action={form}")).await
}

/// The number of instances in service, over all groups.
async fn in_service(url: &str) -> usize {
    let (_, body) = auto_scaling(url, "DescribeAutoScalingInstances").await;
    body.matches("<LifecycleState>InService</LifecycleState>").count()
}

async fn fail_launches(url: &str, query: &str) {
    let control = format!("{url}/_local-cloud/auto-scaling/fail-launches?{query}");
    let (status, body) = send(Method::POST, &control, &[], "").await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
}

async fn ec2_call(url: &str, form: &str) -> (StatusCode, String) {
    let form_type = [("content-type", "application/x-www-form-urlencoded")];
    call(url, "ec2", &form_type, &format!("Version=2016-11-15&Action={form}")).await
}

async fn ec2(url: &str, form: &str) -> Element {
    let (status, body) = ec2_call(url, form).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    Element::parse(&body).unwrap()
}

fn id(response: &Element, path: &str) -> String {
    response.text_of(path).unwrap().to_owned()
}

async fn wait_until(goal: &str, mut is_done: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !is_done().await {
        assert!(start.elapsed() < LIMIT, "timed out waiting for {goal}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
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

fn within_limit<T>(goal: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(start.elapsed() < LIMIT, "timed out waiting for {goal}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
