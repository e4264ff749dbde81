//! One valid answer, whatever happens.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use environment::Moment;
use futures_util::FutureExt as _;
use lambda_kit::{BadSettings, Error, now_ms};
use requests::{AllowedHosts, Courier, Event, Owner, PhysicalId, Records, Reply, ReplyAddress, ReplyUrl, request_hash};
use serde_json::Value;

use crate::carry_out::{Answer, CarryOut};
use crate::clouds::Clouds;
use crate::people;
use crate::settings::Settings;

/// How much of an invocation is kept for the answer: two tries of the courier and the pause between them.
const TIME_TO_ANSWER: Duration = Duration::from_secs(12);

/// Everything that the function has. Bad settings don't keep it from starting: they are what it answers.
#[derive(Debug)]
pub struct Door<R, C> {
    pub settings: Result<Settings, BadSettings>,
    pub records: R,
    pub clouds: C,
    pub courier: Courier,
}

impl<R: Records, C: Clouds> Door<R, C> {
    /// Handles one invocation, which Lambda ends at `deadline_ms`.
    ///
    /// The result is the reply's body, or what a person asked for.
    ///
    /// # Errors
    /// If the reply could not be delivered: Lambda then runs the same event again, which finds everything done and
    /// answers once more.
    pub async fn handle(&self, event: Value, deadline_ms: u64) -> Result<Value, Error> {
        let until = Moment(deadline_ms.saturating_sub(millis(TIME_TO_ANSWER)));
        if event.get("Request").is_some() && event.get("RequestType").is_none() {
            return Ok(people::answer(&self.settings, &self.records, &self.clouds, &event).await);
        }
        let to = ReplyAddress::of(&event);
        let reply = match AssertUnwindSafe(self.reply(&event, &to, until)).catch_unwind().await {
            Ok(reply) => reply,
            Err(_) => {
                let reason = "Envkeeper failed inside: the function's log says where. What exists was left as it is.";
                Reply::failed(&to, last_resort(&event, &to), reason)
            }
        };
        tracing::info!(status = ?reply.status(), id = %reply.physical_id(), reason = reply.reason(), "answer");
        self.deliver(&reply, &to, deadline_ms).await?;
        Ok(serde_json::from_str(&reply.body())?)
    }

    async fn reply(&self, event: &Value, to: &ReplyAddress, until: Moment) -> Reply {
        let failed = |reason: String| Reply::failed(to, last_resort(event, to), reason);
        let settings = match &self.settings {
            Ok(settings) => settings,
            Err(bad) => return failed(bad.to_string()),
        };
        let parsed = match Event::parse(event, now_ms()) {
            Ok(parsed) => parsed,
            Err(malformed) => return failed(malformed.to_string()),
        };
        let until = until.min(Moment(parsed.deadline_ms));
        let work = CarryOut { settings, records: &self.records, clouds: &self.clouds, event: &parsed, until };
        let Answer { id, outcome } = work.run(request_hash(event), to.clone()).await;
        let id = PhysicalId::or(parsed.physical_id.as_deref().or(id.as_deref()), last_resort(event, to));
        match outcome {
            Ok(data) => Reply::success(to, id, data),
            Err(reason) => Reply::failed(to, id, reason),
        }
    }

    /// Sends the reply to its address. Without one the invocation's result is the answer.
    async fn deliver(&self, reply: &Reply, to: &ReplyAddress, deadline_ms: u64) -> Result<(), Error> {
        let Some(url) = &to.response_url else { return Ok(()) };
        let none = AllowedHosts::default();
        let hosts = self.settings.as_ref().map_or(&none, |settings| &settings.reply_hosts);
        match ReplyUrl::parse(url, hosts) {
            Ok(url) => {
                let within = Duration::from_millis(deadline_ms.saturating_sub(now_ms()));
                self.courier.deliver(reply, &url, within).await?;
            }
            // Nobody real waits there, and running the event again would change nothing.
            Err(refused) => tracing::error!(%refused, "not answered"),
        }
        Ok(())
    }
}

/// The id for an answer to what could not even be read: the one that came, else one that is the same each time.
fn last_resort(event: &Value, to: &ReplyAddress) -> PhysicalId {
    let came = event.get("PhysicalResourceId").and_then(Value::as_str);
    PhysicalId::or(came, PhysicalId::of_owner(&Owner::of(&to.stack_id, &to.logical_id)))
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
