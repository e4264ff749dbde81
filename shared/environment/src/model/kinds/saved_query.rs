use crate::model::field::{Field, KindSetting, ResourceKind};
use crate::model::key::Ref;
use crate::model::kind::{KindFacts, Marking};

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

/// The content of a saved query.
#[derive(Clone, Debug, PartialEq)]
pub enum SavedQuerySetting {
    /// The whole query.
    Query(Query),
}

impl ResourceKind for SavedQuery {
    type Setting = SavedQuerySetting;

    const FACTS: KindFacts = KindFacts {
        marking: Marking::Text,
        create_can_be_repeated: false,
        ..KindFacts::of("saved-query", "logs:PutQueryDefinition", "logs:DeleteQueryDefinition")
    };

    fn fields(&self) -> Vec<Field<SavedQuerySetting>> {
        vec![Field::Created(SavedQuerySetting::Query(self.query.clone()))]
    }

    fn set(&mut self, setting: &SavedQuerySetting) {
        let SavedQuerySetting::Query(query) = setting;
        self.query = query.clone();
    }
}

impl KindSetting for SavedQuerySetting {
    fn slot(&self) -> (&'static str, String) {
        ("query", String::new())
    }

    fn value(&self) -> String {
        let SavedQuerySetting::Query(query) = self;
        let groups: Vec<String> = query.log_groups.iter().map(ToString::to_string).collect();
        format!("{} in {}", query.text, groups.join(", "))
    }

    fn references(&self) -> Vec<&Ref> {
        let SavedQuerySetting::Query(query) = self;
        query.log_groups.iter().collect()
    }

    fn set_operation(&self) -> &'static str {
        "logs:PutQueryDefinition"
    }
}
