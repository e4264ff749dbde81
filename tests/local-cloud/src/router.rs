//! The router: one listener in front of two emulators and the services that the local cloud implements itself. Every
//! call is recorded.

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
    control,
    ec2_additions::Ec2Additions,
    ec2_catalog::{self, Ec2Catalog},
    ec2_gaps::Ec2Gaps,
    exchange::Exchange,
    fault_response,
    faults::{CallKey, Fault, Faults, InjectedFault},
    form,
    http::Http,
    instances,
    latency::LatencyTable,
    message_moves::{self, MessageMoves},
    ministack::Ministack,
    operation,
    policies::{Call as PolicyCall, Caller, Policies},
    recorder::{Call, Recorder},
    rejections::Rejections,
    saved_queries::{self, SavedQueries},
    scope::{self, Scope},
    service_quotas::ServiceQuotas,
    truncated_body::TruncatedBody,
};

/// The services that are forwarded to moto. (`monitoring` is not: the Rust SDK sends CBOR, which moto does not
/// support.) The local cloud implements Auto Scaling and saved queries itself. Everything else is forwarded to
/// ministack, also requests without a signature: links to S3, and ministack's own addresses, such as a ResponseURL.
pub const MOTO_SERVICES: [&str; 3] = ["ec2", "iam", "ssm"];

/// Headers that belong to one connection and not to the request. The router's own server handles `Expect`.
const NOT_FORWARDED: [HeaderName; 5] =
    [header::CONNECTION, header::EXPECT, header::TE, header::TRANSFER_ENCODING, HeaderName::from_static("keep-alive")];

/// A response body: an emulator's, streamed or truncated, or one of the local cloud itself.
pub type Body = Either<Either<Incoming, TruncatedBody>, Full<Bytes>>;

/// The destinations of requests, and the latency, faults and policies that apply on the way.
pub struct Router {
    /// The address of moto.
    pub moto: SocketAddr,
    /// The address of ministack.
    pub ministack: SocketAddr,
    /// Implements Auto Scaling.
    pub auto_scaling: AutoScalingService,
    /// What EC2 offers in the region.
    pub ec2_catalog: Ec2Catalog,
    /// What other senders add to networks.
    pub ec2_additions: Ec2Additions,
    /// The actions of EC2 that moto does not have.
    pub ec2_gaps: Ec2Gaps,
    /// The calls that AWS rejects, and the emulators do not.
    pub rejections: Rejections,
    /// Implements the calls for saved Logs Insights queries.
    pub saved_queries: SavedQueries,
    /// Implements Service Quotas.
    pub service_quotas: ServiceQuotas,
    /// Records every call.
    pub recorder: Recorder,
    /// The delay of each call.
    pub latency: LatencyTable,
    /// The fault rules.
    pub faults: Faults,
    /// The policies, if they are enforced.
    pub policies: Option<Arc<Policies>>,
    /// Implements redrives of queues.
    pub message_moves: MessageMoves,
    /// The client for requests to the emulators.
    pub http: Http,
}

/// The reason why a call gets no response and the connection is closed.
#[derive(Debug, thiserror::Error)]
pub enum NoResponse {
    /// The request did not arrive completely.
    #[error("reading the request failed: {0}")]
    Unreadable(#[from] hyper::Error),
    /// The emulator's response did not arrive completely.
    #[error("reading the emulator's response failed: {0}")]
    Emulator(String),
    /// A fault rule applies.
    #[error("a fault rule suppressed the response to this call")]
    Injected,
}

/// Serves requests until accepting a connection fails.
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
        let caller = scope.as_ref().map(|scope| Caller::of(&scope.access_key, app.as_deref()));
        let principal = caller.and_then(|caller| caller.arn());
        let injected = self.faults.inject(CallKey { service: &service, operation: &operation, app: app.as_deref() });
        if let Some(InjectedFault { fault: Fault::Stall, duration }) = injected {
            tokio::time::sleep(duration).await;
        }
        let mut exchange = match &scope {
            Some(scope) if self.recorder.has_exchanges() => {
                Exchange::begin(scope, app.as_deref(), &operation, &head, &body)
            }
            _ => None,
        };
        let response = match error_response_for(injected, &service, &operation, &head, &body) {
            Some(error) => Some(error),
            None if let Some(access_denied) = self.policy_denial(caller, &service, &operation, &head, &body).await => {
                Some(access_denied)
            }
            None if injected.is_some_and(|it| it.fault == Fault::TimeoutBefore) => None,
            None => Some(self.dispatch_or_reject(scope.as_ref(), &operation, head, body).await),
        };
        self.recorder.record(Call {
            at_micros,
            micros: self.recorder.now_micros() - at_micros,
            service,
            operation,
            status: response.as_ref().map_or(0, |response| response.status().as_u16()),
            principal,
            access_key: scope.as_ref().map(|scope| scope.access_key.clone()),
            app,
            fault: injected.map(|injected| injected.fault),
        });
        let response = match (&mut exchange, response) {
            (Some(exchange), Some(response)) => Some(exchange.respond(response).await.map_err(NoResponse::Emulator)?),
            (_, response) => response,
        };
        if let Some(exchange) = exchange {
            self.recorder.record_exchange(&exchange);
        }
        close_connection(injected).await?;
        let response = response.ok_or(NoResponse::Injected)?;
        if injected.is_some_and(|it| it.fault == Fault::MalformedBody) {
            truncated_response(response).await
        } else {
            Ok(response)
        }
    }

    /// The access denied error, if the policies do not allow the call. Without enforcement, a role or an instance may call
    /// nothing: a test that relies on policies must not pass because they are not enforced.
    async fn policy_denial(
        &self,
        caller: Option<Caller<'_>>,
        service: &str,
        operation: &str,
        head: &Parts,
        body: &Bytes,
    ) -> Option<Response<Body>> {
        let caller = caller?;
        let denial = match &self.policies {
            Some(policies) => {
                let call = PolicyCall::of(service, operation, head, body);
                policies.denial(caller, &call, &self.auto_scaling).await?
            }
            None if caller.arn().is_some() => "the local cloud runs without --enforce-policies".to_owned(),
            None => return None,
        };
        eprintln!("local-cloud: {denial}");
        let form = query_and_body(head, body);
        Some(fault_response::access_denied(&fault_request(service, operation, head, body, &form), &denial))
    }

    /// Passes the request to the implementation of the service, unless AWS rejects the call.
    async fn dispatch_or_reject(
        &self,
        scope: Option<&Scope>,
        operation: &str,
        head: Parts,
        body: Bytes,
    ) -> Response<Body> {
        let service = scope.map(|scope| scope.service.as_str()).unwrap_or_default();
        let call_head = head.clone();
        let call = PolicyCall::of(service, operation, &call_head, &body);
        let form = query_and_body(&head, &body);
        let request = fault_request(service, operation, &head, &body, &form);
        let (alarms, ec2) = (&self.auto_scaling.alarms, self.auto_scaling.ec2());
        if let Some(response) = self.rejections.response(&call, &request, alarms, ec2).await {
            return response;
        }
        let response = self.dispatch(scope, operation, head, body.clone()).await;
        if response.status().is_success() {
            self.rejections.accepted(&call);
        }
        response
    }

    /// Passes the request to the implementation of the service.
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
            Some("servicequotas") => self.service_quotas.response(operation, &body),
            Some("sqs") if message_moves::OPERATIONS.contains(&operation) => {
                let ministack = Ministack::new(self.http.clone(), self.ministack);
                self.message_moves.response(&ministack, operation, &body).await
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

    /// EC2: the local cloud responds to actions on groups' instances that moto does not simulate, and forwards the rest
    /// to moto. Auto Scaling is informed of terminated instances.
    async fn ec2(&self, scope: Option<&Scope>, operation: &str, head: Parts, body: Bytes) -> Response<Body> {
        let query_and_body = query_and_body(&head, &body);
        if instances::EC2_ACTIONS.contains(&operation)
            && let Some(response) =
                self.auto_scaling.instances.ec2_response(operation, &query_and_body, auto_scaling::now())
        {
            return response;
        }
        if ec2_catalog::ACTIONS.contains(&operation)
            && let Some(response) = self.ec2_catalog.response(operation, &query_and_body)
        {
            return response;
        }
        if let Some(response) = self.ec2_additions.response(self.auto_scaling.ec2(), operation, &query_and_body).await {
            return response;
        }
        if let Some(response) = self.ec2_gaps.response(self.auto_scaling.ec2(), operation, &query_and_body).await {
            return response;
        }
        let response = self.forward(self.emulator(scope), head, body).await;
        if !response.status().is_success() {
            return response;
        }
        self.ec2_additions.accepted(operation, &query_and_body);
        if operation == "DescribeImages" {
            return with_body(response, ec2_catalog::with_root_snapshots).await;
        }
        if self.ec2_additions.changes(operation) {
            return with_body(response, |it| self.ec2_additions.with_additions(operation, it)).await;
        }
        if self.ec2_gaps.changes(operation) {
            return with_body(response, |it| self.ec2_gaps.with_effects(operation, it)).await;
        }
        if operation == "TerminateInstances" {
            let parameters = form::read(&query_and_body);
            let ids = parameters.iter().filter(|(name, _)| name.starts_with("InstanceId.")).map(|(_, id)| id.as_str());
            self.auto_scaling.terminated_in_ec2(ids.clone());
            for id in ids {
                if let Err(reason) = self.auto_scaling.ec2().delete_interfaces(id).await {
                    eprintln!("local-cloud: the interfaces of {id} are not deleted: {reason}");
                }
            }
        }
        response
    }

    fn emulator(&self, scope: Option<&Scope>) -> SocketAddr {
        let is_moto_service = |scope: &Scope| MOTO_SERVICES.contains(&scope.service.as_str());
        if scope.is_some_and(is_moto_service) { self.moto } else { self.ministack }
    }

    /// Forwards the request with method, path, query, body and `Host` unchanged: both emulators put the requested host
    /// into the addresses that they return.
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

/// The error response of the service, if the injected fault is one that the service returns.
fn error_response_for(
    injected: Option<InjectedFault>,
    service: &str,
    operation: &str,
    head: &Parts,
    body: &[u8],
) -> Option<Response<Body>> {
    let fault = injected?.fault;
    fault_response::of(fault, &fault_request(service, operation, head, body, &query_and_body(head, body)))
}

fn fault_request<'a>(
    service: &'a str,
    operation: &'a str,
    head: &'a Parts,
    body: &'a [u8],
    query_and_body: &'a str,
) -> fault_response::Request<'a> {
    let (method, path, headers) = (&head.method, head.uri.path(), &head.headers);
    fault_response::Request { service, operation, method, path, headers, form: query_and_body, body }
}

/// Closes the connection without a response if the fault requires that, after the fault's duration for time-outs. A
/// caller whose own time-out is shorter closes the connection first.
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

/// Truncates a successful response to the first half of the body. Content-Length keeps the length of the whole body: a
/// body that ends early is an error for every HTTP client, while the Rust SDK would accept half an XML document as
/// complete.
async fn truncated_response(response: Response<Body>) -> Result<Response<Body>, NoResponse> {
    if !response.status().is_success() {
        return Ok(response);
    }
    let (mut head, body) = response.into_parts();
    let body = body.collect().await.map_err(|_| NoResponse::Injected)?.to_bytes();
    head.headers.insert(header::CONTENT_LENGTH, body.len().into());
    Ok(Response::from_parts(head, Either::Left(Either::Right(TruncatedBody::of(&body)))))
}

/// A response with its body changed. A body that does not arrive completely is a 502.
async fn with_body(response: Response<Body>, change: impl Fn(&str) -> String) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    match body.collect().await {
        Ok(body) => {
            let body = change(&String::from_utf8_lossy(&body.to_bytes()));
            head.headers.insert(header::CONTENT_LENGTH, body.len().into());
            Response::from_parts(head, Either::Right(Full::from(body)))
        }
        Err(error) => control::text(StatusCode::BAD_GATEWAY, format!("{error:?}")),
    }
}

/// The parameters of a query protocol's request, from the query and from the body.
fn query_and_body(head: &Parts, body: &[u8]) -> String {
    format!("{}&{}", head.uri.query().unwrap_or_default(), String::from_utf8_lossy(body))
}

fn strip(headers: &mut HeaderMap) {
    for name in NOT_FORWARDED {
        headers.remove(name);
    }
}

/// The application id, which SDKs put into the user agent as `app/NAME`.
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
