//! A complete `main.rs`: returns the event and the remaining time. `tests/start.rs` runs it.

use lambda_kit::{Error, InvalidSettings, Vars, env_var, init_logging, now_ms, run};
use serde_json::json;

struct Settings {
    greeting: String,
}

impl Settings {
    fn from_vars(read: impl Fn(&str) -> Option<String>) -> Result<Settings, InvalidSettings> {
        let mut vars = Vars::new(read);
        let greeting = vars.required("GREETING", "any word");
        vars.checked(Settings { greeting })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    init_logging("echo");
    let Settings { greeting } = Settings::from_vars(env_var)?;
    let handler = async |event: serde_json::Value, invocation: lambda_kit::Invocation| {
        assert!(event != "panic", "requested by the event");
        if event == "fail" {
            return Err("requested by the event".into());
        }
        let left_s = invocation.deadline_ms.saturating_sub(now_ms()) / 1_000;
        tracing::info!(left_s, "echoed");
        Ok(json!({ "greeting": greeting, "event": event, "id": invocation.request_id }))
    };
    run("echo", handler).await
}
