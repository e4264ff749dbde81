//! Why a request does not go on.

use environment::Setback;
use requests::{Kind, RecordsError};

/// Why a request does not go on now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It is over; the sentence is for a person.
    Failed(String),
    /// Something that passes is in the way.
    NotNow(String),
}

impl Stop {
    /// What a person is told.
    #[must_use]
    pub fn sentence(&self) -> &str {
        let (Stop::Failed(sentence) | Stop::NotNow(sentence)) = self;
        sentence
    }
}

impl From<RecordsError> for Stop {
    fn from(error: RecordsError) -> Stop {
        if error.may_pass() { Stop::NotNow(error.to_string()) } else { Stop::Failed(error.to_string()) }
    }
}

impl From<Setback> for Stop {
    fn from(setback: Setback) -> Stop {
        match setback {
            Setback::Refused { what } => Stop::Failed(what),
            Setback::Busy { what, .. } | Setback::Doubtful { what } => Stop::NotNow(what),
        }
    }
}

/// What an older request is told.
pub(crate) fn superseded(kind: Kind) -> Stop {
    Stop::Failed(format!("Superseded: a newer {kind} has come for this resource. Nothing more was done."))
}
