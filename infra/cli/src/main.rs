//! `envkeeper`: wiring only.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser as _;
use envkeeper::arguments::Arguments;
use envkeeper::aws::Aws;
use envkeeper::console::Terminal;
use envkeeper::exit::Exit;
use envkeeper::run::{Surroundings, run};

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
    let options = &arguments.options;
    let aws = Aws::load(options.region.clone(), options.profile.clone()).await;
    let caller = caller(|name| std::env::var(name).ok());
    let surroundings = Surroundings {
        service: &aws,
        region: aws.region(),
        caller: &caller,
        now_ms,
        allows_colour: std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty()),
        console: &mut Terminal,
    };
    let exit = tokio::select! {
        exit = run(&arguments, surroundings) => exit,
        _ = tokio::signal::ctrl_c() => Exit::Interrupted,
    };
    exit.into()
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The caller as the machine names it.
fn caller(variable: impl Fn(&str) -> Option<String>) -> String {
    let named = |names: [&str; 2]| names.into_iter().find_map(&variable).filter(|it| !it.is_empty());
    let host = named(["HOSTNAME", "COMPUTERNAME"]).or_else(|| std::fs::read_to_string("/etc/hostname").ok());
    let user = named(["USER", "USERNAME"]).unwrap_or_else(|| String::from("unknown"));
    let caller = format!("{user}@{}", host.as_deref().map_or("unknown", str::trim));
    // The functions accept at most 256 printable characters of ASCII.
    caller.chars().filter(|it| matches!(it, ' '..='~')).take(256).collect()
}
