//! Starts the local cloud and runs it until a stop signal.

use std::{
    convert::Infallible,
    error::Error,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::Parser;
use local_cloud::{
    auto_scaling::AutoScalingService,
    ec2::Ec2,
    ec2_additions::Ec2Additions,
    ec2_catalog::Ec2Catalog,
    ec2_gaps::Ec2Gaps,
    emulators::Emulators,
    event_bridge::EventBridge,
    exports::{self, ExportsFile},
    faults::Faults,
    http::Http,
    latency::LatencyTable,
    message_moves::MessageMoves,
    ministack::Ministack,
    policies::Policies,
    recorder::Recorder,
    records_table,
    rejections::Rejections,
    router::{self, Router},
    saved_queries::SavedQueries,
    service_quotas::ServiceQuotas,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

/// AWS for this project, on this machine: no account, no Docker. Ctrl-C stops it.
#[derive(Parser)]
struct Options {
    /// Port of the router on 127.0.0.1; 0 selects a free port
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Python venv with the emulators
    #[arg(long, default_value = ".tools/venv")]
    tools: PathBuf,
    /// Folder for the emulators' logs
    #[arg(long, default_value = "target/local-cloud")]
    logs: PathBuf,
    /// Append each call to this file, as one line of JSON
    #[arg(long)]
    record: Option<PathBuf>,
    /// Append each whole call of a function to this file, as one line of JSON
    #[arg(long)]
    record_exchanges: Option<PathBuf>,
    /// Reject calls that policies do not allow: those of roles, instances, queues, tables, and of the functions of the
    /// deployment with this project name
    #[arg(long, value_name = "PROJECT")]
    enforce_policies: Option<String>,
    /// Delay calls by the seconds in this file, such as tests/local-cloud/latency.json
    #[arg(long)]
    latency: Option<PathBuf>,
    /// Write the exports to this file when the local cloud is ready
    #[arg(long)]
    exports: Option<PathBuf>,
    /// Name of the DynamoDB table for records; with an empty name, no table is created
    #[arg(long, default_value = "envkeeper-records")]
    table: String,
    /// Seconds that an instance of an Auto Scaling group is Pending, and Terminating; also the simulated length of a
    /// minute of an instance's life
    #[arg(long, default_value = "1", value_parser = seconds)]
    instance_seconds: Duration,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let span = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    span.ok_or_else(|| "expected a number of seconds, 0 or more".to_owned())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse();
    // When the first branch completes, dropping the other stops the emulators. Biased: the signal handlers are
    // installed before the emulators start.
    let outcome = tokio::select! {
        biased;
        stop = stop_signal() => stop,
        ended = run(options) => ended.map(|never| match never {}),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("local-cloud: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<Infallible, Box<dyn Error>> {
    let exports_file = options.exports.as_deref().map(ExportsFile::claim).transpose()?;
    let latency = options.latency.as_deref().map(LatencyTable::read).transpose()?;
    let mut recorder = Recorder::new(options.record.as_deref()).map_err(|error| format!("--record: {error}"))?;
    if let Some(file) = &options.record_exchanges {
        recorder = recorder.with_exchanges(file).map_err(|error| format!("--record-exchanges: {error}"))?;
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))
        .await
        .map_err(|error| format!("port {}: {error}", options.port))?;
    let address = listener.local_addr()?;
    let http = Http::default();

    let mut emulators = Emulators::start(&options.tools, &options.logs, address, &http).await?;
    let ministack = Ministack::new(http.clone(), emulators.ministack());
    let table = Some(options.table.as_str()).filter(|name| !name.is_empty());
    if let Some(name) = table {
        records_table::create(&ministack, name).await?;
    }
    announce(address, table, exports_file.as_ref(), &options.logs)?;

    let policies = options
        .enforce_policies
        .as_deref()
        .map(|project| Arc::new(Policies::new(project, &http, emulators.moto(), emulators.ministack())));
    let ec2 = Ec2::new(http.clone(), emulators.moto());
    let bus = EventBridge::new(ministack).with_policies(policies.clone());
    let router = Arc::new(Router {
        moto: emulators.moto(),
        ministack: emulators.ministack(),
        auto_scaling: AutoScalingService::new(ec2, bus, options.instance_seconds),
        ec2_catalog: Ec2Catalog::default(),
        ec2_additions: Ec2Additions::default(),
        ec2_gaps: Ec2Gaps::default(),
        rejections: Rejections::default(),
        saved_queries: SavedQueries::default(),
        service_quotas: ServiceQuotas::default(),
        recorder,
        latency: latency.unwrap_or_default(),
        faults: Faults::default(),
        policies,
        message_moves: MessageMoves::default(),
        http,
    });
    tokio::select! {
        broken = router::serve(listener, Arc::clone(&router)) => Ok(broken?),
        never = router.auto_scaling.run(&router.recorder) => match never {},
        ended = emulators.ended() => Err(ended.into()),
    }
}

fn announce(
    address: SocketAddr,
    table: Option<&str>,
    file: Option<&ExportsFile>,
    logs: &std::path::Path,
) -> std::io::Result<()> {
    let url = format!("http://{address}");
    let exports = exports::text(&url, table);
    println!("{exports}");
    println!("# With these set, `aws`, `cargo lambda invoke` and the tests use the local cloud.");
    println!("# Recorded calls:  curl {url}/_local-cloud/calls    (clear: curl -X DELETE)");
    println!("# Output of the emulators:  {}/*.log", logs.display());
    println!("# Ctrl-C stops everything.");
    file.map_or(Ok(()), |file| file.write(&exports))
}

async fn stop_signal() -> Result<(), Box<dyn Error>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}
