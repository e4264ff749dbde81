use crate::model::field::{Field, Setting};
use crate::model::resource::Ref;

/// A saved query of CloudWatch Logs Insights.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedQuery {
    /// The whole query, since `PutQueryDefinition` replaces the whole query.
    pub query: Query,
}

/// The query text and its log groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The text. Its first line contains the ownership mark: saved queries have no tags.
    pub text: String,
    /// The log groups of the query (`logGroupNames`).
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
