//! Calls that AWS takes only so many of in a second are kept apart, rather than sent and refused.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Gives turns, each some time after the one before.
#[derive(Debug)]
pub(crate) struct Pacer {
    apart: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pacer {
    pub(crate) fn new(apart: Duration) -> Self {
        Pacer { apart, next: Mutex::new(None) }
    }

    /// Returns when it is the caller's turn.
    pub(crate) async fn turn(&self) {
        sleep_until(self.id_cache()).await;
    }

    fn id_cache(&self) -> Instant {
        let now = Instant::now();
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = next.map_or(now, |next| next.max(now));
        *next = Some(turn + self.apart);
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn turns_are_kept_apart_and_a_late_one_comes_at_once() {
        let (pacer, begun) = (Pacer::new(Duration::from_secs(1)), Instant::now());
        tokio::join!(pacer.turn(), pacer.turn(), pacer.turn());
        assert_eq!(begun.elapsed().as_secs(), 2);
        tokio::time::sleep(Duration::from_secs(10)).await;
        pacer.turn().await;
        assert_eq!(begun.elapsed().as_secs(), 12);
    }
}
