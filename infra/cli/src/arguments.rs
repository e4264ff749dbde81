//! The arguments of the command line.

use std::path::PathBuf;
use std::str::FromStr as _;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use ledger::timeline::{Size, Theme};

use crate::since::Since;

/// State, plans and operations of Envkeeper's environments
///
/// ENV is the id of an environment (scalable-ec2-us-west-2-dev) or its suffix (dev).
#[derive(Debug, Parser)]
#[command(name = "envkeeper", version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Arguments {
    /// The options of every verb.
    #[command(flatten)]
    pub options: Options,
    /// The verb.
    #[command(subcommand)]
    pub verb: Verb,
}

const EXIT_CODES: &str = "Exit codes: 0 settled, or a change was accepted; 1 error; 2 differs (plan, drift, validate);
3 degraded; 4 refused; 5 no answer; 6 under way; 64 wrong use; 130 interrupted.";

/// The options of every verb.
#[derive(Args, Debug)]
pub struct Options {
    /// The region of the deployment [default: that of the profile or of AWS_REGION]
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// The profile of the AWS configuration
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// The deployment's ProjectName [default: scalable-ec2]
    #[arg(long, global = true, value_name = "NAME")]
    pub project: Option<String>,
    /// The beginning of the time range: 90m, 2h, 7d, or a time in UTC (events, timeline, logs: 1d; why: 14d)
    #[arg(long, global = true, value_name = "TIME", value_parser = Since::read)]
    pub since: Option<Since>,
    /// One JSON document: {"schema", "verb", "exit", "result"}
    #[arg(long, global = true)]
    pub json: bool,
    /// Change without a question
    #[arg(long, global = true)]
    pub yes: bool,
    /// No colour (also by NO_COLOR, and where the output is not a terminal)
    #[arg(long, global = true)]
    pub no_color: bool,
}

/// An environment.
#[derive(Args, Debug)]
pub struct Environment {
    /// The id of the environment, or its suffix
    #[arg(value_name = "ENV")]
    pub environment: String,
}

/// A file with the properties of an environment.
#[derive(Args, Debug)]
pub struct File {
    /// A CloudFormation template (YAML or JSON), or a file with the properties alone
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The logical id of the environment, if the template has several
    #[arg(long, value_name = "LOGICALID")]
    pub resource: Option<String>,
    /// The value of a parameter of the template; repeatable
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parameter)]
    pub parameters: Vec<(String, String)>,
}

/// The timeline of an environment.
#[derive(Args, Debug)]
pub struct Timeline {
    /// The environment.
    #[command(flatten)]
    pub environment: Environment,
    /// The file of the page, which is replaced if it exists [default: the standard output]
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The width of the picture in pixels, 400 to 4096
    #[arg(long = "width", value_name = "PIXELS", default_value = "1200", value_parser = size)]
    pub size: Size,
    /// The colours: light, dark or monochrome
    #[arg(long, value_name = "THEME", default_value = "light", value_parser = Theme::from_str)]
    pub theme: Theme,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// The environments of the deployment, with their states
    List,
    /// The state of an environment: capacity, request, rollout, last responses
    Status(Environment),
    /// The instances of an environment
    Instances(Environment),
    /// Why an instance was launched, passed or failed the gate, and ended
    Why {
        /// The id of the instance
        #[arg(value_name = "INSTANCE", value_parser = instance)]
        instance: String,
        /// Its environment: an id or a suffix [default: search the ledgers of all environments]
        #[arg(long, value_name = "ENV")]
        environment: Option<String>,
    },
    /// The steps of a Create or an Update with the properties of a template
    Plan(File),
    /// The differences between an environment and its record
    Drift(Environment),
    /// The state of an environment, refreshed each five seconds until Ctrl-C
    Watch {
        /// The environment
        #[command(flatten)]
        environment: Environment,
        /// End when nothing is under way, with the exit code of the state
        #[arg(long)]
        until_settled: bool,
    },
    /// The ledger: scaling events with their causes
    Events(Environment),
    /// The ledger as a page: sizes, instances and events over time
    Timeline(Timeline),
    /// The logs and the evidence of the instances
    Logs {
        /// The environment
        #[command(flatten)]
        environment: Environment,
        /// Only of this instance
        #[arg(value_name = "INSTANCE", value_parser = instance)]
        instance: Option<String>,
    },
    /// Check the properties of a template, offline; with --project by the deployment too
    Validate(File),
    /// All resources of an environment, also what a deleted one retained
    Inventory(Environment),
    /// Change the drifted resources of an environment back to its record
    Repair(Environment),
    /// Allow a resource to adopt the buckets that a deleted environment retained
    AllowAdoption {
        /// The environment
        #[command(flatten)]
        environment: Environment,
        /// The owner that the reason of the refused create names: 20 hexadecimal digits
        #[arg(value_name = "OWNER")]
        owner: String,
    },
    /// The rollout of an environment: versions, refresh, failed versions
    Rollout(Environment),
    /// Replace every instance by the version that was rolled out last
    Roll(Environment),
    /// Return the instances to the version before the rollout
    Rollback(Environment),
    /// Cancel the rollout; replaced instances keep their version
    Cancel(Environment),
    /// Stop the replacement of instances for a time
    Hold {
        /// The environment
        #[command(flatten)]
        environment: Environment,
        /// Hours, 1 to 168
        #[arg(long, value_name = "HOURS", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=168))]
        hours: u64,
    },
    /// End the hold
    Release(Environment),
    /// Lift the deletion protection until the next update of the stack
    Unlock(Environment),
    /// Delete an environment whose stack no longer exists
    Delete {
        /// The environment
        #[command(flatten)]
        environment: Environment,
        /// The id of its former stack, if its record is lost
        #[arg(long, value_name = "ARN", requires = "logical_id")]
        stack_id: Option<String>,
        /// The logical id of its former resource, if its record is lost
        #[arg(long, value_name = "ID", requires = "stack_id")]
        logical_id: Option<String>,
    },
    /// Check credentials, region, functions and records
    Doctor,
    /// The versions of the command line and of the deployment
    Version,
    /// A completion script for a shell
    Completion {
        /// The shell
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
}

impl Arguments {
    /// Whether the verb makes no call to AWS.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        match self.verb {
            Verb::Completion { .. } => true,
            Verb::Validate(_) => self.options.project.is_none(),
            _ => false,
        }
    }
}

impl Verb {
    /// The verb's name, as the user writes it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Verb::List => "list",
            Verb::Status(_) => "status",
            Verb::Instances(_) => "instances",
            Verb::Why { .. } => "why",
            Verb::Plan(_) => "plan",
            Verb::Drift(_) => "drift",
            Verb::Watch { .. } => "watch",
            Verb::Events(_) => "events",
            Verb::Timeline(_) => "timeline",
            Verb::Logs { .. } => "logs",
            Verb::Validate(_) => "validate",
            Verb::Inventory(_) => "inventory",
            Verb::Repair(_) => "repair",
            Verb::AllowAdoption { .. } => "allow-adoption",
            Verb::Rollout(_) => "rollout",
            Verb::Roll(_) => "roll",
            Verb::Rollback(_) => "rollback",
            Verb::Cancel(_) => "cancel",
            Verb::Hold { .. } => "hold",
            Verb::Release(_) => "release",
            Verb::Unlock(_) => "unlock",
            Verb::Delete { .. } => "delete",
            Verb::Doctor => "doctor",
            Verb::Version => "version",
            Verb::Completion { .. } => "completion",
        }
    }
}

/// The least height of a timeline, in pixels: that of the window of a laptop.
const TIMELINE_HEIGHT: u32 = 600;

fn size(text: &str) -> Result<Size, String> {
    let width = text.parse().map_err(|_| String::from("valid is a number of pixels, such as 1200"))?;
    Size::new(width, TIMELINE_HEIGHT).map_err(|error| error.to_string())
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let valid = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let valid = valid.map(|(name, value)| (name.to_owned(), value.to_owned()));
    valid.ok_or_else(|| String::from("valid is NAME=VALUE"))
}

/// The id of an instance, which is `i-` and 8 or 17 hexadecimal digits.
fn instance(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix("i-").filter(|it| [8, 17].contains(&it.len()));
    let is_valid = digits.is_some_and(|it| it.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if is_valid { Ok(text.to_owned()) } else { Err(String::from("valid is i- and 8 or 17 hexadecimal digits")) }
}
