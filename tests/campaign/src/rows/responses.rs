//! The way of an answer: hosts that fail, hosts that are none of ours, and sizes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use requests::{AllowedHosts, CfnResponse, MAX_BODY, PhysicalId, ResponseAddress, ResponseSender, ResponseUrl};

use super::Row;
use crate::life::Verdict;
use crate::urls;

/// What a host does with a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Host {
    Status(u16),
    Reset,
    /// It never answers.
    Slow,
}

/// What it does try by try, the last for ever; and whether the reply arrives in the end.
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
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Scripted {
    fn seen(&self) -> Vec<Vec<u8>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl HttpConnector for Scripted {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = request.body().bytes().unwrap_or_default().to_vec();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(body);
        let host = self.script.get(seen.len() - 1).or(self.script.last()).copied();
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
        Row { name: "replies to hosts that fail", cases, short: 1, play: Box::new(host), seeded: false },
        Row {
            name: "replies of 4,095, 4,096 and 4,097 bytes",
            cases: 9,
            short: 1,
            play: Box::new(size),
            seeded: false,
        },
        Row {
            name: "hostile ResponseURLs: no connection",
            cases: hostile.len(),
            short: 1,
            play: Box::new(move |case| url(&hostile[case], 0)),
            seeded: false,
        },
        Row {
            name: "every real form of a host is answered",
            cases: real.len(),
            short: 1,
            play: Box::new(move |case| url(&real[case], 1)),
            seeded: false,
        },
    ]
}

fn verdict(converged: bool, reason: String) -> Verdict {
    Verdict { converged, reason, ..Verdict::default() }
}

/// Under tokio's virtual time, which the courier's pauses are in.
fn run<T>(task: impl Future<Output = T>) -> T {
    crate::fixture::paused_runtime().block_on(task)
}

fn reply(reason: &str) -> CfnResponse {
    let id = PhysicalId::new("scalable-ec2-us-west-2-dev").expect("an id");
    CfnResponse::failed(&ResponseAddress::default(), id, reason)
}

fn host(case: usize) -> Verdict {
    let (script, arrives) = HOSTS[case];
    let scripted = Scripted { script, ..Scripted::default() };
    let response_sender = ResponseSender::over(scripted.clone());
    let hosts = AllowedHosts::from_list("127.0.0.1:9").expect("a host");
    let to = ResponseUrl::parse("http://127.0.0.1:9/x", &hosts).expect("an allowed one");
    let delivered = run(response_sender.deliver(&reply("no").body(), &to, Duration::from_mins(2)));
    let bodies = scripted.seen();
    let same = bodies.windows(2).all(|two| two[0] == two[1]);
    let redirected = matches!(script[0], Host::Status(301 | 307 | 403));
    let tries = if redirected { bodies.len() == 1 } else { true };
    verdict(delivered.is_ok() == arrives && same && tries, format!("{script:?}: {delivered:?}"))
}

/// Text of one, two and four bytes a character, so that the limit falls into the middle of one.
fn size(case: usize) -> Verdict {
    let dead_letter = ["a", "é", "🦀"][case % 3];
    let desired = MAX_BODY - 1 + case / 3;
    let empty = reply("x").body().len() - 1;
    let mut reason = dead_letter.repeat((desired - empty) / dead_letter.len());
    reason.push_str(&"a".repeat(desired - empty - reason.len()));
    let body = reply(&reason).body();
    let parsed: Result<BTreeMap<String, serde_json::Value>, _> = serde_json::from_str(&body);
    let whole = desired <= MAX_BODY && body.len() == desired;
    let cut = desired > MAX_BODY && body.len() <= MAX_BODY && body.contains('…');
    verdict(parsed.is_ok() && (whole || cut), format!("{desired} bytes of {dead_letter}: {} bytes", body.len()))
}

/// An answer to a URL makes as many connections as it should.
fn url(url: &str, connections: usize) -> Verdict {
    let scripted = Scripted { script: &[Host::Status(200)], ..Scripted::default() };
    let response_sender = ResponseSender::over(scripted.clone());
    let to = ResponseAddress { response_url: Some(url.to_owned()), ..ResponseAddress::default() };
    let answered =
        run(response_sender.response(&reply("no").body(), &to, &AllowedHosts::default(), Duration::from_mins(1)));
    let made = scripted.seen().len();
    verdict(made == connections && answered.is_ok(), format!("{url}: {made} connections"))
}
