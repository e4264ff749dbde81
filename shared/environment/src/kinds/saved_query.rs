use crate::field::{Field, Setting};
use crate::resource::Ref;

/// A saved query of CloudWatch Logs Insights.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedQuery {
    /// All of it, since `PutQueryDefinition` says all of it.
    pub query: Query,
}

/// What is asked, and of which log groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Its first line carries the mark of ownership: saved queries have no tags.
    pub text: String,
    /// The log groups that are asked (`logGroupNames`).
    pub log_groups: Vec<Ref>,
}

impl SavedQuery {
    pub(crate) fn fields(&self) -> Vec<Field> {
        vec![Field::Created(Setting::Query(self.query.clone()))]
    }

    pub(crate) fn set(&mut self, setting: &Setting) {
        if let Setting::Query(query) = setting {
            self.query = query.clone();
        }
    }
}
