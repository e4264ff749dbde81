//! How each emulator is called: arguments and environment.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use super::EmulatorError;
use crate::REGION;

/// The account that both emulators say they are; each has another one by itself.
pub const ACCOUNT: &str = "123456789012";

/// What hypercorn is to serve: ministack without its own alarms.
pub const MINISTACK_APP: &str = include_str!("ministack_app.py");

/// A command from the venv that sees nothing of the developer's own AWS configuration: functions
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

/// The path of a program of the venv, which must be there.
pub fn program(tools: &Path, name: &str) -> Result<PathBuf, EmulatorError> {
    let program = tools.join("bin").join(name);
    if program.is_file() { Ok(program) } else { Err(EmulatorError::NoTools(program)) }
}

/// Completes the command of `moto_server`.
pub fn moto(command: &mut Command, address: SocketAddr) {
    command
        .args(["-H", &address.ip().to_string()])
        .args(["-p", &address.port().to_string()])
        .env("MOTO_ACCOUNT_ID", ACCOUNT)
        .env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true");
}

/// Completes the command of `hypercorn`, ministack's server. Ministack's own program has one
/// setting for the port that it binds and the port that it gives away in addresses, such as a
/// ResponseURL. Given apart, the second can be the router's: so it sees what is sent there.
///
/// `app` is a file of ours with [`MINISTACK_APP`] in it.
pub fn ministack(command: &mut Command, app: &Path, address: SocketAddr, router: SocketAddr) {
    command
        .arg(format!("{}:app", app.display()))
        .args(["--bind", &address.to_string()])
        // In the process that we start, not in a child of its own.
        .args(["--workers", "0", "--keep-alive", "75"])
        .env("MINISTACK_HOST", router.ip().to_string())
        .env("GATEWAY_PORT", router.port().to_string())
        .env("AWS_ENDPOINT_URL", format!("http://{router}"))
        .env("MINISTACK_ACCOUNT_ID", ACCOUNT)
        .env("MINISTACK_REGION", REGION)
        // Else it listens for MQTT, on all interfaces.
        .env("IOT_MTLS_ENABLED", "0")
        // Else it removes other ministacks' containers from the developer's Docker.
        .env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
}
