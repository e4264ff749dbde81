//! The printed plan.

use std::fmt;

use super::{Action, Plan};
use crate::engine::cloud::Ownership;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |sign: char| self.steps.iter().filter(|step| step.sign() == sign).count();
        writeln!(
            f,
            "{} to create, {} to change, {} to delete, {} to keep, {} to wait for",
            count('+'),
            count('~'),
            count('-'),
            count('='),
            count('.')
        )?;
        for rejection in &self.rejected {
            writeln!(f, "! {rejection}")?;
        }
        for unproven in &self.unproven {
            writeln!(f, "? {unproven} {}", Ownership::UNPROVEN)?;
        }
        for drift in &self.fixed_drift {
            writeln!(f, "? {drift}")?;
        }
        for step in &self.steps {
            write!(f, "{} {}", step.sign(), step.key)?;
            if let Action::Wait(condition) = &step.action {
                write!(f, ": {condition}")?;
            }
            writeln!(f)?;
            step.summary.iter().try_for_each(|line| writeln!(f, "    {line}"))?;
            step.calls.iter().try_for_each(|call| writeln!(f, "    > {call}"))?;
            if !step.depends_on.is_empty() {
                let names: Vec<&str> = step.depends_on.iter().map(|at| self.steps[*at].key.name.as_str()).collect();
                writeln!(f, "    after {}", names.join(", "))?;
            }
        }
        if let Some(rollout) = &self.rollout {
            writeln!(f, "~ {rollout}")?;
            rollout.summary.iter().try_for_each(|line| writeln!(f, "    {line}"))?;
        }
        Ok(())
    }
}
