//! The saved queries: what people ask the ledger, and the instances' logs.
//!
//! The fields are those of the crate `ledger`. Its lines are written at least once, so each query counts by `id`: by `dedup`,
//! after which only `limit` may follow (the Logs Insights syntax), or by `count_distinct`.

use super::{DesiredInputs, Part};
use crate::kinds::{Query, SavedQuery};
use crate::resource::{Fields, Key, Ref};

pub(super) const WHY_CAPACITY_CHANGED: &str = "fields @timestamp, cause.desiredBefore, cause.desiredAfter, cause.actor, cause.alarm, cause.policy, cause.schedule, cause.text | filter kind = \"capacity\" | sort @timestamp desc | dedup id";

pub(super) const STORY: &str = "fields @timestamp, kind, outcome, instance, cause.actor, cause.alarm, cause.desiredBefore, cause.desiredAfter, seconds, reason | filter kind != \"lifecycle\" | sort @timestamp desc | dedup id";

pub(super) const SLOWEST_LAUNCHES: &str = "fields @timestamp, instance, zone, seconds, cause.actor | filter kind = \"launch\" and outcome = \"successful\" | sort seconds desc | dedup id";

pub(super) const FAILURES_BY_CAUSE: &str = "filter kind in [\"launch\", \"terminate\"] and outcome in [\"failed\", \"cancelled\"] | stats count_distinct(id) as failures, latest(@timestamp) as last, latest(why) as example by kind, failure, zone | sort failures desc";

pub(super) const FLAPPING: &str = "filter kind = \"capacity\" | stats count_distinct(id) as changes, min(cause.desiredAfter) as lowest, max(cause.desiredAfter) as highest by bin(1h) as hour | sort changes desc";

pub(super) const DRAINS: &str =
    "fields @timestamp, instance, outcome, seconds, reason | filter kind = \"drain\" | sort @timestamp desc | dedup id";

/// Over the scaling log group, by title.
const OF_SCALING: [(&str, &str); 7] = [
    ("why-capacity-changed", WHY_CAPACITY_CHANGED),
    ("what-happened", STORY),
    ("slowest-launches", SLOWEST_LAUNCHES),
    ("failures-by-cause", FAILURES_BY_CAUSE),
    ("flapping", FLAPPING),
    ("drains", DRAINS),
    (
        "alarms-and-actions",
        "fields @timestamp, kind, outcome, cause.alarm, cause.rule, cause.desiredBefore, cause.desiredAfter, instance, reason | filter kind in [\"alarm\", \"remediation\"] | sort @timestamp desc | dedup id",
    ),
];

/// Over the instances' log group.
const OF_INSTANCES: (&str, &str) = (
    "user-data",
    "fields @timestamp, @logStream, @message | filter @logStream like /user-data/ | sort @timestamp desc",
);

pub(super) fn queries(inputs: &DesiredInputs<'_>) -> Part {
    let query = |(title, text): (&str, &str), of: Key| {
        let text = format!("# {}\n{text}", inputs.mark());
        let query = Query { text, log_groups: vec![Ref::Owned(of)] };
        (inputs.names.saved_query(title), Fields::SavedQuery(SavedQuery { query }))
    };
    let scaling = OF_SCALING.into_iter().map(|it| query(it, inputs.names.scaling_log_group()));
    scaling.chain([query(OF_INSTANCES, inputs.names.instance_log_group())]).collect()
}
