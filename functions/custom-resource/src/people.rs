//! What people ask by direct invocation: `{"Request": "plan", "ResourceProperties": {…}}`, and
//! `{"Request": "unlock", "Environment": "…"}`.

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
    let request = event.get("Request").unwrap_or(&Value::Null);
    let answered = match (request.as_str(), settings) {
        (Some("plan"), Ok(settings)) => planned(settings, records, clouds, event).await,
        (Some("unlock"), Ok(_)) => unlocked(records, event).await,
        (Some("plan" | "unlock"), Err(bad)) => Err(bad.to_string()),
        _ => Err(format!("Request is {request}: valid is \"plan\" or \"unlock\"")),
    };
    answered.unwrap_or_else(|error| json!({ "Error": error }))
}

/// Lifts an environment's deletion protection, until an update wants something anew. Saying it twice is saying it once.
async fn unlocked<R: Records>(records: &R, event: &Value) -> Result<Value, String> {
    let given = event.get("Environment").unwrap_or(&Value::Null);
    let valid = "the id of an environment, such as \"scalable-ec2-us-west-2-dev\"";
    let Some(environment) = given.as_str() else { return Err(format!("Environment is {given}: valid is {valid}")) };
    let owner = records.environment_owner(environment).await.map_err(sentence)?;
    let Some(owner) = owner else {
        return Err(format!("Environment is {given}: there is none of that name; valid is {valid}"));
    };
    records.unlock(&owner).await.map_err(sentence)?;
    Ok(json!({ "Unlocked": environment, "Until": "the next update of its stack" }))
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
        let spec = Spec::read(properties, defaults, &settings.place);
        spec.map_err(|violations| violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    };
    let names = read(&settings.defaults)?.names(&settings.place);
    let owner = records.environment_owner(&names.environment_id()).await.map_err(sentence)?;
    let record = match &owner {
        Some(owner) => records.owner(owner).await.map_err(sentence)?,
        None => None,
    };
    let spec = read(&frozen_defaults(record.as_ref(), &settings.defaults))?;
    let owner = owner.map_or_else(|| NOBODY.to_owned(), |owner| owner.as_str().to_owned());
    let facts = clouds.facts(&spec, &settings.place.region, settings.hooks_are_answered).await;
    let facts = facts.map_err(|setback| setback.to_string())?;
    let resources = wanted(&spec, &names, &owner, &facts)?;
    let retired_tags = retired_tags(record.as_ref(), &spec, settings);
    let scope = Scope { owner: owner.clone(), names };
    let live = clouds.for_run(&owner, "plan").observe(&scope).await.map_err(|setback| setback.to_string())?;
    Ok(told(&plan(&Wanted { resources, retired_tags, ..Wanted::default() }, &live)))
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
                Action::Retain => "retain",
                Action::Wait(_) => "wait",
            };
            let calls: Vec<String> = step.calls.iter().map(ToString::to_string).collect();
            json!({ "Action": action, "Resource": step.key.to_string(), "Changes": step.told, "Calls": calls })
        })
        .collect();
    json!({ "Plan": plan.to_string(), "Steps": steps, "Refused": plan.refused })
}
