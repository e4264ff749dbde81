//! One emulator: a child process in a process group of its own.

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

/// Far above the two seconds that a start takes: a busy CI machine is no failure.
const START_LIMIT: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(50);
const TAIL_LINES: usize = 10;

/// A running emulator. Dropping it kills its process group and waits for its end.
pub struct Emulator {
    name: &'static str,
    child: Child,
    log: PathBuf,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Emulator {
    /// Starts it, with its output in a log file `NAME.log`, which is made anew.
    pub fn start(
        name: &'static str,
        mut command: Command,
        address: SocketAddr,
        logs: &Path,
    ) -> Result<Self, EmulatorError> {
        let log = logs.join(format!("{name}.log"));
        let output = File::create(&log).map_err(EmulatorError::at(&log))?;
        let errors = output.try_clone().map_err(EmulatorError::at(&log))?;
        // A group of its own: a Ctrl-C reaches us alone, and what the emulator has started (the
        // functions) can be killed with it.
        command.process_group(0).stdin(Stdio::null());
        command.stdout(output).stderr(errors);
        let child = command.spawn();
        Ok(Self { name, child: child.map_err(EmulatorError::at(Path::new(command.get_program())))?, log, address })
    }

    /// Waits until it answers, and is the one that answers.
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

    /// An error if it has ended.
    pub fn check_running(&mut self) -> Result<(), EmulatorError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => {
                Err(EmulatorError::Ended { name: self.name, status, log: self.log.clone(), tail: self.tail() })
            }
            Err(error) => Err(EmulatorError::at(Path::new(self.name))(error)),
        }
    }

    /// Both emulators write this line once their port is bound. It is in the log of our child, so
    /// it is our child that has the port, and no other process that was faster.
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
    /// Killed without a warning: emulators have nothing to save.
    fn drop(&mut self) {
        // Once it was waited for, its number may belong to somebody else.
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

    /// A shell script in the place of an emulator.
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
            assert!(start.elapsed() < Duration::from_secs(20), "waited in vain");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[tokio::test]
    async fn one_that_ends_is_reported_with_its_last_words() {
        let (mut emulator, logs) = started("ends", "echo no such module; exit 3");
        let error = emulator.ready("/", &Http::default()).await.unwrap_err();
        let sentence = error.to_string();
        assert!(sentence.contains("exit status: 3"), "{sentence}");
        assert!(sentence.ends_with("no such module"), "{sentence}");
        std::fs::remove_dir_all(logs).unwrap();
    }

    #[test]
    fn what_it_has_started_goes_with_it() {
        let (emulator, logs) = started("goes", "sleep 1000 & echo $!; wait");
        let child = poll(|| {
            let log = std::fs::read_to_string(logs.join("goes.log")).ok()?;
            log.ends_with('\n').then(|| log.trim().parse().ok())?
        });
        let child = Pid::from_raw(child).unwrap();
        drop(emulator);
        poll(|| is_killed(child).then_some(()));
        std::fs::remove_dir_all(logs).unwrap();
    }

    /// Killed, though somebody else may still have to wait for it.
    fn is_killed(pid: Pid) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
        rustix::process::test_kill_process(pid).is_err() || status.is_ok_and(|status| status.contains(") Z "))
    }
}
