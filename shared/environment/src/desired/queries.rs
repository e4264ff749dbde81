//! The saved queries over the ledger and over the instances' logs.
//!
//! The fields are the fields of the crate `ledger`. Ledger entries are written at least once, so each query counts by
//! `id`: with `dedup`, which only `limit` may follow (the Logs Insights syntax), or with `count_distinct`.

use super::{DesiredInputs, Part};
use crate::model::key::{Key, Ref};
use crate::model::kinds::{Query, SavedQuery};
use crate::model::resource::Fields;

pub(super) const CAPACITY_CHANGES: &str = "fields @timestamp, cause.desiredBefore, cause.desiredAfter, cause.actor, cause.alarm, cause.policy, cause.schedule, cause.text | filter kind = \"capacity\" | sort @timestamp desc | dedup id";

pub(super) const SCALING_EVENTS: &str = "fields @timestamp, kind, outcome, instance, cause.actor, cause.alarm, cause.desiredBefore, cause.desiredAfter, seconds, reason | filter kind != \"lifecycle\" and kind != \"state\" | sort @timestamp desc | dedup id";

pub(super) const SLOWEST_LAUNCHES: &str = "fields @timestamp, instance, zone, seconds, cause.actor | filter kind = \"launch\" and outcome = \"successful\" | sort seconds desc | dedup id";

pub(super) const FAILURES_BY_CAUSE: &str = "filter kind in [\"launch\", \"terminate\"] and outcome in [\"failed\", \"cancelled\"] | stats count_distinct(id) as failures, latest(@timestamp) as last, latest(reason) as example by kind, failure, zone | sort failures desc";

pub(super) const FLAPPING: &str = "filter kind = \"capacity\" | stats count_distinct(id) as changes, min(cause.desiredAfter) as lowest, max(cause.desiredAfter) as highest by bin(1h) as hour | sort changes desc";

pub(super) const DRAINS: &str =
    "fields @timestamp, instance, outcome, seconds, reason | filter kind = \"drain\" | sort @timestamp desc | dedup id";

/// The queries over the scaling log group, by title.
const SCALING_QUERIES: [(&str, &str); 7] = [
    ("capacity-changes", CAPACITY_CHANGES),
    ("scaling-events", SCALING_EVENTS),
    ("slowest-launches", SLOWEST_LAUNCHES),
    ("failures-by-cause", FAILURES_BY_CAUSE),
    ("flapping", FLAPPING),
    ("drains", DRAINS),
    (
        "alarms-and-actions",
        "fields @timestamp, kind, outcome, cause.alarm, cause.rule, cause.desiredBefore, cause.desiredAfter, instance, reason | filter kind in [\"alarm\", \"remediation\"] | sort @timestamp desc | dedup id",
    ),
];

/// The query over the instances' log group.
const INSTANCE_QUERY: (&str, &str) = (
    "user-data",
    "fields @timestamp, @logStream, @message | filter @logStream like /user-data/ | sort @timestamp desc",
);

pub(super) fn queries(inputs: &DesiredInputs<'_>) -> Part {
    let query = |(title, text): (&str, &str), log_group: Key| {
        let text = format!("# {}\n{text}", inputs.mark());
        let query = Query { text, log_groups: vec![Ref::Owned(log_group)] };
        (inputs.names.saved_query(title), Fields::SavedQuery(SavedQuery { query }))
    };
    let scaling = SCALING_QUERIES.into_iter().map(|it| query(it, inputs.names.scaling_log_group()));
    scaling.chain([query(INSTANCE_QUERY, inputs.names.instance_log_group())]).collect()
}
