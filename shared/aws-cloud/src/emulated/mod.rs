//! Kinds against the local cloud, each kind by itself: the engine's own loop runs on a look that reads these kinds and no
//! others.
//!
//! What the local cloud cannot show is said where it would be tested: it allows everything to everybody.

mod alarms_and_dashboard;
mod buckets;
mod identity;
mod logs_and_queries;
mod stacks;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use environment::{
    Call, Cloud, Defaults, Ending, Facts, Kind, Live, Moment, Names, Place, Resource, Run, Scope, Setback, Spec,
    Wanted, reconcile, wanted,
};
use local_cloud::auto_scaling::AutoScalingService;
use local_cloud::ec2::Ec2;
use local_cloud::emulators::{ACCOUNT, Emulators};
use local_cloud::http::Http;
use local_cloud::latency::LatencyTable;
use local_cloud::recorder::Recorder;
use local_cloud::router::{self, Router};
use local_cloud::saved_queries::SavedQueries;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::AwsCloud;
use crate::clients::Clients;
use crate::errors::Problem;
use crate::{cloudwatch, iam, logs, s3};

const OWNER: &str = "owner-of-the-tests";
const PROJECT: &str = "emulated";

/// An emulated account, and a part of an environment in it.
struct World {
    _emulators: Emulators,
    _output: Output,
    router: Arc<Router>,
    url: String,
    clients: Clients,
    scope: Scope,
    kinds: &'static [Kind],
}

/// The folder of the emulators' output.
struct Output(PathBuf);

impl Drop for Output {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl World {
    async fn start(kinds: &'static [Kind]) -> World {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/venv");
        let output = Output(std::env::temp_dir().join(format!("aws-cloud-tests-{}", std::process::id())));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let http = Http::default();
        let emulators = Emulators::start(&tools, &output.0, address, &http).await.expect("emulators");
        let router = Arc::new(Router {
            moto: emulators.moto(),
            ministack: emulators.ministack(),
            auto_scaling: AutoScalingService::new(Ec2::new(http.clone(), emulators.moto()), Duration::from_secs(1)),
            saved_queries: SavedQueries::default(),
            recorder: Recorder::new(None).expect("no file"),
            latency: LatencyTable::default(),
            http,
        });
        tokio::spawn(router::serve(listener, Arc::clone(&router)));
        let url = format!("http://{address}");
        let clients = Clients::new(&config(&url, "nobody"));
        let place = Place { project: PROJECT.into(), region: local_cloud::REGION.into(), account: ACCOUNT.into() };
        let scope = Scope { owner: OWNER.into(), names: place.names("dev") };
        let world = World { _emulators: emulators, _output: output, router, url, clients, scope, kinds };
        world.warm_up().await;
        world
    }

    /// The first call to each service loads it, which can take longer than a call of ours may.
    async fn warm_up(&self) {
        let mut answer = Ok(vec![]);
        for _ in 0..10 {
            answer = self.part().observe(&self.scope).await;
            if answer.is_ok() {
                return;
            }
        }
        panic!("the emulators do not answer: {answer:?}");
    }

    fn names(&self) -> &Names {
        &self.scope.names
    }

    /// A new run's cloud.
    fn part(&self) -> Part {
        let aws = AwsCloud::new(&self.clients, OWNER.into(), "the tests' request".into());
        // What is not in this part, and referred to by it.
        aws.ids.made(&self.names().scale_up_policy(), "arn:aws:autoscaling:::scalingPolicy:up");
        aws.ids.made(&self.names().scale_down_policy(), "arn:aws:autoscaling:::scalingPolicy:down");
        Part { aws, kinds: self.kinds, calls: RefCell::default() }
    }

    /// What properties want of this part.
    fn wanted(&self, properties: &Value) -> Wanted {
        let Names { project, region, account, .. } = self.names().clone();
        let place = Place { project, region, account };
        let properties = properties.as_object().expect("an object");
        let spec = Spec::read(properties, &Defaults::from_vars(|_| None), &place).expect("valid properties");
        let zones = ["a", "b", "c"].map(|zone| format!("{}{zone}", local_cloud::REGION)).to_vec();
        let (partition, image) = ("aws".into(), "ami-12345678".into());
        let facts = Facts { zones, partition, image, hooks_are_answered: true };
        let mut resources = wanted(&spec, self.names(), OWNER, &facts).expect("enough zones");
        resources.retain(|it| self.kinds.contains(&it.kind()));
        Wanted { resources, ..Wanted::default() }
    }

    /// One run; its ending and the calls that it made.
    async fn run(&self, wanted: &Wanted) -> (Ending, Vec<String>) {
        let cloud = self.part();
        let until = cloud.now() + Duration::from_mins(1);
        let run = Run { scope: &self.scope, wanted, until, in_doubt_until: None };
        let ending = reconcile(&cloud, run, async || Ok(())).await;
        (ending, cloud.calls.into_inner())
    }

    /// A run that has to settle; the calls that it made.
    async fn settle(&self, wanted: &Wanted) -> Vec<String> {
        match self.run(wanted).await {
            (Ending::Settled { .. }, calls) => calls,
            (ending, calls) => panic!("{ending:?} after {calls:#?}"),
        }
    }

    /// A run that has to settle, and that leaves nothing to do; the calls that it made.
    async fn repair(&self, wanted: &Wanted) -> Vec<String> {
        let calls = self.settle(wanted).await;
        assert_eq!(self.settle(wanted).await, [""; 0], "after {calls:?}");
        calls
    }

    async fn observe(&self) -> Vec<Live> {
        self.part().observe(&self.scope).await.expect("a look")
    }

    /// Every field of everything that is wanted, as a fresh look sees it.
    async fn assert_is_there(&self, wanted: &Wanted) {
        let live = self.observe().await;
        assert_eq!(live.len(), wanted.resources.len());
        for wanted in &wanted.resources {
            let found = live.iter().find(|it| it.key() == wanted.key()).map(|it| &it.resource);
            // An alarm's tags are not to be seen.
            let expected = match wanted.kind() {
                Kind::Alarm => Resource { tags: environment::Tags::new(), ..wanted.clone() },
                _ => wanted.clone(),
            };
            assert_eq!(found, Some(&expected));
        }
    }
}

/// A client's configuration for an emulator, without anything of the developer's own.
fn config(url: &str, access_key: &str) -> SdkConfig {
    let credentials = Credentials::new(access_key, "nothing", None, None, "tests");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(local_cloud::REGION))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

/// AWS, with a look at some kinds only. Notes the calls that are made.
struct Part {
    aws: AwsCloud,
    kinds: &'static [Kind],
    calls: RefCell<Vec<String>>,
}

impl Part {
    async fn look(&self, scope: &Scope) -> Result<Vec<Live>, Problem> {
        let (clients, names) = (&self.aws.clients, &scope.names);
        let mut look = self.aws.ids.look(&scope.owner, names);
        for kind in self.kinds {
            match kind {
                Kind::Bucket => {
                    for it in s3::bucket::read(clients, names).await? {
                        look.found.push(s3::bucket::live(&it, &look)?);
                    }
                }
                Kind::Role => {
                    let seen = iam::role::read(clients, names).await?;
                    let live = seen.map(|it| iam::role::live(&it, &look));
                    look.found.extend(live);
                }
                Kind::LogGroup => {
                    for key in [names.scaling_log_group(), names.instance_log_group()] {
                        let seen = logs::log_group::read(clients, &key.name).await?;
                        let live = seen.map(|it| logs::log_group::live(&it, &look));
                        look.found.extend(live);
                    }
                }
                Kind::SavedQuery => {
                    for it in logs::saved_query::read(clients, names).await? {
                        look.found.push(logs::saved_query::live(&it, &look)?);
                    }
                }
                Kind::Alarm => {
                    for it in cloudwatch::alarm::read(clients, names).await? {
                        look.found.push(cloudwatch::alarm::live(&it, &look)?);
                    }
                }
                Kind::Dashboard => {
                    for it in cloudwatch::dashboard::read(clients, names).await? {
                        look.found.push(cloudwatch::dashboard::live(&it, &look)?);
                    }
                }
                other => panic!("{other:?} is not tested here"),
            }
        }
        self.aws.ids.saw(&look);
        Ok(look.found)
    }
}

impl Cloud for Part {
    fn now(&self) -> Moment {
        self.aws.now()
    }

    async fn pause(&self, span: Duration) {
        self.aws.pause(span).await;
    }

    async fn observe(&self, scope: &Scope) -> Result<Vec<Live>, Setback> {
        self.look(scope).await.map_err(|problem| problem.setback(&scope.names.environment_id()))
    }

    async fn call(&self, call: &Call) -> Result<(), Setback> {
        self.calls.borrow_mut().push(format!("{} {call}", call.key.name));
        self.aws.call(call).await
    }
}

impl World {
    /// The calls of one look, by service and operation as the local cloud saw them.
    async fn reads(&self) -> Vec<String> {
        self.router.recorder.clear();
        self.observe().await;
        let noted: Value =
            self.router.recorder.to_json().ok().and_then(|it| serde_json::from_slice(&it).ok()).expect("calls");
        let text = |call: &Value, field: &str| call[field].as_str().unwrap_or_default().to_owned();
        let calls = noted.as_array().expect("a list").iter();
        let mut reads: Vec<String> = calls.map(|it| text(it, "service") + ":" + &text(it, "operation")).collect();
        reads.sort();
        reads
    }
}

/// The operations among calls, each once for every time.
fn operations(calls: &[String]) -> Vec<&str> {
    calls.iter().filter_map(|call| call.split(' ').nth(1)).collect()
}

/// A set of operations.
fn distinct(calls: &[String]) -> BTreeSet<&str> {
    operations(calls).into_iter().collect()
}
