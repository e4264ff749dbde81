//! What becomes of a remediation.

use environment::{Remedy, Setback};
use requests::RecordsError;

/// What became of a remediation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedied {
    /// It was done.
    Done(Remedy),
    /// It would have been done, if the rule were no dry run.
    WouldHave(Remedy),
    /// Nothing was done; why.
    Nothing(String),
    /// It could not be done; why.
    Failed(String),
    /// It was asked for, and whether it was made can't be told; what is known.
    Unknown(String),
    /// It can't be decided now, and comes back.
    NotNow {
        /// What holds it up.
        why: String,
        /// Whether it may have been made.
        asked: bool,
    },
}

impl From<Setback> for Remedied {
    fn from(setback: Setback) -> Remedied {
        match setback {
            Setback::Refused { what } => Remedied::Failed(what),
            Setback::Busy { what, .. } | Setback::Doubtful { what } => Remedied::NotNow { why: what, asked: false },
        }
    }
}

impl From<RecordsError> for Remedied {
    fn from(error: RecordsError) -> Remedied {
        let why = error.to_string();
        if error.may_pass() { Remedied::NotNow { why, asked: false } } else { Remedied::Failed(why) }
    }
}

impl Remedied {
    /// The same of what was asked for before, of which nothing is seen: it may have been made.
    pub(crate) fn in_doubt(self) -> Remedied {
        match self {
            Remedied::Nothing(why) | Remedied::Failed(why) => Remedied::Unknown(why),
            Remedied::NotNow { why, .. } => Remedied::NotNow { why, asked: true },
            decided => decided,
        }
    }

    /// What it is if it may not come back.
    pub(crate) fn at_last(self) -> Remedied {
        match self {
            Remedied::NotNow { why, asked: true } => Remedied::Unknown(why),
            Remedied::NotNow { why, asked: false } => Remedied::Failed(why),
            decided => decided,
        }
    }

    /// As the ledger has it: what became of it, and why; nothing while it is not decided.
    pub(crate) fn told(&self) -> Option<(&'static str, String)> {
        Some(match self {
            Remedied::Done(remedy) => ("done", remedy.told()),
            Remedied::WouldHave(remedy) => ("dry-run", remedy.would()),
            Remedied::Nothing(why) => ("nothing", why.clone()),
            Remedied::Failed(why) => ("failed", why.clone()),
            Remedied::Unknown(why) => {
                ("unknown", format!("it was asked for, and whether it was made can't be told; {why}"))
            }
            Remedied::NotNow { .. } => return None,
        })
    }
}
