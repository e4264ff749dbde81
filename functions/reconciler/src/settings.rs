//! The settings of the function, from its environment variables.

use lambda_kit::{InvalidSettings, Vars};

/// The function's configuration, read once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The settings of the passes.
    pub pass: request_pass::Settings,
    /// `RECONCILERS_AT_ONCE`: how many reconcilers run at once.
    pub reconcilers_at_once: u32,
    /// `AUTOMATION_PAUSED`: `true` while the deployment's alarm actions are paused.
    pub automation_paused: bool,
    /// `EVENT_BUS_NAME`: the event bus to which requests, rollouts and the outcomes of alarm actions are published. The queue of
    /// `LEDGER_QUEUE_URL` receives the events that the bus does not accept, and all events if this variable is not set.
    pub event_bus: Option<String>,
    /// `LEDGER_QUEUE_URL`: the queue of the ledger. Without it nothing is published, not even to the bus: the outcomes
    /// are in the function's own log only.
    pub ledger_url: Option<String>,
}

impl Settings {
    /// Reads the settings from environment variables, which `read` looks up.
    ///
    /// # Errors
    /// All invalid variables.
    pub fn from_vars(read: impl Fn(&str) -> Option<String>) -> Result<Settings, InvalidSettings> {
        let mut vars = Vars::new(read);
        let pass = request_pass::Settings::read("reconciler", &mut vars);
        let reconcilers_at_once = vars.reconcilers_at_once();
        let automation_paused = vars.flag("AUTOMATION_PAUSED", false);
        let event_bus = vars.event_bus();
        let ledger_url = vars.queue_url("LEDGER_QUEUE_URL");
        vars.checked(Settings { pass, reconcilers_at_once, automation_paused, event_bus, ledger_url })
    }
}
