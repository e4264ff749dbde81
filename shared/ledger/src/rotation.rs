//! The start index of a scheduled run that may not have time for all groups.

/// The index of the first of `count` items in this `round` of a schedule. Lambda may end the run before the last item;
/// steps of the golden section of a cycle leave no part of it out for long, however few items a round processes.
#[must_use]
pub fn start_index(count: usize, round: u64) -> usize {
    let fraction = round.wrapping_mul(0x9E37_79B9) & 0xFFFF_FFFF;
    usize::try_from((fraction * count as u64) >> 32).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_item_is_processed_although_a_round_has_time_for_a_quarter_of_them() {
        assert_eq!(start_index(0, 7), 0);
        for first_round in [0, 1, 1_795_420_800] {
            let processed: BTreeSet<usize> = (0..8)
                .flat_map(|round| (0..25).map(move |at| (start_index(100, first_round + round) + at) % 100))
                .collect();
            assert_eq!(processed.len(), 100, "from round {first_round}");
        }
    }
}
