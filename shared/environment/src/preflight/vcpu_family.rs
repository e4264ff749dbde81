/// The instance families that share a quota of running On-Demand vCPUs (EC2 user guide, "On-Demand Instance quotas").
/// Envkeeper requests no Spot instances, so the Spot quotas do not apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VcpuFamily {
    /// A, C, D, H, I, M, R, T and Z.
    Standard,
    /// DL.
    DeepLearning,
    /// F.
    Fpga,
    /// G and VT.
    Graphics,
    /// U.
    HighMemory,
    /// Inf.
    Inferentia,
    /// P.
    Accelerated,
    /// Trn.
    Trainium,
    /// X.
    MemoryOptimized,
}

impl VcpuFamily {
    /// All families.
    pub const ALL: [VcpuFamily; 9] = [
        VcpuFamily::Standard,
        VcpuFamily::DeepLearning,
        VcpuFamily::Fpga,
        VcpuFamily::Graphics,
        VcpuFamily::HighMemory,
        VcpuFamily::Inferentia,
        VcpuFamily::Accelerated,
        VcpuFamily::Trainium,
        VcpuFamily::MemoryOptimized,
    ];

    /// The family of an instance type such as `t3.micro`, by the letters before its generation. `None` if the type belongs to
    /// no family of this list, such as `mac2.metal`, which runs on dedicated hosts only.
    #[must_use]
    pub fn of(instance_type: &str) -> Option<VcpuFamily> {
        let letters = instance_type.split(|c: char| !c.is_ascii_lowercase()).next().unwrap_or_default();
        Some(match letters {
            "a" | "c" | "d" | "h" | "i" | "im" | "is" | "m" | "r" | "t" | "z" => VcpuFamily::Standard,
            "dl" => VcpuFamily::DeepLearning,
            "f" => VcpuFamily::Fpga,
            "g" | "gr" | "vt" => VcpuFamily::Graphics,
            "u" => VcpuFamily::HighMemory,
            "inf" => VcpuFamily::Inferentia,
            "p" => VcpuFamily::Accelerated,
            "trn" => VcpuFamily::Trainium,
            "x" => VcpuFamily::MemoryOptimized,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_letters_before_the_generation_are_the_family() {
        for (instance_type, family) in [
            ("t3.micro", Some(VcpuFamily::Standard)),
            ("im4gn.large", Some(VcpuFamily::Standard)),
            ("i3en.metal", Some(VcpuFamily::Standard)),
            ("inf2.xlarge", Some(VcpuFamily::Inferentia)),
            ("d3.xlarge", Some(VcpuFamily::Standard)),
            ("dl1.24xlarge", Some(VcpuFamily::DeepLearning)),
            ("vt1.3xlarge", Some(VcpuFamily::Graphics)),
            ("gr6.4xlarge", Some(VcpuFamily::Graphics)),
            ("u-6tb1.56xlarge", Some(VcpuFamily::HighMemory)),
            ("x2gd.medium", Some(VcpuFamily::MemoryOptimized)),
            ("p5.48xlarge", Some(VcpuFamily::Accelerated)),
            ("trn1.2xlarge", Some(VcpuFamily::Trainium)),
            ("f1.2xlarge", Some(VcpuFamily::Fpga)),
            ("mac2.metal", None),
            ("", None),
        ] {
            assert_eq!(VcpuFamily::of(instance_type), family, "{instance_type}");
        }
    }
}
