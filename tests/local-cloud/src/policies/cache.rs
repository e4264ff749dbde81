//! Values that are used for a second without reading them again.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long a value is used. On AWS, a change of a queue's policy takes up to 60 seconds (SQS API Reference,
/// SetQueueAttributes).
const VALIDITY: Duration = Duration::from_secs(1);

/// Values by key.
#[derive(Debug)]
pub struct Cache<T>(Mutex<BTreeMap<String, (Instant, T)>>);

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Cache<T> {
    /// The value of a key, if it was put within the last second.
    pub fn get(&self, key: &str) -> Option<T> {
        self.lock().get(key).filter(|(at, _)| at.elapsed() < VALIDITY).map(|(_, value)| value.clone())
    }

    /// Puts a value.
    pub fn put(&self, key: &str, value: T) {
        self.lock().insert(key.to_owned(), (Instant::now(), value));
    }

    /// After a panic of another thread the values are still readable.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, (Instant, T)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
