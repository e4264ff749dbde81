//! An environment to test with, and ways to run it in the in-memory cloud.
#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test stops where it finds nonsense, and takes JSON as it stands"
)]
#![allow(dead_code, reason = "each test file uses its part")]

use std::time::Duration;

use environment::{
    Cloud, Defaults, Ending, Facts, Moment, Names, Place, Plan, Resource, Run, Scope, Spec, Violation, Wanted,
    in_doubt_until, plan, reconcile, wanted,
};
use memory_cloud::{Session, World};
use serde_json::{Value, json};

pub const OWNER: &str = "0123456789abcdef0123";

pub fn read(properties: Value) -> Result<Spec, Vec<Violation>> {
    let defaults = Defaults::from_vars(|_| None);
    let properties = properties.as_object().cloned().unwrap_or_default();
    Spec::read(&properties, &defaults, &place())
}

pub fn place() -> Place {
    Place { project: "scalable-ec2".into(), region: "us-west-2".into(), account: "123456789012".into() }
}

pub fn spec(properties: Value) -> Spec {
    let mut all = json!({ "EnvironmentSuffix": "dev", "BucketOnDelete": "Empty" });
    if let (Some(all), Some(more)) = (all.as_object_mut(), properties.as_object()) {
        all.extend(more.clone());
    }
    read(all).expect("the properties are valid")
}

pub fn names() -> Names {
    place().names("dev")
}

pub fn scope() -> Scope {
    Scope { owner: OWNER.into(), names: names() }
}

pub fn facts() -> Facts {
    Facts {
        zones: ["us-west-2a", "us-west-2b", "us-west-2c"].map(String::from).to_vec(),
        partition: "aws".into(),
        image: Some("ami-0123456789abcdef0".into()),
        hooks_are_answered: true,
    }
}

pub fn resources(spec: &Spec) -> Wanted {
    let resources = wanted(spec, &names(), OWNER, &facts());
    Wanted { resources, ..Wanted::default() }
}

/// The delete that follows a create which never settled.
pub fn rollback() -> Wanted {
    Wanted { never_settled: true, ..Wanted::default() }
}

pub fn standard() -> Wanted {
    resources(&spec(json!({ "MinSize": "2", "MaxSize": "4" })))
}

/// One run of one request, ten minutes long at the most; `None` if it was killed.
pub fn run(world: &World, request: &str, wanted: &Wanted, in_doubt_until: Option<Moment>) -> Option<Ending> {
    let session = Session::new(world, request);
    let until = world.clock.now() + Duration::from_mins(10);
    let scope = scope();
    let run = Run { in_doubt_until, ..Run::alone(&scope, wanted, until) };
    world.clock.run(reconcile(&session, run, async |_: environment::Risk| Ok(())))
}

/// Runs a request again and again, as an asynchronous invocation is retried, until it ends by itself.
pub fn run_to_the_end(world: &World, request: &str, wanted: &Wanted) -> Ending {
    let mut doubt = None;
    for _ in 0..8 {
        if let Some(ending) = run(world, request, wanted, doubt) {
            return ending;
        }
        doubt = Some(in_doubt_until(world.clock.now(), false));
        world.clock.advance(Duration::from_secs(5));
    }
    panic!("killed eight times");
}

pub fn look(world: &World) -> Vec<environment::Live> {
    world.clock.advance(Duration::from_mins(1));
    world.clock.run(Session::new(world, "look").observe(&scope())).expect("not killed").expect("a look works")
}

pub fn plan_now(world: &World, wanted: &Wanted) -> Plan {
    plan(wanted, &look(world))
}

/// A world in which the environment exists.
pub fn settled(wanted: &Wanted) -> World {
    let world = World::default();
    let ending = run(&world, "create", wanted, None);
    assert!(matches!(ending, Some(Ending::Settled { .. })), "{ending:?}");
    world
}

/// What is there, without what only a creation says.
pub fn assert_is_as_wanted(world: &World, wanted: &Wanted, context: &str) {
    let mut expected: Vec<Resource> = wanted.resources.clone();
    expected.sort_by_key(Resource::key);
    let found = world.inventory();
    let keys = |all: &[Resource]| all.iter().map(|it| it.key().to_string()).collect::<Vec<_>>();
    assert_eq!(keys(&found), keys(&expected), "{context}");
    for (found, expected) in found.iter().zip(&expected) {
        let mut settings: Vec<String> = found.settings().iter().map(ToString::to_string).collect();
        settings.retain(|it| !it.starts_with("version"));
        let mut wanted: Vec<String> = expected.settings().iter().map(ToString::to_string).collect();
        wanted.retain(|it| !it.starts_with("version"));
        assert_eq!(settings, wanted, "{context}: {}", found.key());
    }
}
