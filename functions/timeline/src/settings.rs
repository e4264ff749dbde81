//! Reads the function's settings from environment variables.

use environment::Deployment;
use lambda_kit::{InvalidSettings, Vars};

/// The function's configuration, read once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `PROJECT_NAME`, `AWS_REGION` and `ACCOUNT_ID`: the parts that the names of all environments share.
    pub deployment: Deployment,
}

impl Settings {
    /// Reads the settings from environment variables, which `read` looks up.
    ///
    /// # Errors
    /// Fails with all invalid settings.
    pub fn from_vars(read: impl Fn(&str) -> Option<String>) -> Result<Settings, InvalidSettings> {
        let mut vars = Vars::new(&read);
        let deployment = vars.deployment();
        vars.checked(Settings { deployment })
    }
}
