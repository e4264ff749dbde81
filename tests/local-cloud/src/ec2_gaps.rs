//! Actions of EC2 that moto does not have: the deletion of launch template versions, and the monitoring of running instances; and
//! names of EC2 that moto does not use.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use hyper::Response;

use crate::{
    ec2::Ec2,
    ec2_additions::{items, rejection, success},
    element::Element,
    form,
    router::Body,
};

const DELETE_VERSIONS: &str = "DeleteLaunchTemplateVersions";
const MONITOR: &str = "MonitorInstances";
const UNMONITOR: &str = "UnmonitorInstances";

/// moto's names of types of resources in lists of tags, and EC2's (EC2 API reference, `TagDescription`).
const TYPES: [(&str, &str); 2] = [("vpc-elastic-ip", "elastic-ip"), ("nat-gateway", "natgateway")];

/// The most versions in a call (EC2 API reference).
const MAX_VERSIONS: usize = 200;

/// The effects of these actions.
#[derive(Debug, Default)]
pub struct Ec2Gaps {
    /// The deleted versions by the id of their template.
    deleted: Mutex<BTreeMap<String, BTreeSet<String>>>,
    /// The instances whose monitoring was changed.
    monitored: Mutex<BTreeMap<String, bool>>,
}

fn locked<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ec2Gaps {
    /// The response to an action that moto does not have; `None` for every other action.
    pub async fn response(&self, ec2: &Ec2, action: &str, form: &str) -> Option<Response<Body>> {
        let parameters = form::read(form);
        let listed = |prefix: &str| -> Vec<String> {
            let named = parameters.iter().filter(|(name, _)| name.starts_with(prefix));
            named.map(|(_, value)| value.clone()).collect()
        };
        match action {
            DELETE_VERSIONS => {
                let template = parameters.get("LaunchTemplateId").cloned().unwrap_or_default();
                Some(self.delete_versions(ec2, &template, &listed("LaunchTemplateVersion.")).await)
            }
            MONITOR | UNMONITOR => Some(self.monitor(ec2, action, &listed("InstanceId.")).await),
            _ => None,
        }
    }

    /// Each version has a result of its own in the response.
    async fn delete_versions(&self, ec2: &Ec2, template: &str, versions: &[String]) -> Response<Body> {
        if versions.len() > MAX_VERSIONS {
            return rejection("InvalidParameterValue", "more than 200 versions");
        }
        let by_id = BTreeMap::from([
            ("LaunchTemplateId".to_owned(), template.to_owned()),
            ("MaxResults".to_owned(), MAX_VERSIONS.to_string()),
        ]);
        let response = match ec2.call("DescribeLaunchTemplateVersions", by_id).await {
            Ok(response) => response,
            Err(message) => return rejection("InvalidLaunchTemplateId.NotFound", &message),
        };
        let mut all_deleted = locked(&self.deleted);
        let deleted = all_deleted.entry(template.to_owned()).or_default();
        let result = |number: &String, fields: Vec<Element>| {
            let named = [Element::leaf("launchTemplateId", template), Element::leaf("versionNumber", number)];
            Element::node("item", named.into_iter().chain(fields).collect())
        };
        let (mut successes, mut failures) = (vec![], vec![]);
        for number in versions {
            let mut all = response.items("launchTemplateVersionSet").iter();
            let found = all.find(|it| it.text_of("versionNumber") == Some(number) && !deleted.contains(number));
            let error = match found {
                None => ("launchTemplateVersionDoesNotExist", "The version does not exist"),
                Some(it) if it.text_of("defaultVersion") == Some("true") => {
                    ("unexpectedError", "The default version is not deleted")
                }
                Some(_) => {
                    deleted.insert(number.clone());
                    successes.push(result(number, vec![]));
                    continue;
                }
            };
            let error = vec![Element::leaf("code", error.0), Element::leaf("message", error.1)];
            failures.push(result(number, vec![Element::node("responseError", error)]));
        }
        let fields = vec![
            Element::node("successfullyDeletedLaunchTemplateVersionSet", successes),
            Element::node("unsuccessfullyDeletedLaunchTemplateVersionSet", failures),
        ];
        success(DELETE_VERSIONS, fields)
    }

    async fn monitor(&self, ec2: &Ec2, action: &str, ids: &[String]) -> Response<Body> {
        let numbered = (1..).zip(ids).map(|(number, id)| (format!("InstanceId.{number}"), id.clone()));
        if let Err(message) = ec2.call("DescribeInstances", numbered.collect()).await {
            return rejection("InvalidInstanceID.NotFound", &message);
        }
        let is_on = action == MONITOR;
        locked(&self.monitored).extend(ids.iter().map(|id| (id.clone(), is_on)));
        let state =
            Element::node("monitoring", vec![Element::leaf("state", if is_on { "pending" } else { "disabling" })]);
        let item = |id: &String| Element::node("item", vec![Element::leaf("instanceId", id), state.clone()]);
        success(action, vec![Element::node("instancesSet", ids.iter().map(item).collect())])
    }

    /// Whether [`Ec2Gaps::with_effects`] changes responses to an action.
    #[must_use]
    pub fn changes(&self, action: &str) -> bool {
        match action {
            "DescribeLaunchTemplateVersions" => !locked(&self.deleted).is_empty(),
            "DescribeInstances" => !locked(&self.monitored).is_empty(),
            "DescribeTags" => true,
            _ => false,
        }
    }

    /// moto's response to an action, with the effects of the actions that moto does not have.
    #[must_use]
    pub fn with_effects(&self, action: &str, response: &str) -> String {
        let Some(mut parsed) = Element::parse(response) else { return response.to_owned() };
        match action {
            "DescribeLaunchTemplateVersions" => {
                let deleted = locked(&self.deleted);
                let is_left = |it: &Element| {
                    let deleted = it.text_of("launchTemplateId").and_then(|id| deleted.get(id));
                    !deleted.is_some_and(|all| it.text_of("versionNumber").is_some_and(|number| all.contains(number)))
                };
                let sets = parsed.children.iter_mut().filter(|it| it.name == "launchTemplateVersionSet");
                sets.for_each(|set| set.children.retain(is_left));
            }
            "DescribeInstances" => {
                let monitored = locked(&self.monitored);
                for instance in items(&mut parsed, "reservationSet").flat_map(|it| items(it, "instancesSet")) {
                    let Some(is_on) = instance.text_of("instanceId").and_then(|id| monitored.get(id)) else { continue };
                    let state = Element::leaf("state", if *is_on { "enabled" } else { "disabled" });
                    instance.children.retain(|it| it.name != "monitoring");
                    instance.children.push(Element::node("monitoring", vec![state]));
                }
            }
            "DescribeTags" => {
                for tag in items(&mut parsed, "tagSet") {
                    let of_moto = tag.text_of("resourceType").unwrap_or_default();
                    let Some((_, of_ec2)) = TYPES.iter().find(|(name, _)| *name == of_moto) else { continue };
                    tag.children.retain(|it| it.name != "resourceType");
                    tag.children.push(Element::leaf("resourceType", of_ec2));
                }
            }
            _ => {}
        }
        parsed.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deleted_version_is_not_listed() {
        let gaps = Ec2Gaps::default();
        assert!(!gaps.changes("DescribeLaunchTemplateVersions"));
        locked(&gaps.deleted).insert("lt-1".into(), ["2".into()].into());
        assert!(gaps.changes("DescribeLaunchTemplateVersions"));
        let item = |number: u64| {
            let fields = vec![Element::leaf("launchTemplateId", "lt-1"), Element::leaf("versionNumber", number)];
            Element::node("item", fields)
        };
        let set = Element::node("launchTemplateVersionSet", vec![item(1), item(2), item(3)]);
        let response = Element::node("Response", vec![set]).to_string();
        let left = Element::parse(&gaps.with_effects("DescribeLaunchTemplateVersions", &response)).unwrap();
        let left: Vec<_> =
            left.items("launchTemplateVersionSet").iter().filter_map(|it| it.text_of("versionNumber")).collect();
        assert_eq!(left, ["1", "3"]);
    }

    #[test]
    fn the_types_of_tagged_resources_have_the_names_of_ec2() {
        let gaps = Ec2Gaps::default();
        assert!(gaps.changes("DescribeTags"));
        let item = |kind: &str| Element::node("item", vec![Element::leaf("resourceType", kind)]);
        let set = Element::node("tagSet", ["nat-gateway", "vpc-elastic-ip", "vpc"].map(item).into());
        let response = Element::node("Response", vec![set]).to_string();
        let renamed = Element::parse(&gaps.with_effects("DescribeTags", &response)).unwrap();
        let types: Vec<_> = renamed.items("tagSet").iter().filter_map(|it| it.text_of("resourceType")).collect();
        assert_eq!(types, ["natgateway", "elastic-ip", "vpc"]);
    }

    #[test]
    fn the_monitoring_of_an_instance_is_the_last_one_set() {
        let gaps = Ec2Gaps::default();
        locked(&gaps.monitored).insert("i-1".into(), true);
        let monitoring = || Element::node("monitoring", vec![Element::leaf("state", "disabled")]);
        let item = |id: &str| Element::node("item", vec![Element::leaf("instanceId", id), monitoring()]);
        let instances = Element::node("instancesSet", vec![item("i-1"), item("i-2")]);
        let reservations = Element::node("reservationSet", vec![Element::node("item", vec![instances])]);
        let response = Element::node("Response", vec![reservations]).to_string();
        let mut changed = Element::parse(&gaps.with_effects("DescribeInstances", &response)).unwrap();
        let instances = items(&mut changed, "reservationSet").flat_map(|it| items(it, "instancesSet"));
        let states: Vec<_> = instances.map(|it| it.text_of("monitoring/state").unwrap().to_owned()).collect();
        assert_eq!(states, ["enabled", "disabled"]);
    }
}
