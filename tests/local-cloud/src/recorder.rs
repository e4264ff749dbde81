//! What was called: kept in memory for the control API, and appended to a file if one is wanted.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use serde::Serialize;

use crate::faults::Fault;

/// One call that went through the router.
#[derive(Debug, Clone, Serialize)]
pub struct Call {
    /// When it arrived, in microseconds since the recorder was made.
    pub at_micros: u64,
    /// How long its caller waited for the head of the answer, held-back time included.
    pub micros: u64,
    /// The service's signing name, or `unsigned`.
    pub service: String,
    /// AWS's name for the operation, or method and path where it has no simple name.
    pub operation: String,
    /// The HTTP status of the answer; 502 where the emulator did not give one, 0 where the call was told to get none
    /// before anything happened.
    pub status: u16,
    /// The access key id of a signed call. Ministack gives the account's number to all functions.
    pub access_key: Option<String>,
    /// The application id that the caller's SDK was given (`AWS_SDK_UA_APP_ID`): what tells
    /// functions apart.
    pub app: Option<String>,
    /// What was told to go wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// All calls since the start, or since they were last cleared.
pub struct Recorder {
    start: Instant,
    calls: Mutex<Vec<Call>>,
    file: Option<Mutex<File>>,
}

impl Recorder {
    /// A recorder that also appends each call to a file, as one line of JSON.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn new(file: Option<&Path>) -> io::Result<Self> {
        let open = |path: &Path| OpenOptions::new().create(true).append(true).open(path);
        Ok(Self { start: Instant::now(), calls: Mutex::default(), file: file.map(open).transpose()?.map(Mutex::new) })
    }

    /// Microseconds since the recorder was made.
    #[must_use]
    pub fn now_micros(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Notes a call. A file that cannot be written is reported on stderr: the call itself went well.
    pub fn record(&self, call: Call) {
        if let Some(file) = &self.file
            && let Err(error) = append(&mut lock(file), &call)
        {
            eprintln!("local-cloud: the record of a call was lost: {error}");
        }
        lock(&self.calls).push(call);
    }

    /// All calls, oldest answer first, as a JSON array.
    ///
    /// # Errors
    /// None in practice: a call always serialises.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&*lock(&self.calls))
    }

    /// Forgets all calls. The file keeps them.
    pub fn clear(&self) {
        lock(&self.calls).clear();
    }
}

fn append(file: &mut File, call: &Call) -> io::Result<()> {
    let mut line = serde_json::to_vec(call)?;
    line.push(b'\n');
    file.write_all(&line)
}

/// A panic elsewhere leaves a list of calls in order: it is read all the same.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
