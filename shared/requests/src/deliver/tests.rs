//! The wire format against a small server, in real time; the schedule against a connector with scripted responses, in
//! virtual time (a paused clock jumps ahead during a wait for a socket, so the two don't mix).

mod host;

use super::*;
use crate::PhysicalId;
use aws_smithy_runtime_api::client::http::HttpConnectorFuture;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use host::{Host, Response};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

const MINUTE: Duration = Duration::from_mins(1);

fn response() -> CfnResponse {
    // A character of two bytes: the length of the body is in bytes.
    let id = PhysicalId::new("größe-dev").unwrap();
    CfnResponse::failed(&ResponseAddress::default(), id, "MinSize is 9", "custom-resource")
}

fn url(host: &str, path: &str) -> ResponseUrl {
    let allowed = AllowedHosts::from_list(host).unwrap();
    ResponseUrl::parse(&format!("http://{host}{path}"), &allowed).unwrap()
}

async fn deliver(responses: Vec<Response>, within: Duration) -> (Result<Delivery, DeliveryError>, Host) {
    let host = Host::responding(responses).await;
    let to = url(&host.name, "/x?y=1");
    (ResponseSender::new().put(&response(), &to, within).await, host)
}

#[tokio::test]
async fn a_response_arrives_with_its_bytes_an_empty_content_type_and_a_length() {
    let host = Host::responding(vec![Response::Status("200 OK")]).await;
    let path = "/arn%3Aaws%3Acloudformation%3Aus-west-2%3A1%3Astack/w/0a%7CWeb%7C7c?X-Amz-Date=20260102T030405Z&s=a%2Fb+c=&&|~'";
    let delivered = ResponseSender::new().put(&response(), &url(&host.name, path), MINUTE).await;
    assert_eq!(delivered, Ok(Delivery { attempts: 1, status: 200 }));

    let body = response().body();
    let requests = host.requests();
    assert_eq!(requests.len(), 1);
    let (head, sent) = requests[0].split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next().unwrap(), format!("PUT {path} HTTP/1.1"));
    let headers: Vec<_> = lines.map(|line| line.trim_end().to_lowercase()).collect();
    assert!(headers.contains(&"content-type:".to_owned()), "{headers:?}");
    assert!(headers.contains(&format!("content-length: {}", body.len())), "{headers:?}");
    assert!(headers.contains(&format!("host: {}", host.name)), "{headers:?}");
    assert!(!head.to_lowercase().contains("transfer-encoding"), "{head}");
    assert_eq!(sent, body);
}

#[tokio::test]
async fn a_redirect_is_neither_followed_nor_a_success() {
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let other = Host::responding(vec![Response::Status("200 OK")]).await;
        let (result, first) =
            deliver(vec![Response::Redirect(status, format!("http://{}/stolen", other.name))], MINUTE).await;
        let code = status[..3].parse().unwrap();
        assert_eq!(result, Err(DeliveryError { attempts: 1, failure: DeliveryFailure::Redirected(code) }));
        assert_eq!(first.requests().len(), 1);
        assert_eq!(other.requests(), Vec::<String>::new(), "the response was sent to another host");
    }
}

#[tokio::test]
async fn a_403_is_neither_a_success_nor_retried() {
    let (result, host) = deliver(vec![Response::Status("403 Forbidden")], MINUTE).await;
    assert_eq!(result, Err(DeliveryError { attempts: 1, failure: DeliveryFailure::Status(403) }));
    assert_eq!(host.requests().len(), 1);
}

#[tokio::test]
async fn two_server_errors_and_then_a_2xx_are_a_success() {
    let responses = vec![
        Response::Status("500 Internal Server Error"),
        Response::Status("503 Slow Down"),
        Response::Status("204 No Content"),
    ];
    let (result, host) = deliver(responses, MINUTE).await;
    assert_eq!(result, Ok(Delivery { attempts: 3, status: 204 }));
    let requests = host.requests();
    assert!(requests.iter().all(|request| request.ends_with(&response().body())), "{requests:?}");
}

#[tokio::test]
async fn a_broken_connection_is_retried() {
    let (result, _) = deliver(vec![Response::Reset, Response::Status("200 OK")], MINUTE).await;
    assert_eq!(result, Ok(Delivery { attempts: 2, status: 200 }));
}

#[tokio::test]
async fn a_host_that_never_responds_is_reported_as_no_response() {
    let (result, _) = deliver(vec![Response::Silence], Duration::from_millis(300)).await;
    assert_eq!(result, Err(DeliveryError { attempts: 1, failure: DeliveryFailure::NoResponse }));
}

#[tokio::test]
async fn the_error_of_an_unreachable_host_contains_only_the_cause() {
    let to = url("127.0.0.1:9", "/hidden?hidden=1");
    let response_sender = ResponseSender::new().with_max_attempts(1);
    let error = response_sender.put(&response(), &to, MINUTE).await.unwrap_err();
    assert!(matches!(error.failure, DeliveryFailure::Connection(_)), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("hidden"));
}

/// Responds to each request at once with the next status, and repeats the last one for ever; 0 means no response.
#[derive(Debug)]
struct Script(Vec<u16>, AtomicUsize);

impl HttpConnector for Script {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let status = self.0[self.1.fetch_add(1, SeqCst).min(self.0.len() - 1)];
        HttpConnectorFuture::new(async move {
            if status == 0 {
                std::future::pending::<()>().await;
            }
            Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::empty()))
        })
    }
}

async fn scripted(statuses: &[u16], within: Duration) -> (Result<Delivery, DeliveryError>, Duration) {
    let response_sender = ResponseSender::with_connector(Script(statuses.to_vec(), AtomicUsize::new(0)));
    let started = Instant::now();
    let result = response_sender.put(&response(), &url("127.0.0.1:1", "/x"), within).await;
    (result, started.elapsed())
}

#[tokio::test(start_paused = true)]
async fn six_attempts_have_pauses_that_double() {
    let (result, took) = scripted(&[500], MINUTE).await;
    assert_eq!(result, Err(DeliveryError { attempts: 6, failure: DeliveryFailure::Status(500) }));
    assert_eq!(took.as_millis(), 6_200);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_without_response_ends_after_five_seconds_and_is_retried() {
    let (result, took) = scripted(&[0, 200], MINUTE).await;
    assert_eq!(result, Ok(Delivery { attempts: 2, status: 200 }));
    assert_eq!(took.as_millis(), 5_200);
}

#[tokio::test(start_paused = true)]
async fn the_given_time_is_never_exceeded() {
    for millis in [0, 1, 150, 1_000, 5_000, 5_100, 12_345, 40_000] {
        for statuses in [&[0][..], &[500], &[0, 500, 0]] {
            let (result, took) = scripted(statuses, Duration::from_millis(millis)).await;
            assert!(result.is_err());
            assert!(took <= Duration::from_millis(millis), "{statuses:?} took {took:?} of {millis} ms");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn only_transient_failures_are_retried() {
    for (status, attempts) in [(408, 6), (429, 6), (500, 6), (503, 6), (400, 1), (403, 1), (404, 1), (412, 1), (304, 1)]
    {
        let (result, _) = scripted(&[status], MINUTE).await;
        assert_eq!(result.unwrap_err().attempts, attempts, "{status}");
    }
}
