//! Decides how often a waiting instance is observed, and when Auto Scaling gets a heartbeat. Pure: the time waited is
//! the only state, and the message's own timestamp yields it.

use std::time::Duration;

/// Most launches and drains are done by then, and end a few seconds after they could.
const INITIAL_PHASE: Duration = Duration::from_mins(5);
/// The interval until then, unless the deployment sets another.
pub const INITIAL_INTERVAL: Duration = Duration::from_secs(15);
/// The interval after that. A wait of 48 h, the longest of any hook, then takes 20 + 956 receives, and a queue
/// dead-letters a message after 1,000 at most. With an observation each second at first, the longest drain that the
/// properties allow, 8 h, takes 300 + 159.
const LATER_INTERVAL: Duration = Duration::from_mins(3);

/// The longest wait of a hook in heartbeats (the API reference of `PutLifecycleHook`).
const MAX_HEARTBEATS: u32 = 100;
/// The longest wait of a hook for any heartbeat (the same source).
pub const MAX_GLOBAL_TIMEOUT: Duration = Duration::from_hours(48);

/// The delay until the next observation, after this wait; `initial` is the interval at first.
#[must_use]
pub fn next_poll(waited: Duration, initial: Duration) -> Duration {
    if waited < INITIAL_PHASE { initial } else { LATER_INTERVAL }
}

/// The interval of the sweep (infra/template.yaml).
pub const SWEEP_INTERVAL: Duration = Duration::from_mins(2);

/// The largest delay of an observation: a schedule fires within its minute (the `EventBridge` user guide), and a loaded
/// queue is not more punctual.
const MAX_DELAY: Duration = Duration::from_mins(1);

/// Whether an observation without news sends a heartbeat; the previous observation was `gap` ago or a little more. The
/// first observation in each third of a heartbeat sends one, so that after a lost heartbeat another follows before the
/// wait is over. The first third needs none, since the wait itself has just begun. Where observations may be rarer than
/// thirds, each of them sends one.
#[must_use]
pub fn needs_heartbeat(waited: Duration, gap: Duration, heartbeat: Duration) -> bool {
    let third = (heartbeat / 3).max(Duration::from_secs(1));
    let thirds = |span: Duration| span.as_millis() / third.as_millis();
    let since_last = gap + MAX_DELAY;
    since_last > third || thirds(waited) > thirds(waited.saturating_sub(since_last))
}

/// How long a hook with this heartbeat can be kept waiting.
#[must_use]
pub fn global_timeout(heartbeat: Duration) -> Duration {
    MAX_GLOBAL_TIMEOUT.min(heartbeat * MAX_HEARTBEATS)
}
