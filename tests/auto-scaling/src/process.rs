//! The processes of a group that users suspend and resume.

use crate::{AutoScaling, Fault, Group, Timestamp};

/// A process of a group. The user guide ("How suspended processes affect other processes") lists the effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Process {
    /// Registers instances in target groups. Its suspension has no effect here: registrations are the host's.
    AddToLoadBalancer,
    /// Executes policies when alarms go off.
    AlarmNotification,
    /// Replaces instances in subnets that the group no longer has.
    AZRebalance,
    /// Finds instances that EC2 has terminated. The health that users set is not affected.
    HealthCheck,
    /// Replaces instances in an instance refresh, which pauses meanwhile.
    InstanceRefresh,
    /// Adds instances.
    Launch,
    /// Terminates Unhealthy instances.
    ReplaceUnhealthy,
    /// Executes scheduled actions. Not simulated.
    ScheduledActions,
    /// Removes instances. A forced delete of the group terminates them regardless.
    Terminate,
}

impl Process {
    /// All processes: AWS's answer to DescribeScalingProcessTypes.
    pub const ALL: [Self; 9] = [
        Self::AZRebalance,
        Self::AddToLoadBalancer,
        Self::AlarmNotification,
        Self::HealthCheck,
        Self::InstanceRefresh,
        Self::Launch,
        Self::ReplaceUnhealthy,
        Self::ScheduledActions,
        Self::Terminate,
    ];

    /// AWS's name of the process.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AddToLoadBalancer => "AddToLoadBalancer",
            Self::AlarmNotification => "AlarmNotification",
            Self::AZRebalance => "AZRebalance",
            Self::HealthCheck => "HealthCheck",
            Self::InstanceRefresh => "InstanceRefresh",
            Self::Launch => "Launch",
            Self::ReplaceUnhealthy => "ReplaceUnhealthy",
            Self::ScheduledActions => "ScheduledActions",
            Self::Terminate => "Terminate",
        }
    }
}

impl AutoScaling {
    /// Suspends processes: the named ones, or all if the list is empty. Launches and terminations in progress continue.
    ///
    /// # Errors
    /// `ValidationError`: the group or a process does not exist, or the group is being deleted.
    pub fn suspend_processes(&mut self, group: &str, names: &[String], now: Timestamp) -> Result<(), Fault> {
        let processes = chosen(names)?;
        let suspended = &mut self.modifiable(group)?.suspended_processes;
        for process in processes {
            suspended.entry(process).or_insert(now);
        }
        Ok(())
    }

    /// Resumes processes: the named ones, or all if the list is empty. Work that was left undone starts with the next
    /// step.
    ///
    /// # Errors
    /// `ValidationError`: the group or a process does not exist, or the group is being deleted.
    pub fn resume_processes(&mut self, group: &str, names: &[String]) -> Result<(), Fault> {
        let processes = chosen(names)?;
        self.modifiable(group)?.suspended_processes.retain(|process, _| !processes.contains(process));
        Ok(())
    }
}

impl Group {
    /// Whether a process runs.
    pub(crate) fn runs(&self, process: Process) -> bool {
        !self.suspended_processes.contains_key(&process)
    }
}

fn chosen(names: &[String]) -> Result<Vec<Process>, Fault> {
    if names.is_empty() {
        return Ok(Process::ALL.to_vec());
    }
    let known = |name: &String| {
        let unknown = || {
            let valid = Process::ALL.map(Process::as_str).join(", ");
            Fault::validation(format!("ScalingProcesses has {name}: expected {valid}"))
        };
        Process::ALL.into_iter().find(|process| process.as_str() == name).ok_or_else(unknown)
    };
    names.iter().map(known).collect()
}
