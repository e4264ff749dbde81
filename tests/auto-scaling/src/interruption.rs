//! Actions of EC2 without a request of the group: notices, and terminations.

use std::time::Duration;

use crate::{AccountState, AutoScaling, Effect, Fault, Group, LifecycleState, Timestamp, event::Detail};

/// How long before the termination a Spot instance receives its notice (the EC2 user guide).
const NOTICE: Duration = Duration::from_mins(2);

impl AutoScaling {
    /// Gives a Spot instance notice: EC2 publishes an event, and terminates the instance two minutes later. A second
    /// notice changes nothing but is published as well.
    ///
    /// # Errors
    /// `ValidationError`: no group has the instance, or EC2 has terminated it.
    pub fn interrupt_spot_instance(&mut self, id: &str, now: Timestamp) -> Result<(), Fault> {
        let (group, index, account) = self.running(id, now)?;
        group.instances[index].interruption_at.get_or_insert(now + NOTICE);
        let arn = account.instance_arn(id);
        account.publish(vec![arn], Detail::SpotInterruption { instance_id: id.to_owned() }, now);
        Ok(())
    }

    /// Publishes that a Spot instance is at risk. The group does not react.
    ///
    /// # Errors
    /// `ValidationError`: no group has the instance, or EC2 has terminated it.
    pub fn recommend_rebalance(&mut self, id: &str, now: Timestamp) -> Result<(), Fault> {
        let (_, _, account) = self.running(id, now)?;
        let arn = account.instance_arn(id);
        account.publish(vec![arn], Detail::RebalanceRecommendation { instance_id: id.to_owned() }, now);
        Ok(())
    }

    /// Switches EC2's termination protection of an instance on or off. It stops users, and neither scale-in nor the
    /// replacement of unhealthy instances (EC2 User Guide, "Change instance termination protection"; recorded on AWS,
    /// September 2026: stackd 9dc356f5, `failure_boundaries_native_complete`).
    ///
    /// # Errors
    /// `ValidationError`: no group has the instance, or EC2 has terminated it.
    pub fn protect_from_termination(&mut self, id: &str, protected: bool, now: Timestamp) -> Result<(), Fault> {
        let (group, index, _) = self.running(id, now)?;
        group.instances[index].termination_protected = protected;
        Ok(())
    }

    /// A user's TerminateInstances for one instance.
    ///
    /// # Errors
    /// `OperationNotPermitted`: the instance has termination protection. `ValidationError`: no group has the instance, or EC2
    /// has terminated it before.
    pub fn terminate_in_ec2(&mut self, id: &str, now: Timestamp) -> Result<(), Fault> {
        let (group, index, _) = self.running(id, now)?;
        if group.instances[index].termination_protected {
            let advice = "Modify its 'disableApiTermination' instance attribute and try again.";
            let message = format!("The instance '{id}' may not be terminated. {advice}");
            return Err(Fault { code: "OperationNotPermitted", message });
        }
        group.mark_terminated_by_ec2(index);
        Ok(())
    }

    /// Records that an instance has terminated by itself, or that a user terminated it in EC2. The next step replaces an
    /// instance that counts towards the capacity.
    ///
    /// # Errors
    /// `ValidationError`: no group has the instance, or EC2 has terminated it before.
    pub fn terminated_by_ec2(&mut self, id: &str, now: Timestamp) -> Result<(), Fault> {
        let (group, index, _) = self.running(id, now)?;
        group.mark_terminated_by_ec2(index);
        Ok(())
    }

    fn running(&mut self, id: &str, now: Timestamp) -> Result<(&mut Group, usize, &mut AccountState), Fault> {
        let (group, index, account) = self.managed(id, now)?;
        if group.instances[index].terminated_by_ec2 {
            return Err(Fault::validation(format!("The instance {id} is already terminated")));
        }
        Ok((group, index, account))
    }
}

impl Group {
    /// The time of an instance's notice has passed: the host has to terminate the instance.
    pub(crate) fn interrupt(&mut self, index: usize, account: &mut AccountState) {
        let instance = &self.instances[index];
        // An instance that its group has terminated before is already terminating.
        let terminating = matches!(instance.state, LifecycleState::Terminating | LifecycleState::TerminatingProceed);
        if !terminating || instance.deregistered_at.is_some() {
            account.outbox.push(Effect::Terminate { group: self.name.clone(), instance_id: instance.id.clone() });
        }
        self.mark_terminated_by_ec2(index);
    }

    /// Records the termination of an instance. The instance still waits for its hooks: the user guide says that the
    /// lifecycle actions of an interrupted Spot instance still have to be completed.
    fn mark_terminated_by_ec2(&mut self, index: usize) {
        let instance = &mut self.instances[index];
        instance.terminated_by_ec2 = true;
        instance.interruption_at = None;
    }
}
