//! Spacing of calls that AWS limits per second: calls wait for a slot instead of being sent and throttled.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Hands out slots. Each slot starts at least one `interval` after the one before.
#[derive(Debug)]
pub(crate) struct Pacer {
    interval: Duration,
    next_slot: Mutex<Option<Instant>>,
}

impl Pacer {
    pub(crate) fn new(interval: Duration) -> Self {
        Pacer { interval, next_slot: Mutex::new(None) }
    }

    /// Waits until the slot of the caller starts.
    pub(crate) async fn wait(&self) {
        sleep_until(self.reserve_slot()).await;
    }

    fn reserve_slot(&self) -> Instant {
        let now = Instant::now();
        let mut next_slot = self.next_slot.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = next_slot.map_or(now, |next| next.max(now));
        *next_slot = Some(slot + self.interval);
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn calls_are_spaced_and_a_late_call_does_not_wait() {
        let (pacer, started) = (Pacer::new(Duration::from_secs(1)), Instant::now());
        tokio::join!(pacer.wait(), pacer.wait(), pacer.wait());
        assert_eq!(started.elapsed().as_secs(), 2);
        tokio::time::sleep(Duration::from_secs(10)).await;
        pacer.wait().await;
        assert_eq!(started.elapsed().as_secs(), 12);
    }
}
