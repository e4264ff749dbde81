//! Elastic Load Balancing.

use lifecycle_hook::cloud::HookApi as _;
use lifecycle_hook::facts::Target;

use crate::{ID, Response, account, always, bodies, rejected, success};

const ONE: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/one/0123456789abcdef";

/// Only a target that is not healthy has a reason and a description.
fn health(state: &str, reason: &str, description: &str) -> Response {
    let reason = match reason {
        "" => String::new(),
        _ => format!("<Reason>{reason}</Reason><Description>{description}</Description>"),
    };
    let health = format!("<TargetHealth><State>{state}</State>{reason}</TargetHealth>");
    let target = format!("<Target><Port>80</Port><Id>{ID}</Id></Target>");
    let all = format!("<member><HealthCheckPort>80</HealthCheckPort>{health}{target}</member>");
    success("DescribeTargetHealth", &format!("<TargetHealthDescriptions>{all}</TargetHealthDescriptions>"))
}

#[tokio::test]
async fn target_groups_report_the_health_of_an_instance() {
    let not_healthy = |reason: &str| Ok(Target::NotHealthy(reason.into()));
    for (response, expected) in [
        (health("healthy", "", ""), Ok(Target::Healthy)),
        (health("unavailable", "Target.HealthCheckDisabled", "Health checks are disabled"), Ok(Target::Healthy)),
        (
            health("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress"),
            Ok(Target::Draining),
        ),
        (health("unhealthy.draining", "Target.FailedHealthChecks", "no"), Ok(Target::Draining)),
        (health("unused", "Target.NotRegistered", "Target is not registered to the target group"), Ok(Target::Absent)),
        (
            health("initial", "Elb.InitialHealthChecking", "Initial health checks in progress"),
            not_healthy("Initial health checks in progress"),
        ),
        (
            health("unhealthy", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [502]"),
            not_healthy("Health checks failed with these codes: [502]"),
        ),
        (health("unhealthy", "", ""), not_healthy("unhealthy")),
        (success("DescribeTargetHealth", "<TargetHealthDescriptions/>"), Ok(Target::Absent)),
        (rejected("TargetGroupNotFound", "One or more target groups not found"), Ok(Target::Absent)),
        (rejected("InvalidTarget", "The following targets are not in a running state"), Ok(Target::Absent)),
        (rejected("AccessDenied", "no"), Err("elasticloadbalancing:DescribeTargetHealth: AccessDenied: no".to_owned())),
    ] {
        let body = response.1.clone();
        let observed = always(response).target_health(&[ONE.to_owned()], ID).await;
        assert_eq!(observed.map_err(|it| it.to_string()), expected.map(|target| vec![target]), "{body}");
    }
}

#[tokio::test]
async fn an_instance_leaves_all_its_target_groups_and_a_deleted_group_is_not_an_obstacle() {
    let (account, requests) = account(|request, _| {
        if request.body.contains("two") {
            rejected("TargetGroupNotFound", "gone")
        } else {
            success("DeregisterTargets", "")
        }
    });
    let groups = [ONE.to_owned(), ONE.replace("one", "two")];
    assert_eq!(account.deregister(&groups, ID).await, Ok(()));
    let sent = bodies(&requests);
    assert_eq!(sent.len(), 2);
    assert!(sent.iter().all(|body| body.contains("Action=DeregisterTargets") && body.contains(ID)), "{sent:?}");
}

#[tokio::test]
async fn a_failed_deregistration_is_an_error() {
    let result = always(rejected("AccessDenied", "no")).deregister(&[ONE.to_owned()], ID).await;
    assert_eq!(
        result.map_err(|it| it.to_string()),
        Err("elasticloadbalancing:DeregisterTargets: AccessDenied: no".to_owned())
    );
}
