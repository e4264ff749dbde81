//! The response server: accepts responses, or rejects them.

use std::sync::atomic::{AtomicU16, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use requests::ResponseSender;
use serde_json::Value;

/// Responds at once, with 200 unless another status was set.
#[derive(Clone, Debug, Default)]
pub struct FakeResponseServer {
    /// The responses that arrived.
    arrived: Arc<Mutex<Vec<Value>>>,
    rejects_with: Arc<AtomicU16>,
}

impl FakeResponseServer {
    /// A sender with one attempt: the pauses between attempts would be the runtime's, and tests have a clock of their
    /// own.
    pub fn response_sender(&self) -> ResponseSender {
        ResponseSender::with_connector(self.clone()).with_max_attempts(1)
    }

    /// Accepts or rejects each response with this status from now on. 200 accepts them again.
    pub fn respond_with(&self, status: u16) {
        self.rejects_with.store(status, SeqCst);
    }

    /// Takes the responses that arrived since the last call.
    pub fn take(&self) -> Vec<Value> {
        std::mem::take(&mut self.arrived.lock().expect("one thread"))
    }
}

impl HttpConnector for FakeResponseServer {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let status = match self.rejects_with.load(SeqCst) {
            0 => 200,
            status => status,
        };
        if status == 200 {
            let body = serde_json::from_slice(request.body().bytes().expect("in memory")).expect("JSON");
            self.arrived.lock().expect("one thread").push(body);
        }
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().expect("a status"), SdkBody::empty())))
    }
}
