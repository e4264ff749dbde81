//! ARNs and ids. The real ones contain random UUIDs; these are derived from names, so that a run can be repeated.

use crate::{AccountState, AutoScaling};

impl AutoScaling {
    pub(crate) fn group_arn(&self, group: &str) -> String {
        let id = uuid(&["group", group]);
        format!("{}:autoScalingGroup:{id}:autoScalingGroupName/{group}", self.arn_prefix())
    }

    /// The ARN that a policy of this name has in this group, whether the policy exists or not.
    #[must_use]
    pub fn policy_arn(&self, group: &str, policy: &str) -> String {
        let id = uuid(&["policy", group, policy]);
        format!("{}:scalingPolicy:{id}:autoScalingGroupName/{group}:policyName/{policy}", self.arn_prefix())
    }

    fn arn_prefix(&self) -> String {
        format!("arn:aws:autoscaling:{}:{}", self.account.region, self.account.account_id)
    }
}

impl AccountState {
    pub(crate) fn instance_arn(&self, id: &str) -> String {
        format!("arn:aws:ec2:{}:{}:instance/{id}", self.region, self.account_id)
    }
}

/// An id in the form of a UUID that depends on the words alone.
pub(crate) fn uuid(words: &[&str]) -> String {
    let (high, low) = (hash(0, words), hash(1, words));
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low << 16 >> 16
    )
}

/// FNV-1a, 64 bits, over the words with a separator that no name contains. The seed is the first byte.
fn hash(seed: u8, words: &[&str]) -> u64 {
    let bytes = words.iter().flat_map(|word| word.bytes().chain([0xff]));
    [seed]
        .into_iter()
        .chain(bytes)
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::uuid;

    #[test]
    fn ids_have_a_uuids_form_and_depend_on_every_word() {
        let id = uuid(&["policy", "group", "out"]);
        assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_eq!(id, uuid(&["policy", "group", "out"]));
        assert_ne!(id, uuid(&["policy", "groupo", "ut"]));
    }
}
