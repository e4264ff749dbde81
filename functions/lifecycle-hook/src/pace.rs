//! How often an instance that waits is looked at, and when Auto Scaling is told that it still does. Pure: how long it has
//! waited is all the state there is, and the message's own timestamp tells it.

use std::time::Duration;

/// Most launches and drains are over by then, and end a few seconds after they could.
const AT_FIRST: Duration = Duration::from_mins(5);
/// The pause until then, if the deployment does not say otherwise.
pub const SHORT: Duration = Duration::from_secs(15);
/// The pause after it. A wait of 48 h, the longest of any hook, takes 20 + 956 receives so, and a queue gives up after 1,000 at
/// most. Looking each second at first, the longest drain that the properties allow, 8 h, takes 300 + 159.
const LONG: Duration = Duration::from_mins(3);

/// How many heartbeats long a hook waits at most (the API reference of `PutLifecycleHook`).
const HEARTBEATS: u32 = 100;
/// How long a hook waits at most, whatever its heartbeat (the same).
const LONGEST: Duration = Duration::from_hours(48);

/// How long to stay away, after so long; `short` is the pause at first.
#[must_use]
pub fn pause(waited: Duration, short: Duration) -> Duration {
    if waited < AT_FIRST { short } else { LONG }
}

/// How often the sweep looks (infra/template.yaml).
pub const SWEEP_INTERVAL: Duration = Duration::from_mins(2);

/// How late a look may come: a schedule fires within its minute (the `EventBridge` user guide), and a queue that is busy is no
/// more punctual.
const LATE: Duration = Duration::from_mins(1);

/// Whether a heartbeat is sent with a look that finds nothing new, the look before having been `gap` ago or a little more: with
/// the first one in each third of a heartbeat, so that one that is lost leaves another before the wait is over. None is needed
/// in the first third, since the wait itself has just begun. Where looks may be rarer than thirds, each of them is needed.
#[must_use]
pub fn needs_heartbeat(waited: Duration, gap: Duration, heartbeat: Duration) -> bool {
    let third = (heartbeat / 3).max(Duration::from_secs(1));
    let thirds = |span: Duration| span.as_millis() / third.as_millis();
    let since = gap + LATE;
    since > third || thirds(waited) > thirds(waited.saturating_sub(since))
}

/// How long a hook with this heartbeat can be kept waiting.
#[must_use]
pub fn longest(heartbeat: Duration) -> Duration {
    LONGEST.min(heartbeat * HEARTBEATS)
}
