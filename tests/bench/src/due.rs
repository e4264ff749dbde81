//! Due passes: how many run in a minute, how long the last of 10,000 due owners waits, and how long a Delete waits meanwhile.
//! The messages are sent by the product's own code; SQS, the reconcilers and the index of the records are a model under
//! virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use requests::records::{HistoryEntry, LatestRequest, MemoryRecords};
use requests::{
    DueSender, Kind, Owner, QueueError, Records as _, RequestQueue, ResponseAddress, due_passes_at_once,
    read_due_message, send_oldest_due,
};
use serde_json::{Value, json};
use test_support::BlockOn as _;
use test_support::hooks::SeededRng;

const OWNERS: u64 = 10_000;
const MINUTE_MS: u64 = 60_000;
/// The duration of a due pass in milliseconds. One that waits makes up to four calls of Auto Scaling and EC2 one after the
/// other, and as many of the records; one that sends a call pauses for two seconds, and observes again (times of calls:
/// ARCHITECTURE.md, Facts).
const DUE_PASS_MS: (u64, u64) = (1_000, 4_000);
/// The pass of a Delete: the wait budget of a first pass.
const DELETE_PASS_MS: u64 = 20_000;
/// A Delete arrives each half a minute.
const DELETE_EACH_MS: u64 = 30_000;
/// A message reaches a reconciler by a long poll: an estimate.
const DELIVERY_MS: u64 = 100;
/// The lag of the index. DynamoDB names "a fraction of a second under normal conditions" (developer guide, "Using Global
/// Secondary Indexes").
const INDEX_LAG_MS: (u64, u64) = (20, 1_000);
/// The time for which SQS remembers a deduplication id (developer guide, "Exactly-once processing").
const DEDUPLICATION_MS: u64 = 300_000;

/// The rows for a deployment of this many reconcilers.
pub fn rows(reconcilers_at_once: u32) -> Vec<Value> {
    let bound = due_passes_at_once(reconcilers_at_once);
    let figures = Model::new(reconcilers_at_once).run();
    let name = |what: &str| format!("due passes, {reconcilers_at_once} reconcilers: {what}");
    let promised = |name: String, value: f64, unit, baseline| {
        let mut row = super::row(&name, value, unit, Some(baseline));
        row["most"] = json!(1);
        row
    };
    let seconds = |ms: u64| Duration::from_millis(ms).as_secs_f64();
    let count = |it: usize| f64::from(u32::try_from(it).expect("a few"));
    vec![
        super::row(&name("10,000 owners due in a minute, passes a minute"), figures.passes_a_minute, "passes", None),
        super::row(&name("10,000 owners due in a minute, wait of the last one"), seconds(figures.last_ms), "s", None),
        promised(name("a Delete meanwhile, most until its first pass"), seconds(figures.delete_ms), "s", 10.0),
        promised(name("most in flight, against the bound"), count(figures.in_flight), "passes", count(bound)),
    ]
}

struct Figures {
    passes_a_minute: f64,
    last_ms: u64,
    delete_ms: u64,
    in_flight: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    /// The watchdog runs.
    Minute,
    /// A Delete is recorded and queued.
    Delete,
    /// The index shows when the task of this owner is due.
    Indexed(Owner, u64),
    /// A pass ends.
    End(Message),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Message {
    owner: Owner,
    is_due_pass: bool,
    sent_ms: u64,
}

/// A FIFO queue: the messages that no reconciler has received, and the deduplication ids.
#[derive(Debug, Default)]
struct Fifo(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    now_ms: u64,
    messages: Vec<Message>,
    sent: BTreeMap<String, u64>,
}

impl Fifo {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RequestQueue for Fifo {
    async fn send(&self, owner: &Owner, id: &str, event: &Value) -> Result<(), QueueError> {
        let mut state = self.state();
        let sent_ms = state.now_ms;
        if state.sent.get(id).is_none_or(|first| sent_ms >= first + DEDUPLICATION_MS) {
            state.sent.insert(id.to_owned(), sent_ms);
            let is_due_pass = read_due_message(event).is_some();
            state.messages.push(Message { owner: owner.clone(), is_due_pass, sent_ms });
        }
        Ok(())
    }

    async fn extend_visibility(&self, _receipt: &str, _span: Duration) -> Result<(), QueueError> {
        Ok(())
    }

    async fn requeue(&self, _receipt: &str, _after: Duration) -> Result<(), QueueError> {
        Ok(())
    }
}

struct Model {
    reconcilers: usize,
    at_once: usize,
    rng: SeededRng,
    records: MemoryRecords,
    queue: Fifo,
    events: BTreeMap<(u64, u64), Event>,
    next_event: u64,
    /// The owners in whose pass a reconciler works, and whether it is a due pass.
    running: BTreeMap<Owner, bool>,
    /// The owners that had no pass yet, and since when they are due.
    waiting: BTreeMap<Owner, u64>,
    delete_ms: u64,
    in_flight: usize,
}

impl Model {
    fn new(reconcilers_at_once: u32) -> Model {
        let mut rng = SeededRng::new(1);
        let records = MemoryRecords::new();
        let mut waiting = BTreeMap::new();
        for number in 0..OWNERS {
            let (owner, due_ms) = (Owner::of("stack", &number.to_string()), rng.below(MINUTE_MS));
            records.schedule(&owner, due_ms).block_on();
            waiting.insert(owner, due_ms);
        }
        let mut model = Model {
            reconcilers: usize::try_from(reconcilers_at_once).expect("a few"),
            at_once: due_passes_at_once(reconcilers_at_once),
            rng,
            records,
            queue: Fifo::default(),
            events: BTreeMap::new(),
            next_event: 0,
            running: BTreeMap::new(),
            waiting,
            delete_ms: 0,
            in_flight: 0,
        };
        model.at(MINUTE_MS, Event::Minute);
        model.at(MINUTE_MS, Event::Delete);
        model
    }

    fn at(&mut self, at_ms: u64, event: Event) {
        self.next_event += 1;
        self.events.insert((at_ms, self.next_event), event);
    }

    /// Runs until each owner had a pass.
    fn run(mut self) -> Figures {
        let mut last_ms = 0;
        while !self.waiting.is_empty() {
            let ((now_ms, _), event) = self.events.pop_first().expect("the watchdog runs each minute");
            self.queue.state().now_ms = now_ms;
            match event {
                Event::Minute => {
                    self.send(DueSender::Watchdog, now_ms);
                    self.at(now_ms + MINUTE_MS, Event::Minute);
                }
                Event::Delete => {
                    self.request_delete(now_ms);
                    self.at(now_ms + DELETE_EACH_MS, Event::Delete);
                }
                Event::Indexed(owner, due_ms) => self.records.schedule(&owner, due_ms).block_on(),
                Event::End(message) => self.end(&message, now_ms),
            }
            while let Some(due_ms) = self.start_next(now_ms) {
                last_ms = last_ms.max(now_ms + DELIVERY_MS - due_ms);
            }
            let queued = self.queue.state().messages.iter().filter(|it| it.is_due_pass).count();
            let running = self.running.values().filter(|is_due_pass| **is_due_pass).count();
            self.in_flight = self.in_flight.max(queued + running);
        }
        let now_ms = self.queue.state().now_ms;
        let minutes = Duration::from_millis(now_ms - MINUTE_MS).as_secs_f64() / 60.0;
        let passes_a_minute = f64::from(u32::try_from(OWNERS).expect("10,000")) / minutes;
        Figures { passes_a_minute, last_ms, delete_ms: self.delete_ms, in_flight: self.in_flight }
    }

    fn send(&self, sender: DueSender<'_>, now_ms: u64) {
        send_oldest_due(sender, &self.records, &self.queue, self.at_once, now_ms).block_on();
    }

    /// A Delete of any owner, whose task may be due, queued or in work; every other one of an owner whose due pass is in work.
    fn request_delete(&mut self, now_ms: u64) {
        let in_work = self.running.iter().find(|(_, is_due_pass)| **is_due_pass).map(|(owner, _)| owner.clone());
        let any = Owner::of("stack", &self.rng.below(OWNERS).to_string());
        let owner = in_work.filter(|_| self.rng.below(2) == 0).unwrap_or(any);
        let latest = LatestRequest {
            request_hash: format!("delete-{now_ms}"),
            kind: Kind::Delete,
            sent_ms: now_ms,
            asked_ms: None,
            deadline_ms: now_ms + 3_480_000,
            physical_id: None,
            response_address: ResponseAddress::default(),
        };
        let id = latest.request_hash.clone();
        self.records.record_request(&owner, latest).block_on();
        self.queue.send(&owner, &id, &json!({ "RequestType": "Delete" })).block_on();
    }

    fn is_pending(&self, owner: &Owner) -> bool {
        self.records.owner(owner).block_on().is_some_and(|record| record.response_due_ms.is_some())
    }

    /// A free reconciler receives the first message of a group that none works on. Returns since when its owner was due, if
    /// this is the owner's first due pass. A loop calls this until nothing starts.
    fn start_next(&mut self, now_ms: u64) -> Option<u64> {
        loop {
            if self.running.len() >= self.reconcilers {
                return None;
            }
            let message = {
                let mut state = self.queue.state();
                let mut groups: BTreeSet<&Owner> = self.running.keys().collect();
                let at = state.messages.iter().position(|it| groups.insert(&it.owner));
                // The borrow of the groups ends here.
                at.map(|at| state.messages.remove(at))?
            };
            self.running.insert(message.owner.clone(), message.is_due_pass);
            let begun_ms = now_ms + DELIVERY_MS;
            if !message.is_due_pass {
                self.delete_ms = self.delete_ms.max(begun_ms - message.sent_ms);
                self.waiting.remove(&message.owner);
                self.at(begun_ms + DELETE_PASS_MS, Event::End(message));
                continue;
            }
            let due_ms = self.waiting.remove(&message.owner);
            let (least, most) = DUE_PASS_MS;
            let span = if self.is_pending(&message.owner) { 0 } else { least + self.rng.below(most - least) };
            self.at(begun_ms + span, Event::End(message));
            if due_ms.is_some() {
                return due_ms;
            }
        }
    }

    fn end(&mut self, message: &Message, now_ms: u64) {
        self.running.remove(&message.owner);
        if message.is_due_pass {
            // The rollout continues: the next pass is due in a minute.
            let lag = INDEX_LAG_MS.0 + self.rng.below(INDEX_LAG_MS.1 - INDEX_LAG_MS.0);
            self.at(now_ms + lag, Event::Indexed(message.owner.clone(), now_ms + MINUTE_MS));
            self.send(DueSender::DuePass(&message.owner), now_ms);
            return;
        }
        let record = self.records.owner(&message.owner).block_on().expect("its request is recorded");
        let entry = HistoryEntry {
            request_hash: record.latest_request.expect("the Delete").request_hash,
            kind: Kind::Delete,
            sent_ms: message.sent_ms,
            responded_ms: now_ms,
            success: true,
            physical_id: String::from("scalable-ec2-us-west-2-dev"),
            reason: String::new(),
        };
        self.records.mark_deleted(&message.owner, now_ms).block_on();
        self.records.record_history(&message.owner, vec![entry]).block_on();
    }
}
