//! The AWS operation of a call, as `service:Operation`: the API's names, in plans, logs and records of calls.

use crate::engine::cloud::{Call, CallKind};
use crate::model::field::Setting;
use crate::model::resource::Kind;

impl Call {
    /// The AWS operation, as `service:Operation`.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        match &self.kind {
            CallKind::Create(_) => create(self.key.kind),
            CallKind::Delete => delete(self.key.kind),
            CallKind::Drain => "autoscaling:UpdateAutoScalingGroup",
            CallKind::Empty => "s3:DeleteObjects",
            CallKind::Set(settings) => settings.first().map_or("", |it| set(self.key.kind, it)),
            CallKind::Clear(settings) => settings.first().map_or("", |it| clear(self.key.kind, it)),
        }
    }
}

fn create(kind: Kind) -> &'static str {
    match kind {
        Kind::Vpc => "ec2:CreateVpc",
        Kind::InternetGateway => "ec2:CreateInternetGateway",
        Kind::Subnet => "ec2:CreateSubnet",
        Kind::Address => "ec2:AllocateAddress",
        Kind::NatGateway => "ec2:CreateNatGateway",
        Kind::RouteTable => "ec2:CreateRouteTable",
        Kind::SecurityGroup => "ec2:CreateSecurityGroup",
        Kind::VpcEndpoint => "ec2:CreateVpcEndpoint",
        Kind::Bucket => "s3:CreateBucket",
        Kind::Role => "iam:CreateRole",
        Kind::InstanceProfile => "iam:CreateInstanceProfile",
        Kind::LogGroup => "logs:CreateLogGroup",
        Kind::LaunchTemplate => "ec2:CreateLaunchTemplate",
        Kind::AutoScalingGroup => "autoscaling:CreateAutoScalingGroup",
        Kind::ScalingPolicy => "autoscaling:PutScalingPolicy",
        Kind::Alarm => "cloudwatch:PutMetricAlarm",
        Kind::Dashboard => "cloudwatch:PutDashboard",
        Kind::SavedQuery => "logs:PutQueryDefinition",
    }
}

fn delete(kind: Kind) -> &'static str {
    match kind {
        Kind::Vpc => "ec2:DeleteVpc",
        Kind::InternetGateway => "ec2:DeleteInternetGateway",
        Kind::Subnet => "ec2:DeleteSubnet",
        Kind::Address => "ec2:ReleaseAddress",
        Kind::NatGateway => "ec2:DeleteNatGateway",
        Kind::RouteTable => "ec2:DeleteRouteTable",
        Kind::SecurityGroup => "ec2:DeleteSecurityGroup",
        Kind::VpcEndpoint => "ec2:DeleteVpcEndpoints",
        Kind::Bucket => "s3:DeleteBucket",
        Kind::Role => "iam:DeleteRole",
        Kind::InstanceProfile => "iam:DeleteInstanceProfile",
        Kind::LogGroup => "logs:DeleteLogGroup",
        Kind::LaunchTemplate => "ec2:DeleteLaunchTemplate",
        Kind::AutoScalingGroup => "autoscaling:DeleteAutoScalingGroup",
        Kind::ScalingPolicy => "autoscaling:DeletePolicy",
        Kind::Alarm => "cloudwatch:DeleteAlarms",
        Kind::Dashboard => "cloudwatch:DeleteDashboards",
        Kind::SavedQuery => "logs:DeleteQueryDefinition",
    }
}

fn set(kind: Kind, setting: &Setting) -> &'static str {
    match setting {
        Setting::Tag(..) => tag(kind, true),
        Setting::DnsSupport(_) | Setting::DnsHostnames(_) => "ec2:ModifyVpcAttribute",
        Setting::Attachment(_) => "ec2:AttachInternetGateway",
        Setting::PublicIpOnLaunch(_) => "ec2:ModifySubnetAttribute",
        Setting::DefaultRoute(_) => "ec2:CreateRoute",
        Setting::Association(_) => "ec2:AssociateRouteTable",
        Setting::HttpsFrom(_) => "ec2:AuthorizeSecurityGroupIngress",
        Setting::EndpointRouteTable(_) | Setting::EndpointSubnet(_) => "ec2:ModifyVpcEndpoint",
        Setting::Boundary(_) => "iam:PutRolePermissionsBoundary",
        Setting::ManagedPolicy(_) => "iam:AttachRolePolicy",
        Setting::InlinePolicy { .. } => "iam:PutRolePolicy",
        Setting::ProfileRole(_) => "iam:AddRoleToInstanceProfile",
        Setting::PublicAccessBlocked(_) => "s3:PutPublicAccessBlock",
        Setting::Versioning(_) => "s3:PutBucketVersioning",
        Setting::BucketEncryption(_) => "s3:PutBucketEncryption",
        Setting::BucketPolicy(_) => "s3:PutBucketPolicy",
        Setting::Expiry(_) => "s3:PutBucketLifecycleConfiguration",
        Setting::AccessLogs(_) => "s3:PutBucketLogging",
        Setting::Retention(_) => "logs:PutRetentionPolicy",
        Setting::LogKey(_) => "logs:AssociateKmsKey",
        Setting::TemplateVersion(_) => "ec2:CreateLaunchTemplateVersion",
        Setting::MinSize(_)
        | Setting::MaxSize(_)
        | Setting::Subnets(_)
        | Setting::Template { .. }
        | Setting::HealthCheck(_)
        | Setting::Protected(_) => "autoscaling:UpdateAutoScalingGroup",
        Setting::TargetGroup(_) => "autoscaling:AttachLoadBalancerTargetGroups",
        Setting::Hook(_) => "autoscaling:PutLifecycleHook",
        Setting::GroupMetrics(_) => "autoscaling:EnableMetricsCollection",
        Setting::Adjustment(_) => "autoscaling:PutScalingPolicy",
        Setting::Rule(_) => "cloudwatch:PutMetricAlarm",
        Setting::DashboardBody(_) => "cloudwatch:PutDashboard",
        Setting::Query(_) => "logs:PutQueryDefinition",
    }
}

fn clear(kind: Kind, setting: &Setting) -> &'static str {
    match setting {
        Setting::Tag(..) => tag(kind, false),
        Setting::Attachment(_) => "ec2:DetachInternetGateway",
        Setting::DefaultRoute(_) => "ec2:DeleteRoute",
        Setting::Association(_) => "ec2:DisassociateRouteTable",
        Setting::HttpsFrom(_) => "ec2:RevokeSecurityGroupIngress",
        Setting::Boundary(_) => "iam:DeleteRolePermissionsBoundary",
        Setting::ManagedPolicy(_) => "iam:DetachRolePolicy",
        Setting::InlinePolicy { .. } => "iam:DeleteRolePolicy",
        Setting::ProfileRole(_) => "iam:RemoveRoleFromInstanceProfile",
        Setting::BucketPolicy(_) => "s3:DeleteBucketPolicy",
        Setting::Expiry(_) => "s3:DeleteBucketLifecycle",
        Setting::Retention(_) => "logs:DeleteRetentionPolicy",
        Setting::LogKey(_) => "logs:DisassociateKmsKey",
        Setting::TargetGroup(_) => "autoscaling:DetachLoadBalancerTargetGroups",
        Setting::Hook(_) => "autoscaling:DeleteLifecycleHook",
        Setting::GroupMetrics(_) => "autoscaling:DisableMetricsCollection",
        // All other settings always have a value, or are cleared by the operation that sets them.
        other => set(kind, other),
    }
}

fn tag(kind: Kind, add: bool) -> &'static str {
    match (kind, add) {
        (Kind::Role, true) => "iam:TagRole",
        (Kind::Role, false) => "iam:UntagRole",
        (Kind::InstanceProfile, true) => "iam:TagInstanceProfile",
        (Kind::InstanceProfile, false) => "iam:UntagInstanceProfile",
        (Kind::LogGroup, true) => "logs:TagResource",
        (Kind::LogGroup, false) => "logs:UntagResource",
        (Kind::AutoScalingGroup, true) => "autoscaling:CreateOrUpdateTags",
        (Kind::AutoScalingGroup, false) => "autoscaling:DeleteTags",
        // One call sets all tags of a bucket.
        (Kind::Bucket, _) => "s3:PutBucketTagging",
        (_, true) => "ec2:CreateTags",
        (_, false) => "ec2:DeleteTags",
    }
}
