//! What the function is told by its environment variables.

use environment::Deployment;
use lambda_kit::{BadSettings, Vars};

/// The function's configuration, read once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `PROJECT_NAME`, `AWS_REGION` and `ACCOUNT_ID`: what the names of all environments have in common.
    pub deployment: Deployment,
    /// `RECORDS_TABLE`: the table of the records, which tell whether an environment is there.
    pub records_table: String,
    /// `EVENT_DEAD_LETTERS_URL`: where messages go that nobody understands.
    pub dead_letters_url: Option<String>,
}

impl Settings {
    /// Reads the settings from environment variables, which `read` looks up.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn from_vars(read: impl Fn(&str) -> Option<String>) -> Result<Settings, BadSettings> {
        let mut vars = Vars::new(&read);
        let deployment = vars.deployment();
        let records_table = vars.required("RECORDS_TABLE", "the name of the DynamoDB table of the records");
        let dead_letters_url = vars.queue_url("EVENT_DEAD_LETTERS_URL");
        vars.checked(Settings { deployment, records_table, dead_letters_url })
    }
}
