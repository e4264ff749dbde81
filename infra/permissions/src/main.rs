//! `permissions FOLDER`: compares the table with the calls that the local cloud recorded in `FOLDER/*.jsonl`.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use permissions::Caller;
use permissions::recorded::{Call, Differences, NOT_PLAYED, call, compare};

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: permissions FOLDER, the folder with the recorded calls (*.jsonl)");
        return ExitCode::FAILURE;
    };
    let called = match read(&folder) {
        Ok(called) if !called.is_empty() => called,
        Ok(_) => {
            eprintln!("{}: no recorded call of a function or an instance", folder.display());
            return ExitCode::FAILURE;
        }
        Err(error) => {
            eprintln!("{}: {error}", folder.display());
            return ExitCode::FAILURE;
        }
    };
    let differences = compare(&called, Caller::statements);
    for (caller, operation) in &differences.missing {
        println!("{} called {operation}, which its policy does not allow", caller.name());
    }
    for (caller, operation) in &differences.unused {
        println!("{} is allowed {operation}, which no run called", caller.name());
    }
    for (caller, operation) in &differences.stale {
        println!("{} calls {operation}, which is listed as not played", caller.name());
    }
    println!("{} operations of {} roles compared with their policies", called.len(), Caller::all().count());
    for (operation, reason) in NOT_PLAYED {
        println!("not played: {operation}: {reason}");
    }
    if differences == Differences::default() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read(folder: &PathBuf) -> Result<BTreeSet<Call>, Box<dyn Error>> {
    let mut called = BTreeSet::new();
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        for line in fs::read_to_string(&path)?.lines() {
            // The last line of a killed process may be truncated.
            called.extend(serde_json::from_str(line).ok().as_ref().and_then(call));
        }
    }
    Ok(called)
}
