//! A whole `main.rs`: answers with its event and the time that is left. A test of this crate runs it.

use lambda_kit::{BadSettings, Error, Vars, environment, init_logging, now_ms, run};
use serde_json::json;

struct Settings {
    greeting: String,
}

impl Settings {
    fn from_vars(read: impl Fn(&str) -> Option<String>) -> Result<Settings, BadSettings> {
        let mut vars = Vars::new(read);
        let greeting = vars.required("GREETING", "any word");
        vars.checked(Settings { greeting })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    init_logging("echo");
    let Settings { greeting } = Settings::from_vars(environment)?;
    let handler = async |event: serde_json::Value, invocation: lambda_kit::Invocation| {
        assert!(event != "panic", "asked to");
        let left_s = invocation.deadline_ms.saturating_sub(now_ms()) / 1_000;
        tracing::info!(left_s, "echoed");
        Ok(json!({ "greeting": greeting, "event": event, "id": invocation.request_id }))
    };
    run("echo", handler).await
}
