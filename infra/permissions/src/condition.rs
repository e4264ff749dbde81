//! What a condition is in a policy: an operator, a key and values.

use crate::{Condition, Resource};

/// The id of an environment of this deployment, whatever its suffix.
const ANY_ENVIRONMENT: &str = "${ProjectName}-${AWS::Region}-*";

impl Condition {
    /// The operator.
    #[must_use]
    pub fn operator(&self) -> &'static str {
        match self {
            Condition::MarkedInCall | Condition::Owned | Condition::OursBySsm | Condition::Through(_) => "StringLike",
            Condition::CreatedBy(_) | Condition::PassedTo(_) | Condition::LinkedTo(_) => "StringEquals",
            Condition::Bounded | Condition::AwsPolicy(_) => "ArnEquals",
            Condition::ByTemplate => "ArnLike",
            Condition::AsTemplateSays => "Bool",
        }
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Condition::MarkedInCall => "aws:RequestTag/envkeeper:environment",
            Condition::Owned => "aws:ResourceTag/envkeeper:environment",
            Condition::OursBySsm => "ssm:resourceTag/envkeeper:environment",
            Condition::CreatedBy(_) => "ec2:CreateAction",
            Condition::PassedTo(_) => "iam:PassedToService",
            Condition::LinkedTo(_) => "iam:AWSServiceName",
            Condition::Bounded => "iam:PermissionsBoundary",
            Condition::AwsPolicy(_) => "iam:PolicyARN",
            Condition::ByTemplate => "ec2:LaunchTemplate",
            Condition::AsTemplateSays => "ec2:IsLaunchTemplateResource",
            Condition::Through(_) => "kms:ViaService",
        }
    }

    /// The values, one of which has to be it, as the template has them.
    #[must_use]
    pub fn values_in_template(&self) -> Vec<String> {
        let plain = |values: &[&str]| values.iter().map(|it| (*it).to_owned()).collect();
        match self {
            Condition::MarkedInCall | Condition::Owned | Condition::OursBySsm => {
                vec![format!("!Sub {ANY_ENVIRONMENT}")]
            }
            Condition::CreatedBy(calls) => plain(calls),
            Condition::PassedTo(services) => plain(services),
            Condition::LinkedTo(service) => plain(&[service]),
            Condition::Bounded => {
                vec![String::from("!If [BoundaryIsOwn, !Ref InstancesBoundary, !Ref InstancesBoundaryArn]")]
            }
            Condition::AwsPolicy(names) => {
                names.iter().map(|name| format!("!Sub \"arn:${{AWS::Partition}}:iam::aws:policy/{name}\"")).collect()
            }
            Condition::ByTemplate => vec![Resource::Here("ec2", "launch-template/*").in_template()],
            Condition::AsTemplateSays => plain(&["\"true\""]),
            // What follows the region is the partition's domain.
            Condition::Through(service) => vec![format!("!Sub {service}.${{AWS::Region}}.*")],
        }
    }
}

impl Condition {
    /// The values as they are in a deployment, with `*` for anything.
    #[must_use]
    pub fn values(&self, deployment: &crate::StatementScope) -> Vec<String> {
        if let Condition::Bounded = self {
            return vec![String::from("arn:*:policy/*InstancesBoundary*")];
        }
        let plain = |value: &String| deployment.filled(value.trim_start_matches("!Sub ").trim_matches('"'));
        self.values_in_template().iter().map(plain).collect()
    }
}
