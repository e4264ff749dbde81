//! The conditions that steps and runs wait for.

use std::fmt;

/// A condition that a step or a run waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The condition, as a sentence. Two runs that wait for the same condition have the same sentence.
    pub sentence: String,
    /// A detail for the operator that may change while the condition remains, such as the reason of the last of many
    /// failed launches.
    pub detail: Option<String>,
}

impl From<String> for Condition {
    fn from(sentence: String) -> Condition {
        Condition { sentence, detail: None }
    }
}

impl From<&str> for Condition {
    fn from(sentence: &str) -> Condition {
        Condition::from(sentence.to_owned())
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)?;
        self.detail.iter().try_for_each(|detail| write!(f, " ({detail})"))
    }
}
