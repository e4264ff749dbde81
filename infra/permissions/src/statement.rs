//! A statement of a policy, as a value.

/// What may be done, on what, and when.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    /// Its name in the policy.
    pub sid: &'static str,
    /// Why it is as it is, where that needs a word; it stands in the template as a comment.
    pub reason: &'static str,
    /// What it grants.
    pub grants: &'static [Grant],
    /// On which resources.
    pub on: &'static [Resource],
    /// Under which conditions, all of them.
    pub when: &'static [Condition],
}

/// What is granted.
#[derive(Clone, Copy, Debug)]
pub enum Grant {
    /// An operation that the function itself calls, as `service:Operation`.
    Call(&'static str),
    /// An IAM action that AWS asks for beside it, and that no record of calls shows.
    Implied {
        /// The action.
        action: &'static str,
        /// What asks for it.
        by: &'static str,
        /// Where AWS says so.
        source: &'static str,
    },
}

/// A resource, or many by a pattern.
#[derive(Clone, Copy, Debug)]
pub enum Resource {
    /// Of this account and region: the service, and the rest of the ARN.
    Here(&'static str, &'static str),
    /// Of this account and of no region.
    Global(&'static str, &'static str),
    /// Of this region, and AWS's own.
    Aws(&'static str, &'static str),
    /// A bucket, or what is in it: they have neither region nor account in their ARNs.
    Bucket(&'static str),
    /// A hosted zone of Route 53: it has neither, too.
    Zone(&'static str),
    /// One of the deployment's own, by its logical id in the template; and what follows its ARN.
    Deployed(&'static str, &'static str),
    /// All: AWS knows no narrower resource for these actions.
    Any,
}

/// A condition.
#[derive(Clone, Copy, Debug)]
pub enum Condition {
    /// The call gives what it makes the mark of one of this deployment's environments.
    MarkedInCall,
    /// What the call is about has the mark of one of this deployment's environments.
    Owned,
    /// The same, as SSM calls it.
    OursBySsm,
    /// The tags come with one of these calls of EC2.
    CreatedBy(&'static [&'static str]),
    /// The role goes to one of these services.
    PassedTo(&'static [&'static str]),
    /// The role is the one that this service makes for itself.
    LinkedTo(&'static str),
    /// The role has, or gets, the boundary of this deployment.
    Bounded,
    /// The policy is one of these of AWS's own.
    AwsPolicy(&'static [&'static str]),
    /// The launch is by a launch template of this account.
    ByTemplate,
    /// What is launched with stands in the launch template, and was not given in its place.
    AsTemplateSays,
    /// This service asks, in the caller's name.
    Through(&'static str),
}

/// A managed policy of the deployment: what a role's inline policies have no room for, or what several roles share.
#[derive(Clone, Copy, Debug)]
pub struct Managed {
    /// Its logical id in the template.
    pub id: &'static str,
    /// What it is, for people.
    pub description: &'static str,
    /// The condition of the template under which it is made; empty for always.
    pub condition: &'static str,
    /// What it says.
    pub statements: &'static [Statement],
}

/// What an ARN is made from.
#[derive(Clone, Debug)]
pub struct StatementScope {
    /// Such as `aws`.
    pub partition: String,
    /// Such as `us-west-2`.
    pub region: String,
    /// Twelve digits.
    pub account: String,
    /// The first part of every name.
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

    /// The operations of the API that it is for.
    pub fn calls(&self) -> impl Iterator<Item = &'static str> {
        self.grants.iter().filter_map(|grant| match grant {
            Grant::Call(operation) => Some(*operation),
            Grant::Implied { .. } => None,
        })
    }

    /// The IAM actions that it allows, each once, in the table's order.
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
    /// The IAM actions that it takes.
    #[must_use]
    pub fn actions(&self) -> Vec<&'static str> {
        match self {
            Grant::Call(operation) => crate::actions_of(operation),
            Grant::Implied { action, .. } => vec![action],
        }
    }
}

impl Resource {
    /// Its ARN as the template has it.
    #[must_use]
    pub fn in_template(&self) -> String {
        match self {
            Resource::Here(service, rest) => {
                format!("!Sub arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{rest}")
            }
            Resource::Global(service, rest) => {
                format!("!Sub arn:${{AWS::Partition}}:{service}::${{AWS::AccountId}}:{rest}")
            }
            Resource::Aws(service, rest) => format!("!Sub arn:${{AWS::Partition}}:{service}:${{AWS::Region}}::{rest}"),
            Resource::Bucket(rest) => format!("!Sub arn:${{AWS::Partition}}:s3:::{rest}"),
            Resource::Zone(id) => format!("!Sub arn:${{AWS::Partition}}:route53:::hostedzone/{id}"),
            Resource::Deployed(id, "") => format!("!GetAtt {id}.Arn"),
            Resource::Deployed(id, rest) => format!("!Sub ${{{id}.Arn}}{rest}"),
            Resource::Any => String::from("\"*\""),
        }
    }

    /// The ARNs that it stands for, with `*` for anything. A resource of the template has its logical id in its name.
    #[must_use]
    pub fn pattern(&self, deployment: &StatementScope) -> String {
        let text = match self {
            Resource::Deployed(id, rest) => format!("arn:*-{id}-*{rest}"),
            Resource::Any => String::from("*"),
            _ => self.in_template().trim_start_matches("!Sub ").to_owned(),
        };
        deployment.filled(&text)
    }
}

impl StatementScope {
    /// The text with its pseudo parameters filled in.
    #[must_use]
    pub fn filled(&self, text: &str) -> String {
        text.replace("${AWS::Partition}", &self.partition)
            .replace("${AWS::Region}", &self.region)
            .replace("${AWS::AccountId}", &self.account)
            .replace("${ProjectName}", &self.project)
    }
}
