//! `envkeeper`: wiring only.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser as _;
use envkeeper::arguments::{Arguments, Options};
use envkeeper::aws::Aws;
use envkeeper::console::Terminal;
use envkeeper::exit::Exit;
use envkeeper::run::{Surroundings, run};
use envkeeper::service::{Offline, Service};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Settled };
            // The terminal may be closed; the exit code remains.
            let _ = error.print();
            return exit.into();
        }
    };
    let run = async {
        let Options { region, profile, .. } = &arguments.options;
        if arguments.is_offline() {
            let region = region.clone().or_else(|| variable("AWS_REGION")).or_else(|| variable("AWS_DEFAULT_REGION"));
            return run_with(&arguments, &Offline, region.as_deref()).await;
        }
        let aws = Aws::load(region.clone(), profile.clone()).await;
        run_with(&arguments, &aws, aws.region()).await
    };
    let exit = tokio::select! {
        exit = run => exit,
        _ = tokio::signal::ctrl_c() => Exit::Interrupted,
    };
    exit.into()
}

async fn run_with(arguments: &Arguments, service: &impl Service, region: Option<&str>) -> Exit {
    let surroundings = Surroundings {
        service,
        region,
        caller: &caller(variable),
        now_ms,
        allows_colour: variable("NO_COLOR").is_none(),
        console: &mut Terminal,
    };
    run(arguments, surroundings).await
}

/// An environment variable that is set and not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|it| !it.is_empty())
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The caller as the machine names it.
fn caller(variable: impl Fn(&str) -> Option<String>) -> String {
    let named = |names: [&str; 2]| names.into_iter().find_map(&variable);
    let host = named(["HOSTNAME", "COMPUTERNAME"]).or_else(|| std::fs::read_to_string("/etc/hostname").ok());
    let user = named(["USER", "USERNAME"]).unwrap_or_else(|| String::from("unknown"));
    let caller = format!("{user}@{}", host.as_deref().map_or("unknown", str::trim));
    // The functions accept at most 256 printable characters of ASCII.
    caller.chars().filter(|it| matches!(it, ' '..='~')).take(256).collect()
}
