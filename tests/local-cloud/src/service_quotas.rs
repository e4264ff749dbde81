//! Service Quotas: `GetServiceQuota`. The local cloud enforces no quota, so every quota is large unless a test sets it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use hyper::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{REGION, emulators::ACCOUNT, responses, router::Body};

/// The value of a quota that no test set: more than all tests of a run create.
const LARGE: f64 = 100_000.0;

/// The applied quotas of the local cloud's one region.
#[derive(Default)]
pub struct ServiceQuotas(Mutex<BTreeMap<(String, String), f64>>);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetInput {
    service_code: String,
    quota_code: String,
}

impl ServiceQuotas {
    /// Sets the applied value of a quota.
    pub fn set(&self, service: String, quota: String, value: f64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((service, quota), value);
    }

    /// The response to an operation, from the JSON of the request.
    pub fn response(&self, operation: &str, input: &[u8]) -> Response<Body> {
        if operation != "GetServiceQuota" {
            return error("UnknownOperationException", &format!("the local cloud does not have {operation}"));
        }
        match serde_json::from_slice(input) {
            Ok(input) => responses::json(StatusCode::OK, &self.quota(&input)),
            Err(invalid) => error("IllegalArgumentException", &invalid.to_string()),
        }
    }

    fn quota(&self, GetInput { service_code, quota_code }: &GetInput) -> Value {
        let values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let value = values.get(&(service_code.clone(), quota_code.clone())).copied().unwrap_or(LARGE);
        json!({ "Quota": {
            "ServiceCode": service_code, "ServiceName": service_code, "QuotaCode": quota_code, "QuotaName": quota_code,
            "QuotaArn": format!("arn:aws:servicequotas:{REGION}:{ACCOUNT}:{service_code}/{quota_code}"),
            "Value": value, "Unit": "None", "Adjustable": true, "GlobalQuota": false,
        } })
    }
}

fn error(kind: &str, message: &str) -> Response<Body> {
    responses::json(StatusCode::BAD_REQUEST, &json!({ "__type": kind, "Message": message }))
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    async fn value(quotas: &ServiceQuotas, code: &str) -> Value {
        let input = json!({ "ServiceCode": "vpc", "QuotaCode": code }).to_string();
        let response = quotas.response("GetServiceQuota", input.as_bytes());
        assert_eq!(response.status(), StatusCode::OK);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice::<Value>(&body).unwrap()["Quota"]["Value"].clone()
    }

    #[tokio::test]
    async fn a_quota_is_large_until_a_test_sets_it() {
        let quotas = ServiceQuotas::default();
        assert_eq!(value(&quotas, "L-F678F1CE").await, json!(100_000.0));
        quotas.set("vpc".to_owned(), "L-F678F1CE".to_owned(), 5.0);
        assert_eq!(value(&quotas, "L-F678F1CE").await, json!(5.0));
        assert_eq!(value(&quotas, "L-A4707A72").await, json!(100_000.0), "only the quota with this code");
        assert_eq!(quotas.response("ListServiceQuotas", b"{}").status(), StatusCode::BAD_REQUEST);
    }
}
