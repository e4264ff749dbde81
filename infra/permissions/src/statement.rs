//! A statement of a policy as a value.

/// The suffix of the caller's environment, by the tag of the caller's role: `Fn::Sub` writes `${aws:…}`, a variable of IAM.
const OWN_SUFFIX: &str = "${!aws:PrincipalTag/envkeeper:suffix}";
/// The region without dashes, as in names of buckets.
const PLAIN: &str = "{ Plain: !Join [\"\", !Split [\"-\", !Ref \"AWS::Region\"]] }";

/// The actions that are allowed, their resources and conditions.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    /// The name in the policy (`Sid`).
    pub sid: &'static str,
    /// The reason for its scope, where that is not evident; the template shows it as a comment.
    pub reason: &'static str,
    /// The operations and actions that are allowed.
    pub grants: &'static [Grant],
    /// The resources.
    pub on: &'static [Resource],
    /// The conditions, all of which must hold.
    pub when: &'static [Condition],
}

/// One allowed operation or action.
#[derive(Clone, Copy, Debug)]
pub enum Grant {
    /// An operation that the function calls itself, as `service:Operation`.
    Call(&'static str),
    /// An IAM action that AWS checks in addition, and that no recorded call shows.
    Implied {
        /// The action.
        action: &'static str,
        /// The operation or service that needs the action.
        by: &'static str,
        /// The page of AWS that documents this.
        source: &'static str,
    },
}

/// A resource, or a pattern of resources.
#[derive(Clone, Copy, Debug)]
pub enum Resource {
    /// A resource of this account and region: the service, and the rest of the ARN.
    Here(&'static str, &'static str),
    /// A resource of this account without a region.
    Global(&'static str, &'static str),
    /// A resource of this region in any account: another account of the organization may share it (AWS RAM).
    Shared(&'static str, &'static str),
    /// A resource of this region that AWS owns: no account.
    Aws(&'static str, &'static str),
    /// The resources that a parameter of the deployment lists, such as `AllowedTopics`; without a list, those of
    /// [`Resource::Here`] with this service and this rest.
    Listed(&'static str, &'static str, &'static str),
    /// A bucket or its objects: ARNs without region and account.
    Bucket(&'static str),
    /// The data bucket of the caller's own environment, by the tag of the caller's role, and the suffix of its ARN.
    OwnBucket(&'static str),
    /// A hosted zone of Route 53: an ARN without region and account.
    Zone(&'static str),
    /// A resource of the deployment's stack, by its logical id in the template, and the suffix of its ARN.
    Deployed(&'static str, &'static str),
    /// `*`: AWS accepts no narrower resource for these actions.
    Any,
}

/// A condition of a statement.
#[derive(Clone, Copy, Debug)]
pub enum Condition {
    /// The call tags the new resource with the mark of an environment of this deployment.
    MarkedInCall,
    /// The resource carries the mark of an environment of this deployment.
    Owned,
    /// As [`Condition::Owned`], by the condition key of SSM.
    OwnedBySsm,
    /// GuardDuty created the resource for its runtime monitoring.
    OfGuardDuty,
    /// The tags are set by one of these EC2 create calls.
    CreatedBy(&'static [&'static str]),
    /// The role is passed to one of these services.
    PassedTo(&'static [&'static str]),
    /// The role is the service-linked role of this service.
    LinkedTo(&'static str),
    /// The role has, or receives, the permissions boundary of this deployment.
    Bounded,
    /// The policy is one of these AWS managed policies.
    AwsPolicy(&'static [&'static str]),
    /// The launch uses a launch template of this account.
    ByTemplate,
    /// The resource is specified by the launch template; the launch does not override it.
    AsTemplateSpecifies,
    /// This service makes the call on behalf of the caller.
    Through(&'static str),
    /// The encryption context of the call to KMS names one of these resources: the key of the context, and the resources.
    Encrypts(&'static str, &'static [Resource]),
    /// The VPC is one of the parameter `AllowedVpcs` of the deployment. Without a list, the statement has no condition.
    AllowedVpc,
    /// The resource carries the mark of the caller's own environment, by the tag of the caller's role.
    OwnEnvironment,
    /// The resource is the instance that makes the call.
    Itself,
    /// The call sets this tag and no other.
    OnlyTag(&'static str),
    /// The metrics are in another namespace than this one.
    OtherNamespace(&'static str),
    /// The key of the item begins with one of these texts. An item of the records table is of the kind that its key begins with
    /// (`requests`, `DynamoRecords`). A call on one item always has the key ("Using IAM policy conditions for fine-grained
    /// access control", DynamoDB Developer Guide).
    Items(&'static [&'static str]),
    /// The events have this source.
    EventSource(&'static str),
    /// The caller's role has no tag with the suffix of its environment: a version before that tag created the role, and the
    /// environment had no update since.
    WithoutSuffix,
}

/// A managed policy of the deployment: statements that exceed the size of a role's inline policies, or that roles share.
#[derive(Clone, Copy, Debug)]
pub struct Managed {
    /// The logical id in the template.
    pub id: &'static str,
    /// The description that operators read.
    pub description: &'static str,
    /// The template condition under which the policy is created; empty for always.
    pub condition: &'static str,
    /// The statements.
    pub statements: &'static [Statement],
}

/// The parts of an ARN: partition, region, account and project.
#[derive(Clone, Debug)]
pub struct StatementScope {
    /// For example `aws`.
    pub partition: String,
    /// For example `us-west-2`.
    pub region: String,
    /// Twelve digits.
    pub account: String,
    /// The project, which every resource name starts with.
    pub project: String,
}

impl Statement {
    /// A statement without a condition.
    pub(crate) const fn allow(sid: &'static str, grants: &'static [Grant], on: &'static [Resource]) -> Statement {
        Statement { sid, reason: "", grants, on, when: &[] }
    }

    pub(crate) const fn when(self, when: &'static [Condition]) -> Statement {
        Statement { when, ..self }
    }

    pub(crate) const fn because(self, reason: &'static str) -> Statement {
        Statement { reason, ..self }
    }

    /// The API operations that the statement allows.
    pub fn calls(&self) -> impl Iterator<Item = &'static str> {
        self.grants.iter().filter_map(|grant| match grant {
            Grant::Call(operation) => Some(*operation),
            Grant::Implied { .. } => None,
        })
    }

    /// The IAM actions that the statement allows, each once, in the order of the table.
    #[must_use]
    pub fn actions(&self) -> Vec<&'static str> {
        let mut actions = Vec::new();
        for action in self.grants.iter().flat_map(Grant::actions) {
            if !actions.contains(&action) {
                actions.push(action);
            }
        }
        actions
    }
}

impl Grant {
    /// The IAM actions that the grant needs.
    #[must_use]
    pub fn actions(&self) -> Vec<&'static str> {
        match self {
            Grant::Call(operation) => crate::actions_of(operation),
            Grant::Implied { action, .. } => vec![action],
        }
    }
}

impl Resource {
    /// The ARN as it stands in the template.
    #[must_use]
    pub fn in_template(&self) -> String {
        match self {
            Resource::Here(service, rest) => {
                format!("!Sub arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{rest}")
            }
            Resource::Listed(parameter, service, rest) => {
                let any = Resource::Here(service, rest).in_template();
                format!("!If [Has{parameter}, !Ref {parameter}, !Sub \"{}\"]", any.trim_start_matches("!Sub "))
            }
            Resource::Global(service, rest) => {
                format!("!Sub arn:${{AWS::Partition}}:{service}::${{AWS::AccountId}}:{rest}")
            }
            Resource::Shared(service, rest) => {
                format!("!Sub arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:*:{rest}")
            }
            Resource::Aws(service, rest) => format!("!Sub arn:${{AWS::Partition}}:{service}:${{AWS::Region}}::{rest}"),
            Resource::Bucket(rest) => format!("!Sub arn:${{AWS::Partition}}:s3:::{rest}"),
            Resource::OwnBucket(rest) => format!(
                "!Sub [\"arn:${{AWS::Partition}}:s3:::${{ProjectName}}-data-${{Plain}}-{OWN_SUFFIX}-${{AWS::AccountId}}{rest}\", {PLAIN}]"
            ),
            Resource::Zone(id) => format!("!Sub arn:${{AWS::Partition}}:route53:::hostedzone/{id}"),
            Resource::Deployed(id, "") => format!("!GetAtt {id}.Arn"),
            Resource::Deployed(id, rest) => format!("!Sub ${{{id}.Arn}}{rest}"),
            Resource::Any => String::from("\"*\""),
        }
    }

    /// The pattern of its ARNs, with `*` for any text. A resource of the template has its logical id in its name. A deployment
    /// without lists is assumed.
    #[must_use]
    pub fn pattern(&self, deployment: &StatementScope) -> String {
        let text = match self {
            Resource::Deployed(id, rest) => format!("arn:*-{id}-*{rest}"),
            Resource::Any => String::from("*"),
            Resource::Listed(_, service, rest) => return Resource::Here(service, rest).pattern(deployment),
            _ => self.in_template().trim_start_matches("!Sub ").to_owned(),
        };
        deployment.filled(&text)
    }
}

impl StatementScope {
    /// The text with its pseudo parameters replaced by their values.
    #[must_use]
    pub fn filled(&self, text: &str) -> String {
        text.replace("[\"arn", "arn")
            .replace(&format!("\", {PLAIN}]"), "")
            .replace("${Plain}", &self.region.replace('-', ""))
            .replace("${!", "${")
            .replace("${AWS::Partition}", &self.partition)
            .replace("${AWS::Region}", &self.region)
            .replace("${AWS::AccountId}", &self.account)
            .replace("${ProjectName}", &self.project)
    }
}
