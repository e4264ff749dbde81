//! Actions of EC2 on instances of groups. Actions on other instances, or on all instances, are forwarded to moto.

use auto_scaling::{CheckStatus, Fleet, Member, Timestamp};
use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::{Response, StatusCode};

use crate::{element::Element, form, responses, router::Body};

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

pub fn response(fleet: &Fleet, action: &str, form: &str, now: Timestamp) -> Option<Response<Body>> {
    let parameters = form::read(form);
    let ids = parameters.iter().filter(|(name, _)| *name == "InstanceId" || name.starts_with("InstanceId."));
    let members: Vec<(&str, &Member)> =
        ids.map(|(_, id)| Some((id.as_str(), fleet.member(id).ok()?))).collect::<Option<_>>()?;
    let result = match (action, members.as_slice()) {
        (_, []) => return None,
        ("GetConsoleOutput", [(id, member)]) => console(id, member, now),
        ("DescribeInstanceStatus", members) => {
            let all = parameters.get("IncludeAllInstances").is_some_and(|value| value == "true");
            let listed = members.iter().filter(|(_, member)| all || member.status_checks(now).is_some());
            let items = listed.map(|(id, member)| Element::node("item", status(id, member, now))).collect();
            vec![Element::node("instanceStatusSet", items)]
        }
        _ => return None,
    };
    let children: String = result.iter().map(ToString::to_string).collect();
    let id = "<requestId>00000000-0000-4000-a000-000000000000</requestId>";
    let document = format!(r#"<{action}Response xmlns="{NAMESPACE}">{id}{children}</{action}Response>"#);
    Some(responses::xml(StatusCode::OK, &document))
}

fn status(id: &str, member: &Member, now: Timestamp) -> Vec<Element> {
    let checks = member.status_checks(now);
    let (code, name) = if checks.is_some() { (16, "running") } else { (48, "terminated") };
    let state = vec![Element::leaf("code", code), Element::leaf("name", name)];
    let reachability = match checks {
        Some(CheckStatus::Ok) => "passed",
        Some(CheckStatus::Impaired) => "failed",
        Some(CheckStatus::Initializing) => "initializing",
        None => "not-applicable",
    };
    let detail = vec![Element::leaf("name", "reachability"), Element::leaf("status", reachability)];
    let summary = vec![
        Element::leaf("status", checks.map_or("not-applicable", CheckStatus::as_str)),
        Element::node("details", vec![Element::node("item", detail)]),
    ];
    vec![
        Element::leaf("instanceId", id),
        Element::node("instanceState", state),
        Element::node("systemStatus", summary.clone()),
        Element::node("instanceStatus", summary),
    ]
}

fn console(id: &str, member: &Member, now: Timestamp) -> Vec<Element> {
    vec![
        Element::leaf("instanceId", id),
        Element::leaf("timestamp", now.with_millis()),
        Element::leaf("output", STANDARD.encode(&member.behaviour.console)),
    ]
}
