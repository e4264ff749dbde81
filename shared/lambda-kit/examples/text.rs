//! Returns its event as the text that arrived. `tests/start.rs` runs it.

use lambda_kit::{Error, init_logging, run_text};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    init_logging("text");
    run_text("text", async |event, _| Ok(Value::from(event))).await
}
