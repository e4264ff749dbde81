//! A condition in a policy: operator, key and values.

use crate::{Condition, Resource};

/// The pattern of the ids of this deployment's environments, for any suffix.
const ANY_ENVIRONMENT: &str = "${ProjectName}-${AWS::Region}-*";

impl Condition {
    /// The condition operator, for example `StringLike`.
    #[must_use]
    pub fn operator(&self) -> &'static str {
        match self {
            Condition::MarkedInCall
            | Condition::Owned
            | Condition::OwnedBySsm
            | Condition::Through(_)
            | Condition::Encrypts(..) => "StringLike",
            Condition::CreatedBy(_)
            | Condition::PassedTo(_)
            | Condition::LinkedTo(_)
            | Condition::AllowedVpc
            | Condition::OfGuardDuty
            | Condition::EventSource(_)
            | Condition::OwnEnvironment => "StringEquals",
            Condition::OtherNamespace(_) => "StringNotEquals",
            Condition::OnlyTag(_) => "ForAllValues:StringEquals",
            Condition::Items(_) => "ForAllValues:StringLike",
            Condition::WithoutSuffix => "\"Null\"",
            Condition::Bounded | Condition::AwsPolicy(_) => "ArnEquals",
            Condition::ByTemplate | Condition::Itself => "ArnLike",
            Condition::AsTemplateSpecifies => "Bool",
        }
    }

    /// The condition of the template under which the statement has this condition; `None`: always.
    #[must_use]
    pub fn only_if(&self) -> Option<&'static str> {
        matches!(self, Condition::AllowedVpc).then_some("HasAllowedVpcs")
    }

    /// The condition key, for example `aws:RequestTag/…`.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Condition::MarkedInCall => "aws:RequestTag/envkeeper:environment",
            Condition::Owned | Condition::OwnEnvironment => "aws:ResourceTag/envkeeper:environment",
            Condition::OwnedBySsm => "ssm:resourceTag/envkeeper:environment",
            Condition::OfGuardDuty => "aws:ResourceTag/GuardDutyManaged",
            Condition::CreatedBy(_) => "ec2:CreateAction",
            Condition::PassedTo(_) => "iam:PassedToService",
            Condition::LinkedTo(_) => "iam:AWSServiceName",
            Condition::Bounded => "iam:PermissionsBoundary",
            Condition::AwsPolicy(_) => "iam:PolicyARN",
            Condition::ByTemplate => "ec2:LaunchTemplate",
            Condition::AsTemplateSpecifies => "ec2:IsLaunchTemplateResource",
            Condition::Through(_) => "kms:ViaService",
            Condition::Encrypts(key, _) => key,
            Condition::AllowedVpc => "ec2:VpcID",
            Condition::Itself => "ec2:SourceInstanceARN",
            Condition::OnlyTag(_) => "aws:TagKeys",
            Condition::OtherNamespace(_) => "cloudwatch:namespace",
            Condition::Items(_) => "dynamodb:LeadingKeys",
            Condition::EventSource(_) => "events:source",
            Condition::WithoutSuffix => "aws:PrincipalTag/envkeeper:suffix",
        }
    }

    /// The values as they stand in the template; one of them must match.
    #[must_use]
    pub fn values_in_template(&self) -> Vec<String> {
        let plain = |values: &[&str]| values.iter().map(|it| (*it).to_owned()).collect();
        match self {
            Condition::MarkedInCall | Condition::Owned | Condition::OwnedBySsm => {
                vec![format!("!Sub {ANY_ENVIRONMENT}")]
            }
            Condition::CreatedBy(calls) => plain(calls),
            Condition::PassedTo(services) => plain(services),
            Condition::LinkedTo(service) => plain(&[service]),
            Condition::Bounded => {
                vec![String::from("!If [CreatesBoundary, !Ref InstancesBoundary, !Ref InstancesBoundaryArn]")]
            }
            Condition::AwsPolicy(names) => {
                names.iter().map(|name| format!("!Sub \"arn:${{AWS::Partition}}:iam::aws:policy/{name}\"")).collect()
            }
            Condition::Encrypts(_, resources) => resources.iter().map(Resource::in_template).collect(),
            Condition::OwnEnvironment => plain(&["${aws:PrincipalTag/envkeeper:environment}"]),
            Condition::Itself => vec![Resource::Here("ec2", "instance/${!ec2:InstanceId}").in_template()],
            Condition::AllowedVpc => plain(&["!Ref AllowedVpcs"]),
            Condition::OnlyTag(key) => plain(&[key]),
            Condition::OtherNamespace(namespace) => plain(&[namespace]),
            Condition::Items(keys) => keys.iter().map(|key| format!("\"{key}*\"")).collect(),
            Condition::EventSource(source) => plain(&[source]),
            Condition::ByTemplate => vec![Resource::Here("ec2", "launch-template/*").in_template()],
            Condition::AsTemplateSpecifies | Condition::WithoutSuffix | Condition::OfGuardDuty => plain(&["\"true\""]),
            // The domain of the partition follows the region.
            Condition::Through(service) => vec![format!("!Sub {service}.${{AWS::Region}}.*")],
        }
    }
}

impl Condition {
    /// The values in a deployment, with `*` for any text.
    #[must_use]
    pub fn values(&self, deployment: &crate::StatementScope) -> Vec<String> {
        if let Condition::Bounded = self {
            return vec![String::from("arn:*:policy/*InstancesBoundary*")];
        }
        let plain = |value: &String| deployment.filled(value.trim_start_matches("!Sub ").trim_matches('"'));
        self.values_in_template().iter().map(plain).collect()
    }
}
