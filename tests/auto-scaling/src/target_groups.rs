//! Load balancers' target groups that a group is attached to. Whether they exist is not checked.

use crate::{AutoScaling, Fault};

impl AutoScaling {
    /// Attaches target groups; those that are attached stay so.
    ///
    /// # Errors
    /// `ValidationError`: no such group.
    pub fn attach_target_groups(&mut self, group: &str, arns: &[String]) -> Result<(), Fault> {
        let attached = &mut self.modifiable(group)?.target_group_arns;
        for arn in arns {
            if !attached.contains(arn) {
                attached.push(arn.clone());
            }
        }
        Ok(())
    }

    /// Detaches target groups.
    ///
    /// # Errors
    /// `ValidationError`: no such group, or one is not attached. Then none is detached.
    pub fn detach_target_groups(&mut self, group: &str, arns: &[String]) -> Result<(), Fault> {
        let attached = &mut self.modifiable(group)?.target_group_arns;
        if let Some(arn) = arns.iter().find(|arn| !attached.contains(arn)) {
            return Err(Fault::validation(format!(
                "Trying to remove Target Groups that are not part of the group: {arn}"
            )));
        }
        attached.retain(|arn| !arns.contains(arn));
        Ok(())
    }
}
