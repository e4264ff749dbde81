//! What somebody changed behind our back: what is wanted beside what is live, field by field.

use std::fmt;

use crate::cloud::{Live, Whose};
use crate::field::{Field, Setting};
use crate::plan::{Wanted, plan};
use crate::resource::{Key, Resource};
use crate::twins::superfluous;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// The resource that differs.
    pub key: Key,
    /// The field; empty where the whole resource is missing, or is too much.
    pub field: String,
    /// What it should be; nothing where it should not be.
    pub wanted: Option<String>,
    /// What it is; nothing where it is not.
    pub live: Option<String>,
}

/// Compares what is wanted with what is live, by what an update would change and what no update can.
#[must_use]
pub fn drift(wanted: &Wanted, live: &[Live]) -> Vec<Drift> {
    let plan = plan(wanted, live);
    let mut all = Vec::new();
    for resource in &wanted.resources {
        let key = resource.key();
        let Some(found) = live.iter().find(|it| it.key() == key) else {
            all.push(Drift { key, field: String::new(), wanted: Some("there".into()), live: None });
            continue;
        };
        if let Whose::Foreign(why) | Whose::Hidden(why) | Whose::Retained(why) = &found.whose {
            let field = String::from("owner");
            all.push(Drift { key: key.clone(), field, wanted: Some("ours".into()), live: Some(why.clone()) });
        }
        let after = plan.steps.iter().find(|step| step.key == key).and_then(|step| step.leaves.as_ref());
        all.extend(after.map(|after| changed(after, &found.resource)).unwrap_or_default());
        all.extend(fixed(resource, &found.resource));
    }
    let wanted_keys: Vec<Key> = wanted.resources.iter().map(Resource::key).collect();
    let twins = superfluous(live);
    let is_too_much = |(at, it): &(usize, &Live)| !wanted_keys.contains(&it.key()) || twins.contains(at);
    let ours = live.iter().enumerate().filter(|(_, it)| it.whose == Whose::Ours);
    all.extend(ours.filter(is_too_much).map(|(_, it)| Drift {
        key: it.key(),
        field: String::new(),
        wanted: None,
        live: it.id.clone(),
    }));
    all
}

fn changed(after: &Resource, live: &Resource) -> Vec<Drift> {
    let (new, old) = (after.settings(), live.settings());
    let drift = |setting: &Setting, wanted: Option<String>, live: Option<String>| {
        let (name, element) = setting.slot();
        Drift { key: after.key(), field: format!("{name} {element}").trim_end().to_owned(), wanted, live }
    };
    let value = |setting: &Setting| match setting.value() {
        value if value.is_empty() => String::from("there"),
        value => value,
    };
    let missing = new.iter().filter_map(|it| {
        let found = old.iter().find(|other| other.slot() == it.slot());
        let same = found.is_some_and(|other| other.value() == it.value());
        (!same).then(|| drift(it, Some(value(it)), found.map(value)))
    });
    let too_much = old.iter().filter(|it| !new.iter().any(|other| other.slot() == it.slot()));
    missing.chain(too_much.map(|it| drift(it, None, Some(value(it))))).collect()
}

/// What no call can change, and is not as it should be.
fn fixed(wanted: &Resource, live: &Resource) -> Vec<Drift> {
    let of = |resource: &Resource| {
        let fixed = |field: Field| match field {
            Field::Fixed(name, value) => Some((name, value.to_string())),
            _ => None,
        };
        resource.all_fields().into_iter().filter_map(fixed).collect::<Vec<_>>()
    };
    let old = of(live);
    let differs = of(wanted).into_iter().filter_map(|(name, value)| {
        let found = old.iter().find(|(other, _)| *other == name).map(|(_, value)| value.clone());
        (found.as_ref() != Some(&value)).then(|| Drift {
            key: wanted.key(),
            field: name.to_owned(),
            wanted: Some(value),
            live: found,
        })
    });
    differs.collect()
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Drift { key, field, wanted, live } = self;
        let told = |value: &Option<String>| value.clone().unwrap_or_else(|| String::from("nothing"));
        match (field.as_str(), live) {
            ("", None) => write!(f, "{key} is missing"),
            ("", Some(id)) => write!(f, "{key} is there and not wanted, as {id}"),
            (field, _) => write!(f, "{key}: {field} is {}, wanted is {}", told(live), told(wanted)),
        }
    }
}
