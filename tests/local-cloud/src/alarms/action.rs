//! The actions of an alarm, recognized by their ARNs.

/// An action of an alarm.
#[derive(Debug, PartialEq)]
pub enum Action<'a> {
    /// Executes a scaling policy.
    Policy,
    /// Invokes the function of this name, or `name:qualifier`.
    Function(&'a str),
    /// Publishes to a topic.
    Topic,
    /// Actions of EC2, Systems Manager and other services, which are not simulated.
    Other,
}

impl<'a> Action<'a> {
    /// The action that an ARN identifies.
    pub fn of(arn: &'a str) -> Self {
        // arn:aws:lambda:us-west-2:123456789012:function:name
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        match parts[..] {
            [_, _, "autoscaling", _, _, policy] if policy.starts_with("scalingPolicy:") => Self::Policy,
            [_, _, "lambda", _, _, function] => function.strip_prefix("function:").map_or(Self::Other, Self::Function),
            [_, _, "sns", ..] => Self::Topic,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arn_determines_the_action() {
        let policy = "arn:aws:autoscaling:us-west-2:1:scalingPolicy:id:autoScalingGroupName/web:policyName/out";
        for (arn, action) in [
            (policy, Action::Policy),
            ("arn:aws:lambda:us-west-2:1:function:act", Action::Function("act")),
            ("arn:aws:lambda:us-west-2:1:function:act:current", Action::Function("act:current")),
            ("arn:aws:sns:us-west-2:1:alarms", Action::Topic),
            ("arn:aws:automate:us-west-2:ec2:recover", Action::Other),
            ("arn:aws:autoscaling:us-west-2:1:autoScalingGroup:x", Action::Other),
            ("nonsense", Action::Other),
        ] {
            assert_eq!(Action::of(arn), action, "{arn}");
        }
    }
}
