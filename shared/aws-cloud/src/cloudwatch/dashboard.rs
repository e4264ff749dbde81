//! The dashboard. The body is the whole dashboard, and carries the ownership mark.

use environment::{
    Call, CallKind, Dashboard, DashboardSetting, Fields, Names, ObservedResource, Resource, Setting, State, Tags, mark,
};

use crate::AwsCloud;
use crate::clients::Clients;
use crate::document;
use crate::errors::{ClassifyErrors, NoneIfNotFound, Problem};
use crate::ids::Observation;

const GET: &str = "cloudwatch:GetDashboard";

pub(crate) use aws_sdk_cloudwatch::operation::get_dashboard::GetDashboardOutput as Found;

/// Reads the dashboard with the computed name, owned or foreign.
pub(crate) async fn read(clients: &Clients, names: &Names) -> Result<Vec<Found>, Problem> {
    let request = clients.cloudwatch.get_dashboard().dashboard_name(names.dashboard().name);
    let response = request.send().await.classified(GET).none_if_not_found()?;
    Ok(response.into_iter().collect())
}

/// The dashboard in the form of the engine.
pub(crate) fn observed(found: &Found, observation: &Observation<'_>) -> Result<ObservedResource, Problem> {
    let missing = |field| move || Problem::unreadable(GET, field);
    let body = document::body(found.dashboard_body().ok_or_else(missing("body"))?);
    Ok(ObservedResource {
        id: Some(found.dashboard_arn().ok_or_else(missing("ARN"))?.to_owned()),
        ownership: ObservedResource::ownership(&mark::in_text(&body), observation.owner),
        resource: Resource {
            name: observation.names.dashboard().name,
            tags: Tags::new(),
            fields: Fields::Dashboard(Dashboard { body }),
        },
        state: State::Ready,
        references: vec![],
        version: None,
    })
}

/// Executes one call on a dashboard.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.kind {
        CallKind::Create(resource) => match &resource.fields {
            Fields::Dashboard(Dashboard { body }) => put(aws, call, body).await,
            _ => Err(Problem::unsupported_call(call)),
        },
        CallKind::Set(settings) => match settings.as_slice() {
            [Setting::Dashboard(DashboardSetting::Body(body))] => put(aws, call, body).await,
            _ => Err(Problem::unsupported_call(call)),
        },
        CallKind::Delete => {
            let request = aws.clients.cloudwatch.delete_dashboards().dashboard_names(&call.key.name);
            request.send().await.classified(call.operation()).none_if_not_found()?;
            Ok(())
        }
        CallKind::Clear(_) | CallKind::Drain | CallKind::Empty | CallKind::Rollout(_) => {
            Err(Problem::unsupported_call(call))
        }
    }
}

/// Sets the body. A successful response may still contain validation messages: parts of the body that have no meaning,
/// and that the console would show as errors.
async fn put(aws: &AwsCloud, call: &Call, body: &str) -> Result<(), Problem> {
    let request = aws.clients.cloudwatch.put_dashboard().dashboard_name(&call.key.name).dashboard_body(body);
    let response = request.send().await.classified(call.operation())?;
    let messages = response
        .dashboard_validation_messages()
        .iter()
        .map(|it| format!("{}: {}", it.data_path().unwrap_or_default(), it.message().unwrap_or_default()));
    match messages.collect::<Vec<_>>().join("; ") {
        none if none.is_empty() => Ok(()),
        messages => Err(Problem::rejected(call.operation(), format!("its body: {messages}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ids;
    use environment::Ownership;

    #[test]
    fn the_body_of_a_dashboard_carries_its_mark_and_is_read_without_whitespace() {
        let names = Names {
            project: "p".into(),
            region: "eu-west-1".into(),
            account: "123456789012".into(),
            suffix: "dev".into(),
        };
        let body = format!("{{ \"widgets\": [ \"# a {}\" ] }}", mark::text("owner", "p-eu-west-1-dev"));
        let found = Found::builder().dashboard_arn("arn:d").dashboard_body(&body).build();
        let observed = observed(&found, &Ids::default().observation("owner", &names)).unwrap();
        assert_eq!((observed.key(), observed.ownership), (names.dashboard(), Ownership::Owned));
        let Fields::Dashboard(Dashboard { body: read }) = observed.resource.fields else { panic!("another kind") };
        assert_eq!(read, body.replace("{ ", "{").replace(": [ ", ":[").replace(" ] }", "]}"));
    }
}
