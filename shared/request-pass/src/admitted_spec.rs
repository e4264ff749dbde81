//! The spec of a request, checked as far as that needs no call: for a pass, and for the plan of an operator.

use environment::{Defaults, Spec, Violation, check_change, check_hooks_are_handled};
use requests::records::{MAX_SPEC_BYTES, OwnerRecord};
use serde_json::{Map, Value};

use crate::recorded::{frozen_defaults, recorded_spec};
use crate::settings::Settings;

/// A checked spec.
#[derive(Clone, Debug)]
pub struct AdmittedSpec {
    /// The spec.
    pub spec: Spec,
    /// The defaults of its environment: frozen, or the current ones of a new environment.
    pub defaults: Defaults,
    /// The spec before: the one that settled last, else the attempted one, else the one of `old`. `None` for a Create.
    pub before: Option<Spec>,
}

/// Reads the requested spec with the frozen defaults, and checks it: by itself, against the spec before, against the
/// deployment's functions and allow-lists, and by its size. A rollback requests the spec that settled last. Both are equal,
/// so no value of it is rejected. `old` has the properties before the request, by CloudFormation: for an environment whose
/// record was lost.
///
/// # Errors
/// All violations.
pub fn admitted_spec(
    settings: &Settings,
    record: Option<&OwnerRecord>,
    given: &Map<String, Value>,
    old: Option<&Map<String, Value>>,
) -> Result<AdmittedSpec, Vec<Violation>> {
    let Settings { deployment, allow_lists, .. } = settings;
    let defaults = frozen_defaults(record, &settings.defaults);
    let settled = recorded_spec(record, |it| it.settled_spec.as_ref(), settings);
    let recorded = settled.clone().or_else(|| recorded_spec(record, |it| it.desired.as_ref(), settings));
    let spec = Spec::read_after(recorded.as_ref(), given, &defaults, deployment)?;
    let bytes = serde_json::to_string(&spec).map_or(0, |json| json.len());
    if bytes > MAX_SPEC_BYTES {
        let value = format!("{bytes} bytes of JSON in all");
        let valid = format!("at most {MAX_SPEC_BYTES} bytes: the record of the environment has to contain them twice");
        return Err(vec![Violation { property: String::from("ResourceProperties"), value, valid }]);
    }
    let before = recorded.or_else(|| old_spec(settings, old, &defaults));
    let mut violations = before.as_ref().map(|before| check_change(before, &spec)).unwrap_or_default();
    violations.extend(allow_lists.violations(before.as_ref(), &spec));
    if settled.as_ref() != Some(&spec) {
        violations.extend(check_hooks_are_handled(&spec, settings.hooks_are_handled));
    }
    if violations.is_empty() { Ok(AdmittedSpec { spec, defaults, before }) } else { Err(violations) }
}

/// The spec of the properties before an Update, by CloudFormation: for an environment whose record was lost.
pub(crate) fn old_spec(settings: &Settings, old: Option<&Map<String, Value>>, defaults: &Defaults) -> Option<Spec> {
    Spec::read(old?, defaults, &settings.deployment).ok()
}
