//! Each check is switched off in turn: at least one forged message then has an effect.

use auto_scaling::PutHook;
use environment::RemediationAction;
use lifecycle_hook::Notification;
use lifecycle_hook::cloud::WaitState;
use requests::read_due_message;

use super::*;

/// Whether the function can read the message.
fn parses(entrance: Entrance, message: &Value) -> bool {
    if entrance == Entrance::HookQueue {
        return Notification::read(message).is_ok();
    }
    let body: Value = serde_json::from_str(message["body"].as_str().unwrap_or_default()).expect("JSON");
    let event = body.get("requestPayload").unwrap_or(&body);
    match RemediationRequest::read(event) {
        Some(remediation) => remediation.is_ok(),
        None => read_due_message(event).is_some_and(|due| due.is_ok()) || Request::read(event, BEGIN_S * 1_000).is_ok(),
    }
}

#[test]
fn at_least_half_of_the_messages_differ_in_at_most_two_fields_and_are_readable() {
    for entrance in Entrance::ALL {
        let near = (0..MESSAGES).filter(|case| {
            let (forged, changed) = forge(entrance, *case);
            changed <= 2 && parses(entrance, &forged)
        });
        let near = near.count();
        assert!(near * 2 >= MESSAGES, "{entrance:?}: {near} of {MESSAGES}");
    }
    assert!(Entrance::ALL.len() * MESSAGES >= 10_000);
}

/// The first forged messages, until one has an effect.
fn has_effect(entrance: Entrance, mut deliver: impl FnMut(&Value) -> Vec<String>) -> bool {
    (0..MESSAGES).any(|case| !deliver(&forge(entrance, case).0).is_empty())
}

/// Auto Scaling answers as the forger claims: the instance waits.
#[test]
fn without_the_lookup_of_the_state_a_forged_message_drains_or_abandons_an_instance() {
    for waits in [WaitState::Pending, WaitState::Terminating, WaitState::WarmedPending] {
        let harness = serving();
        let all = harness.states().into_keys().map(|id| (id, Some(waits)));
        harness.wait_states.borrow_mut().extend(all);
        assert!(has_effect(Entrance::HookQueue, |message| hook_effects(&harness, message)), "{waits:?}");
    }
}

/// EC2 answers as the forger claims: the instance is a Spot instance.
#[test]
fn without_the_lookup_of_spot_a_forged_interruption_drains_an_instance() {
    let harness = serving();
    harness.on_demand.borrow_mut().clear();
    assert!(has_effect(Entrance::HookQueue, |message| hook_effects(&harness, message)));
}

/// The record answers as the forger claims: custom-resource recorded the request.
#[test]
fn without_the_lookup_of_the_record_a_forged_request_or_dead_letter_has_effects() {
    for entrance in [Entrance::RequestQueue, Entrance::DeadLetters, Entrance::FailedInvocations] {
        let victim = Victim::new();
        let forged = has_effect(entrance, |message| {
            let body: Value = serde_json::from_str(message["body"].as_str().unwrap_or_default()).expect("JSON");
            victim.admit(body.get("requestPayload").unwrap_or(&body));
            victim.effects(entrance, message)
        });
        assert!(forged, "{entrance:?}");
    }
}

/// CloudWatch answers as the forger claims: the alarm is in ALARM since the time in the message.
#[test]
fn without_the_lookup_of_the_alarm_a_forged_remediation_scales_the_group() {
    let victim = Victim::new();
    let forged = has_effect(Entrance::RequestQueue, |message| {
        let body: Value = serde_json::from_str(message["body"].as_str().unwrap_or_default()).expect("JSON");
        if let Some(alarm) = victim.cloud_factory.alarm.borrow_mut().as_mut() {
            alarm.state = "ALARM".into();
            alarm.since_ms = body.pointer("/Remediation/SinceMs").and_then(Value::as_u64).unwrap_or_default();
        }
        victim.effects(Entrance::RequestQueue, message)
    });
    assert!(forged);
}

/// Auto Scaling answers as the forger claims: the hook has the settings in the message.
#[test]
fn without_the_lookup_of_the_hook_a_forged_message_shortens_a_drain() {
    let shortest_drain = |claimed: bool| {
        let harness = serving();
        harness.wait_states.borrow_mut().insert(VICTIM_INSTANCE.into(), Some(WaitState::Terminating));
        for message in (0..MESSAGES).map(|case| forge(Entrance::HookQueue, case).0) {
            if message.pointer("/detail/NotificationMetadata") != Some(&json!(SHORT_DRAIN)) {
                continue;
            }
            if claimed {
                let hook =
                    PutHook { name: "terminate".into(), metadata: Some(SHORT_DRAIN.into()), ..PutHook::default() };
                harness.scaling.borrow_mut().put_hook(GROUP, hook, harness.now.get()).expect("the hook exists");
            }
            hook_effects(&harness, &message);
        }
        harness.drain_timeouts.borrow().iter().min().copied()
    };
    let (own, forged) = (shortest_drain(false).expect("a drain"), shortest_drain(true).expect("a drain"));
    assert!(forged < own, "{forged:?}, {own:?}");
}

/// SQS answers as the forger claims: the message is in the group of its owner, where only custom-resource writes.
#[test]
fn without_the_check_of_the_message_group_a_recorded_request_runs_beside_its_owners_group() {
    let has_effect_in = |group: &str| {
        let victim = Victim::new();
        has_effect(Entrance::RequestQueue, |message| {
            let mut message = message.clone();
            message["attributes"]["MessageGroupId"] = json!(group);
            let body: Value = serde_json::from_str(message["body"].as_str().unwrap_or_default()).expect("JSON");
            victim.admit(&body);
            victim.effects(Entrance::RequestQueue, &message)
        })
    };
    assert!(!has_effect_in("0123456789abcdef0123"));
    assert!(has_effect_in(victim().as_str()));
}

/// The actions of all forged remediations, where the alarm is in ALARM as each claims.
fn remediations_in_alarm(victim: &Victim, mut deliver: impl FnMut(&mut Value) -> bool) -> Vec<RemediationAction> {
    for case in 0..MESSAGES {
        let (mut message, _) = forge(Entrance::RequestQueue, case);
        let mut body: Value = serde_json::from_str(message["body"].as_str().unwrap_or_default()).expect("JSON");
        let Some(since) = body.pointer("/Remediation/SinceMs").and_then(Value::as_u64) else { continue };
        if !deliver(&mut body) {
            continue;
        }
        message["body"] = json!(body.to_string());
        if let Some(alarm) = victim.cloud_factory.alarm.borrow_mut().as_mut() {
            (alarm.state, alarm.since_ms) = ("ALARM".into(), since);
        }
        victim.effects(Entrance::RequestQueue, &message);
    }
    let performed = victim.cloud_factory.account.remediations.borrow();
    performed.iter().map(|(action, _)| action.clone()).collect()
}

/// The record answers as the forger claims: the environment has the rule.
#[test]
fn without_the_lookup_of_the_rule_a_forged_remediation_scales_by_its_own_amount() {
    let large_steps = |amount: &str| {
        let victim = Victim::with_rule(amount);
        let all = remediations_in_alarm(&victim, |body| {
            let now_ms = victim.cloud_factory.account.clock.now().0;
            body["Remediation"]["ExpiresMs"] = json!(now_ms + 60_000);
            true
        });
        all.iter().filter(|it| matches!(it, RemediationAction::Scale { from, to } if *to > from + 2)).count()
    };
    assert_eq!(large_steps("2"), 0);
    assert!(large_steps("9") > 0);
}

/// The clock answers as the forger claims: the message has not expired.
#[test]
fn without_the_check_of_the_expiry_an_old_remediation_is_performed() {
    let performed = |expires_ms: Option<u64>| {
        let victim = Victim::new();
        let all = remediations_in_alarm(&victim, |body| {
            let now_ms = victim.cloud_factory.account.clock.now().0;
            let expires = &mut body["Remediation"]["ExpiresMs"];
            let is_expired = expires.as_u64().is_some_and(|it| it < now_ms);
            if let Some(left) = expires_ms {
                *expires = json!(now_ms + left);
            }
            is_expired
        });
        all.len()
    };
    assert_eq!(performed(None), 0);
    assert!(performed(Some(60_000)) > 0);
}
