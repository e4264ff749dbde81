//! The resources of an environment, with one type for desired and observed resources.
//!
//! A [`Resource`] is a kind, a name and fields, and nothing else. The id that AWS assigned, the ownership and
//! the state are in [`ObservedResource`](crate::ObservedResource). Comparing two resources field by field is the diff.
//!
//! A [`Field`] states how the field is set, since that decides which changes are possible.

use std::fmt;

use super::field::{Field, KindSetting, ResourceKind, Value};
use super::key::{Key, Ref, Tags};
use super::kind::{Kind, KindFacts, Marking, for_each_kind};
use super::kinds;

/// A resource: name, tags, and the fields of the kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// The name, as [`Names`](crate::Names) computes it: AWS's own name of the resource, or the value of a tag.
    pub name: String,
    /// The tags, with the mark among them; empty where, by [`KindFacts::marking`], the kind has no tags.
    pub tags: Tags,
    /// The fields of the resource's kind.
    pub fields: Fields,
}

macro_rules! resource_enums {
    ($($(#[$doc:meta])* $kind:ident($setting:ident),)*) => {
        /// The fields of each kind.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Fields {
            $($(#[$doc])* $kind(kinds::$kind),)*
        }

        /// A value that one call sets, and that another may clear.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Setting {
            /// A tag's key and value, on a resource of any kind with tags.
            Tag(String, String),
            $(#[doc = concat!("A setting of a [`Kind::", stringify!($kind), "`].")] $kind(kinds::$setting),)*
        }

        // A kind that is marked by tags names the operations that change them.
        const _: () = {
            $(
                let facts = <kinds::$kind as ResourceKind>::FACTS;
                assert!(!matches!(facts.marking, Marking::Tags) || facts.tagging.is_some());
            )*
        };

        impl Kind {
            /// The facts that the kind declares.
            #[must_use]
            pub fn facts(self) -> &'static KindFacts {
                match self {
                    $(Kind::$kind => &<kinds::$kind as ResourceKind>::FACTS,)*
                }
            }
        }

        impl Fields {
            fn kind(&self) -> Kind {
                match self {
                    $(Fields::$kind(_) => Kind::$kind,)*
                }
            }

            fn all(&self) -> Vec<Field<Setting>> {
                match self {
                    $(Fields::$kind(it) => it.fields().into_iter().map(|it| it.map(Setting::$kind)).collect(),)*
                }
            }

            /// Applies a setting of the same kind; a setting of another kind changes nothing.
            fn set(&mut self, setting: &Setting) {
                match (self, setting) {
                    $((Fields::$kind(it), Setting::$kind(setting)) => it.set(setting),)*
                    _ => {}
                }
            }

            /// Clears a setting of the same kind; a setting of another kind changes nothing.
            fn clear(&mut self, setting: &Setting) {
                match (self, setting) {
                    $((Fields::$kind(it), Setting::$kind(setting)) => it.clear(setting),)*
                    _ => {}
                }
            }

            fn copy_observed_only_fields(&mut self, observed: &Fields) {
                match (self, observed) {
                    $((Fields::$kind(it), Fields::$kind(observed)) => it.copy_observed_only_fields(observed),)*
                    _ => {}
                }
            }
        }

        impl Setting {
            /// The setting as its kind knows it; `None` for a tag.
            fn of_kind(&self) -> Option<&dyn KindSetting> {
                match self {
                    Setting::Tag(..) => None,
                    $(Setting::$kind(setting) => Some(setting),)*
                }
            }
        }
    };
}
for_each_kind!(resource_enums);

impl Resource {
    /// The kind to which the fields belong.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.fields.kind()
    }

    /// The kind and name, by which desired and observed resources are matched.
    #[must_use]
    pub fn key(&self) -> Key {
        Key::new(self.kind(), self.name.clone())
    }

    /// All fields, in the order in which they are set; the tags come last.
    #[must_use]
    pub fn all_fields(&self) -> Vec<Field<Setting>> {
        let mut fields = self.fields.all();
        let tag = |(key, value): (&String, &String)| match self.kind().facts().marking {
            Marking::TextAndTags => Field::Once("tag", Value::Text(format!("{key}={value}"))),
            _ => Field::Created(Setting::Tag(key.clone(), value.clone())),
        };
        fields.extend(self.tags.iter().map(tag));
        fields
    }

    /// The fields that separate calls can set.
    #[must_use]
    pub fn settings(&self) -> Vec<Setting> {
        self.all_fields().iter().filter_map(|field| field.setting().cloned()).collect()
    }

    /// The resources of this environment that the fields refer to.
    #[must_use]
    pub fn references(&self) -> Vec<Key> {
        self.all_fields().iter().flat_map(Field::references).filter_map(Ref::key).cloned().collect()
    }

    /// The resource after the create call: without the settings that later calls set.
    #[must_use]
    pub fn as_created(&self) -> Resource {
        let mut created = self.clone();
        for field in self.all_fields() {
            if let Field::After(setting) = field {
                created.clear(&setting);
            }
        }
        created
    }

    /// The resource, with the observed values of the fields that no call of Envkeeper sets.
    #[must_use]
    pub(crate) fn with_observed_only_fields(&self, observed: &Resource) -> Resource {
        let mut it = self.clone();
        it.fields.copy_observed_only_fields(&observed.fields);
        it
    }

    /// Applies a setting, with the same effect as the call that sets it.
    pub fn set(&mut self, setting: &Setting) {
        match setting {
            Setting::Tag(key, value) => {
                self.tags.insert(key.clone(), value.clone());
            }
            setting => self.fields.set(setting),
        }
    }

    /// Clears a setting, with the same effect as the call that clears it: a setting with a default returns to the
    /// default.
    pub fn clear(&mut self, setting: &Setting) {
        match setting {
            Setting::Tag(key, _) => {
                self.tags.remove(key);
            }
            setting => self.fields.clear(setting),
        }
    }

    /// Applies several settings.
    pub fn set_all(&mut self, settings: &[Setting]) {
        for setting in settings {
            self.set(setting);
        }
    }

    /// Clears several settings.
    pub fn clear_all(&mut self, settings: &[Setting]) {
        for setting in settings {
            self.clear(setting);
        }
    }
}

impl Field<Setting> {
    fn references(&self) -> Vec<&Ref> {
        match self {
            Field::Fixed(_, Value::Ref(to)) | Field::Once(_, Value::Ref(to)) => vec![to],
            Field::Fixed(..) | Field::Once(..) => vec![],
            Field::Created(setting) | Field::After(setting) => setting.references(),
        }
    }
}

/// The longest value, in characters, that a plan repeats with the call that sets it; whole documents are printed above
/// the call already.
const MAX_BRIEF_LENGTH: usize = 100;

impl Setting {
    /// The slot of the value: a name, and for repeatable values the element. Two settings in the same slot replace each
    /// other.
    #[must_use]
    pub fn slot(&self) -> (&'static str, String) {
        match self {
            Setting::Tag(key, _) => ("tag", key.clone()),
            setting => setting.of_kind().map(KindSetting::slot).unwrap_or_default(),
        }
    }

    /// The value within its slot, as plans print it; empty where the slot is the whole value.
    #[must_use]
    pub fn value(&self) -> String {
        match self {
            Setting::Tag(_, value) => value.clone(),
            setting => setting.of_kind().map(KindSetting::value).unwrap_or_default(),
        }
    }

    /// The resources that the setting refers to.
    #[must_use]
    pub fn references(&self) -> Vec<&Ref> {
        self.of_kind().map(KindSetting::references).unwrap_or_default()
    }

    /// The AWS operation that sets the value on a resource of this kind, as `service:Operation`.
    #[must_use]
    pub fn set_operation(&self, kind: Kind) -> &'static str {
        let set_tag = kind.facts().tagging.map(|(set, _)| set);
        self.of_kind().map(KindSetting::set_operation).or(set_tag).unwrap_or_default()
    }

    /// The AWS operation that clears the value on a resource of this kind.
    #[must_use]
    pub fn clear_operation(&self, kind: Kind) -> &'static str {
        let clear_tag = kind.facts().tagging.map(|(_, clear)| clear);
        self.of_kind().map(KindSetting::clear_operation).or(clear_tag).unwrap_or_default()
    }

    /// Whether one call sets this setting together with `other`.
    #[must_use]
    pub fn shares_a_call_with(&self, other: &Setting) -> bool {
        let shared_call = |it: &Setting| it.of_kind().map_or(Some("tags"), KindSetting::shared_call);
        shared_call(self).is_some() && shared_call(self) == shared_call(other)
    }

    /// The most settings of this kind that one call sets or clears.
    #[must_use]
    pub fn most_in_a_call(&self) -> usize {
        self.of_kind().map_or(usize::MAX, KindSetting::most_in_a_call)
    }

    /// Whether the setting must be cleared before its resource can be deleted.
    #[must_use]
    pub fn blocks_deletion(&self) -> bool {
        self.of_kind().is_some_and(KindSetting::blocks_deletion)
    }

    /// Whether no step of a plan changes the setting: running instances have to follow it, which is a
    /// [rollout](crate::rollout).
    #[must_use]
    pub fn is_changed_by_rollout(&self) -> bool {
        self.of_kind().is_some_and(KindSetting::is_changed_by_rollout)
    }

    /// Whether an observed setting is retained when it is not desired: old launch template versions, so that a rollback
    /// finds them again, and the expiry of a bucket's objects where Envkeeper does not set one.
    #[must_use]
    pub fn is_retained_when_not_desired(&self) -> bool {
        self.of_kind().is_some_and(KindSetting::is_retained_when_not_desired)
    }

    /// The setting, or the slot alone if the value is long.
    pub(crate) fn brief(&self) -> String {
        let whole = self.to_string();
        let (name, element) = self.slot();
        if self.value().len() <= MAX_BRIEF_LENGTH { whole } else { format!("{name} {element}").trim_end().to_owned() }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, element) = self.slot();
        let value = self.value();
        match (element.as_str(), value.as_str()) {
            ("", value) => write!(f, "{name}: {value}"),
            (element, "") => write!(f, "{name}: {element}"),
            (element, value) => write!(f, "{name} {element}: {value}"),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.facts().name, self.name)
    }
}
