//! The settings of a function that processes requests, from its environment variables.

use environment::{AllowLists, Defaults, Deployment, PropertyDefaults};
use lambda_kit::{InvalidSettings, Vars};
use requests::{AllowedHosts, Owner};

/// The function's configuration, read once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `PROJECT_NAME`: the first part of every name, `scalable-ec2` if not set. `AWS_REGION`: set by Lambda.
    /// `ACCOUNT_ID`: the account that the function runs in.
    pub deployment: Deployment,
    /// `AWS_LAMBDA_FUNCTION_NAME`: the name of this function, set by Lambda.
    pub function_name: String,
    /// `OPERATOR_FUNCTION`: the name of the function that operators invoke, `operator` if not set.
    pub operator_function: String,
    /// `REQUEST_QUEUE_URL`: the FIFO queue of the requests. If it is not set, the function `custom-resource` processes
    /// the requests itself.
    pub queue_url: Option<String>,
    /// `LIFECYCLE_HOOKS`: `true` if the deployment has the function that completes lifecycle hooks.
    pub hooks_are_handled: bool,
    /// `RECORDS_TABLE`: the `DynamoDB` table of the records.
    pub records_table: String,
    /// `ALLOWED_RESPONSE_HOSTS`: hosts that may receive responses in addition to `CloudFormation`'s own hosts of this
    /// region, as `host:port,…`, over plain http. Empty in every deployment; the local cloud needs it.
    pub response_hosts: AllowedHosts,
    /// The values of properties that a template omits: from the property's own variable, else from
    /// `PROPERTY_DEFAULTS`, a JSON object, else from the table of properties.
    pub defaults: Defaults,
    /// `ALLOWED_VPCS`, `ALLOWED_INSTANCE_TYPES`, `ALLOWED_IMAGE_OWNERS`, `ALLOWED_TARGET_GROUPS`, `ALLOWED_TOPICS`
    /// (separated by commas) and `MAX_INSTANCES`: the values that stack authors may use.
    pub allow_lists: AllowLists,
}

impl Settings {
    /// Reads the settings of `function`, its name outside Lambda, from environment variables, which `read` looks up.
    ///
    /// # Errors
    /// All invalid variables.
    pub fn from_vars(function: &str, read: impl Fn(&str) -> Option<String>) -> Result<Settings, InvalidSettings> {
        let mut vars = Vars::new(read);
        let settings = Settings::read(function, &mut vars);
        vars.checked(settings)
    }

    /// Reads the settings as a part of a function's settings: `vars` collects the invalid variables.
    pub fn read(function: &str, vars: &mut Vars<impl Fn(&str) -> Option<String>>) -> Settings {
        let deployment = vars.deployment();
        let hooks_are_handled = vars.flag("LIFECYCLE_HOOKS", false);
        let function_name = vars.optional("AWS_LAMBDA_FUNCTION_NAME");
        let operator_function = vars.optional("OPERATOR_FUNCTION").unwrap_or_else(|| String::from("operator"));
        let queue_url = vars.queue_url("REQUEST_QUEUE_URL");
        let records_table = vars.required("RECORDS_TABLE", "the name of the DynamoDB table of the records");
        let hosts = vars.parsed("ALLOWED_RESPONSE_HOSTS", "host:port, separated by commas", |list| {
            AllowedHosts::from_list(list).ok()
        });
        let property_defaults = vars.described("PROPERTY_DEFAULTS", PropertyDefaults::read).unwrap_or_default();
        let allow_lists = allow_lists(vars);
        Settings {
            function_name: function_name.unwrap_or_else(|| function.to_owned()),
            operator_function,
            queue_url,
            hooks_are_handled,
            records_table,
            response_hosts: hosts.unwrap_or_default().in_region(&deployment.region),
            defaults: Defaults::of_deployment(|name| vars.raw(name), &property_defaults),
            allow_lists,
            deployment,
        }
    }

    /// The command that sends an operator request about an environment, for a shell.
    #[must_use]
    pub fn command(&self, request: &str, environment: &str) -> String {
        self.deployment.command(&[request, environment])
    }

    /// The guidance below the rejections of retained buckets: the command by which an operator allows `owner` to adopt
    /// the buckets that an environment retained, and its effect on the stack.
    #[must_use]
    pub fn adoption_guidance(&self, environment: &str, owner: &Owner) -> String {
        format!(
            "To allow the adoption, an operator runs `{}`, and then the same stack requests the create again. The owner is this stack's: a stack that is deleted and created again is another owner.",
            self.deployment.command(&["allow-adoption", environment, owner.as_str()])
        )
    }
}

fn allow_lists(vars: &mut Vars<impl Fn(&str) -> Option<String>>) -> AllowLists {
    let mut list = |name, valid: &str, admits: fn(&str) -> bool| {
        let valid = format!("{valid}, separated by commas");
        vars.parsed(name, &valid, |text| AllowLists::list(text, admits)).unwrap_or_default()
    };
    AllowLists {
        vpcs: list("ALLOWED_VPCS", "ids of VPCs", AllowLists::is_vpc),
        instance_types: list(
            "ALLOWED_INSTANCE_TYPES",
            "instance types such as t3.micro and families such as t3.*",
            AllowLists::is_instance_type,
        ),
        image_owners: list("ALLOWED_IMAGE_OWNERS", "account ids and amazon", AllowLists::is_image_owner),
        target_groups: list("ALLOWED_TARGET_GROUPS", "ARNs of target groups", AllowLists::is_target_group),
        topics: list("ALLOWED_TOPICS", "ARNs of SNS topics", AllowLists::is_topic),
        max_instances: vars.parsed("MAX_INSTANCES", "a whole number from 1 to 1000", AllowLists::max_instances),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str) -> Option<String> {
        let value = match name {
            "AWS_REGION" => "us-west-2",
            "ACCOUNT_ID" => "123456789012",
            "RECORDS_TABLE" => "records",
            "MAX_SIZE" => "7",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn defaults_are_read_from_the_variables() {
        let settings = Settings::from_vars("custom-resource", read).unwrap();
        assert_eq!(settings.deployment.project, "scalable-ec2");
        assert_ne!(settings.defaults, Defaults::from_vars(|_| None));
    }

    #[test]
    fn a_command_is_one_of_the_command_line() {
        let mut settings = Settings::from_vars("custom-resource", read).unwrap();
        let command = settings.command("unlock", "scalable-ec2-us-west-2-dev");
        assert_eq!(command, "envkeeper unlock scalable-ec2-us-west-2-dev");
        settings.deployment.project = "shop".into();
        let command = settings.command("unlock", "shop-us-west-2-dev");
        assert_eq!(command, "envkeeper unlock shop-us-west-2-dev --project shop");
    }

    #[test]
    fn the_guidance_of_an_adoption_contains_its_command() {
        let settings = Settings::from_vars("custom-resource", read).unwrap();
        let owner = Owner::parse("9c5056c23245de345e8f").unwrap();
        let guidance = settings.adoption_guidance("scalable-ec2-us-west-2-dev", &owner);
        let command = "`envkeeper allow-adoption scalable-ec2-us-west-2-dev 9c5056c23245de345e8f`";
        assert!(guidance.contains(command), "{guidance}");
    }

    #[test]
    fn all_invalid_variables_are_reported_at_once() {
        let error =
            Settings::from_vars("custom-resource", |name| (name == "PROJECT_NAME").then(|| "My Project".into()));
        let error = error.unwrap_err().to_string();
        for name in [
            "PROJECT_NAME is \"My Project\"",
            "AWS_REGION is not set",
            "ACCOUNT_ID is not set",
            "RECORDS_TABLE is not set",
        ] {
            assert!(error.contains(name), "{error}");
        }
    }
}
