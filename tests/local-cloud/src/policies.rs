//! Enforcement of the functions' policies: each call of a function is checked against the role that the template gives
//! the function.
//!
//! The application id of the SDK identifies the calling function. The required access of a call (actions, resources,
//! and the facts that IAM knows about them) is derived from the call and from the emulators' data. The policies are in
//! the crate `permissions`.
//!
//! # Limits
//!
//! Where the call does not contain the resource (an association's route table, an instance's group, CloudWatch's calls,
//! which are binary), only the action is checked. For Auto Scaling's launches in the caller's name, only the launch
//! template is checked.

mod ec2;
mod other_services;

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

/// The parts of a call from which the required access is derived.
pub(crate) struct Call<'a> {
    service: &'a str,
    operation: &'a str,
    path: &'a str,
    /// The parameters of a query protocol.
    form: BTreeMap<String, String>,
    /// The body of a JSON protocol; null for other protocols.
    json: Value,
}

impl Policies {
    /// The policies of the deployment with this project name.
    #[must_use]
    pub fn of(project: &str) -> Policies {
        Policies(StatementScope {
            partition: "aws".to_owned(),
            region: REGION.to_owned(),
            account: ACCOUNT.to_owned(),
            project: project.to_owned(),
        })
    }

    /// The access denied message for a call that the function's policy does not allow; `None` for an allowed call, and
    /// for callers that are not functions.
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
        let accesses = if service == "ec2" {
            ec2::required_access(&call, scaling.ec2()).await
        } else {
            other_services::required_access(&call, scaling).await
        };
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

    /// The names and values of a list in a form, such as `Tags.member.1.Key`, by prefix and suffix of the name.
    fn all<'b>(&'b self, begins: &'b str, ends: &'b str) -> impl Iterator<Item = (&'b str, &'b str)> {
        let fits = move |name: &str| name.starts_with(begins) && name.ends_with(ends);
        self.form.iter().filter(move |(name, _)| fits(name)).map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The tags in a form, by the condition key `aws:RequestTag/…`.
    fn request_tags(&self, begins: &str) -> BTreeMap<String, String> {
        let mut tags = BTreeMap::new();
        for (name, key) in self.all(begins, "Key") {
            let value = self.form.get(&format!("{}Value", name.trim_end_matches("Key")));
            tags.insert(format!("aws:RequestTag/{key}"), value.cloned().unwrap_or_default());
        }
        tags
    }
}

/// The access of an action to a resource.
fn access(action: impl Into<String>, resource: Option<String>, facts: BTreeMap<String, String>) -> Access {
    Access { action: action.into(), resource, facts }
}

/// The facts for a resource whose ARN is not in the call: the resource is assumed to be owned by an environment.
fn assumed_owned() -> BTreeMap<String, String> {
    let id = format!("scalable-ec2-{REGION}-assumed-owned");
    ["aws:ResourceTag/envkeeper:environment", "ssm:resourceTag/envkeeper:environment"]
        .map(|key| (key.to_owned(), id.clone()))
        .into()
}
