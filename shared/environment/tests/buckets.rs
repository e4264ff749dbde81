//! What becomes of buckets: what somebody stored is never thrown away unasked.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

mod common;

use common::{assert_is_as_wanted, look, names, resources, rollback, run, run_to_the_end, scope, settled, spec};
use environment::{Bucket, Ending, Fields, Key, Wanted, Whose, in_doubt_until, mark};
use memory_cloud::{Fault, World};
use serde_json::json;

fn with(on_delete: &str) -> Wanted {
    resources(&spec(json!({ "BucketOnDelete": on_delete, "Egress": "PublicIp" })))
}

fn fill(world: &World, bucket: &Key, full: bool) {
    world.tamper(bucket, |it| {
        if let Fields::Bucket(bucket) = &mut it.fields {
            bucket.holds_objects = full;
        }
    });
    world.clock.advance(world.read_lag);
}

fn bucket(world: &World, key: &Key) -> Option<Bucket> {
    world.inventory().into_iter().find(|it| it.key() == *key).map(|it| match it.fields {
        Fields::Bucket(bucket) => bucket,
        other => panic!("{other:?}"),
    })
}

fn is_settled(ending: Option<&Ending>) -> bool {
    matches!(ending, Some(Ending::Settled { .. }))
}

#[test]
fn retained_buckets_stay_as_they_are_without_an_owner_and_a_later_environment_adopts_them() {
    let wanted = with("Retain");
    let world = settled(&wanted);
    fill(&world, &names().data_bucket(), true);
    let ending = run(&world, "delete", &Wanted::default(), None);
    assert!(is_settled(ending.as_ref()), "{ending:?}");
    let left: Vec<Key> = world.inventory().iter().map(environment::Resource::key).collect();
    assert_eq!(left, [names().data_bucket(), names().log_bucket()]);
    for it in look(&world) {
        assert_eq!(it.whose, Whose::Retained(names().environment_id()), "{}", it.key());
        assert_eq!(it.resource.tags.get(mark::OWNER), None);
    }

    let ending = run(&world, "create again", &wanted, None);
    assert!(is_settled(ending.as_ref()), "{ending:?}");
    assert!(bucket(&world, &names().data_bucket()).expect("it is there").holds_objects, "with all that is in it");
    assert!(look(&world).iter().all(|it| it.whose == Whose::Ours));
}

#[test]
fn a_create_that_fails_gives_back_what_it_adopted_and_never_empties_it() {
    let world = settled(&with("Retain"));
    fill(&world, &names().data_bucket(), true);
    run(&world, "delete", &Wanted::default(), None);
    let calls = world.calls.borrow().len();
    world.faults.borrow_mut().insert(calls + 30, Fault::Denied);
    let ending = run(&world, "create again", &with("Empty"), None);
    assert!(matches!(ending, Some(Ending::Refused { .. })), "{ending:?}");
    let doubt = in_doubt_until(world.clock.now(), false);
    let ending = run(&world, "rollback", &rollback(), Some(doubt));
    assert!(is_settled(ending.as_ref()), "{ending:?}");
    assert!(bucket(&world, &names().data_bucket()).expect("it was given back").holds_objects);
    assert_eq!(world.inventory().len(), 2);
    assert!(look(&world).iter().all(|it| it.whose == Whose::Retained(names().environment_id())));
}

#[test]
fn a_bucket_that_a_create_made_itself_goes_with_its_rollback_if_it_is_empty() {
    for full in [false, true] {
        let world = settled(&with("Empty"));
        fill(&world, &names().data_bucket(), full);
        let ending = run(&world, "rollback", &rollback(), None);
        assert!(is_settled(ending.as_ref()), "{ending:?}");
        let left = bucket(&world, &names().data_bucket());
        assert_eq!(left.map(|it| it.holds_objects), full.then_some(true));
    }
}

#[test]
fn buckets_that_are_to_be_emptied_are_their_logging_turned_off_first() {
    let world = settled(&with("Empty"));
    fill(&world, &names().data_bucket(), true);
    let before = world.calls.borrow().len();
    run(&world, "delete", &Wanted::default(), None);
    assert!(world.inventory().is_empty());
    let calls = world.calls.borrow();
    let of_data = calls[before..].iter().filter(|call| call.key == names().data_bucket());
    let operations: Vec<&str> = of_data.map(environment::Call::operation).collect();
    assert_eq!(operations, ["s3:PutBucketLogging", "s3:DeleteObjects", "s3:DeleteBucket"]);
}

#[test]
fn a_bucket_that_must_be_empty_and_is_not_stops_the_delete_before_anything_is_gone() {
    let world = settled(&with("FailIfNotEmpty"));
    fill(&world, &names().data_bucket(), true);
    let (before, calls) = (world.inventory(), world.calls.borrow().len());
    let ending = run(&world, "delete", &Wanted::default(), None);
    let Some(Ending::Refused { why }) = ending else { panic!("{ending:?}") };
    assert!(why[0].contains("BucketOnDelete is FailIfNotEmpty"), "{why:?}");
    assert_eq!(world.inventory(), before);
    assert_eq!(world.calls.borrow().len(), calls);

    fill(&world, &names().data_bucket(), false);
    fill(&world, &names().log_bucket(), true);
    assert!(is_settled(run(&world, "delete", &Wanted::default(), None).as_ref()));
    assert_eq!(bucket(&world, &names().data_bucket()), None);
    assert!(bucket(&world, &names().log_bucket()).expect("the logs stay").holds_objects);
}

#[test]
fn a_bucket_that_another_environment_left_behind_is_not_ours() {
    let world = World::default();
    let mut wanted = with("Retain");
    let mut other = wanted.resources.iter().find(|it| it.key() == names().data_bucket()).expect("one").clone();
    other.tags.remove(mark::OWNER);
    other.tags.insert(mark::RETAINED.into(), "somebody-else".into());
    world.plant(other);
    world.clock.advance(world.read_lag);
    wanted.in_service = 0;
    let Some(Ending::Refused { why }) = run(&world, "create", &wanted, None) else { panic!("not refused") };
    assert!(why[0].contains("the environment somebody-else left it behind"), "{why:?}");
}

#[test]
fn a_crash_between_making_a_bucket_and_configuring_it_leaves_it_ours() {
    let wanted = with("Retain");
    let creates = settled(&wanted);
    let calls = creates.calls.borrow();
    let at: Vec<usize> = (0..calls.len()).filter(|at| calls[*at].operation() == "s3:CreateBucket").collect();
    for at in at {
        let world = World::default();
        world.faults.borrow_mut().insert(at, Fault::CrashAfter);
        assert_eq!(run(&world, "create", &wanted, None), None, "killed");
        world.clock.advance(world.read_lag);
        let seen = look(&world);
        let bare = seen.iter().find(|it| it.key() == calls[at].key).expect("it was made");
        assert_eq!(bare.whose, Whose::Ours);
        assert_eq!(bare.resource.tags.get(mark::OWNER), Some(&scope().owner));
        run(&world, "create", &wanted, None);
        assert_is_as_wanted(&world, &wanted, "after the crash");
    }
}

const FAULTS: [Fault; 4] = [Fault::LostAnswer, Fault::LostRequest, Fault::CrashBefore, Fault::CrashAfter];

fn are_all_retained(world: &World, context: &str) {
    let live = look(world);
    assert_eq!(live.len(), 2, "{context}: {live:#?}");
    let retained = Whose::Retained(names().environment_id());
    assert!(live.iter().all(|it| it.whose == retained), "{context}: {live:#?}");
}

#[test]
fn a_delete_that_retains_and_is_disturbed_anywhere_retains_both_when_it_runs_again() {
    let undisturbed = settled(&with("Retain"));
    let before = undisturbed.calls.borrow().len();
    run(&undisturbed, "delete", &Wanted::default(), None);
    for fault in FAULTS {
        for call in before..undisturbed.calls.borrow().len() {
            let world = settled(&with("Retain"));
            world.faults.borrow_mut().insert(call, fault);
            let ending = run_to_the_end(&world, "delete", &Wanted::default());
            assert!(is_settled(Some(&ending)), "{fault:?} at call {call}: {ending:?}");
            are_all_retained(&world, &format!("{fault:?} at call {call}"));
        }
    }
}

/// A world in which an environment left its buckets behind, one of them full.
fn left_behind() -> World {
    let world = settled(&with("Retain"));
    fill(&world, &names().data_bucket(), true);
    run(&world, "delete", &Wanted::default(), None);
    world
}

#[test]
fn a_create_that_adopts_and_is_disturbed_anywhere_gives_back_what_it_adopted() {
    let undisturbed = left_behind();
    let before = undisturbed.calls.borrow().len();
    run(&undisturbed, "create again", &with("Empty"), None);
    for fault in FAULTS {
        for call in before..undisturbed.calls.borrow().len() {
            let world = left_behind();
            world.faults.borrow_mut().insert(call, fault);
            run(&world, "create again", &with("Empty"), None);
            let doubt = in_doubt_until(world.clock.now(), false);
            let ending = run(&world, "rollback", &rollback(), Some(doubt));
            assert!(is_settled(ending.as_ref()), "{fault:?} at call {call}: {ending:?}");
            are_all_retained(&world, &format!("{fault:?} at call {call}"));
            assert!(bucket(&world, &names().data_bucket()).is_some_and(|it| it.holds_objects), "it was never emptied");
        }
    }
}
