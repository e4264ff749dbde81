use crate::field::{Field, Setting};

/// A dashboard. Its body is JSON as `serde_json` writes it, and carries the mark of ownership in its text.
#[derive(Clone, Debug, PartialEq)]
pub struct Dashboard {
    /// `DashboardBody`, all of it: `PutDashboard` replaces what was there.
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
