//! Virtual time, and the executor that advances it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use environment::Timestamp;

/// A virtual clock that jumps to the next wake-up time when no future can make progress.
#[derive(Debug, Default)]
pub struct Clock {
    now: Cell<Timestamp>,
    /// Ordered by wake-up time, then by the order of the calls to [`Clock::sleep`].
    sleepers: RefCell<BTreeMap<(Timestamp, u64), Waker>>,
    next: Cell<u64>,
    halted: Cell<bool>,
}

impl Clock {
    /// The virtual time: 0 for a new clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now.get()
    }

    /// Advances the time by `span` without running any future.
    pub fn advance(&self, span: Duration) {
        self.now.set(self.now() + span);
    }

    /// Waits until `span` has passed; the clock jumps to that time when no future can make progress.
    pub fn sleep(&self, span: Duration) -> Sleep<'_> {
        let number = self.next.replace(self.next.get() + 1);
        Sleep { clock: self, until: self.now() + span, number }
    }

    /// Stops the running task at its current await point: simulates a killed process.
    pub fn halt(&self) {
        self.halted.set(true);
    }

    /// Clears a halt and returns whether there was one: for a harness in which one process of several is killed.
    pub fn take_halt(&self) -> bool {
        self.halted.replace(false)
    }

    /// Runs the task to completion; `None` after a halt.
    ///
    /// # Panics
    /// If the task waits and there is no sleeper to wake: a deadlock, which must fail the test.
    pub fn run<T>(&self, task: impl Future<Output = T>) -> Option<T> {
        self.halted.set(false);
        self.sleepers.borrow_mut().clear();
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let mut task = pin!(task);
        loop {
            if let Poll::Ready(result) = task.as_mut().poll(&mut context) {
                return Some(result);
            }
            if self.halted.get() {
                return None;
            }
            if !woken.0.swap(false, Ordering::Relaxed) {
                self.wake_next();
            }
        }
    }

    fn wake_next(&self) {
        let next = self.sleepers.borrow_mut().pop_first();
        let ((at, _), waker) = next.expect("deadlock: the task waits and no sleeper can wake");
        self.now.set(self.now().max(at));
        waker.wake();
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Completes when the clock has reached the wake-up time.
#[derive(Debug)]
pub struct Sleep<'a> {
    clock: &'a Clock,
    until: Timestamp,
    /// The key among the sleepers: repeated polls do not register the future twice.
    number: u64,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.clock.now() >= self.until {
            return Poll::Ready(());
        }
        self.clock.sleepers.borrow_mut().insert((self.until, self.number), context.waker().clone());
        Poll::Pending
    }
}
