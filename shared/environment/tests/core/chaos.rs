//! Seeded fault injection: after any change to an environment between runs, the next run restores it, and a delete
//! always leaves no resources.
#![allow(clippy::expect_used, reason = "a test panics on unexpected data")]

use crate::common::{assert_converged, plan_now, resources, run, run_until_done, settled, spec, standard};
use environment::{DesiredState, LaunchTemplateSetting, RunOutcome, Setting};
use memory_cloud::{Fault, MemoryAccount};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Any environment that the properties allow, as far as the properties affect the resources.
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

/// Clears every setting of one resource, as a user of the console might.
fn disturb(account: &MemoryAccount, which: usize) {
    let inventory = account.inventory();
    let resource = &inventory[which % inventory.len()];
    account.tamper(&resource.key(), |resource| {
        for setting in resource.settings() {
            if !matches!(setting, Setting::Tag(..) | Setting::LaunchTemplate(LaunchTemplateSetting::Version(_))) {
                resource.clear(&setting);
            }
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn any_environment_converges_to_any_other_under_any_faults(
        first in any_properties(),
        second in any_properties(),
        faults in prop::collection::btree_map(0_usize..60, any_fault(), 0..6),
    ) {
        let (first, second) = (resources(&spec(first)), resources(&spec(second)));
        let account = settled(&first);
        let before = account.calls.borrow().len();
        let faults = faults.into_iter().map(|(at, fault)| (before + at, fault)).collect();
        account.faults.replace(faults);
        // As many retries as faults can kill, and one that completes.
        let mut outcome = None;
        for _ in 0..3 {
            outcome = Some(run_until_done(&account, "update", &second));
            if matches!(outcome, Some(RunOutcome::Settled { .. })) {
                break;
            }
        }
        prop_assert!(matches!(outcome, Some(RunOutcome::Settled { .. })), "{outcome:?}");
        assert_converged(&account, &second, "after the update");
        account.faults.borrow_mut().clear();
        run(&account, "delete", &DesiredState::default(), None);
        prop_assert!(account.inventory().is_empty());
    }

    #[test]
    fn drift_in_any_resource_is_detected_and_repaired(disturbed in prop::collection::vec(0_usize..40, 1..4)) {
        let desired = standard();
        let account = settled(&desired);
        for which in disturbed {
            disturb(&account, which);
        }
        account.clock.advance(account.read_lag);
        run(&account, "update", &desired, None);
        prop_assert!(plan_now(&account, &desired).is_settled());
        assert_converged(&account, &desired, "after the repair");
    }
}
