//! A door over the in-memory cloud and in-memory records, and what is asked of it.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test stops where it finds nonsense, and takes JSON as it stands"
)]
#![allow(dead_code, reason = "each test file uses its part")]

use std::path::Path;
use std::time::Duration;

use custom_resource::Door;
use environment::memory::{Session, World};
use environment::{Facts, Moment, Setback, Spec};
use reconciler::{Clouds, Settings, Stack};
use requests::records::MemoryRecords;
use requests::{Courier, SqsLine};
use serde_json::Value;

/// Far away: what is tested here is not Lambda's time.
pub const DEADLINE_MS: u64 = 9_000_000_000_000;

/// 2026-01-02T03:04:05Z: when all tests begin.
pub const BEGIN_S: u64 = 1_767_323_045;

pub struct InMemory {
    pub world: World,
    pub panics: bool,
    /// How its stack stands; nothing where nobody can be asked.
    pub stack: Option<Stack>,
}

impl Clouds for InMemory {
    type Cloud<'a> = Session<'a>;

    fn for_run(&self, _owner: &str, request: &str) -> Session<'_> {
        Session::new(&self.world, request)
    }

    async fn facts(&self, _spec: &Spec, _region: &str, hooks_are_answered: bool) -> Result<Facts, Setback> {
        assert!(!self.panics, "asked to");
        let zones = ["us-west-2a", "us-west-2b", "us-west-2c"].map(String::from).to_vec();
        Ok(Facts { zones, partition: "aws".into(), image: Some("ami-0123456789abcdef0".into()), hooks_are_answered })
    }

    async fn stack(&self, _stack_id: &str) -> Result<Stack, Setback> {
        self.stack.ok_or_else(|| Setback::Refused { what: "cloudformation:DescribeStacks: access denied".into() })
    }

    fn now(&self) -> Moment {
        self.world.clock.now()
    }
}

pub type TestDoor = Door<MemoryRecords, InMemory, SqsLine>;

pub fn door_with(variables: &'static [(&'static str, &'static str)]) -> TestDoor {
    let own = [("AWS_REGION", "us-west-2"), ("ACCOUNT_ID", "123456789012"), ("RECORDS_TABLE", "records")];
    let settings = Settings::from_vars(|name| {
        let found = variables.iter().chain(&own).find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    });
    let world = World::default();
    world.clock.advance(Duration::from_secs(BEGIN_S));
    let clouds = InMemory { world, panics: false, stack: Some(Stack::Stands) };
    Door { settings, records: MemoryRecords::new(), clouds, courier: Courier::new(), line: None }
}

pub fn door() -> TestDoor {
    door_with(&[])
}

pub fn sample(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/custom-resource");
    let text = std::fs::read_to_string(folder.join(name)).expect("there is such a sample");
    serde_json::from_str(&text).expect("it is JSON")
}

pub fn ask(door: &TestDoor, event: Value) -> Value {
    let world = &door.clouds.world;
    world.clock.advance(world.read_lag);
    world.clock.run(door.handle(event, DEADLINE_MS)).expect("not killed").expect("delivered")
}

/// The answer's reason, of an answer that has to be FAILED.
pub fn failed(door: &TestDoor, event: Value) -> String {
    let answer = ask(door, event);
    assert_eq!(answer["Status"], "FAILED", "{answer}");
    answer["Reason"].as_str().expect("a FAILED has a reason").to_owned()
}

pub fn succeeded(door: &TestDoor, event: Value) -> Value {
    let answer = ask(door, event);
    assert_eq!(answer["Status"], "SUCCESS", "{answer}");
    answer
}

pub fn with(mut event: Value, changes: Value) -> Value {
    for (key, value) in changes.as_object().expect("an object") {
        match (event.get_mut(key).and_then(Value::as_object_mut), value.as_object()) {
            (Some(inner), Some(more)) => inner.extend(more.clone()),
            _ => event[key] = value.clone(),
        }
    }
    event
}

pub fn writes(door: &TestDoor) -> usize {
    door.clouds.world.calls.borrow().len()
}

pub trait Now<T> {
    fn await_now(self) -> T;
}

impl<T, E: std::fmt::Debug, F: Future<Output = Result<T, E>>> Now<T> for F {
    fn await_now(self) -> T {
        environment::memory::Clock::default().run(self).expect("not killed").expect("readable")
    }
}
