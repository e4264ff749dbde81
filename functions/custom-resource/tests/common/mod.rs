//! A door over the in-memory cloud and in-memory records, and what is asked of it.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]
#![allow(dead_code, unused_imports, reason = "each test file uses its part")]

use custom_resource::Door;
use requests::Courier;
use requests::records::MemoryRecords;
use requests::{Line, Records};
use serde_json::Value;
pub use test_support::{BEGIN_S, InMemory, Now, Post, sent, with};
use test_support::{FakeLine, Shaky, run, settings};

/// Far away: what is tested here is not Lambda's time.
pub const DEADLINE_MS: u64 = 9_000_000_000_000;

/// One that carries requests out itself.
pub type TestDoor = Door<MemoryRecords, InMemory, FakeLine>;

pub fn door_with(variables: &[(&str, &str)]) -> TestDoor {
    let (records, clouds) = (MemoryRecords::new(), InMemory::default());
    Door { settings: settings(variables), records, clouds, courier: Courier::new(), line: None }
}

pub fn door() -> TestDoor {
    door_with(&[])
}

/// One that sends requests on.
pub type DoorToTheLine = Door<Shaky, InMemory, FakeLine>;

pub fn door_to_the_line() -> (DoorToTheLine, Post) {
    let post = Post::default();
    let (records, clouds, line) = (Shaky::default(), InMemory::default(), Some(FakeLine::default()));
    (Door { settings: settings(&[]), records, clouds, courier: post.courier(), line }, post)
}

pub fn sample(name: &str) -> Value {
    test_support::sample("custom-resource", name)
}

/// What the invocation comes to.
pub fn invoke<R: Records, L: Line>(door: &Door<R, InMemory, L>, event: Value) -> Result<Value, String> {
    let world = &door.clouds.world;
    world.clock.advance(world.read_lag);
    run(&world.clock, door.handle(event, DEADLINE_MS)).map_err(|error| error.to_string())
}

pub fn ask<R: Records, L: Line>(door: &Door<R, InMemory, L>, event: Value) -> Value {
    invoke(door, event).expect("delivered")
}

/// The answer's reason, of an answer that has to be FAILED.
pub fn failed<R: Records, L: Line>(door: &Door<R, InMemory, L>, event: Value) -> String {
    let answer = ask(door, event);
    assert_eq!(answer["Status"], "FAILED", "{answer}");
    answer["Reason"].as_str().expect("a FAILED has a reason").to_owned()
}

pub fn succeeded<R: Records, L: Line>(door: &Door<R, InMemory, L>, event: Value) -> Value {
    let answer = ask(door, event);
    assert_eq!(answer["Status"], "SUCCESS", "{answer}");
    answer
}

pub fn writes<R, L>(door: &Door<R, InMemory, L>) -> usize {
    door.clouds.writes()
}
