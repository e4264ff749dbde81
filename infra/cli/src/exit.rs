//! The exit codes of the command line.

use std::process::ExitCode;

/// The exit code of a verb. The numbers are stable: scripts depend on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The environment is settled, nothing differs, or the service accepted a change.
    Settled = 0,
    /// Another error: an unknown environment, a missing right, an unreadable file.
    Error = 1,
    /// `plan` has steps, `drift` found differences, or `validate` found violations.
    Differs = 2,
    /// The environment is degraded, a rollout failed, or `doctor` found a problem.
    Degraded = 3,
    /// The service refused a change, or the user did at the question.
    Refused = 4,
    /// AWS or the function gave no answer, or the state could not be observed.
    NoAnswer = 5,
    /// A request, a rollout or a launch is under way.
    UnderWay = 6,
    /// Wrong use of the command line: `EX_USAGE` of sysexits.h.
    Usage = 64,
    /// Interrupted by Ctrl-C: 128 and the number of SIGINT, as shells report it.
    Interrupted = 130,
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}
