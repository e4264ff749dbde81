use crate::model::field::{Field, Setting};

/// A dashboard. The body is JSON as `serde_json` writes it. A text widget contains the ownership mark.
#[derive(Clone, Debug, PartialEq)]
pub struct Dashboard {
    /// The whole `DashboardBody`: `PutDashboard` replaces the previous body.
    pub body: String,
}

impl Dashboard {
    pub(crate) fn fields(&self) -> Vec<Field> {
        vec![Field::Created(Setting::DashboardBody(self.body.clone()))]
    }

    pub(crate) fn set(&mut self, setting: &Setting) {
        if let Setting::DashboardBody(body) = setting {
            self.body.clone_from(body);
        }
    }
}
