//! The list of resource kinds, and the facts that each kind declares.

use serde::{Deserialize, Serialize};

/// The kinds of resources, in the order in which an operator would create them manually, each with the type of its
/// settings. This is the only list: [`Kind`], `Fields` and `Setting` are expanded from it, and the compiler names the
/// other places that a new kind needs (ARCHITECTURE, Recipes).
macro_rules! for_each_kind {
    ($expand:ident) => {
        $expand! {
            /// A VPC.
            Vpc(VpcSetting),
            /// An internet gateway of a VPC.
            InternetGateway(InternetGatewaySetting),
            /// A subnet in one availability zone.
            Subnet(SubnetSetting),
            /// An Elastic IP address.
            Address(NoSetting),
            /// A public NAT gateway.
            NatGateway(NoSetting),
            /// A route table, with the associations.
            RouteTable(RouteTableSetting),
            /// A security group, with the rules.
            SecurityGroup(SecurityGroupSetting),
            /// A gateway or interface endpoint.
            VpcEndpoint(VpcEndpointSetting),
            /// An S3 bucket, with the whole configuration.
            Bucket(BucketSetting),
            /// An IAM role, with the policies.
            Role(RoleSetting),
            /// An IAM instance profile.
            InstanceProfile(InstanceProfileSetting),
            /// A log group of CloudWatch Logs.
            LogGroup(LogGroupSetting),
            /// An EC2 launch template, with the versions.
            LaunchTemplate(LaunchTemplateSetting),
            /// An EC2 Auto Scaling group, with the hooks and target groups.
            AutoScalingGroup(AutoScalingGroupSetting),
            /// A scaling policy, simple or by steps.
            ScalingPolicy(ScalingPolicySetting),
            /// A CloudWatch metric alarm.
            Alarm(AlarmSetting),
            /// A CloudWatch dashboard.
            Dashboard(DashboardSetting),
            /// A query definition of CloudWatch Logs Insights.
            SavedQuery(SavedQuerySetting),
        }
    };
}
pub(crate) use for_each_kind;

macro_rules! kind_enum {
    ($($(#[$doc:meta])* $kind:ident($setting:ident),)*) => {
        /// The kinds of resources, in the order in which an operator would create them manually.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// Every kind, in the same order.
            pub const ALL: &[Kind] = &[$(Kind::$kind,)*];
        }
    };
}
for_each_kind!(kind_enum);

/// The facts of a kind that the engine decides by. `Kind::facts` returns them.
#[derive(Clone, Copy, Debug)]
pub struct KindFacts {
    /// The kind's name in plans and messages.
    pub name: &'static str,
    /// The AWS operation that creates the resource, as `service:Operation`.
    pub create: &'static str,
    /// The AWS operation that deletes the resource.
    pub delete: &'static str,
    /// The AWS operations that set and clear tags of an existing resource; `None` where no call changes them.
    pub tagging: Option<(&'static str, &'static str)>,
    /// The place of the ownership mark.
    pub marking: Marking,
    /// What proves, beside the mark, that a resource is owned.
    pub proof: Proof,
    /// Whether the create call can be sent again without creating a second resource: the call has a client token, or
    /// the name is unique in its service. All other creates are sent once. After a lost response an observation shows
    /// whether the create succeeded (ARCHITECTURE, Facts: `ClientToken` does not exist on `CreateVpc`,
    /// `CreateInternetGateway`, `AllocateAddress`; a subnet's CIDR and a security group's name are unique within the
    /// VPC; `PutQueryDefinition` without an id creates a new definition each time).
    pub create_can_be_repeated: bool,
    /// Whether the create call may not take the mark, so that it follows in the next call: a create intent covers the time
    /// between the two.
    pub mark_may_follow: bool,
    /// Whether the create and delete calls return before the resource is usable or deleted; an observation shows the
    /// completion.
    pub completes_asynchronously: bool,
    /// The kinds that must be effective before a resource of this kind is used, where no field shows the dependency,
    /// each with the reason. (Dependencies that fields show are derived from their references.)
    pub depends_on: &'static [(Kind, &'static str)],
}

/// What proves that a resource with the owner's mark is owned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The mark: the name is unique in its service, or the mark stands in the content, which no right to tag changes.
    Mark,
    /// The id, by the owner's record or by an owned resource: name and mark are tags, which can be copied. A security
    /// group's name is unique only within its VPC.
    Id,
}

/// The place of a resource's ownership mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marking {
    /// In the tags of [`mark`](crate::mark).
    Tags,
    /// In the tags and in the text: no listing shows the tags (`DescribeAlarms` returns none).
    TextAndTags,
    /// In the text: the kind has no tags.
    Text,
    /// On the parent resource that this resource refers to.
    Parent,
}

impl KindFacts {
    /// The facts of most kinds: marked by tags, with a create call that can be repeated and that completes at once.
    pub(crate) const fn of(name: &'static str, create: &'static str, delete: &'static str) -> KindFacts {
        KindFacts {
            name,
            create,
            delete,
            tagging: None,
            marking: Marking::Tags,
            proof: Proof::Mark,
            create_can_be_repeated: true,
            mark_may_follow: false,
            completes_asynchronously: false,
            depends_on: &[],
        }
    }

    /// Whether the record has to cover a create before it is sent: afterwards the mark alone does not prove the ownership,
    /// or is missing.
    pub(crate) fn needs_create_intent(&self) -> bool {
        self.proof == Proof::Id || self.mark_may_follow
    }

    /// Like [`KindFacts::of`], for a kind that EC2 tags.
    pub(crate) const fn of_ec2(name: &'static str, create: &'static str, delete: &'static str) -> KindFacts {
        let tagging = Some(("ec2:CreateTags", "ec2:DeleteTags"));
        KindFacts { tagging, ..KindFacts::of(name, create, delete) }
    }

    /// Like [`KindFacts::of_ec2`], for a kind whose name is a tag, or unique only within its VPC.
    pub(crate) const fn named_by_tag(name: &'static str, create: &'static str, delete: &'static str) -> KindFacts {
        KindFacts { proof: Proof::Id, ..KindFacts::of_ec2(name, create, delete) }
    }
}
