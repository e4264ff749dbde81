//! The local cloud inside the test's own process. It ends with the test.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use local_cloud::auto_scaling::AutoScalingService;
use local_cloud::ec2::Ec2;
use local_cloud::ec2_additions::Ec2Additions;
use local_cloud::ec2_catalog::Ec2Catalog;
use local_cloud::ec2_gaps::Ec2Gaps;
use local_cloud::emulators::Emulators;
use local_cloud::event_bridge::EventBridge;
use local_cloud::faults::Faults;
use local_cloud::http::Http;
use local_cloud::latency::LatencyTable;
use local_cloud::message_moves::MessageMoves;
use local_cloud::ministack::Ministack;
use local_cloud::recorder::Recorder;
use local_cloud::rejections::Rejections;
use local_cloud::router::{self, Router};
use local_cloud::saved_queries::SavedQueries;
use local_cloud::service_quotas::ServiceQuotas;
use serde_json::Value;
use tokio::net::TcpListener;

/// The time that an instance takes until it is in service, and until it is terminated: long enough to observe the
/// states between.
const INSTANCE_TIME: Duration = Duration::from_millis(500);

pub struct LocalCloud {
    _emulators: Emulators,
    _output: Output,
    router: Arc<Router>,
    pub url: String,
}

/// The folder of the emulators' output.
struct Output(PathBuf);

impl Drop for Output {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A recorder, which also appends whole calls to a file in the folder `EXCHANGES` if the variable is set: `make judge`
/// compares those calls with AWS's API models.
fn recorder(file: &str) -> Recorder {
    let recorder = Recorder::new(None).expect("no file");
    match std::env::var_os("EXCHANGES") {
        Some(folder) => {
            std::fs::create_dir_all(&folder).expect("the folder of exchanges");
            recorder.with_exchanges(&Path::new(&folder).join(file)).expect("the file of exchanges")
        }
        None => recorder,
    }
}

impl LocalCloud {
    pub async fn start() -> LocalCloud {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/venv");
        let output = Output(std::env::temp_dir().join(format!("aws-cloud-tests-at-{}", address.port())));
        let http = Http::default();
        let recorder = recorder(&format!("adapters-at-{}.jsonl", address.port()));
        let emulators = Emulators::start(&tools, &output.0, address, &http).await.expect("emulators");
        let router = Arc::new(Router {
            moto: emulators.moto(),
            ministack: emulators.ministack(),
            auto_scaling: AutoScalingService::new(
                Ec2::new(http.clone(), emulators.moto()),
                EventBridge::new(Ministack::new(http.clone(), emulators.ministack())),
                INSTANCE_TIME,
            ),
            ec2_catalog: Ec2Catalog::default(),
            ec2_additions: Ec2Additions::default(),
            ec2_gaps: Ec2Gaps::default(),
            rejections: Rejections::default(),
            saved_queries: SavedQueries::default(),
            service_quotas: ServiceQuotas::default(),
            recorder,
            latency: LatencyTable::default(),
            faults: Faults::default(),
            policies: None,
            message_moves: MessageMoves::default(),
            http,
        });
        // Both tasks end with the test's runtime.
        tokio::spawn(router::serve(listener, Arc::clone(&router)));
        let scaling = Arc::clone(&router);
        tokio::spawn(async move { scaling.auto_scaling.run(&scaling.recorder).await });
        LocalCloud { _emulators: emulators, _output: output, router, url: format!("http://{address}") }
    }

    /// Injects faults into calls by these rules.
    pub fn inject_faults(&self, rules: &Value) {
        self.router.faults.set(rules.to_string().as_bytes()).expect("rules");
    }

    /// The number of injected faults.
    pub fn injected_faults(&self) -> u64 {
        let rules: Vec<Value> = serde_json::from_slice(&self.router.faults.to_json().expect("JSON")).expect("JSON");
        rules.iter().filter_map(|rule| rule["injected"].as_u64()).sum()
    }

    /// Makes the next `count` launches of groups fail; 0 ends the failures.
    pub fn fail_launches(&self, count: u64, reason: &str) {
        self.router.auto_scaling.fail_launches(count, reason);
    }

    pub fn forget_calls(&self) {
        self.router.recorder.clear();
    }

    /// The calls that arrived, without those of instances, each as `service:Operation`.
    pub fn calls(&self) -> Vec<String> {
        let calls: Vec<Value> = serde_json::from_slice(&self.router.recorder.to_json().expect("JSON")).expect("JSON");
        let call = |it: &Value| format!("{}:{}", it["service"].as_str()?, it["operation"].as_str()?).into();
        calls.iter().filter(|it| it["app"] != "instance").filter_map(call).collect()
    }
}
