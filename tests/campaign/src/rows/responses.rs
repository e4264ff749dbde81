//! The delivery of responses: hosts that fail, foreign hosts, and sizes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use requests::{AllowedHosts, CfnResponse, MAX_BODY, PhysicalId, ResponseAddress, ResponseSender, ResponseUrl};

use super::Row;
use crate::lifecycle::Verdict;
use crate::urls;

/// The behaviour of a host in one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Host {
    Status(u16),
    Reset,
    /// The host never responds.
    Slow,
}

/// The behaviour per attempt, of which the last repeats; and whether the response is delivered.
const HOSTS: [(&[Host], bool); 10] = [
    (&[Host::Status(200)], true),
    (&[Host::Status(204)], true),
    (&[Host::Status(500), Host::Status(503), Host::Status(200)], true),
    (&[Host::Reset, Host::Reset, Host::Status(200)], true),
    (&[Host::Slow, Host::Status(200)], true),
    (&[Host::Status(429), Host::Status(200)], true),
    (&[Host::Status(301), Host::Status(200)], false),
    (&[Host::Status(307), Host::Status(200)], false),
    (&[Host::Status(403), Host::Status(200)], false),
    (&[Host::Status(500)], false),
];

#[derive(Clone, Debug, Default)]
struct Scripted {
    script: &'static [Host],
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Scripted {
    fn bodies(&self) -> Vec<Vec<u8>> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl HttpConnector for Scripted {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = request.body().bytes().unwrap_or_default().to_vec();
        let mut bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        bodies.push(body);
        let host = self.script.get(bodies.len() - 1).or(self.script.last()).copied();
        HttpConnectorFuture::new(async move {
            match host {
                Some(Host::Status(status)) => {
                    let status = status.try_into().map_err(|_| ConnectorError::io("no status".into()))?;
                    Ok(HttpResponse::new(status, SdkBody::empty()))
                }
                Some(Host::Reset) => Err(ConnectorError::io("connection reset".into())),
                Some(Host::Slow) | None => std::future::pending().await,
            }
        })
    }
}

pub(super) fn rows() -> Vec<Row> {
    let hostile = urls::hostile();
    let real = urls::real();
    let cases = HOSTS.len();
    vec![
        Row { name: "responses to hosts that fail", cases, short: 1, run: Box::new(host), seeded: false },
        Row {
            name: "responses of 4,095, 4,096 and 4,097 bytes",
            cases: 9,
            short: 1,
            run: Box::new(size),
            seeded: false,
        },
        Row {
            name: "hostile ResponseURLs: no connection",
            cases: hostile.len(),
            short: 1,
            run: Box::new(move |case| url(&hostile[case], 0)),
            seeded: false,
        },
        Row {
            name: "every real form of a response host gets the response",
            cases: real.len(),
            short: 1,
            run: Box::new(move |case| url(&real[case], 1)),
            seeded: false,
        },
    ]
}

fn verdict(converged: bool, reason: String) -> Verdict {
    Verdict { converged, reason, ..Verdict::default() }
}

/// Runs a task under tokio's virtual time, which the response sender's pauses use.
fn run<T>(task: impl Future<Output = T>) -> T {
    crate::fixture::paused_runtime().block_on(task)
}

fn failed_response(reason: &str) -> CfnResponse {
    let id = PhysicalId::new("scalable-ec2-us-west-2-dev").expect("an id");
    CfnResponse::failed(&ResponseAddress::default(), id, reason, "custom-resource")
}

fn host(case: usize) -> Verdict {
    let (script, arrives) = HOSTS[case];
    let scripted = Scripted { script, ..Scripted::default() };
    let response_sender = ResponseSender::with_connector(scripted.clone());
    let hosts = AllowedHosts::from_list("127.0.0.1:9").expect("a host");
    let to = ResponseUrl::parse("http://127.0.0.1:9/x", &hosts).expect("an allowed URL");
    let delivered = run(response_sender.put(&failed_response("no"), &to, Duration::from_mins(2)));
    let bodies = scripted.bodies();
    let same = bodies.windows(2).all(|two| two[0] == two[1]);
    let is_final = matches!(script[0], Host::Status(301 | 307 | 403));
    let attempts_match = if is_final { bodies.len() == 1 } else { true };
    verdict(delivered.is_ok() == arrives && same && attempts_match, format!("{script:?}: {delivered:?}"))
}

/// Text whose characters a reason contains as they are, or as their code points in 6 and 7 characters, so that the limit
/// falls inside of one.
fn size(case: usize) -> Verdict {
    let (character, written) = [("a", 1), ("é", "U+00E9".len()), ("🦀", "U+1F980".len())][case % 3];
    let size_target = MAX_BODY - 1 + case / 3;
    let empty = failed_response("x").body().len() - 1;
    let count = (size_target - empty) / written;
    let reason = character.repeat(count) + &"a".repeat(size_target - empty - count * written);
    let body = failed_response(&reason).body();
    let parsed: Result<BTreeMap<String, serde_json::Value>, _> = serde_json::from_str(&body);
    let whole = size_target <= MAX_BODY && body.len() == size_target;
    let service_timeout = size_target > MAX_BODY && body.len() <= MAX_BODY && body.contains("...");
    verdict(
        parsed.is_ok() && (whole || service_timeout),
        format!("{size_target} bytes of {character}: {} bytes", body.len()),
    )
}

/// A response to a URL makes the expected number of connections.
fn url(url: &str, connections: usize) -> Verdict {
    let scripted = Scripted { script: &[Host::Status(200)], ..Scripted::default() };
    let response_sender = ResponseSender::with_connector(scripted.clone());
    let to = ResponseAddress { response_url: Some(url.to_owned()), ..ResponseAddress::default() };
    let delivered =
        run(response_sender.send(&failed_response("no"), &to, &AllowedHosts::default(), Duration::from_mins(1)));
    let attempts = scripted.bodies().len();
    verdict(attempts == connections && delivered.is_ok(), format!("{url}: {attempts} connections"))
}
