//! SQS.

use super::{Call, Requirements, arn, required, requirement};
use crate::{message_moves, ministack::Ministack};

/// The permissions of a redrive: Amazon SQS Developer Guide, "Configure a dead-letter queue redrive", with
/// `sqs:SendMessage` for the destination.
const MOVES_FROM: [&str; 4] =
    ["sqs:StartMessageMoveTask", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];

pub(super) async fn of(call: &Call<'_>, ministack: &Ministack) -> Requirements {
    let action = format!("sqs:{}", call.operation.strip_suffix("Batch").unwrap_or(call.operation));
    match call.operation {
        "ListQueues" => Ok(vec![requirement(action, "*")]),
        "CreateQueue" | "GetQueueUrl" => Ok(vec![requirement(action, arn("sqs", "", required(call, "QueueName")?))]),
        "StartMessageMoveTask" => {
            let source = required(call, "SourceArn")?;
            let destinations = message_moves::destinations(ministack, source, call.text("DestinationArn")).await?;
            let from = MOVES_FROM.into_iter().map(|action| requirement(action, source));
            let to = destinations.into_iter().map(|queue| requirement("sqs:SendMessage", queue));
            Ok(from.chain(to).collect())
        }
        "ListMessageMoveTasks" => Ok(vec![requirement(action, required(call, "SourceArn")?)]),
        _ => {
            let url = call.text("QueueUrl").or_else(|| Some(call.path).filter(|it| it.len() > 1));
            let queue = url.and_then(|url| url.rsplit('/').next()).filter(|it| !it.is_empty());
            let queue = queue.ok_or_else(|| format!("{} without QueueUrl is not derived", call.operation))?;
            Ok(vec![requirement(action, arn("sqs", "", queue))])
        }
    }
}
