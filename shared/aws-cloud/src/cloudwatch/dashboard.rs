//! The dashboard. Its body is all of it, and carries the mark of ownership.

use environment::{Call, CallKind, Dashboard, Fields, Names, ObservedResource, Resource, Setting, State, Tags, mark};

use crate::AwsCloud;
use crate::clients::Clients;
use crate::document;
use crate::errors::{Problem, Response, UnlessMissing};
use crate::ids::Observation;

const GET: &str = "cloudwatch:GetDashboard";

pub(crate) use aws_sdk_cloudwatch::operation::get_dashboard::GetDashboardOutput as Seen;

/// The dashboard of the computed name, whoever's it is.
pub(crate) async fn read(clients: &Clients, names: &Names) -> Result<Vec<Seen>, Problem> {
    let request = clients.cloudwatch.get_dashboard().dashboard_name(names.dashboard().name);
    let response = request.send().await.response(GET).unless_missing()?;
    Ok(response.into_iter().collect())
}

/// The dashboard as the engine sees it.
pub(crate) fn observed(seen: &Seen, observation: &Observation<'_>) -> Result<ObservedResource, Problem> {
    let missing = |what| move || Problem::unreadable(GET, what);
    let body = document::body(seen.dashboard_body().ok_or_else(missing("body"))?);
    Ok(ObservedResource {
        id: Some(seen.dashboard_arn().ok_or_else(missing("ARN"))?.to_owned()),
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

/// Carries out one call on a dashboard.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.kind {
        CallKind::Create(resource) => match &resource.fields {
            Fields::Dashboard(Dashboard { body }) => put(aws, call, body).await,
            _ => Err(Problem::no_such_call(call)),
        },
        CallKind::Set(settings) => match settings.as_slice() {
            [Setting::DashboardBody(body)] => put(aws, call, body).await,
            _ => Err(Problem::no_such_call(call)),
        },
        CallKind::Delete => {
            let request = aws.clients.cloudwatch.delete_dashboards().dashboard_names(&call.key.name);
            request.send().await.response(call.operation()).unless_missing()?;
            Ok(())
        }
        CallKind::Clear(_) | CallKind::Drain | CallKind::Empty => Err(Problem::no_such_call(call)),
    }
}

/// A success may still say that parts of the body mean nothing, and would be shown as errors.
async fn put(aws: &AwsCloud, call: &Call, body: &str) -> Result<(), Problem> {
    let request = aws.clients.cloudwatch.put_dashboard().dashboard_name(&call.key.name).dashboard_body(body);
    let response = request.send().await.response(call.operation())?;
    let told = response
        .dashboard_validation_messages()
        .iter()
        .map(|it| format!("{}: {}", it.data_path().unwrap_or_default(), it.message().unwrap_or_default()));
    match told.collect::<Vec<_>>().join("; ") {
        nothing if nothing.is_empty() => Ok(()),
        told => Err(Problem::rejected(call.operation(), format!("its body: {told}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ids;
    use environment::Ownership;

    #[test]
    fn a_dashboard_is_judged_by_its_body_and_read_without_its_whitespace() {
        let names = Names {
            project: "p".into(),
            region: "eu-west-1".into(),
            account: "123456789012".into(),
            suffix: "dev".into(),
        };
        let body = format!("{{ \"widgets\": [ \"# a {}\" ] }}", mark::text("owner", "p-eu-west-1-dev"));
        let seen = Seen::builder().dashboard_arn("arn:d").dashboard_body(&body).build();
        let observed = observed(&seen, &Ids::default().observation("owner", &names)).unwrap();
        assert_eq!((observed.key(), observed.ownership), (names.dashboard(), Ownership::Owned));
        let Fields::Dashboard(Dashboard { body: read }) = observed.resource.fields else { panic!("another kind") };
        assert_eq!(read, body.replace("{ ", "{").replace(": [ ", ":[").replace(" ] }", "]}"));
    }
}
