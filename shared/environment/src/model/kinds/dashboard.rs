use crate::model::field::{Field, KindSetting, ResourceKind};
use crate::model::kind::{KindFacts, Marking};

/// A dashboard. The body is JSON as `serde_json` writes it. A text widget contains the ownership mark.
#[derive(Clone, Debug, PartialEq)]
pub struct Dashboard {
    /// The whole `DashboardBody`: `PutDashboard` replaces the previous body.
    pub body: String,
}

/// The content of a dashboard.
#[derive(Clone, Debug, PartialEq)]
pub enum DashboardSetting {
    /// The whole body: JSON as `serde_json` writes it.
    Body(String),
}

impl ResourceKind for Dashboard {
    type Setting = DashboardSetting;

    const FACTS: KindFacts = KindFacts {
        marking: Marking::Text,
        ..KindFacts::of("dashboard", "cloudwatch:PutDashboard", "cloudwatch:DeleteDashboards")
    };

    fn fields(&self) -> Vec<Field<DashboardSetting>> {
        vec![Field::Created(DashboardSetting::Body(self.body.clone()))]
    }

    fn set(&mut self, setting: &DashboardSetting) {
        let DashboardSetting::Body(body) = setting;
        self.body.clone_from(body);
    }
}

impl KindSetting for DashboardSetting {
    fn slot(&self) -> (&'static str, String) {
        ("body", String::new())
    }

    fn value(&self) -> String {
        let DashboardSetting::Body(body) = self;
        body.clone()
    }

    fn set_operation(&self) -> &'static str {
        "cloudwatch:PutDashboard"
    }
}
