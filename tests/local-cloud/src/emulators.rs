//! The two emulators as child processes: start, readiness, and termination when this process stops.

mod command;
mod ports;
mod process;

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use process::Emulator;

use crate::http::Http;

pub use command::ACCOUNT;

/// The interval at which running emulators are checked.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// The reason why the emulators did not start or have exited.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    #[error("{} is missing: run `make tools`, or pass the Python venv that contains the program with --tools", .0.display())]
    NoTools(PathBuf),
    #[error("{}: {error}", path.display())]
    Files { path: PathBuf, error: io::Error },
    #[error("no free port for the emulators")]
    NoPort,
    #[error("{name} exited ({status}); the last lines of {}:\n{tail}", log.display())]
    Ended { name: &'static str, status: ExitStatus, log: PathBuf, tail: String },
    #[error("{name} did not respond within {} seconds: see {}", limit.as_secs(), log.display())]
    Late { name: &'static str, limit: Duration, log: PathBuf },
}

impl EmulatorError {
    fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |error| Self::Files { path, error }
    }
}

/// Both emulators, ready for requests. Dropping this value kills them and the processes that they have started.
pub struct Emulators {
    moto: Emulator,
    ministack: Emulator,
    /// Dropped last, since the emulators write to this folder.
    _scratch: Scratch,
}

impl Emulators {
    /// Starts moto and ministack from a Python venv and waits until both respond.
    ///
    /// Their output is written to `moto.log` and `ministack.log` in the folder `logs`, which is created if missing.
    /// `router` is the address that ministack publishes as its own.
    ///
    /// # Errors
    /// The venv or one of its programs is missing, a file cannot be written, or an emulator exited
    /// or did not respond in time. Emulators that were already started are killed.
    pub async fn start(tools: &Path, logs: &Path, router: SocketAddr, http: &Http) -> Result<Self, EmulatorError> {
        let [at_moto, at_ministack] = ports::free().ok_or(EmulatorError::NoPort)?;
        command::program(tools, "ministack")?;
        let logs = created_folder(logs)?;
        let scratch = Scratch(created_folder(&logs.join(format!("scratch-{}", at_ministack.port())))?);

        let moto = command::moto(tools, &scratch.0, at_moto)?;
        let mut ministack = command::isolated(tools, "hypercorn", &scratch.0)?;
        let app = scratch.0.join("ministack_app.py");
        std::fs::write(&app, command::MINISTACK_APP).map_err(EmulatorError::at(&app))?;
        command::ministack(&mut ministack, &app, at_ministack, router);
        let mut emulators = Self {
            moto: Emulator::start("moto", moto, at_moto, &logs)?,
            ministack: Emulator::start("ministack", ministack, at_ministack, &logs)?,
            _scratch: scratch,
        };
        let Self { moto, ministack, .. } = &mut emulators;
        moto.ready("/moto-api/", http).await?;
        ministack.ready("/_ministack/health", http).await?;
        Ok(emulators)
    }

    /// The address of moto.
    #[must_use]
    pub fn moto(&self) -> SocketAddr {
        self.moto.address
    }

    /// The address of ministack.
    #[must_use]
    pub fn ministack(&self) -> SocketAddr {
        self.ministack.address
    }

    /// Returns only when an emulator exits by itself, with the last lines of the emulator's log.
    pub async fn ended(&mut self) -> EmulatorError {
        loop {
            for emulator in [&mut self.moto, &mut self.ministack] {
                if let Err(error) = emulator.check_running() {
                    return error;
                }
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

/// The absolute path of a folder, which is created if missing. The path must be absolute because functions run in
/// folders of their own.
fn created_folder(folder: &Path) -> Result<PathBuf, EmulatorError> {
    std::fs::create_dir_all(folder).and_then(|()| folder.canonicalize()).map_err(EmulatorError::at(folder))
}

/// The home and temporary folder of the emulators, for unpacked functions for instance.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("local-cloud: {}: {error}", self.0.display());
        }
    }
}
