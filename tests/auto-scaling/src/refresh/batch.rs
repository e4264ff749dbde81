//! The size of a batch of replacements.

/// The state of a group that limits its next batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capacity {
    /// The desired capacity, of which the percentages are shares.
    pub desired: usize,
    /// The instances that count towards the capacity.
    pub counted: usize,
    /// The instances among them that are in service, healthy and ready to use.
    pub ready: usize,
    /// The instances to replace that can be replaced now.
    pub replaceable: usize,
    /// Those of them that are not ready to use.
    pub unready: usize,
    pub min_percentage: u32,
    /// Absent: 100, and no launch before the termination.
    pub max_percentage: Option<u32>,
    /// The most instances of the group, if a refresh may not exceed it.
    pub most: Option<usize>,
}

/// The launches and terminations of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub launches: usize,
    pub terminations: usize,
}

impl Capacity {
    /// As many replacements at once as both percentages allow.
    ///
    /// If they allow none, one instance launches before another terminates with an explicit MaxHealthyPercentage, and both
    /// happen at once without one (the API reference of RefreshPreferences). The least number of healthy instances is
    /// rounded up (the API reference of 2022); that the most is rounded down is a guess.
    pub fn batch(&self) -> Batch {
        if self.replaceable == 0 {
            return Batch { launches: 0, terminations: 0 };
        }
        let highest =
            self.share(self.max_percentage.unwrap_or(100)).max(self.desired).min(self.most.unwrap_or(usize::MAX));
        let terminations = self.terminations();
        let missing = (self.desired + self.replaceable).saturating_sub(self.counted);
        let launches = missing.min(highest.saturating_sub(self.counted - terminations));
        if launches > 0 || terminations > 0 {
            return Batch { launches, terminations };
        }
        match self.max_percentage {
            Some(_) if self.most.is_none_or(|most| self.counted < most) => Batch { launches: 1, terminations: 0 },
            Some(_) => Batch { launches: 0, terminations: 0 },
            None => Batch { launches: 1, terminations: 1 },
        }
    }

    /// How many instances can terminate while enough remain ready.
    pub fn terminations(&self) -> usize {
        let least = (self.desired * self.min_percentage as usize).div_ceil(100);
        self.replaceable.min(self.unready + self.ready.saturating_sub(least))
    }

    fn share(&self, percentage: u32) -> usize {
        self.desired * percentage as usize / 100
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole_group(desired: usize, min_percentage: u32, max_percentage: Option<u32>) -> Capacity {
        let (counted, ready, replaceable) = (desired, desired, desired);
        Capacity { desired, counted, ready, replaceable, unready: 0, min_percentage, max_percentage, most: None }
    }

    /// The first seven are vectors of the emulator floci (tests of its instance refresh).
    #[test]
    fn first_batches_of_a_group_in_service() {
        for (desired, min, max, launches, terminations) in [
            (10, 90, None, 1, 1),
            (4, 100, None, 1, 1),
            (4, 0, None, 4, 4),
            (4, 50, None, 2, 2),
            (10, 100, Some(110), 1, 0),
            (4, 100, Some(100), 1, 0),
            (4, 50, Some(150), 4, 2),
            (1, 90, None, 1, 1),
            (1, 100, Some(110), 1, 0),
            (7, 100, Some(110), 1, 0),
            (100, 100, Some(110), 10, 0),
            (3, 100, Some(200), 3, 0),
            (7, 50, None, 3, 3),
            (3, 90, Some(150), 1, 0),
        ] {
            let batch = whole_group(desired, min, max).batch();
            assert_eq!(batch, Batch { launches, terminations }, "{desired} instances, {min} %, {max:?}");
        }
    }

    #[test]
    fn a_surge_within_the_maximum_size_launches_nothing_at_the_maximum() {
        let full = Capacity { most: Some(4), ..whole_group(4, 100, Some(150)) };
        assert_eq!(full.batch(), Batch { launches: 0, terminations: 0 });
        let room = Capacity { most: Some(5), ..whole_group(4, 100, Some(150)) };
        assert_eq!(room.batch(), Batch { launches: 1, terminations: 0 });
    }

    #[test]
    fn unready_instances_terminate_without_regard_to_the_minimum() {
        let group = Capacity { ready: 3, unready: 1, ..whole_group(4, 100, Some(100)) };
        assert_eq!(group.batch(), Batch { launches: 1, terminations: 1 });
    }
}
