//! One emulator: a child process in a separate process group.

use std::{
    fs::File,
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use http_body_util::Full;
use hyper::Request;
use rustix::process::{Pid, Signal, kill_process_group};

use super::EmulatorError;
use crate::http::Http;

/// Far above the two seconds that a start takes: a slow CI machine must not cause a failure.
const START_LIMIT: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(50);
const TAIL_LINES: usize = 10;

/// A running emulator. Dropping this value kills the process group and waits for the process to exit.
pub struct Emulator {
    name: &'static str,
    child: Child,
    log: PathBuf,
    /// The address on which the emulator listens.
    pub address: SocketAddr,
}

impl Emulator {
    /// Starts the emulator, with the output in a new log file `NAME.log`.
    pub fn start(
        name: &'static str,
        mut command: Command,
        address: SocketAddr,
        logs: &Path,
    ) -> Result<Self, EmulatorError> {
        let log = logs.join(format!("{name}.log"));
        let output = File::create(&log).map_err(EmulatorError::at(&log))?;
        let errors = output.try_clone().map_err(EmulatorError::at(&log))?;
        // A separate process group: Ctrl-C reaches this process only, and the processes that the emulator has started
        // (the functions) can be killed together with the emulator.
        command.process_group(0).stdin(Stdio::null());
        command.stdout(output).stderr(errors);
        let child = command.spawn();
        Ok(Self { name, child: child.map_err(EmulatorError::at(Path::new(command.get_program())))?, log, address })
    }

    /// Waits until the emulator responds, and verifies that this process is the one that responds.
    pub async fn ready(&mut self, path: &str, http: &Http) -> Result<(), EmulatorError> {
        let start = Instant::now();
        while start.elapsed() < START_LIMIT {
            self.check_running()?;
            if self.is_listening() && self.is_responding(path, http).await {
                return self.check_running();
            }
            tokio::time::sleep(POLL).await;
        }
        Err(EmulatorError::Late { name: self.name, limit: START_LIMIT, log: self.log.clone() })
    }

    /// An error if the process has exited.
    pub fn check_running(&mut self) -> Result<(), EmulatorError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => {
                Err(EmulatorError::Ended { name: self.name, status, log: self.log.clone(), tail: self.tail() })
            }
            Err(error) => Err(EmulatorError::at(Path::new(self.name))(error)),
        }
    }

    /// Both emulators write this line once their port is bound. The line in this child's log proves that the
    /// child has bound the port, and not another process that was faster.
    fn is_listening(&self) -> bool {
        let line = format!("Running on http://{}", self.address);
        std::fs::read_to_string(&self.log).is_ok_and(|log| log.contains(&line))
    }

    async fn is_responding(&self, path: &str, http: &Http) -> bool {
        let uri = format!("http://{}{path}", self.address);
        let Ok(request) = Request::get(uri).body(Full::default()) else {
            return false;
        };
        let response = http.send(request).await;
        response.is_ok_and(|response| response.status().is_success())
    }

    fn tail(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}

impl Drop for Emulator {
    /// Kills the process group without a graceful stop: emulators have no state to save.
    fn drop(&mut self) {
        // After the process was waited for, another process may have the same id.
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(Err(error)) = group.map(|group| kill_process_group(group, Signal::KILL)) {
            eprintln!("local-cloud: {} could not be killed: {error}", self.name);
        }
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shell script in place of an emulator.
    fn started(name: &'static str, script: &str) -> (Emulator, PathBuf) {
        let logs = std::env::temp_dir().join(format!("local-cloud-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&logs).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let address = ([127, 0, 0, 1], 1).into();
        (Emulator::start(name, command, address, &logs).unwrap(), logs)
    }

    fn poll<T>(mut search: impl FnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = search() {
                return found;
            }
            assert!(start.elapsed() < START_LIMIT, "timed out");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[tokio::test]
    async fn an_exited_emulator_is_reported_with_its_last_output() {
        let (mut emulator, logs) = started("ends", "echo no such module; exit 3");
        let error = emulator.ready("/", &Http::default()).await.unwrap_err();
        let message = error.to_string();
        assert!(message.contains("exit status: 3"), "{message}");
        assert!(message.ends_with("no such module"), "{message}");
        std::fs::remove_dir_all(logs).unwrap();
    }

    #[test]
    fn processes_started_by_an_emulator_are_killed_with_it() {
        let (emulator, logs) = started("killed", "sleep 1000 & echo $!; wait");
        let child = poll(|| {
            let log = std::fs::read_to_string(logs.join("killed.log")).ok()?;
            log.ends_with('\n').then(|| log.trim().parse().ok())?
        });
        let child = Pid::from_raw(child).unwrap();
        drop(emulator);
        poll(|| is_killed(child).then_some(()));
        std::fs::remove_dir_all(logs).unwrap();
    }

    /// Whether the process is killed; a zombie that its parent has not yet waited for counts as killed.
    fn is_killed(pid: Pid) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
        rustix::process::test_kill_process(pid).is_err() || status.is_ok_and(|status| status.contains(") Z "))
    }
}
