//! The function's settings, from its environment variables.

use lambda_kit::{Deployment, InvalidSettings, Vars};
use requests::AllowedHosts;

/// The function's configuration, read once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `PROJECT_NAME`, `AWS_REGION` and `ACCOUNT_ID`: the deployment whose environments the function watches.
    pub deployment: Deployment,
    /// `RECORDS_TABLE`: the table of the records.
    pub records_table: String,
    /// `REQUEST_QUEUE_URL`: the FIFO queue of the requests. If it is not set, the deployment has no due passes.
    pub queue_url: Option<String>,
    /// `RECONCILERS_AT_ONCE`: how many reconcilers run at once.
    pub reconcilers_at_once: u32,
    /// `ALLOWED_RESPONSE_HOSTS`: hosts to which responses may be sent in addition to `CloudFormation`'s own of this region
    /// (`AWS_REGION`), over plain http. Empty in every deployment; the local cloud needs the variable.
    pub response_hosts: AllowedHosts,
}

impl Settings {
    /// Reads the settings from environment variables, which `read` looks up.
    ///
    /// # Errors
    /// All faults of the variables.
    pub fn from_vars(read: impl Fn(&str) -> Option<String>) -> Result<Settings, InvalidSettings> {
        let mut vars = Vars::new(&read);
        let deployment = vars.deployment();
        let records_table = vars.required("RECORDS_TABLE", "the name of the DynamoDB table of the records");
        let queue_url = vars.queue_url("REQUEST_QUEUE_URL");
        let reconcilers_at_once = vars.reconcilers_at_once();
        let hosts = vars.parsed("ALLOWED_RESPONSE_HOSTS", "host:port, separated by commas", |list| {
            AllowedHosts::from_list(list).ok()
        });
        let response_hosts = hosts.unwrap_or_default().in_region(&deployment.region);
        vars.checked(Settings { deployment, records_table, queue_url, reconcilers_at_once, response_hosts })
    }
}
