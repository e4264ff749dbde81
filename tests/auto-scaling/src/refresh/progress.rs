//! The progress of a refresh in numbers.

/// The progress of a refresh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefreshProgress {
    /// How much is done, 0 to 100. A rollback counts backwards to 0.
    pub percentage: u32,
    /// The number of instances that the refresh still has to replace. A rollback counts forwards.
    pub instances_to_update: u32,
}

/// The replacements of one direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Replacements {
    /// The number of instances to replace when the direction began.
    pub total: usize,
    /// The number of those that are still there.
    pub remaining: usize,
    /// The new instances in service.
    pub in_service: usize,
    /// The new instances in service, healthy and warm.
    pub ready: usize,
}

/// A replacement in the quarters that a group of one showed: 25 % when the new instance is in service, 50 % when it is
/// ready, 100 % when the old one terminates (recorded on AWS, September 2026: stackd 9dc356f5, `refresh_native`). On the way
/// back 25 % was not seen.
impl Replacements {
    /// The progress of the way forward.
    pub fn forward(&self) -> RefreshProgress {
        let warming = self.in_service.min(self.total).saturating_sub(self.ready);
        let quarters = self.quarters() + warming;
        RefreshProgress {
            percentage: self.percentage(quarters),
            instances_to_update: count(self.total - self.replaced()),
        }
    }

    /// The progress of a rollback, from the progress at its start, to at most the instances that the refresh began with.
    pub fn backward(&self, from: RefreshProgress, begun_with: usize) -> RefreshProgress {
        let undone = from.percentage * self.percentage(self.quarters()) / 100;
        RefreshProgress {
            percentage: from.percentage - undone,
            instances_to_update: (from.instances_to_update + count(self.replaced())).min(count(begun_with)),
        }
    }

    fn quarters(&self) -> usize {
        2 * self.ready.min(self.total) + 2 * self.replaced()
    }

    fn replaced(&self) -> usize {
        self.total.saturating_sub(self.remaining).min(self.ready)
    }

    fn percentage(&self, quarters: usize) -> u32 {
        if self.total == 0 { 100 } else { count(quarters * 100 / (4 * self.total)) }
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_of_one_shows_the_recorded_percentages() {
        let at = |remaining, in_service, ready| Replacements { total: 1, remaining, in_service, ready };
        let shown = [at(1, 0, 0), at(1, 1, 0), at(1, 1, 1), at(0, 1, 1)].map(|it| {
            let progress = it.forward();
            (progress.percentage, progress.instances_to_update)
        });
        assert_eq!(shown, [(0, 1), (25, 1), (50, 1), (100, 0)]);
        let from = RefreshProgress { percentage: 100, instances_to_update: 0 };
        let back = [at(1, 0, 0), at(1, 1, 0), at(1, 1, 1), at(0, 1, 1)].map(|it| {
            let progress = it.backward(from, 1);
            (progress.percentage, progress.instances_to_update)
        });
        assert_eq!(back, [(100, 0), (100, 0), (50, 0), (0, 1)]);
    }

    #[test]
    fn a_rollback_counts_no_more_instances_than_the_refresh_began_with() {
        let early = RefreshProgress { percentage: 25, instances_to_update: 2 };
        let back = Replacements { total: 1, remaining: 0, in_service: 1, ready: 1 }.backward(early, 2);
        assert_eq!(back, RefreshProgress { percentage: 0, instances_to_update: 2 });
    }

    #[test]
    fn an_instance_that_terminated_first_counts_when_its_replacement_is_ready() {
        let at = |in_service, ready| Replacements { total: 10, remaining: 9, in_service, ready }.forward();
        assert_eq!(at(0, 0), RefreshProgress { percentage: 0, instances_to_update: 10 });
        assert_eq!(at(1, 0), RefreshProgress { percentage: 2, instances_to_update: 10 });
        assert_eq!(at(1, 1), RefreshProgress { percentage: 10, instances_to_update: 9 });
    }
}
