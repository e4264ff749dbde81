//! The simulator's host: executes the simulator's effects with moto's instances and ministack's rules.

use std::{convert::Infallible, time::Duration};

use auto_scaling::{Effect, Launch, StartedInstance, Timestamp};

use permissions::Caller;
use serde_json::json;

use super::{AutoScalingService, lock, now, refreshes};
use crate::REGION;
use crate::emulators::ACCOUNT;
use crate::instances::MARKER;
use crate::recorder::{Call, Recorder};

impl AutoScalingService {
    /// Executes everything that is due, for groups and for alarms, for as long as the local cloud runs. The calls of the
    /// simulated instances are recorded.
    pub async fn run(&self, recorder: &Recorder) -> Infallible {
        tokio::select! {
            never = self.run_groups(recorder) => never,
            never = self.alarms.run(self) => never,
        }
    }

    async fn run_groups(&self, recorder: &Recorder) -> Infallible {
        loop {
            self.follow_alarms().await;
            let effects = self.simulator().step(now());
            for effect in effects {
                self.execute(effect).await;
            }
            for (id, value) in self.instances.due_markers(now()) {
                let marked = self.mark(&id, &value, recorder).await;
                let is_marked = marked.is_ok();
                report_failure(&format!("the user data's tag of {id}"), marked);
                if is_marked {
                    report_failure(&format!("delivery of the tag of {id}"), self.publish_tag_change(&id).await);
                }
            }
            let due = self.simulator().next_due(now()).into_iter().chain(self.instances.next_marker()).min();
            tokio::select! {
                () = self.wake.notified() => {}
                () = sleep_until(due) => {}
            }
        }
    }

    /// Updates in the simulator the states of the alarms that instance refreshes depend on.
    async fn follow_alarms(&self) {
        let names: Vec<String> = self.simulator().refresh_alarms().map(str::to_owned).collect();
        if !names.is_empty() {
            let states = self.alarms.states().await;
            refreshes::follow(&mut self.simulator(), &names, &states);
        }
    }

    /// Tags an instance as its user data does: with the rights of the instance's role, where policies are enforced. The
    /// call does not pass the router.
    async fn mark(&self, id: &str, value: &str, recorder: &Recorder) -> Result<(), String> {
        let at_micros = recorder.now_micros();
        let outcome = self.mark_as_instance(id, value).await;
        recorder.record(Call {
            at_micros,
            micros: recorder.now_micros() - at_micros,
            service: "ec2".to_owned(),
            operation: "CreateTags".to_owned(),
            status: if outcome.is_ok() { 200 } else { 403 },
            access_key: None,
            app: Some(Caller::Instance.name().to_owned()),
            principal: None,
            fault: None,
        });
        outcome
    }

    async fn mark_as_instance(&self, id: &str, value: &str) -> Result<(), String> {
        if let Some(policies) = self.bus.policies() {
            policies.check_own_tag(id, MARKER, self).await?;
        }
        self.ec2.tag(id, MARKER, value).await
    }

    /// Publishes EventBridge's event that an instance's tag has changed (Tagging AWS resources user guide, "Monitor tag
    /// changes with serverless workflows and Amazon EventBridge").
    async fn publish_tag_change(&self, id: &str) -> Result<(), String> {
        let event = json!({
            "version": "0", "id": id, "detail-type": "Tag Change on Resource", "source": "aws.tag",
            "account": ACCOUNT, "time": now().to_string(), "region": REGION,
            "resources": [format!("arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{id}")],
            "detail": {
                "changed-tag-keys": [MARKER], "service": "ec2", "resource-type": "instance", "version": 1,
                "tags": self.ec2.tags(id).await?,
            },
        });
        self.bus.put(&event.to_string()).await
    }

    async fn execute(&self, effect: Effect) {
        match effect {
            Effect::Launch(launch) => {
                let outcome = self.launch(&launch).await;
                let mut simulator = self.simulator();
                match outcome {
                    Ok(started) => simulator.launched(launch.token, started, now()),
                    Err(reason) => simulator.launch_failed(launch.token, reason.trim_end_matches('.'), now()),
                }
            }
            Effect::PublishEvent(event) => {
                report_failure(&format!("delivery of {}", event.detail_type()), self.bus.put(&event.to_json()).await);
            }
            Effect::Notify(notification) => {
                report_failure(
                    &format!("delivery to {}", notification.target_arn),
                    self.bus.notify(&notification).await,
                );
            }
            Effect::Terminate { instance_id, .. } => {
                self.instances.terminated(&instance_id, now());
                if let Err(reason) = self.ec2.terminate_instance(&instance_id).await {
                    eprintln!("local-cloud: {instance_id} of an Auto Scaling group was not terminated: {reason}");
                }
            }
        }
    }

    async fn launch(&self, launch: &Launch) -> Result<StartedInstance, String> {
        if let Some(reason) = self.next_failing_launch() {
            return Err(reason);
        }
        let version = self.ec2.template_version(&launch.launch_template).await?;
        let is_spot = self.instances.next_is_spot();
        let instance_id = self.ec2.run_instance(&version, launch, is_spot).await?;
        self.instances.launched(&instance_id, now());
        Ok(StartedInstance { instance_id, instance_type: version.instance_type, version: version.template.version })
    }

    fn next_failing_launch(&self) -> Option<String> {
        let mut failing_launches = lock(&self.failing_launches);
        failing_launches.count = failing_launches.count.checked_sub(1)?;
        Some(failing_launches.reason.clone())
    }
}

/// Reports a failed delivery or tag on stderr.
fn report_failure(subject: &str, outcome: Result<(), String>) {
    if let Err(reason) = outcome {
        eprintln!("local-cloud: {subject} failed: {reason}");
    }
}

/// Returns at the due time; never without a due time.
async fn sleep_until(due: Option<Timestamp>) {
    match due {
        Some(due) => tokio::time::sleep(Duration::from_millis(due.0.saturating_sub(now().0))).await,
        None => std::future::pending().await,
    }
}
