//! One valid answer, whatever happens.

use std::panic::AssertUnwindSafe;

use environment::Moment;
use futures_util::FutureExt as _;
use lambda_kit::{BadSettings, Error};
use reconciler::{Clouds, Reconciler, Settings, Stop, reply, work_ends};
use requests::{
    AllowedHosts, Courier, Line, Malformed, PhysicalId, Records, Reply, ReplyAddress, Request, Unreadable, read_event,
};
use serde_json::{Value, json};

use crate::people;

/// Everything that the function has. Bad settings don't keep it from starting: they are what it answers.
#[derive(Debug)]
pub struct Door<R, C, L> {
    /// What its environment variables say, or what is wrong with them.
    pub settings: Result<Settings, BadSettings>,
    /// The owners' records.
    pub records: R,
    /// Where it looks, and works if there is no line.
    pub clouds: C,
    /// Brings replies to CloudFormation.
    pub courier: Courier,
    /// Where requests go; without it the door carries them out itself.
    pub line: Option<L>,
}

/// What became of an event.
enum Taken {
    /// It is answered here.
    Answered(Reply),
    /// It waits in the line, where the reconciler answers; or it came again after its answer.
    Sent(Value),
}

impl<R: Records, C: Clouds, L: Line> Door<R, C, L> {
    /// Handles one invocation, whose event comes as text: [`Door::handle`], or a FAILED for what no [`Value`] can hold.
    ///
    /// A Delete of that kind is carried out by its ids ([`Unreadable::delete`]).
    ///
    /// # Errors
    /// As of [`Door::handle`].
    pub async fn handle_text(&self, text: &str, deadline_ms: u64) -> Result<Value, Error> {
        match read_event(text).or_else(|unreadable| unreadable.delete(self.clouds.now().0)) {
            Ok(event) => self.handle(event, deadline_ms).await,
            Err(unreadable) => self.refuse(&unreadable, deadline_ms).await,
        }
    }

    async fn refuse(&self, unreadable: &Unreadable, deadline_ms: u64) -> Result<Value, Error> {
        let to = ReplyAddress::of(&unreadable.rest);
        let id = PhysicalId::last_resort(&unreadable.rest, &to);
        let reply = Reply::failed(&to, id, unreadable.to_string());
        self.deliver(None, &reply, &to, deadline_ms).await?;
        Ok(serde_json::from_str(&reply.body())?)
    }

    /// Handles one invocation, which Lambda ends at `deadline_ms`.
    ///
    /// The result is the reply's body, that the request waits in the line, or what a person asked for.
    ///
    /// # Errors
    /// If the request could not be sent on, or the reply not be delivered: Lambda then runs the same event again, and in
    /// the end gives it to the queue of failed invocations, from where the watchdog answers.
    pub async fn handle(&self, event: Value, deadline_ms: u64) -> Result<Value, Error> {
        if event.get("Request").is_some() && event.get("RequestType").is_none() {
            return Ok(people::answer(self, &event, deadline_ms).await);
        }
        let to = ReplyAddress::of(&event);
        let request = Request::read(&event, self.clouds.now().0);
        let taken = match AssertUnwindSafe(self.take(&event, &request, &to, deadline_ms)).catch_unwind().await {
            Ok(taken) => taken?,
            Err(_) => {
                let reason = "Envkeeper failed inside: the function's log says where. What exists was left as it is.";
                Taken::Answered(Reply::failed(&to, PhysicalId::last_resort(&event, &to), reason))
            }
        };
        match taken {
            Taken::Sent(told) => Ok(told),
            Taken::Answered(reply) => {
                self.deliver(request.as_ref().ok(), &reply, &to, deadline_ms).await?;
                Ok(serde_json::from_str(&reply.body())?)
            }
        }
    }

    async fn take(
        &self,
        event: &Value,
        request: &Result<Request, Malformed>,
        to: &ReplyAddress,
        deadline_ms: u64,
    ) -> Result<Taken, Error> {
        let failed =
            |reason: String| Ok(Taken::Answered(Reply::failed(to, PhysicalId::last_resort(event, to), reason)));
        let settings = match &self.settings {
            Ok(settings) => settings,
            Err(bad) => return failed(bad.to_string()),
        };
        let request = match request {
            Ok(request) => request,
            Err(malformed) => return failed(malformed.to_string()),
        };
        let Some(line) = &self.line else {
            let answer = self.reconciler(settings).to_the_end(request, work_ends(Moment(deadline_ms))).await;
            return Ok(Taken::Answered(reply(request, answer)));
        };
        let work = self.reconciler(settings);
        let work = work.carry_out(request);
        match work.admit().await {
            // An event that comes again, late, may be refused by now: but its answer has arrived.
            Err(Stop::Failed(_)) if self.was_answered(request).await => {
                Ok(Taken::Sent(json!({ "AnsweredBefore": request.event.kind, "Owner": request.owner().as_str() })))
            }
            Err(Stop::Failed(why)) => Ok(Taken::Answered(reply(request, work.answer(None, Err(why))))),
            Err(Stop::NotNow(why)) => Err(why.into()),
            Ok(_) => {
                line.send(&request.owner(), &request.hash, event).await?;
                tracing::info!(owner = %request.owner(), kind = %request.event.kind, "in the line");
                Ok(Taken::Sent(json!({ "Sent": request.event.kind, "Owner": request.owner().as_str() })))
            }
        }
    }

    async fn was_answered(&self, request: &Request) -> bool {
        let record = self.records.owner(&request.owner()).await.ok().flatten();
        record.is_some_and(|it| it.has_answered(&request.hash))
    }

    /// The work behind the door.
    pub(crate) fn reconciler<'a>(&'a self, settings: &'a Settings) -> Reconciler<'a, R, C> {
        Reconciler { settings, records: &self.records, clouds: &self.clouds, courier: &self.courier }
    }

    /// Sends the reply to its address, and notes that. Without an address the invocation's result is the answer.
    async fn deliver(
        &self,
        request: Option<&Request>,
        reply: &Reply,
        to: &ReplyAddress,
        deadline_ms: u64,
    ) -> Result<(), Error> {
        if let (Ok(settings), Some(request)) = (&self.settings, request) {
            return Ok(self.reconciler(settings).deliver(request, reply, Moment(deadline_ms)).await?);
        }
        let none = AllowedHosts::default();
        let hosts = self.settings.as_ref().map_or(&none, |settings| &settings.reply_hosts);
        tracing::info!(status = ?reply.status(), id = %reply.physical_id(), reason = reply.reason(), "answer");
        Ok(self.courier.answer(&reply.body(), to, hosts, Moment(deadline_ms) - self.clouds.now()).await?)
    }
}
