//! The functions' policies, enforced: each call of a function is held against the role that the template gives it.
//!
//! Who calls is told by the application id of its SDK. What a call asks for (actions, resources, what IAM knows of them)
//! is worked out from the call and from what the emulators hold; what the policies say is the crate `permissions`.
//!
//! # What is not judged
//!
//! Where the resource does not stand in the call (an association's route table, an instance's group, CloudWatch's calls,
//! which are binary) the action alone is judged. Of what Auto Scaling does in the caller's name when it launches,
//! the launch template is judged, and nothing else.

mod other_services;
mod ec2;

use std::collections::BTreeMap;

use hyper::{body::Bytes, http::request::Parts};
use permissions::{
    Function, StatementScope,
    judge::{Access, allows},
};
use serde_json::Value;

use crate::{REGION, auto_scaling::AutoScalingService, emulators::ACCOUNT, form};

/// The policies of one deployment.
pub struct Policies(StatementScope);

/// A call, as its parts are needed here.
pub(crate) struct Call<'a> {
    service: &'a str,
    operation: &'a str,
    path: &'a str,
    /// The parameters of a query protocol.
    form: BTreeMap<String, String>,
    /// The body of a JSON protocol; nothing for others.
    json: Value,
}

impl Policies {
    /// Those of the deployment with this project name.
    #[must_use]
    pub fn of(project: &str) -> Policies {
        Policies(StatementScope {
            partition: "aws".to_owned(),
            region: REGION.to_owned(),
            account: ACCOUNT.to_owned(),
            project: project.to_owned(),
        })
    }

    /// What a function asks for and may not have; None if it may, or if no function asks.
    pub async fn denial(
        &self,
        app: Option<&str>,
        (service, operation): (&str, &str),
        (head, body): (&Parts, &Bytes),
        scaling: &AutoScalingService,
    ) -> Option<String> {
        let function = Function::of(app?)?;
        let text = format!("{}&{}", head.uri.query().unwrap_or_default(), String::from_utf8_lossy(body));
        let call = Call {
            service,
            operation,
            path: head.uri.path(),
            form: form::read(&text),
            json: serde_json::from_slice(body).unwrap_or_default(),
        };
        let accesses =
            if service == "ec2" { ec2::required_access(&call, scaling.ec2()).await } else { other_services::required_access(&call, scaling).await };
        let denied = accesses.into_iter().find(|it| !allows(function, it, &self.0))?;
        let Access { action, resource, facts } = denied;
        let on = resource.unwrap_or_else(|| "*".to_owned());
        Some(format!("{} is not authorized to perform: {action} on resource: {on} ({facts:?})", function.name()))
    }
}

impl Call<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.form.get(name).map(String::as_str).or_else(|| self.json.get(name)?.as_str())
    }

    /// The values of a list in a form, such as `Tags.member.1.Key`.
    fn all<'b>(&'b self, begins: &'b str, ends: &'b str) -> impl Iterator<Item = (&'b str, &'b str)> {
        let fits = move |name: &str| name.starts_with(begins) && name.ends_with(ends);
        self.form.iter().filter(move |(name, _)| fits(name)).map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Tags that a form gives, as what a condition calls them.
    fn request_tags(&self, begins: &str) -> BTreeMap<String, String> {
        let mut tags = BTreeMap::new();
        for (name, key) in self.all(begins, "Key") {
            let value = self.form.get(&format!("{}Value", name.trim_end_matches("Key")));
            tags.insert(format!("aws:RequestTag/{key}"), value.cloned().unwrap_or_default());
        }
        tags
    }
}

/// An action on a resource.
fn access(action: impl Into<String>, resource: Option<String>, facts: BTreeMap<String, String>) -> Access {
    Access { action: action.into(), resource, facts }
}

/// What a resource whose ARN is not in the call is taken for: ours.
fn assumed_owned() -> BTreeMap<String, String> {
    let id = format!("scalable-ec2-{REGION}-taken-for-ours");
    ["aws:ResourceTag/envkeeper:environment", "ssm:resourceTag/envkeeper:environment"]
        .map(|key| (key.to_owned(), id.clone()))
        .into()
}
