//! The list of the deployment's environments.

use super::OwnerRecord;
use crate::{Kind, Owner};
use std::fmt;

/// An environment in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedEnvironment {
    /// The environment's id.
    pub environment: String,
    /// Its owner.
    pub owner: Owner,
    /// When it was deleted, in ms since the epoch; `None` if it was not.
    pub deleted_ms: Option<u64>,
}

/// A page of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentPage {
    /// The environments, by id, and by owner among equal ids.
    pub environments: Vec<ListedEnvironment>,
    /// Where the next page begins; `None` on the last page.
    pub next: Option<PageToken>,
}

impl EnvironmentPage {
    /// The page of the first `limit` of these environments; more than `limit` of them show that there is a next page.
    pub(super) fn of(mut environments: Vec<ListedEnvironment>, limit: usize) -> EnvironmentPage {
        let has_next = environments.len() > limit;
        environments.truncate(limit);
        let next = environments.last().filter(|_| has_next).map(PageToken::of);
        EnvironmentPage { environments, next }
    }
}

/// The place in the list after which a page begins. Its text is for the next request alone; the environment at that place may
/// be deleted meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PageToken {
    environment: String,
    owner: Owner,
}

/// A text that is not a [`PageToken`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("valid is the text that the page before has as its token, unchanged")]
pub struct InvalidPageToken;

/// The longest id of an environment, in bytes: more than project (20), region and suffix have together.
const MAX_ENVIRONMENT: usize = 128;

impl PageToken {
    /// The place of an environment.
    #[must_use]
    pub fn of(listed: &ListedEnvironment) -> PageToken {
        PageToken { environment: listed.environment.clone(), owner: listed.owner.clone() }
    }

    /// Reads the text of a token.
    ///
    /// # Errors
    ///
    /// [`InvalidPageToken`], if no page has such a token.
    pub fn parse(text: &str) -> Result<PageToken, InvalidPageToken> {
        let (environment, owner) = text.rsplit_once(SEPARATOR).ok_or(InvalidPageToken)?;
        let is_in_id = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=MAX_ENVIRONMENT).contains(&environment.len()) || !environment.bytes().all(is_in_id) {
            return Err(InvalidPageToken);
        }
        let owner = Owner::parse(owner).ok_or(InvalidPageToken)?;
        Ok(PageToken { environment: environment.to_owned(), owner })
    }
}

/// Between the id and the owner. It comes before every character of an id, so that the texts have the order of the list.
const SEPARATOR: char = '#';

impl fmt::Display for PageToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{SEPARATOR}{}", self.environment, self.owner)
    }
}

/// The place of an owner's environment in the list, as a text.
pub(super) fn place(environment: &str, owner: &Owner) -> String {
    format!("{environment}{SEPARATOR}{owner}")
}

/// The beginning of the places of all environments with this id.
pub(super) fn places_of(environment: &str) -> String {
    format!("{environment}{SEPARATOR}")
}

/// The environment at a place; `None` if the text is not one.
pub(super) fn listed_at(place: &str, deleted_ms: Option<u64>) -> Option<ListedEnvironment> {
    let (environment, owner) = place.rsplit_once(SEPARATOR)?;
    Some(ListedEnvironment { environment: environment.to_owned(), owner: Owner::parse(owner)?, deleted_ms })
}

/// The state of an environment by its record alone: instances and resources may differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordedState {
    /// A request waits for its response.
    InProgress {
        /// Its kind.
        kind: Kind,
        /// When it was sent, or asked for, in ms since the epoch.
        since_ms: u64,
    },
    /// The last request that changed the environment reached its desired state.
    Settled,
    /// The last request that changed the environment failed.
    Failed {
        /// The reason of the last failure in the history; empty if there is none.
        reason: String,
    },
    /// The environment was deleted.
    Deleted {
        /// When, in ms since the epoch; `None` in a record of an earlier version.
        at_ms: Option<u64>,
    },
}

impl RecordedState {
    /// The state by this record.
    #[must_use]
    pub fn of(record: &OwnerRecord) -> RecordedState {
        let pending = record.latest_request.as_ref().filter(|_| record.response_due_ms.is_some());
        match pending {
            Some(latest) => RecordedState::InProgress { kind: latest.kind, since_ms: latest.began_ms() },
            None if record.deleted => RecordedState::Deleted { at_ms: record.deleted_ms },
            None if record.settled => RecordedState::Settled,
            None => {
                let failed = record.history.iter().rfind(|it| !it.success);
                RecordedState::Failed { reason: failed.map(|it| it.reason.clone()).unwrap_or_default() }
            }
        }
    }

    /// The word for this state: `in-progress`, `settled`, `failed` or `deleted`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            RecordedState::InProgress { .. } => "in-progress",
            RecordedState::Settled => "settled",
            RecordedState::Failed { .. } => "failed",
            RecordedState::Deleted { .. } => "deleted",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_no_other_text_is_one() {
        let owner = Owner::of("stack", "Web");
        let listed =
            ListedEnvironment { environment: "p-us-west-2-dev".into(), owner: owner.clone(), deleted_ms: None };
        let token = PageToken::of(&listed);
        assert_eq!(PageToken::parse(&token.to_string()), Ok(token.clone()));
        assert_eq!(place("p-us-west-2-dev", &owner), token.to_string());
        assert_eq!(listed_at(&token.to_string(), None), Some(listed));
        let long = format!("{}#{owner}", "x".repeat(129));
        for other in ["", "p-us-west-2-dev", "p-us-west-2-dev#", "p-us-west-2-dev#0123", &format!("#{owner}"), &long] {
            assert_eq!(PageToken::parse(other), Err(InvalidPageToken), "{other}");
        }
        for character in ["P", " ", "/", "\n", "é"] {
            assert_eq!(PageToken::parse(&format!("p{character}#{owner}")), Err(InvalidPageToken), "{character}");
        }
    }

    #[test]
    fn the_texts_of_places_have_the_order_of_ids() {
        let owner = |digit: &str| Owner::parse(&digit.repeat(20)).unwrap();
        let (first, last) = (owner("0"), owner("f"));
        let places = [place("p-dev", &last), place("p-dev-2", &first), place("p-dev2", &first)];
        assert!(places.is_sorted(), "{places:?}");
    }

    #[test]
    fn a_pending_request_comes_before_every_other_state() {
        let mut record = OwnerRecord::empty(&Owner::of("stack", "Web"));
        assert_eq!(RecordedState::of(&record), RecordedState::Failed { reason: String::new() });
        record.settled = true;
        assert_eq!(RecordedState::of(&record), RecordedState::Settled);
        (record.deleted, record.deleted_ms) = (true, Some(7));
        assert_eq!(RecordedState::of(&record), RecordedState::Deleted { at_ms: Some(7) });
    }
}
