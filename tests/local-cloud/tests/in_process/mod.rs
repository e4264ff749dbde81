//! The local cloud in the test's own process: the end of the test stops the local cloud.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use aws_config::{AppName, BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, StatusCode};
use local_cloud::{
    auto_scaling::AutoScalingService,
    ec2::Ec2,
    ec2_additions::Ec2Additions,
    ec2_catalog::Ec2Catalog,
    ec2_gaps::Ec2Gaps,
    emulators::Emulators,
    event_bridge::EventBridge,
    faults::Faults,
    http::Http,
    latency::LatencyTable,
    message_moves::MessageMoves,
    ministack::Ministack,
    policies::Policies,
    recorder::Recorder,
    rejections::Rejections,
    router::{self, Router},
    saved_queries::SavedQueries,
    service_quotas::ServiceQuotas,
};
use tokio::net::TcpListener;

/// The time-out of a client's call, far more than any call takes: moto's first call to a service loads the service, and
/// a slow machine must not cause a failure.
const CLIENT_TIMEOUT: Duration = Duration::from_mins(1);

pub struct LocalCloud {
    _emulators: Emulators,
    _logs: Logs,
    pub url: String,
    pub config: SdkConfig,
}

/// The folder of the emulators' logs, deleted at the end of the test.
struct Logs(PathBuf);

impl Drop for Logs {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl LocalCloud {
    pub async fn start(instance_time: Duration) -> Self {
        Self::start_with(instance_time, None).await
    }

    /// A local cloud that enforces the policies of a project, if there is one.
    pub async fn start_with(instance_time: Duration, project: Option<&str>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/venv");
        let logs = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("in-process-at-{}", address.port()));
        let logs = Logs(logs);
        let http = Http::default();
        let emulators = Emulators::start(&tools, &logs.0, address, &http).await.unwrap();
        let policies = project.map(|it| Arc::new(Policies::new(it, &http, emulators.moto(), emulators.ministack())));
        let bus = EventBridge::new(Ministack::new(http.clone(), emulators.ministack())).with_policies(policies.clone());
        let ec2 = Ec2::new(http.clone(), emulators.moto());
        let router = Arc::new(Router {
            moto: emulators.moto(),
            ministack: emulators.ministack(),
            auto_scaling: AutoScalingService::new(ec2, bus, instance_time),
            ec2_catalog: Ec2Catalog::default(),
            ec2_additions: Ec2Additions::default(),
            ec2_gaps: Ec2Gaps::default(),
            rejections: Rejections::default(),
            saved_queries: SavedQueries::default(),
            service_quotas: ServiceQuotas::default(),
            recorder: Recorder::new(None).unwrap(),
            latency: LatencyTable::default(),
            faults: Faults::default(),
            policies,
            message_moves: MessageMoves::default(),
            http,
        });
        tokio::spawn(router::serve(listener, Arc::clone(&router)));
        tokio::spawn(async move { router.auto_scaling.run(&router.recorder).await });
        let url = format!("http://{address}");
        let credentials = Credentials::new("tester", "nothing", None, None, "tests");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-west-2"))
            .endpoint_url(&url)
            .app_name(AppName::new("tester").unwrap())
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(CLIENT_TIMEOUT).build())
            .credentials_provider(SharedCredentialsProvider::new(credentials));
        Self { _emulators: emulators, _logs: logs, url, config: config.build() }
    }

    pub async fn send(&self, method: Method, path: &str, body: &str) -> (StatusCode, String) {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        let response = Http::default().send(request.body(Full::from(body.to_owned())).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        (head.status, String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap())
    }

    pub fn ec2(&self) -> aws_sdk_ec2::Client {
        aws_sdk_ec2::Client::new(&self.config)
    }
}
