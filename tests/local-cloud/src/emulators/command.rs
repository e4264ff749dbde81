//! The command line and environment of each emulator.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use super::EmulatorError;
use crate::REGION;

/// The account id of both emulators; their defaults differ.
pub const ACCOUNT: &str = "123456789012";

/// The application that hypercorn serves: ministack without its own evaluation of alarms.
pub const MINISTACK_APP: &str = include_str!("ministack_app.py");

/// A command from the venv, isolated from the developer's own AWS configuration: functions
/// inherit the environment of ministack, and must never reach a real account.
pub fn isolated(tools: &Path, name: &str, scratch: &Path) -> Result<Command, EmulatorError> {
    let mut command = Command::new(program(tools, name)?);
    command.env_clear();
    for name in ["PATH", "LANG", "RUST_LOG", "RUST_BACKTRACE"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command.env("HOME", scratch).env("TMPDIR", scratch);
    command.env("PYTHONUNBUFFERED", "1");
    Ok(command)
}

/// The path of a program in the venv; an error if the program is missing.
pub fn program(tools: &Path, name: &str) -> Result<PathBuf, EmulatorError> {
    let program = tools.join("bin").join(name);
    if program.is_file() { Ok(program) } else { Err(EmulatorError::NoTools(program)) }
}

/// The variable with the socket of `moto_forks.py`, if that runs.
const FORKS: &str = "MOTO_FORKS";
const FORKS_PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/moto_forks.py");

/// The command of `moto_server`, or of a client of `moto_forks.py` that starts it in a tenth of the time.
pub fn moto(tools: &Path, scratch: &Path, address: SocketAddr) -> Result<Command, EmulatorError> {
    let mut command = match std::env::var_os(FORKS) {
        Some(socket) => {
            let mut command = isolated(tools, "python", scratch)?;
            command.args(["-I", "-S", FORKS_PROGRAM, "start"]).env(FORKS, socket);
            command
        }
        None => isolated(tools, "moto_server", scratch)?,
    };
    command
        .args(["-H", &address.ip().to_string()])
        .args(["-p", &address.port().to_string()])
        .env("MOTO_ACCOUNT_ID", ACCOUNT)
        .env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true");
    Ok(command)
}

/// Completes the command of `hypercorn`, ministack's server. ministack's own program has one setting for both the bound
/// port and the port in published addresses, such as a ResponseURL. With separate settings, the published port is the
/// router's: so the router receives the requests to these addresses.
///
/// `app` is a file with the content [`MINISTACK_APP`].
pub fn ministack(command: &mut Command, app: &Path, address: SocketAddr, router: SocketAddr) {
    command
        .arg(format!("{}:app", app.display()))
        .args(["--bind", &address.to_string()])
        // Serve in the started process, not in a child process.
        .args(["--workers", "0", "--keep-alive", "75"])
        .env("MINISTACK_HOST", router.ip().to_string())
        .env("GATEWAY_PORT", router.port().to_string())
        .env("AWS_ENDPOINT_URL", format!("http://{router}"))
        .env("MINISTACK_ACCOUNT_ID", ACCOUNT)
        .env("MINISTACK_REGION", REGION)
        // Otherwise ministack listens for MQTT, on all interfaces.
        .env("IOT_MTLS_ENABLED", "0")
        // Otherwise ministack removes other ministacks' containers from the developer's Docker.
        .env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
}
