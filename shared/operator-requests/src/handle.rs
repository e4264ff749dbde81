//! What each of the two functions performs.

use environment::Timestamp;
use lambda_kit::InvalidSettings;
use request_pass::{CloudFactory, RequestHandler, Settings, publish_accepted, work_deadline};
use requests::{Records, RequestQueue};
use serde_json::Value;

use crate::doctor::doctor;
use crate::error::OperatorError;
use crate::event::{OperatorEvent, error_result};
use crate::request::{Decision, OperatorRequest};
use crate::table::{ChangeRequest, ReadRequest, RequestKind};

/// Everything that a reading request depends on. The function also starts with invalid settings, and reports them.
type Reader<'a, R, C> = (&'a Result<Settings, InvalidSettings>, &'a R, &'a C);

/// Handles an invocation of the function `operator-read`. A request that changes something is refused, and so is an event
/// that is not an operator request. Nothing is written.
pub async fn handle_read_request<R: Records, C: CloudFactory>(
    settings: &Result<Settings, InvalidSettings>,
    records: &R,
    cloud_factory: &C,
    event: &str,
) -> Value {
    let event = match OperatorEvent::read(event) {
        Ok(event) => event,
        Err(error) => return refused(&error),
    };
    event.log();
    let result = match event.kind {
        RequestKind::Read(request) => read((settings, records, cloud_factory), &event, request).await,
        RequestKind::Change(_) => valid(settings).and_then(|settings| {
            let operator = settings.operator_function.clone();
            Err(OperatorError::Changes { request: event.name, operator })
        }),
    };
    event.result(result)
}

/// Handles an invocation of the function `operator`, which Lambda ends at `deadline_ms`. An event that is not an operator
/// request is refused.
pub async fn handle_request<R: Records, C: CloudFactory, Q: RequestQueue>(
    handler: &RequestHandler<R, C, Q>,
    event: &str,
    deadline_ms: u64,
) -> Value {
    let event = match OperatorEvent::read(event) {
        Ok(event) => event,
        Err(error) => return refused(&error),
    };
    event.log();
    let RequestHandler { settings, records, cloud_factory, .. } = handler;
    let result = match event.kind {
        RequestKind::Read(request) => read((settings, records, cloud_factory), &event, request).await,
        RequestKind::Change(request) => Box::pin(change(handler, &event, request, deadline_ms)).await,
    };
    event.result(result)
}

fn refused(error: &OperatorError) -> Value {
    tracing::warn!(%error, "event refused");
    error_result(error)
}

fn valid(settings: &Result<Settings, InvalidSettings>) -> Result<&Settings, OperatorError> {
    settings.as_ref().map_err(|invalid| OperatorError::InvalidSettings(invalid.to_string()))
}

async fn read<R: Records, C: CloudFactory>(
    (settings, records, cloud_factory): Reader<'_, R, C>,
    event: &OperatorEvent,
    request: ReadRequest,
) -> Result<Value, OperatorError> {
    let operator =
        || valid(settings).map(|settings| OperatorRequest { settings, records, cloud_factory, event: &event.fields });
    match request {
        ReadRequest::Status => operator()?.status().await,
        ReadRequest::Rollout => operator()?.rollout_status().await,
        ReadRequest::Drift => Box::pin(operator()?.drift()).await,
        ReadRequest::Plan => Box::pin(operator()?.plan()).await,
        ReadRequest::Validate => operator()?.validate(),
        ReadRequest::List => operator()?.list().await,
        ReadRequest::Inventory => Box::pin(operator()?.inventory()).await,
        ReadRequest::Doctor => Ok(doctor(settings.as_ref(), records, cloud_factory.now()).await),
    }
}

async fn change<R: Records, C: CloudFactory, Q: RequestQueue>(
    handler: &RequestHandler<R, C, Q>,
    event: &OperatorEvent,
    request: ChangeRequest,
    deadline_ms: u64,
) -> Result<Value, OperatorError> {
    let RequestHandler { records, cloud_factory, request_queue, .. } = handler;
    let settings = valid(&handler.settings)?;
    let operator = OperatorRequest { settings, records, cloud_factory, event: &event.fields };
    let result = match operator.decide(request).await? {
        Decision::Planned(plan) => return Ok(plan),
        Decision::Done(result) => result,
        Decision::Stack(request) => match handler.handle_operator_request(&request.event, deadline_ms).await {
            Ok(response) => request.result(&response),
            Err(error) => return Err(OperatorError::NotQueued(error.to_string())),
        },
        Decision::Rollout(operation) => {
            let until = work_deadline(Timestamp(deadline_ms));
            operation.perform(request_queue.as_ref(), (settings, records, cloud_factory), until).await?
        }
    };
    if let Ok(environment) = operator.environment() {
        publish_accepted(settings, cloud_factory, environment, event.name, event.claimed_caller.as_deref()).await;
    }
    Ok(result)
}
