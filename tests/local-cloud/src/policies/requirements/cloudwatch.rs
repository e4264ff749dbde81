//! CloudWatch: metrics by namespace, alarms and dashboards by name.

use super::{Call, Requirements, arn, no_resource, required, requirement};
use crate::emulators::ACCOUNT;

pub(super) fn of(call: &Call<'_>) -> Requirements {
    let action = format!("cloudwatch:{}", call.operation);
    let alarm = |name: &str| requirement(action.as_str(), arn("cloudwatch", "alarm:", name));
    match call.operation {
        "PutMetricData" => {
            let mut put = requirement(action, "*");
            put.context.set("cloudwatch:namespace", required(call, "Namespace")?);
            Ok(vec![put])
        }
        "PutMetricAlarm" | "PutCompositeAlarm" | "SetAlarmState" => Ok(vec![alarm(required(call, "AlarmName")?)]),
        "DeleteAlarms" | "EnableAlarmActions" | "DisableAlarmActions" => {
            let names = call.texts("AlarmNames");
            if names.is_empty() { Err(no_resource(call)) } else { Ok(names.into_iter().map(alarm).collect()) }
        }
        "PutDashboard" | "GetDashboard" => {
            let name = required(call, "DashboardName")?;
            Ok(vec![requirement(action, format!("arn:aws:cloudwatch::{ACCOUNT}:dashboard/{name}"))])
        }
        read if ["Describe", "Get", "List"].iter().any(|verb| read.starts_with(verb)) => {
            Ok(vec![requirement(action, "*")])
        }
        _ => Err(no_resource(call)),
    }
}
