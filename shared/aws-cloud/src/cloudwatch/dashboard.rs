//! The dashboard. Its body is all of it, and carries the mark of ownership.

use environment::{Call, Dashboard, Fields, Live, Names, Resource, Setting, State, Tags, What, mark};

use crate::AwsCloud;
use crate::clients::Clients;
use crate::document;
use crate::errors::{Answer, Problem, UnlessMissing};
use crate::ids::Look;

const GET: &str = "cloudwatch:GetDashboard";

pub(crate) use aws_sdk_cloudwatch::operation::get_dashboard::GetDashboardOutput as Seen;

/// The dashboard of the computed name, whoever's it is.
pub(crate) async fn read(clients: &Clients, names: &Names) -> Result<Vec<Seen>, Problem> {
    let request = clients.cloudwatch.get_dashboard().dashboard_name(names.dashboard().name);
    let answer = request.send().await.answer(GET).unless_missing()?;
    Ok(answer.into_iter().collect())
}

/// The dashboard as the engine sees it.
pub(crate) fn live(seen: &Seen, look: &Look<'_>) -> Result<Live, Problem> {
    let missing = |what| move || Problem::unreadable(GET, what);
    let body = document::body(seen.dashboard_body().ok_or_else(missing("body"))?);
    Ok(Live {
        id: Some(seen.dashboard_arn().ok_or_else(missing("ARN"))?.to_owned()),
        whose: Live::whose(&mark::in_text(&body), look.owner),
        resource: Resource {
            name: look.names.dashboard().name,
            tags: Tags::new(),
            fields: Fields::Dashboard(Dashboard { body }),
        },
        state: State::Ready,
        holds: vec![],
        version: None,
    })
}

/// Carries out one call on a dashboard.
pub(crate) async fn call(aws: &AwsCloud, call: &Call) -> Result<(), Problem> {
    match &call.what {
        What::Create(resource) => match &resource.fields {
            Fields::Dashboard(Dashboard { body }) => put(aws, call, body).await,
            _ => Err(Problem::no_such_call(call)),
        },
        What::Set(settings) => match settings.as_slice() {
            [Setting::DashboardBody(body)] => put(aws, call, body).await,
            _ => Err(Problem::no_such_call(call)),
        },
        What::Delete => {
            let request = aws.clients.cloudwatch.delete_dashboards().dashboard_names(&call.key.name);
            request.send().await.answer(call.operation()).unless_missing()?;
            Ok(())
        }
        What::Clear(_) | What::Drain | What::Empty => Err(Problem::no_such_call(call)),
    }
}

/// A success may still say that parts of the body mean nothing, and would be shown as errors.
async fn put(aws: &AwsCloud, call: &Call, body: &str) -> Result<(), Problem> {
    let request = aws.clients.cloudwatch.put_dashboard().dashboard_name(&call.key.name).dashboard_body(body);
    let answer = request.send().await.answer(call.operation())?;
    let told = answer
        .dashboard_validation_messages()
        .iter()
        .map(|it| format!("{}: {}", it.data_path().unwrap_or_default(), it.message().unwrap_or_default()));
    match told.collect::<Vec<_>>().join("; ") {
        nothing if nothing.is_empty() => Ok(()),
        told => Err(Problem::refused(call.operation(), format!("its body: {told}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ids;
    use environment::Whose;

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
        let live = live(&seen, &Ids::default().look("owner", &names)).unwrap();
        assert_eq!((live.key(), live.whose), (names.dashboard(), Whose::Ours));
        let Fields::Dashboard(Dashboard { body: read }) = live.resource.fields else { panic!("another kind") };
        assert_eq!(read, body.replace("{ ", "{").replace(": [ ", ":[").replace(" ] }", "]}"));
    }
}
