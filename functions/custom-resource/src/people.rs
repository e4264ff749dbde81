//! What people ask by direct invocation: `{"Request": "plan", "ResourceProperties": {…}}`.

use environment::{Action, Cloud as _, Defaults, Plan, Scope, Spec, Wanted, plan, wanted};
use lambda_kit::BadSettings;
use requests::Records;
use serde_json::{Map, Value, json};

use crate::carry_out::{frozen_defaults, retired_tags, sentence};
use crate::clouds::Clouds;
use crate::settings::Settings;

/// Who looks on behalf of nobody: no resource can carry this mark, which is shorter than any owner's.
const NOBODY: &str = "nobody";

/// Answers with JSON for programs, in which there is text for people; or with `Error` and a sentence.
pub(crate) async fn answer<R: Records, C: Clouds>(
    settings: &Result<Settings, BadSettings>,
    records: &R,
    clouds: &C,
    event: &Value,
) -> Value {
    let answered = match event.get("Request").and_then(Value::as_str) {
        Some("plan") => match settings {
            Ok(settings) => planned(settings, records, clouds, event).await,
            Err(bad) => Err(bad.to_string()),
        },
        _ => Err(format!("Request is {}: valid is \"plan\"", event.get("Request").unwrap_or(&Value::Null))),
    };
    answered.unwrap_or_else(|error| json!({ "Error": error }))
}

/// What a create or an update with these properties would do now. Nothing is written.
async fn planned<R: Records, C: Clouds>(
    settings: &Settings,
    records: &R,
    clouds: &C,
    event: &Value,
) -> Result<Value, String> {
    let none = Map::new();
    let properties = event.get("ResourceProperties").and_then(Value::as_object).unwrap_or(&none);
    let read = |defaults: &Defaults| {
        let spec = Spec::read(properties, defaults, &settings.project, &settings.region);
        spec.map_err(|violations| violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    };
    let names = read(&settings.defaults)?.names(&settings.project, &settings.region);
    let owner = records.environment_owner(&names.environment_id()).await.map_err(sentence)?;
    let record = match &owner {
        Some(owner) => records.owner(owner).await.map_err(sentence)?,
        None => None,
    };
    let spec = read(&frozen_defaults(record.as_ref(), &settings.defaults))?;
    let owner = owner.map_or_else(|| NOBODY.to_owned(), |owner| owner.as_str().to_owned());
    let facts = clouds.facts(&spec, &settings.region).await.map_err(|setback| setback.to_string())?;
    let resources = wanted(&spec, &names, &owner, &facts)?;
    let retired_tags = retired_tags(record.as_ref(), &spec);
    let scope = Scope { owner: owner.clone(), names };
    let live = clouds.for_run(&owner, "plan").observe(&scope).await.map_err(|setback| setback.to_string())?;
    Ok(told(&plan(&Wanted { resources, retired_tags }, &live)))
}

fn told(plan: &Plan) -> Value {
    let steps: Vec<Value> = plan
        .steps
        .iter()
        .map(|step| {
            let action = match step.action {
                Action::Create => "create",
                Action::Update => "update",
                Action::Delete => "delete",
                Action::Wait(_) => "wait",
            };
            let calls: Vec<String> = step.calls.iter().map(ToString::to_string).collect();
            json!({ "Action": action, "Resource": step.key.to_string(), "Changes": step.told, "Calls": calls })
        })
        .collect();
    json!({ "Plan": plan.to_string(), "Steps": steps, "Refused": plan.refused })
}
