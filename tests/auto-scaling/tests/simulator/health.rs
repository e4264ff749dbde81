//! Instances that a user marks Unhealthy.

use std::time::Duration;

use crate::{
    hooked::{CONTINUE, SECOND, terminating},
    host::{Host, LAUNCH, error_text},
};

const CAUSE: &str = "At 2026-11-23T08:00:40Z an instance was taken out of service in response to a user health-check.";

#[test]
fn an_unhealthy_instance_is_terminated_and_replaced() {
    let mut host = Host::with(1, 1, 1);
    host.sim.set_instance_protection("web", &["i-1".into()], true).unwrap();
    host.sim.set_instance_health("i-1", false, true, host.now).unwrap();
    host.advance(Duration::ZERO);
    let instance = &host.web().instances[0];
    assert_eq!((instance.health_status(), instance.state.as_str()), ("Unhealthy", "Terminating"));
    assert_eq!(host.sim.activities("web", false).unwrap()[1].cause, CAUSE);
    host.settle();
    assert_eq!((host.in_service(), host.terminated.len()), (vec!["i-2"], 1));
    assert!(
        error_text(host.sim.set_instance_health("i-1", false, true, host.now)).contains("No managed instance found")
    );
}

#[test]
fn an_unhealthy_instance_waits_for_its_terminating_hooks() {
    let mut host = terminating(&["drain"], CONTINUE);
    let id = host.web().instances.last().unwrap().id.clone();
    host.settle();
    host.sim.set_desired_capacity("web", 1, false, host.now).unwrap();
    host.settle();
    let next = host.in_service()[0].to_owned();
    assert_ne!(id, next);
    host.sim.set_instance_health(&next, false, true, host.now).unwrap();
    host.advance(Duration::ZERO);
    assert_eq!(host.instances()[0], format!("{next} Terminating:Wait a"));
    assert_eq!(host.web().instances[0].health_status(), "Unhealthy");
    host.complete(&next, "drain", CONTINUE).unwrap();
    host.settle();
    assert_eq!(host.in_service().len(), 1);
}

#[test]
fn the_grace_period_is_respected_unless_the_call_ignores_it() {
    let mut host = Host::with(0, 1, 1);
    let grace = Duration::from_mins(5);
    host.update(|it| it.health_check_grace_period = grace).unwrap();
    host.advance(grace.saturating_sub(SECOND));
    host.sim.set_instance_health("i-1", false, true, host.now).unwrap();
    assert_eq!((host.web().instances[0].health_status(), host.in_service()), ("Healthy", vec!["i-1"]));
    let mut ignoring = host.sim.clone();
    ignoring.set_instance_health("i-1", false, false, host.now).unwrap();
    assert_eq!(ignoring.group("web").unwrap().instances[0].health_status(), "Unhealthy");
    host.advance(SECOND);
    host.sim.set_instance_health("i-1", true, true, host.now).unwrap();
    assert_eq!(host.in_service(), ["i-1"]);
    host.sim.set_instance_health("i-1", false, true, host.now).unwrap();
    host.advance(Duration::ZERO);
    assert!(host.in_service().is_empty());
}

#[test]
fn an_unhealthy_launching_instance_is_replaced_once_it_is_in_service() {
    let mut host = Host::with(0, 0, 1);
    host.sim.set_desired_capacity("web", 1, false, host.now).unwrap();
    host.advance(Duration::ZERO);
    host.sim.set_instance_health("i-1", false, false, host.now).unwrap();
    assert_eq!(host.instances(), ["i-1 Pending a"]);
    assert_eq!(host.web().instances[0].health_status(), "Unhealthy");
    host.advance(LAUNCH);
    assert_eq!(host.instances()[0], "i-1 Terminating a");
}
