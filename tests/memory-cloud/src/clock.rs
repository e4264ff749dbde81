//! Virtual time, and the loop that moves it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use environment::Timestamp;

/// A clock that jumps to the next sleeper when nobody can go on.
#[derive(Debug, Default)]
pub struct Clock {
    now: Cell<Timestamp>,
    /// By the moment they wake at, then in the order in which they fell asleep.
    sleepers: RefCell<BTreeMap<(Timestamp, u64), Waker>>,
    next: Cell<u64>,
    halted: Cell<bool>,
}

impl Clock {
    /// The virtual time: 0 when the clock is made.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now.get()
    }

    /// Lets time pass with nobody running.
    pub fn advance(&self, span: Duration) {
        self.now.set(self.now() + span);
    }

    /// Waits until `span` has passed; the clock jumps there when nobody can go on.
    pub fn sleep(&self, span: Duration) -> Sleep<'_> {
        let number = self.next.replace(self.next.get() + 1);
        Sleep { clock: self, until: self.now() + span, number }
    }

    /// Stops whatever runs, where it stands: a process that is killed.
    pub fn halt(&self) {
        self.halted.set(true);
    }

    /// Takes a halt back, and tells whether there was one: for a harness in which one process of several is killed.
    pub fn take_halt(&self) -> bool {
        self.halted.replace(false)
    }

    /// Runs to the end; `None` if it was halted.
    ///
    /// # Panics
    /// If everything waits and nobody sleeps: a deadlock, which a test wants to see.
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
        let ((at, _), waker) = next.expect("everything waits and nobody sleeps");
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

/// Done when the clock has reached its moment.
#[derive(Debug)]
pub struct Sleep<'a> {
    clock: &'a Clock,
    until: Timestamp,
    /// One place among the sleepers, however often it is polled.
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
