use std::fmt;

use super::{Account, Allowance, Limit, Need};

/// Whether an account has room for a need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The need.
    pub need: Need,
    /// The answer.
    pub verdict: Verdict,
    allowance: Option<Allowance>,
}

/// Whether there is room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is room for the most that is needed.
    Fits,
    /// There is no room for the least that is needed: the request cannot succeed until an operator or AWS makes room.
    CertainlyNot,
    /// Neither is certain, for this reason.
    Unknown(String),
}

impl Verdict {
    /// The name, for programs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Verdict::Fits => "fits",
            Verdict::CertainlyNot => "certainly not",
            Verdict::Unknown(_) => "unknown",
        }
    }
}

/// Compares each need with the account, in the order of the needs.
#[must_use]
pub fn preflight(needs: &[Need], account: &Account) -> Vec<Finding> {
    let finding = |need: &Need| {
        let allowance = account.allowance(need).cloned();
        Finding { verdict: verdict(need, allowance.as_ref()), need: need.clone(), allowance }
    };
    needs.iter().map(finding).collect()
}

fn verdict(need: &Need, allowance: Option<&Allowance>) -> Verdict {
    let (limit, used) = match allowance {
        None => return Verdict::Unknown(String::from("it was not read")),
        Some(Allowance { limit: Err(reason), .. }) => {
            let Some(quota) = need.limit.quota() else { return Verdict::Unknown(reason.to_string()) };
            return Verdict::Unknown(format!("the quota is not known: {reason}; the default is {}", quota.default));
        }
        Some(Allowance { used: Err(reason), .. }) => {
            return Verdict::Unknown(format!("the use is not known: {reason}"));
        }
        Some(Allowance { limit: Ok(limit), used: Ok(used) }) => (*limit, *used),
    };
    let free = limit.saturating_sub(used);
    if need.least > free {
        Verdict::CertainlyNot
    } else if need.most <= free {
        Verdict::Fits
    } else {
        Verdict::Unknown(match need.limit {
            Limit::Vcpus(_) | Limit::SubnetAddresses => {
                String::from("there is no room for MaxSize with the instances that a rollout adds")
            }
            _ => String::from("the request also removes some, which makes room if they are removed first"),
        })
    }
}

impl Finding {
    /// The sentences that refuse a request, if the need certainly does not fit.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        (self.verdict == Verdict::CertainlyNot).then(|| self.to_string())
    }
}

impl fmt::Display for Finding {
    /// The need, what the account has, and the answer: a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { need, verdict, allowance } = self;
        match need.limit.quota() {
            Some(quota) => f.write_str(quota.name)?,
            None => f.write_str("Free addresses of SubnetIds")?,
        }
        if let Some(within) = &need.within {
            write!(f, " in {within}")?;
        }
        match (need.least, need.most) {
            (least, most) if least == most => write!(f, ": {least} needed")?,
            (0, most) => write!(f, ": up to {most} needed")?,
            (least, most) => write!(f, ": {least} to {most} needed")?,
        }
        if let Some(Allowance { limit: Ok(limit), used: Ok(used) }) = allowance {
            match need.limit {
                Limit::SubnetAddresses => write!(f, ", {limit} free")?,
                _ => write!(f, ", {used} of {limit} in use")?,
            }
        }
        match verdict {
            Verdict::Fits => f.write_str(": fits"),
            Verdict::CertainlyNot => write!(f, ". {}", need.limit.next_step()),
            Verdict::Unknown(reason) => write!(f, ": unknown whether it fits: {reason}"),
        }
    }
}
