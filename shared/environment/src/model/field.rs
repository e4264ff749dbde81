//! The fields of a resource: how each is set, and what the engine knows of a setting.

use std::fmt;

use super::key::Ref;
use super::kind::KindFacts;

/// One field of a resource, with settings of type `S`. The variant states how the field is set.
#[derive(Clone, Debug, PartialEq)]
pub enum Field<S> {
    /// Set in the create call, and by no call of AWS afterwards: a difference is reported
    /// ([`FixedDrift`](crate::FixedDrift)).
    Fixed(&'static str, Value),
    /// Set in the create call, and never compared afterwards: another service changes the field, or it is pinned
    /// (desired capacity belongs to Auto Scaling, a subnet remains in its zone).
    Once(&'static str, Value),
    /// Set in the create call; a later change is a separate call.
    Created(S),
    /// Always set by a separate call, after the create call.
    After(S),
}

impl<S> Field<S> {
    /// A field that needs a separate call after the create call, unless a new resource has that value by default.
    pub(crate) fn after_create_unless(setting: S, is_default: bool) -> Field<S> {
        if is_default { Field::Created(setting) } else { Field::After(setting) }
    }

    /// The setting, if a separate call can set the field.
    #[must_use]
    pub fn setting(&self) -> Option<&S> {
        match self {
            Field::Created(setting) | Field::After(setting) => Some(setting),
            Field::Fixed(..) | Field::Once(..) => None,
        }
    }

    /// The same field with a setting of another type.
    pub(crate) fn map<T>(self, convert: impl FnOnce(S) -> T) -> Field<T> {
        match self {
            Field::Fixed(name, value) => Field::Fixed(name, value),
            Field::Once(name, value) => Field::Once(name, value),
            Field::Created(setting) => Field::Created(convert(setting)),
            Field::After(setting) => Field::After(convert(setting)),
        }
    }
}

/// The value of a field that no later call can set.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text, printed unchanged.
    Text(String),
    /// Another resource, which must exist first.
    Ref(Ref),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) => f.write_str(text),
            Value::Ref(to) => to.fmt(f),
        }
    }
}

/// A kind of resource: its facts, its fields, and the effect of the calls that set and clear its settings.
pub(crate) trait ResourceKind {
    /// The values that separate calls set and clear.
    type Setting: KindSetting;

    /// The facts that the engine decides by.
    const FACTS: KindFacts;

    /// The fields that Envkeeper owns, in the order in which they are set: the only source of plans, diffs and edges.
    fn fields(&self) -> Vec<Field<Self::Setting>>;

    /// Applies a setting, with the same effect as the call that sets it.
    fn set(&mut self, setting: &Self::Setting);

    /// Clears a setting, with the same effect as the call that clears it: a setting with a default returns to the
    /// default. Without a call that clears, nothing changes.
    fn clear(&mut self, _setting: &Self::Setting) {}

    /// Takes over the observed values that no call of Envkeeper sets.
    fn copy_observed_only_fields(&mut self, _observed: &Self) {}
}

/// A value that one call sets, and that another may clear. Each variant represents one pair of AWS operations.
pub(crate) trait KindSetting {
    /// The slot of the value: a name, and for repeatable values the element. Two settings in the same slot replace each
    /// other.
    fn slot(&self) -> (&'static str, String);

    /// The value within its slot, as plans print it; empty where the slot is the whole value.
    fn value(&self) -> String;

    /// The resources that the setting refers to.
    fn references(&self) -> Vec<&Ref> {
        vec![]
    }

    /// The AWS operation that sets the value, as `service:Operation`.
    fn set_operation(&self) -> &'static str;

    /// The AWS operation that clears the value. Settings that always have a value are cleared by the operation that
    /// sets them.
    fn clear_operation(&self) -> &'static str {
        self.set_operation()
    }

    /// The name of the call that sets this setting together with all others of the same name; `None` if a call sets
    /// this setting alone.
    fn shared_call(&self) -> Option<&'static str> {
        None
    }

    /// The most settings that this shared call accepts.
    fn most_in_a_call(&self) -> usize {
        usize::MAX
    }

    /// Whether the setting must be cleared before its resource can be deleted.
    fn blocks_deletion(&self) -> bool {
        false
    }

    /// Whether no step of a plan changes the setting: running instances have to follow it, which is a
    /// [rollout](crate::rollout).
    fn is_changed_by_rollout(&self) -> bool {
        false
    }

    /// Whether an observed setting is retained when it is not desired.
    fn is_retained_when_not_desired(&self) -> bool {
        false
    }
}

/// The setting of a kind whose fields are all set at creation: no value of this type exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSetting {}

impl KindSetting for NoSetting {
    fn slot(&self) -> (&'static str, String) {
        match *self {}
    }

    fn value(&self) -> String {
        match *self {}
    }

    fn set_operation(&self) -> &'static str {
        match *self {}
    }
}
