//! The router: one listener, two emulators, what neither of them knows, and a note of every call.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc};

use http_body_util::{BodyExt, Either, Full};
use hyper::{
    HeaderMap, Request, Response, StatusCode, Uri,
    body::{Bytes, Incoming},
    header::{self, HeaderName, USER_AGENT},
    http::request::Parts,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::{
    alarms,
    auto_scaling::{self, AutoScalingService},
    control, fault_response,
    faults::{CallKey, Fault, Faults, InjectedFault},
    form,
    truncated_body::TruncatedBody,
    http::Http,
    instances,
    latency::LatencyTable,
    operation,
    policies::Policies,
    recorder::{Call, Recorder},
    saved_queries::{self, SavedQueries},
    scope::{self, Scope},
};

/// The services that moto answers. (Not `monitoring`: the Rust SDK speaks CBOR to it, which moto does not.) Auto Scaling and saved queries are answered here. Everything else
/// is ministack's, and so is what carries no signature: links to S3, and ministack's own addresses,
/// such as a ResponseURL.
pub const MOTO_SERVICES: [&str; 3] = ["ec2", "iam", "ssm"];

/// These belong to one connection, not to the request; `Expect` is answered by our own server.
const NOT_FORWARDED: [HeaderName; 5] =
    [header::CONNECTION, header::EXPECT, header::TE, header::TRANSFER_ENCODING, HeaderName::from_static("keep-alive")];

/// A streamed answer of an emulator, one of which half comes, or one of our own.
pub type Body = Either<Either<Incoming, TruncatedBody>, Full<Bytes>>;

/// Where requests go, and what happens to them on the way.
pub struct Router {
    /// Where moto listens.
    pub moto: SocketAddr,
    /// Where ministack listens.
    pub ministack: SocketAddr,
    /// Answers Auto Scaling.
    pub auto_scaling: AutoScalingService,
    /// Answers the calls for saved Logs Insights queries.
    pub saved_queries: SavedQueries,
    /// Notes every call.
    pub recorder: Recorder,
    /// How long calls are held back.
    pub latency: LatencyTable,
    /// What goes wrong.
    pub faults: Faults,
    /// What functions may do, if that is judged.
    pub policies: Option<Policies>,
    /// Reaches the emulators.
    pub http: Http,
}

/// There is no answer, and the connection is closed.
#[derive(Debug, thiserror::Error)]
pub enum NoResponse {
    /// The request did not arrive.
    #[error("the request can't be read: {0}")]
    Unreadable(#[from] hyper::Error),
    /// A rule says so.
    #[error("this call was told to get no answer")]
    Injected,
}

/// Serves until accepting a connection fails.
///
/// # Errors
/// The listener broke, for instance because no file descriptors are left.
pub async fn serve(listener: TcpListener, router: Arc<Router>) -> io::Result<Infallible> {
    loop {
        let (stream, _) = listener.accept().await?;
        let router = Arc::clone(&router);
        let response = service_fn(move |request| {
            let router = Arc::clone(&router);
            async move { router.response(request).await }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), response));
    }
}

impl Router {
    async fn response(&self, request: Request<Incoming>) -> Result<Response<Body>, NoResponse> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        if let Some(path) = head.uri.path().strip_prefix(control::PREFIX) {
            let query = head.uri.query().unwrap_or_default();
            return Ok(control::response(self, &head.method, path, query, &body).await);
        }
        self.respond_and_record(head, body).await
    }

    async fn respond_and_record(&self, head: Parts, body: Bytes) -> Result<Response<Body>, NoResponse> {
        let at_micros = self.recorder.now_micros();
        let scope = scope::of(&head.headers, head.uri.query());
        let service = scope.as_ref().map_or("unsigned", |scope| &scope.service).to_owned();
        let operation = operation::name(&service, &head.method, &head.uri, &head.headers, &body);
        tokio::time::sleep(self.latency.of(&service, &operation)).await;

        let app = app(&head.headers);
        let injected = self.faults.injected(CallKey { service: &service, operation: &operation, app: app.as_deref() });
        if let Some(InjectedFault { fault: Fault::Stall, duration }) = injected {
            tokio::time::sleep(duration).await;
        }
        let response = match error_response_for(injected, &service, &operation, &head, &body) {
            Some(refusal) => Some(refusal),
            None if let Some(access_denied) = self.policy_denial(app.as_deref(), &service, &operation, &head, &body).await => {
                Some(access_denied)
            }
            None if injected.is_some_and(|it| it.fault == Fault::TimeoutBefore) => None,
            None => Some(self.dispatch(scope.as_ref(), &operation, head, body).await),
        };
        self.recorder.record(Call {
            at_micros,
            micros: self.recorder.now_micros() - at_micros,
            service,
            operation,
            status: response.as_ref().map_or(0, |response| response.status().as_u16()),
            app,
            access_key: scope.map(|scope| scope.access_key),
            fault: injected.map(|injected| injected.fault),
        });
        close_connection(injected).await?;
        let response = response.ok_or(NoResponse::Injected)?;
        if injected.is_some_and(|it| it.fault == Fault::MalformedBody) { truncated_response(response).await } else { Ok(response) }
    }

    /// What a function is told that asks for what its policy does not allow.
    async fn policy_denial(
        &self,
        app: Option<&str>,
        service: &str,
        operation: &str,
        head: &Parts,
        body: &Bytes,
    ) -> Option<Response<Body>> {
        let policies = self.policies.as_ref()?;
        let denial = policies.denial(app, (service, operation), (head, body), &self.auto_scaling).await?;
        eprintln!("local-cloud: {denial}");
        Some(fault_response::access_denied(&parts_for_fault(service, operation, head, body, &query_and_body(head, body)), &denial))
    }

    /// To whoever knows the service.
    async fn dispatch(&self, scope: Option<&Scope>, operation: &str, head: Parts, body: Bytes) -> Response<Body> {
        match scope.map(|scope| scope.service.as_str()) {
            Some("autoscaling") => self.auto_scaling.response(&query_and_body(&head, &body)).await,
            Some("ssm") if instances::SSM_OPERATIONS.contains(&operation) => {
                self.auto_scaling.instances.ssm_response(operation, &body, auto_scaling::now())
            }
            Some("ec2") => self.ec2(scope, operation, head, body).await,
            Some("logs") if saved_queries::OPERATIONS.contains(&operation) => {
                self.saved_queries.response(operation, &body)
            }
            Some("monitoring") if alarms::OPERATIONS.contains(&operation) => {
                let response = self.forward(self.ministack, head, body).await;
                if response.status().is_success() {
                    self.auto_scaling.alarms.evaluate().await;
                }
                response
            }
            Some("logs") if operation == "PutLogEvents" => {
                let response = self.forward(self.ministack, head, body.clone()).await;
                if response.status().is_success() {
                    self.auto_scaling.alarms.collect_embedded(&body);
                }
                response
            }
            _ => self.forward(self.emulator(scope), head, body).await,
        }
    }

    /// moto's, but for what it does not know of the instances of groups; and Auto Scaling notices when some are ended.
    async fn ec2(&self, scope: Option<&Scope>, operation: &str, head: Parts, body: Bytes) -> Response<Body> {
        let query_and_body = query_and_body(&head, &body);
        if instances::EC2_ACTIONS.contains(&operation)
            && let Some(response) = self.auto_scaling.instances.ec2_response(operation, &query_and_body, auto_scaling::now())
        {
            return response;
        }
        let response = self.forward(self.emulator(scope), head, body).await;
        if operation == "TerminateInstances" && response.status().is_success() {
            let parameters = form::read(&query_and_body);
            let ids = parameters.iter().filter(|(name, _)| name.starts_with("InstanceId."));
            self.auto_scaling.terminated_in_ec2(ids.map(|(_, id)| id.as_str()));
        }
        response
    }

    fn emulator(&self, scope: Option<&Scope>) -> SocketAddr {
        let is_moto_service = |scope: &Scope| MOTO_SERVICES.contains(&scope.service.as_str());
        if scope.is_some_and(is_moto_service) { self.moto } else { self.ministack }
    }

    /// Sends the request on with its method, path, query, body and `Host` as they came: both
    /// emulators put the host that was asked into the addresses that they hand out.
    async fn forward(&self, to: SocketAddr, mut head: Parts, body: Bytes) -> Response<Body> {
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        match format!("http://{to}{path}").parse::<Uri>() {
            Ok(uri) => head.uri = uri,
            Err(error) => return control::text(StatusCode::BAD_REQUEST, error.to_string()),
        }
        strip(&mut head.headers);
        match self.http.send(Request::from_parts(head, Full::new(body))).await {
            Ok(response) => {
                let (mut head, body) = response.into_parts();
                strip(&mut head.headers);
                Response::from_parts(head, Either::Left(Either::Left(body)))
            }
            Err(error) => control::text(StatusCode::BAD_GATEWAY, format!("{to}: {error:?}")),
        }
    }
}

/// What the service says to a call that it is to refuse.
fn error_response_for(
    injected: Option<InjectedFault>,
    service: &str,
    operation: &str,
    head: &Parts,
    body: &[u8],
) -> Option<Response<Body>> {
    let fault = injected?.fault;
    fault_response::of(fault, &parts_for_fault(service, operation, head, body, &query_and_body(head, body)))
}

fn parts_for_fault<'a>(
    service: &'a str,
    operation: &'a str,
    head: &'a Parts,
    body: &'a [u8],
    query_and_body: &'a str,
) -> fault_response::Request<'a> {
    let (method, path, headers) = (&head.method, head.uri.path(), &head.headers);
    fault_response::Request { service, operation, method, path, headers, form: query_and_body, body }
}

/// Holds back what is to get no answer, then says so. Whoever has had enough by then hangs up, and that is all there is.
async fn close_connection(injected: Option<InjectedFault>) -> Result<(), NoResponse> {
    match injected {
        Some(InjectedFault { fault: Fault::TimeoutBefore | Fault::TimeoutAfter, duration }) => {
            tokio::time::sleep(duration).await;
            Err(NoResponse::Injected)
        }
        Some(InjectedFault { fault: Fault::LostResponse, .. }) => Err(NoResponse::Injected),
        _ => Ok(()),
    }
}

/// An answer that went well, of which only the first half comes. Its length still tells of the whole: a body that ends
/// early is an error for every HTTP client, and the Rust SDK would take half an XML document for a whole one.
async fn truncated_response(response: Response<Body>) -> Result<Response<Body>, NoResponse> {
    if !response.status().is_success() {
        return Ok(response);
    }
    let (mut head, body) = response.into_parts();
    let body = body.collect().await.map_err(|_| NoResponse::Injected)?.to_bytes();
    head.headers.insert(header::CONTENT_LENGTH, body.len().into());
    Ok(Response::from_parts(head, Either::Left(Either::Right(TruncatedBody::of(&body)))))
}

/// The parameters of a query protocol's request: in its query and in its body.
fn query_and_body(head: &Parts, body: &[u8]) -> String {
    format!("{}&{}", head.uri.query().unwrap_or_default(), String::from_utf8_lossy(body))
}

fn strip(headers: &mut HeaderMap) {
    for name in NOT_FORWARDED {
        headers.remove(name);
    }
}

/// SDKs put the application id into their user agent, as `app/NAME`.
fn app(headers: &HeaderMap) -> Option<String> {
    let agent = headers.get(USER_AGENT)?.to_str().ok()?;
    let app = agent.split(' ').find_map(|part| part.strip_prefix("app/"));
    app.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_application_id_is_read_from_the_user_agent() {
        let mut headers = HeaderMap::new();
        let agent = "aws-sdk-rust/1.3 ua/2.1 api/ec2/1.2 os/linux lang/rust/1.94 app/reconciler";
        headers.insert(USER_AGENT, agent.parse().unwrap());
        assert_eq!(app(&headers).as_deref(), Some("reconciler"));
        assert_eq!(app(&HeaderMap::new()), None);
    }
}
