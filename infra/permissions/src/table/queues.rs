//! The queues of the deployment, and the services that send to them. The functions that send and receive are rows of the
//! functions' own tables.

use crate::Queue;

/// The rules that deliver to the hooks' queue, and dead-letter there.
const HOOK_RULES: &[&str] = &["LifecycleActionRule", "SpotInterruptionRule", "ReadyMarkerRule"];
/// The rules that deliver to the ledger's queue, and dead-letter there.
const LEDGER_RULES: &[&str] = &["ScalingEventRule", "AlarmStateRule", "OwnEventRule"];

/// In the order of the template.
pub(crate) const QUEUES: [Queue; 7] = [
    Queue { id: "RequestQueue", rules: &[], takes_topics: false },
    Queue { id: "RequestDeadLetters", rules: &[], takes_topics: false },
    Queue { id: "FailedInvocations", rules: &[], takes_topics: false },
    Queue { id: "HookQueue", rules: HOOK_RULES, takes_topics: true },
    Queue { id: "HookDeadLetters", rules: HOOK_RULES, takes_topics: false },
    Queue { id: "ScalingEventQueue", rules: LEDGER_RULES, takes_topics: false },
    Queue { id: "ScalingEventDeadLetters", rules: LEDGER_RULES, takes_topics: false },
];
