//! Whose turn it is, where there may not be time for all.

/// Which of so many is the first, at this turn of a schedule. Lambda may end it before it is through with all; steps of the
/// golden section of a round leave no part of it out for long, however few of them a turn comes to.
#[must_use]
pub fn first(of: usize, turn: u64) -> usize {
    let part = turn.wrapping_mul(0x9E37_79B9) & 0xFFFF_FFFF;
    usize::try_from((part * of as u64) >> 32).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_has_its_turn_though_there_is_time_for_a_quarter_of_them() {
        assert_eq!(first(0, 7), 0);
        for begin in [0, 1, 1_795_420_800] {
            let came: BTreeSet<usize> =
                (0..8).flat_map(|turn| (0..25).map(move |at| (first(100, begin + turn) + at) % 100)).collect();
            assert_eq!(came.len(), 100, "from turn {begin} on");
        }
    }
}
