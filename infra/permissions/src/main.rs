//! `permissions FOLDER`: holds the table against the calls that the local cloud recorded in `FOLDER/*.jsonl`.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use permissions::Function;
use permissions::recorded::{Call, Misfit, NOT_PLAYED, call, compare};

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("permissions FOLDER: where the records of calls are, as *.jsonl");
        return ExitCode::FAILURE;
    };
    let made = match read(&folder) {
        Ok(made) if !made.is_empty() => made,
        Ok(_) => {
            eprintln!("{}: no call of a function is recorded there", folder.display());
            return ExitCode::FAILURE;
        }
        Err(error) => {
            eprintln!("{}: {error}", folder.display());
            return ExitCode::FAILURE;
        }
    };
    let misfit = compare(&made, Function::statements);
    for (function, operation) in &misfit.lacking {
        println!("{} called {operation}, which its policy lacks", function.name());
    }
    for (function, operation) in &misfit.unused {
        println!("{} may call {operation}, which no run did", function.name());
    }
    for (function, operation) in &misfit.stale {
        println!("{} calls {operation}, which is among those that are not played", function.name());
    }
    println!("{} operations by {} functions are held against their policies", made.len(), Function::ALL.len());
    for (operation, reason) in NOT_PLAYED {
        println!("not played: {operation}: {reason}");
    }
    if misfit == Misfit::default() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read(folder: &PathBuf) -> Result<BTreeSet<Call>, Box<dyn Error>> {
    let mut made = BTreeSet::new();
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        for line in fs::read_to_string(&path)?.lines() {
            // The last line of a process that was ended may be half of one.
            made.extend(serde_json::from_str(line).ok().as_ref().and_then(call));
        }
    }
    Ok(made)
}
