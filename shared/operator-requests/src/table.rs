//! All operator requests: the source of the match, of the error texts and of the table in `infra/OPERATIONS.md`.

/// A request that writes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadRequest {
    /// The state of an environment.
    Status,
    /// The state of an environment's rollout.
    Rollout,
    /// The differences between an environment and its record.
    Drift,
    /// The steps of a Create or an Update.
    Plan,
    /// The rejections of properties.
    Validate,
    /// The environments of the deployment.
    List,
    /// The resources that exist of an environment.
    Inventory,
    /// The state of the deployment.
    Doctor,
}

/// A request that changes an environment, or what is allowed on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeRequest {
    /// Lifts deletion protection.
    Unlock,
    /// Replaces every instance.
    Roll,
    /// Returns to the version that ran before.
    Rollback,
    /// Ends the rollout.
    Cancel,
    /// Holds the rollout.
    Hold,
    /// Ends a hold.
    Release,
    /// Consents to the adoption of retained buckets.
    AllowAdoption,
    /// Corrects drift.
    Repair,
    /// Deletes the environment of a deleted stack.
    Delete,
}

/// A request, by whether it reads or changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// The functions `operator-read` and `operator` perform it.
    Read(ReadRequest),
    /// The function `operator` performs it.
    Change(ChangeRequest),
}

/// One form of a request, for `infra/OPERATIONS.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// The members of the event beside `Request`, as JSON with `…` for values; empty if there are none.
    pub members: &'static str,
    /// What the request returns or does.
    pub result: &'static str,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestRow {
    /// The request.
    pub kind: RequestKind,
    /// Its name, the value of `Request`.
    pub name: &'static str,
    /// Its forms: at least one.
    pub forms: &'static [Form],
}

const ENVIRONMENT: &str = r#""Environment": …"#;
const PROPERTIES: &str = r#""ResourceProperties": {…}"#;

const fn read(request: ReadRequest, name: &'static str, forms: &'static [Form]) -> RequestRow {
    RequestRow { kind: RequestKind::Read(request), name, forms }
}

const fn change(request: ChangeRequest, name: &'static str, forms: &'static [Form]) -> RequestRow {
    RequestRow { kind: RequestKind::Change(request), name, forms }
}

const fn form(members: &'static str, result: &'static str) -> Form {
    Form { members, result }
}

/// All requests, in the order of the page: those that read come first.
pub const REQUESTS: &[RequestRow] = &[
    read(
        ReadRequest::Status,
        "status",
        &[form(
            ENVIRONMENT,
            "the [state](#the-state-of-an-environment) of the environment; the instances in service (`Capacity`) and each instance (`Instances`), the end of a hold (`HeldUntil`); work in progress, its pending conditions and their start, the last five responses; the rollout: its state, the instances by version and by rolling inputs, the refresh, the failed versions",
        )],
    ),
    read(
        ReadRequest::Rollout,
        "rollout",
        &[form(ENVIRONMENT, "the rollout in the result of `status`, alone: its state, and why it needs an operator")],
    ),
    read(
        ReadRequest::Drift,
        "drift",
        &[form(
            ENVIRONMENT,
            "foreign changes, field by field: observed and desired; instances whose rolling inputs differ from those of the group's version; ingress rules and policies that others added; instances in subnets that the group does not have",
        )],
    ),
    read(
        ReadRequest::Plan,
        "plan",
        &[
            form(ENVIRONMENT, "the steps that would restore the recorded state"),
            form(
                PROPERTIES,
                "the steps of a create or an update with these properties, the forecast of its rollout, and whether the account has room for it (`Account`)",
            ),
        ],
    ),
    read(
        ReadRequest::Validate,
        "validate",
        &[form(
            PROPERTIES,
            "whether a create with these properties is admitted (`Valid`), and each property that is not, with the valid form (`Violations`); by the deployment's defaults and limits, without a call to AWS. Properties in the list `Unresolved` are not checked",
        )],
    ),
    read(
        ReadRequest::List,
        "list",
        &[
            form(
                "",
                "the first 25 environments of the deployment by id, each with its owner, its stack and its state by the record: `settled`, `in-progress` (`Request`, `Since`), `failed` (`Reason`) or `deleted` (`Deleted`); `Next` is the token of the next page, or null. The list may lag by a second or so",
            ),
            form(r#""After": …"#, "the next page, after the token `Next` of the page before"),
        ],
    ),
    read(
        ReadRequest::Inventory,
        "inventory",
        &[
            form(
                ENVIRONMENT,
                "the resources that exist of an environment, or of a deleted one, by an observation of every kind (`ObservedKinds`): kind, name, id and `Ownership` (`owned`, `unproven`, `retained`, `foreign`, `hidden`); `NothingLeft` for a deleted one",
            ),
            form(
                r#""Environment": …, "StackId": …, "LogicalResourceId": …"#,
                "the same for an owner whose record is lost or has expired",
            ),
        ],
    ),
    read(
        ReadRequest::Doctor,
        "doctor",
        &[form(
            "",
            "the state of the deployment (`Healthy`): settings, records, requests that are overdue for a response, due passes that no one requests; each with what to do",
        )],
    ),
    change(
        ChangeRequest::Unlock,
        "unlock",
        &[form(ENVIRONMENT, "lifts deletion protection until the next update of the stack")],
    ),
    change(
        ChangeRequest::Roll,
        "roll",
        &[form(
            ENVIRONMENT,
            "replaces every instance by the version that was rolled out last, in its newest revision, and tries a failed version again",
        )],
    ),
    change(
        ChangeRequest::Rollback,
        "rollback",
        &[form(
            ENVIRONMENT,
            "returns to the version that ran before; the rejected version is not tried again until one of its inputs changes, or by `roll`",
        )],
    ),
    change(
        ChangeRequest::Cancel,
        "cancel",
        &[form(ENVIRONMENT, "ends the rollout, and leaves the instances as they are")],
    ),
    change(
        ChangeRequest::Hold,
        "hold",
        &[form(
            r#""Environment": …, "Hours": 8"#,
            "[holds the rollout](#hold-a-rollout): no instance is replaced for 1 to 168 hours (whole hours; 8 without `Hours`)",
        )],
    ),
    change(ChangeRequest::Release, "release", &[form(ENVIRONMENT, "ends the hold")]),
    change(
        ChangeRequest::AllowAdoption,
        "allow-adoption",
        &[form(
            r#""Environment": …, "Owner": …"#,
            "allows one owner to adopt the buckets that the environment retained, once",
        )],
    ),
    change(
        ChangeRequest::Repair,
        "repair",
        &[
            form(ENVIRONMENT, "the plan that [corrects the drift](#an-environment-has-drift); changes nothing"),
            form(r#""Environment": …, "Confirm": true"#, "carries it out, like an update with unchanged properties"),
        ],
    ),
    change(
        ChangeRequest::Delete,
        "delete",
        &[form(
            ENVIRONMENT,
            "deletes the environment of a deleted stack; rejected while the stack exists. If the record is lost too, add `StackId` and `LogicalResourceId`",
        )],
    ),
];

impl RequestRow {
    /// The request with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static RequestRow> {
        REQUESTS.iter().find(|it| it.name == name)
    }

    /// The names of all requests in quotes, as the valid values of a text.
    pub(crate) fn names() -> String {
        let names: Vec<String> = REQUESTS.iter().map(|it| format!("\"{}\"", it.name)).collect();
        let (last, others) = names
            .split_last()
            .map_or((String::new(), String::new()), |(last, others)| (last.clone(), others.join(", ")));
        format!("{others} or {last}")
    }
}
