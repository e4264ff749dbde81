//! What the function is told by its environment variables.

use lambda_kit::{BadSettings, Vars};

/// The function's configuration, read once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `RECORDS_TABLE`: the table of the records, which tell whether an environment is being deleted.
    pub records_table: String,
    /// `HOOK_QUEUE_URL`: the queue that the messages come from. Without it the function takes single events only.
    pub queue_url: Option<String>,
    /// `DEAD_HOOKS_URL`: where messages go that nobody understands.
    pub dead_letters_url: Option<String>,
}

impl Settings {
    /// Reads the settings from environment variables, which `read` looks up.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn from_vars(read: impl Fn(&str) -> Option<String>) -> Result<Settings, BadSettings> {
        let mut vars = Vars::new(&read);
        let records_table = vars.required("RECORDS_TABLE", "the name of the DynamoDB table of the records");
        let url = |text: &str| text.contains("://").then(|| text.to_owned());
        let queue_url = vars.parsed("HOOK_QUEUE_URL", "the URL of an SQS queue", url);
        let dead_letters_url = vars.parsed("DEAD_HOOKS_URL", "the URL of an SQS queue", url);
        vars.checked(Settings { records_table, queue_url, dead_letters_url })
    }
}
