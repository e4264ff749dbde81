//! `make campaign`: runs all rows, prints a table, and writes `target/reports/campaign.json`.
//!
//! With `CAMPAIGN_TRACE` set, a case prints each call with its time.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use campaign::rows::{Report, all};
use clap::Parser;

/// Fault injection, crashes, and out-of-order and duplicate delivery, exhaustively.
#[derive(Parser)]
struct Arguments {
    /// Only rows whose name contains this text.
    #[arg(long, default_value = "")]
    row: String,
    /// Only this case of these rows: the number of a call, or a seed.
    #[arg(long)]
    case: Option<usize>,
    /// A sample of each row.
    #[arg(long)]
    short: bool,
    /// The path of the report.
    #[arg(long)]
    report: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let rows: Vec<_> = all().into_iter().filter(|row| row.name.contains(&arguments.row)).collect();
    if let Some(case) = arguments.case {
        for row in rows.iter().filter(|row| case < row.cases) {
            println!("{}: case {case}: {:#?}", row.name, (row.run)(case));
        }
        return ExitCode::SUCCESS;
    }
    println!(
        "{:<90} {:>6} {:>9} {:>6} {:>10} {:>11} {:>7}",
        "", "runs", "converged", "leaked", "duplicated", "no response", "s"
    );
    let mut reports: Vec<Report> = Vec::new();
    for row in rows {
        let began = Instant::now();
        let report = row.report(arguments.short);
        let Report { name, runs, converged, leaked, duplicated, no_response, .. } = &report;
        let seconds = began.elapsed().as_secs();
        println!("{name:<90} {runs:>6} {converged:>9} {leaked:>6} {duplicated:>10} {no_response:>11} {seconds:>7}");
        for (case, reason) in &report.failed {
            println!("  campaign --row '{name}' --case {case}: {}", reason.chars().take(600).collect::<String>());
        }
        reports.push(report);
    }
    println!("peak memory: {} MB", peak_memory_mb().unwrap_or_default());
    if let Some(path) = &arguments.report {
        let written = serde_json::to_string_pretty(&reports).map(|text| std::fs::write(path, text + "\n"));
        if !matches!(written, Ok(Ok(()))) {
            eprintln!("the report can't be written to {}", path.display());
            return ExitCode::FAILURE;
        }
    }
    if reports.iter().all(Report::is_clean) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The peak memory of this process, in MB.
fn peak_memory_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024)
}
