//! The record of calls: kept in memory for the control interface, and optionally appended to a file. A second file has
//! the whole calls of the product's code.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use serde::Serialize;

use crate::{exchange::Exchange, faults::Fault};

/// One call to the router.
#[derive(Debug, Clone, Serialize)]
pub struct Call {
    /// The arrival time in microseconds since the creation of the recorder.
    pub at_micros: u64,
    /// The time in microseconds until the caller received the head of the response, including the delay of the latency
    /// table.
    pub micros: u64,
    /// The service's signing name, or `unsigned`.
    pub service: String,
    /// AWS's name of the operation, or method and path for an operation without a simple name.
    pub operation: String,
    /// The HTTP status of the response; 502 if the emulator did not respond, 0 if a fault rule suppressed the call and
    /// the response.
    pub status: u16,
    /// The access key id of a signed call. ministack gives the account id to all functions as access key id.
    pub access_key: Option<String>,
    /// The application id of the caller's SDK (`AWS_SDK_UA_APP_ID`), which distinguishes the
    /// functions.
    pub app: Option<String>,
    /// The ARN of the role or instance that called; `None` for functions and administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// The injected fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// All calls since the start, or since the last `clear`.
pub struct Recorder {
    start: Instant,
    calls: Mutex<Vec<Call>>,
    file: Option<Mutex<File>>,
    exchanges: Option<Mutex<File>>,
}

impl Recorder {
    /// A recorder that also appends each call to a file, as one line of JSON.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn new(file: Option<&Path>) -> io::Result<Self> {
        let file = file.map(open).transpose()?;
        Ok(Self { start: Instant::now(), calls: Mutex::default(), file, exchanges: None })
    }

    /// The same recorder, which also appends each exchange to a file, as one line of JSON.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn with_exchanges(self, file: &Path) -> io::Result<Self> {
        Ok(Self { exchanges: Some(open(file)?), ..self })
    }

    /// Whether exchanges are recorded.
    #[must_use]
    pub fn has_exchanges(&self) -> bool {
        self.exchanges.is_some()
    }

    /// Microseconds since the creation of the recorder.
    #[must_use]
    pub fn now_micros(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Records a call. A write error of the file is reported on stderr: the call itself succeeded.
    pub fn record(&self, call: Call) {
        if let Some(file) = &self.file
            && let Err(error) = append(&mut lock(file), &call)
        {
            eprintln!("local-cloud: appending a call to the record failed: {error}");
        }
        lock(&self.calls).push(call);
    }

    /// Records an exchange. A write error is reported on stderr: the call itself succeeded.
    pub fn record_exchange(&self, exchange: &Exchange) {
        if let Some(file) = &self.exchanges
            && let Err(error) = append(&mut lock(file), exchange)
        {
            eprintln!("local-cloud: appending an exchange to the record failed: {error}");
        }
    }

    /// All calls as a JSON array, in the order of the responses, oldest first.
    ///
    /// # Errors
    /// None in practice: the serialization of a call cannot fail.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&*lock(&self.calls))
    }

    /// Removes all calls from memory. The file retains them.
    pub fn clear(&self) {
        lock(&self.calls).clear();
    }
}

fn open(path: &Path) -> io::Result<Mutex<File>> {
    OpenOptions::new().create(true).append(true).open(path).map(Mutex::new)
}

fn append(file: &mut File, entry: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    file.write_all(&line)
}

/// After a panic of another thread the list of calls is still consistent and readable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
