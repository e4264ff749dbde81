//! Reads the function's settings from environment variables.

use environment::Deployment;
use lambda_kit::{InvalidSettings, Vars};

/// The function's configuration, read once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `PROJECT_NAME`, `AWS_REGION` and `ACCOUNT_ID`: the parts that the names of all environments share.
    pub deployment: Deployment,
    /// `RECORDS_TABLE`: the table of the records, which contain the existing environments.
    pub records_table: String,
    /// `EVENT_DEAD_LETTERS_URL`: the dead-letter queue for poison messages.
    pub dead_letters_url: Option<String>,
}

impl Settings {
    /// Reads the settings from environment variables, which `read` looks up.
    ///
    /// # Errors
    /// Fails with all invalid settings.
    pub fn from_vars(read: impl Fn(&str) -> Option<String>) -> Result<Settings, InvalidSettings> {
        let mut vars = Vars::new(&read);
        let deployment = vars.deployment();
        let records_table = vars.required("RECORDS_TABLE", "the name of the DynamoDB table of the records");
        let dead_letters_url = vars.queue_url("EVENT_DEAD_LETTERS_URL");
        vars.checked(Settings { deployment, records_table, dead_letters_url })
    }
}
