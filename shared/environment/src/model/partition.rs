//! The partitions of AWS: separate sets of regions, each with its own ARNs and console.

/// A partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The second part of every ARN in the partition.
    pub id: &'static str,
    /// The domain of the partition's console.
    pub console: &'static str,
}

impl Partition {
    /// The partition of a region, derived from the beginning of the region's name (`partitions.json` of AWS's SDKs);
    /// `None` for a region that Envkeeper does not know, such as those of the isolated partitions.
    #[must_use]
    pub fn of(region: &str) -> Option<Partition> {
        let partition = |id, console| Some(Partition { id, console });
        match region.split('-').collect::<Vec<_>>().as_slice() {
            ["cn", _, _] => partition("aws-cn", "console.amazonaws.cn"),
            ["us", "gov", _, _] => partition("aws-us-gov", "console.amazonaws-us-gov.com"),
            ["eusc", _, _, _] => partition("aws-eusc", "console.amazonaws-eusc.eu"),
            [area, _, _] if area.len() == 2 => partition("aws", "console.aws.amazon.com"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_region_determines_the_partition() {
        let id = |region| Partition::of(region).map(|it| it.id);
        let known = ["eu-west-1", "us-west-2", "mx-central-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1"];
        assert_eq!(known.map(id), ["aws", "aws", "aws", "aws-cn", "aws-us-gov", "aws-eusc"].map(Some));
        assert_eq!(["us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "nowhere", ""].map(id), [None; 5]);
    }
}
