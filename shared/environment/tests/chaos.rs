//! Seeded disorder: whatever somebody does to an environment between runs, the next run brings it back, and a delete
//! always ends with nothing.
#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense")]

mod common;

use common::{assert_is_as_desired, plan_now, resources, run, run_to_the_end, settled, spec, standard};
use environment::{DesiredState, RunOutcome, Setting};
use memory_cloud::{Fault, MemoryAccount};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Any environment that the properties allow, as far as they change what is made.
fn any_properties() -> impl Strategy<Value = Value> {
    let types = prop::sample::select(vec!["t3.micro", "t3.small", "m5.large"]);
    let days = prop::sample::select(vec![1_u32, 7, 30, 365]);
    (1_u32..=3, 0_u32..4, 0_u32..4, types, days, "[a-z]{0,8}").prop_map(|(zones, min, more, kind, days, team)| {
        json!({
            "ZoneCount": zones, "MinSize": min, "MaxSize": min + more, "InstanceType": kind,
            "LogRetentionDays": days, "Tags": { "team": team }
        })
    })
}

fn any_fault() -> impl Strategy<Value = Fault> {
    prop::sample::select(vec![
        Fault::CrashBefore,
        Fault::CrashAfter,
        Fault::LostResponse,
        Fault::LostRequest,
        Fault::Throttled,
    ])
}

/// Takes back every setting of one resource, as somebody in the console might.
fn disturb(account: &MemoryAccount, which: usize) {
    let inventory = account.inventory();
    let victim = &inventory[which % inventory.len()];
    account.tamper(&victim.key(), |resource| {
        for setting in resource.settings() {
            if !matches!(setting, Setting::Tag(..) | Setting::TemplateVersion(_)) {
                resource.clear(&setting);
            }
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn any_environment_becomes_any_other_whatever_goes_wrong(
        first in any_properties(),
        second in any_properties(),
        faults in prop::collection::btree_map(0_usize..60, any_fault(), 0..6),
    ) {
        let (first, second) = (resources(&spec(first)), resources(&spec(second)));
        let account = settled(&first);
        let before = account.calls.borrow().len();
        let faults = faults.into_iter().map(|(at, fault)| (before + at, fault)).collect();
        account.faults.replace(faults);
        // As many retries as faults can kill, and one that lives.
        let mut ending = None;
        for _ in 0..3 {
            ending = Some(run_to_the_end(&account, "update", &second));
            if matches!(ending, Some(RunOutcome::Settled { .. })) {
                break;
            }
        }
        prop_assert!(matches!(ending, Some(RunOutcome::Settled { .. })), "{ending:?}");
        assert_is_as_desired(&account, &second, "after the update");
        account.faults.borrow_mut().clear();
        run(&account, "delete", &DesiredState::default(), None);
        prop_assert!(account.inventory().is_empty());
    }

    #[test]
    fn drift_anywhere_is_seen_and_repaired(victims in prop::collection::vec(0_usize..40, 1..4)) {
        let desired = standard();
        let account = settled(&desired);
        for victim in victims {
            disturb(&account, victim);
        }
        account.clock.advance(account.read_lag);
        run(&account, "update", &desired, None);
        prop_assert!(plan_now(&account, &desired).is_settled());
        assert_is_as_desired(&account, &desired, "after the repair");
    }
}
