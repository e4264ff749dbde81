//! Fault injection: rules, their call counters, and a seed. This module is independent of protocols.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::fault_response;

/// A fault that can be injected into a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The service rejects the call: too many calls.
    Throttling,
    /// The service fails with an internal error.
    #[serde(rename = "500")]
    InternalError,
    /// The service is unavailable.
    #[serde(rename = "503")]
    Unavailable,
    /// The connection is held, then closed. The call has no effect.
    TimeoutBefore,
    /// The call takes effect; then the connection is held, and closed.
    TimeoutAfter,
    /// The call takes effect, and the connection is closed immediately.
    LostResponse,
    /// A read does not return a resource that was just created.
    NotFoundLag,
    /// The caller lacks the permission.
    AccessDenied,
    /// The account's quota is exceeded.
    Quota,
    /// The call takes effect, and the response is truncated to the first half.
    MalformedBody,
    /// The response is 200, and reports every entry of the batch as failed.
    PartialFailure,
    /// The normal response, delayed.
    Stall,
}

/// A fault rule: the calls that it matches, and the fault. An omitted field is not compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The signing name, or a prefix and `*`.
    pub service: String,
    /// AWS's name of the operation, or a prefix and `*`.
    pub operation: String,
    /// The application id of the caller, which distinguishes the functions from each other and from a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// Calls count after the service has received this operation, and from 1 again after each further one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Inject into the n-th matching call only, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// Inject into each matching call with this probability, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// The seed of the random draws: the same seed injects the same faults.
    #[serde(default)]
    pub seed: u64,
    /// The maximum number of injected faults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// The fault to inject.
    pub fault: Fault,
    /// The duration in seconds, for faults that take time.
    #[serde(default = "default_seconds")]
    pub seconds: f64,
}

fn default_seconds() -> f64 {
    30.0
}

/// The properties of a call that rules compare.
#[derive(Debug, Clone, Copy)]
pub struct CallKey<'a> {
    pub service: &'a str,
    pub operation: &'a str,
    pub app: Option<&'a str>,
}

/// A fault that is injected into a call, with its duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InjectedFault {
    pub fault: Fault,
    pub duration: Duration,
}

/// The active rules.
#[derive(Default)]
pub struct Faults(Mutex<Vec<CountedRule>>);

/// A rule with its counters.
#[derive(Debug, Serialize)]
struct CountedRule {
    rule: Rule,
    /// The number of matching calls.
    matched: u64,
    /// The number of faults that the rule injected.
    injected: u64,
    /// Whether the operation in `after` has been called.
    #[serde(skip)]
    armed: bool,
    #[serde(skip)]
    seed: u64,
    /// The number of calls of each operation. The random draw depends on the n-th call of an operation, so that
    /// concurrent calls of other operations, in any order, do not change the draw.
    #[serde(skip)]
    calls_by_operation: BTreeMap<String, u64>,
}

impl Faults {
    /// Replaces all rules by those in a JSON array, and resets the counters.
    ///
    /// # Errors
    /// The first problem of the JSON or of a rule; the previous rules then remain active.
    pub fn set(&self, rules: &[u8]) -> Result<(), String> {
        let rules: Vec<Rule> =
            serde_json::from_slice(rules).map_err(|error| format!("not a list of rules: {error}"))?;
        for rule in &rules {
            rule.check()?;
        }
        *self.rules() = (0..).zip(rules).map(|(index, rule)| CountedRule::new(index, rule)).collect();
        Ok(())
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.rules().clear();
    }

    /// The rules, each with the numbers of matching calls and of injected faults.
    ///
    /// # Errors
    /// None in practice: the serialization of a rule cannot fail.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&*self.rules())
    }

    /// The fault to inject into this call, if any. Every matching rule counts the call; the first rule that selects the
    /// call injects its fault.
    pub fn inject(&self, call: CallKey<'_>) -> Option<InjectedFault> {
        let mut injected = None;
        for counted_rule in self.rules().iter_mut() {
            if counted_rule.selects(call) && injected.is_none() {
                counted_rule.injected += 1;
                injected = Some(counted_rule.rule.injected_fault());
            }
        }
        injected
    }

    /// The rules remain readable after a panic of another thread.
    fn rules(&self) -> MutexGuard<'_, Vec<CountedRule>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rule {
    fn check(&self) -> Result<(), String> {
        let invalid = |problem: &str| Err(format!("{} {}: {problem}", self.service, self.operation));
        if self.nth == Some(0) {
            return invalid("nth must be 1 or more");
        }
        if self.nth.is_some() && self.probability.is_some() {
            return invalid("nth and probability exclude each other");
        }
        if self.probability.is_some_and(|it| !(0.0..=1.0).contains(&it)) {
            return invalid("probability must be from 0 to 1");
        }
        if Duration::try_from_secs_f64(self.seconds).is_err() {
            return invalid("seconds must be a number, 0 or more");
        }
        Ok(())
    }

    fn injected_fault(&self) -> InjectedFault {
        InjectedFault { fault: self.fault, duration: Duration::try_from_secs_f64(self.seconds).unwrap_or_default() }
    }

    /// Operations that cannot have the fault do not match: a delete never fails because of a quota.
    fn matches(&self, call: CallKey<'_>) -> bool {
        matches_pattern(&self.service, call.service)
            && matches_pattern(&self.operation, call.operation)
            && self.app.as_deref().is_none_or(|app| Some(app) == call.app)
            && fault_response::exists(self.fault, call.service, call.operation)
    }
}

impl CountedRule {
    /// Rules with the same seed draw independently: otherwise the second of two rules would select only calls that the
    /// first already has.
    fn new(index: u64, rule: Rule) -> Self {
        let (armed, seed) = (rule.after.is_none(), mix(rule.seed) ^ index);
        CountedRule { rule, matched: 0, injected: 0, armed, seed, calls_by_operation: BTreeMap::new() }
    }

    fn selects(&mut self, call: CallKey<'_>) -> bool {
        if self.rule.after.as_deref() == Some(call.operation) && matches_pattern(&self.rule.service, call.service) {
            (self.armed, self.matched) = (true, 0);
        }
        if !self.armed || !self.rule.matches(call) {
            return false;
        }
        self.matched += 1;
        let calls_by_operation =
            self.calls_by_operation.entry(format!("{} {}", call.service, call.operation)).or_default();
        *calls_by_operation += 1;
        let drawn = draw(self.seed, call, *calls_by_operation);
        self.rule.times.is_none_or(|times| self.injected < times)
            && self.rule.nth.is_none_or(|nth| nth == self.matched)
            && self.rule.probability.is_none_or(|probability| drawn < probability)
    }
}

fn matches_pattern(pattern: &str, name: &str) -> bool {
    pattern == name || pattern.strip_suffix('*').is_some_and(|beginning| name.starts_with(beginning))
}

/// A pseudorandom number from 0 to 1, always the same for the same call.
fn draw(seed: u64, call: CallKey<'_>, nth: u64) -> f64 {
    let names = call.service.bytes().chain(call.operation.bytes()).map(u64::from);
    let mixed = names.chain([nth]).fold(mix(seed), |mixed, part| mix(mixed ^ part));
    // 32 bits are exact in a float.
    f64::from(u32::try_from(mixed >> 32).unwrap_or(u32::MAX)) / 2_f64.powi(32)
}

/// SplitMix64: a change of one bit changes half of them.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn faults(rules: &Value) -> Faults {
        let faults = Faults::default();
        faults.set(rules.to_string().as_bytes()).unwrap();
        faults
    }

    /// The numbers of the calls that have an injected fault, counted from 1.
    fn injected_calls(faults: &Faults, operation: &str, calls: u64) -> Vec<u64> {
        let call = CallKey { service: "ec2", operation, app: Some("reconciler") };
        (1..=calls).filter(|_| faults.inject(call).is_some()).collect()
    }

    #[test]
    fn a_rule_selects_every_call_or_the_nth_or_a_limited_number() {
        let rule = |more: Value| {
            let mut rule = json!({"service": "ec2", "operation": "CreateVpc", "fault": "throttling"});
            rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            faults(&json!([rule]))
        };
        assert_eq!(injected_calls(&rule(json!({})), "CreateVpc", 3), [1, 2, 3]);
        assert_eq!(injected_calls(&rule(json!({"nth": 2})), "CreateVpc", 4), [2]);
        assert_eq!(injected_calls(&rule(json!({"times": 2})), "CreateVpc", 4), [1, 2]);
        assert!(injected_calls(&rule(json!({})), "CreateSubnet", 3).is_empty());
        assert_eq!(injected_calls(&rule(json!({"app": "reconciler"})), "CreateVpc", 1), [1]);
        assert!(injected_calls(&rule(json!({"app": "watchdog"})), "CreateVpc", 1).is_empty());
    }

    #[test]
    fn a_star_matches_any_suffix() {
        for (service, operation) in [("*", "*"), ("ec2", "Create*"), ("e*", "CreateVpc")] {
            let faults = faults(&json!([{"service": service, "operation": operation, "fault": "500"}]));
            assert_eq!(injected_calls(&faults, "CreateVpc", 1), [1], "{service} {operation}");
        }
        let faults = faults(&json!([{"service": "ec2", "operation": "Delete*", "fault": "500"}]));
        assert!(injected_calls(&faults, "CreateVpc", 1).is_empty());
    }

    #[test]
    fn a_rule_with_after_counts_again_after_each_create() {
        let lag = json!({"service": "ec2", "operation": "DescribeVpcs", "after": "CreateVpc", "nth": 1});
        let mut lag = lag.as_object().unwrap().clone();
        lag.insert("fault".to_owned(), json!("not-found-lag"));
        let faults = faults(&json!([lag]));
        assert!(injected_calls(&faults, "DescribeVpcs", 2).is_empty());
        injected_calls(&faults, "CreateVpc", 1);
        assert_eq!(injected_calls(&faults, "DescribeVpcs", 3), [1]);
        injected_calls(&faults, "CreateVpc", 1);
        assert_eq!(injected_calls(&faults, "DescribeVpcs", 3), [1]);
    }

    #[test]
    fn the_random_draws_of_an_operation_ignore_other_operations() {
        let rules = |seed: u64| {
            faults(&json!([{"service": "*", "operation": "*", "probability": 0.3, "seed": seed, "fault": "503"}]))
        };
        let first = injected_calls(&rules(7), "CreateVpc", 100);
        assert!((15..45).contains(&first.len()), "{first:?}");
        assert_eq!(injected_calls(&rules(7), "CreateVpc", 100), first);
        let disturbed = rules(7);
        injected_calls(&disturbed, "DescribeVpcs", 13);
        assert_eq!(injected_calls(&disturbed, "CreateVpc", 100), first);
        assert_ne!(injected_calls(&rules(8), "CreateVpc", 100), first);
        let never = faults(&json!([{"service": "*", "operation": "*", "probability": 0, "fault": "503"}]));
        assert!(injected_calls(&never, "CreateVpc", 100).is_empty());
    }

    #[test]
    fn two_rules_with_one_seed_select_different_calls() {
        let rule = |fault: &str| json!({"service": "*", "operation": "*", "probability": 0.3, "fault": fault});
        let faults = faults(&json!([rule("500"), rule("503")]));
        injected_calls(&faults, "CreateVpc", 100);
        let rules: Value = serde_json::from_slice(&faults.to_json().unwrap()).unwrap();
        assert!(rules[1]["injected"].as_u64().unwrap() > 10, "{rules}");
    }

    #[test]
    fn every_rule_counts_and_the_first_selecting_rule_injects() {
        let both = json!([
            {"service": "ec2", "operation": "CreateVpc", "nth": 1, "fault": "stall", "seconds": 2.5},
            {"service": "ec2", "operation": "*", "fault": "quota"},
        ]);
        let faults = faults(&both);
        let call = |operation| CallKey { service: "ec2", operation, app: None };
        let stall = InjectedFault { fault: Fault::Stall, duration: Duration::from_millis(2_500) };
        assert_eq!(faults.inject(call("CreateVpc")), Some(stall));
        assert_eq!(faults.inject(call("CreateVpc")).map(|injected| injected.fault), Some(Fault::Quota));
        assert_eq!(faults.inject(call("DescribeVpcs")), None, "a read cannot exceed a quota");
        let rules: Value = serde_json::from_slice(&faults.to_json().unwrap()).unwrap();
        let counts = |rule: &Value| (rule["matched"].as_u64().unwrap(), rule["injected"].as_u64().unwrap());
        assert_eq!(rules.as_array().unwrap().iter().map(counts).collect::<Vec<_>>(), [(2, 1), (2, 1)]);
        assert_eq!(rules[0]["rule"]["fault"], "stall");
        faults.clear();
        assert_eq!(faults.inject(call("CreateVpc")), None);
    }

    #[test]
    fn invalid_rules_are_rejected_and_the_previous_rules_remain() {
        let faults = faults(&json!([{"service": "ec2", "operation": "*", "fault": "500"}]));
        for (rule, expected) in [
            (json!({"operation": "*", "fault": "500"}), "missing field `service`"),
            (json!({"service": "ec2", "operation": "*", "fault": "magic"}), "unknown variant `magic`"),
            (json!({"service": "ec2", "operation": "*", "fault": "500", "when": 1}), "unknown field `when`"),
            (json!({"service": "ec2", "operation": "*", "fault": "500", "nth": 0}), "nth must be 1 or more"),
            (
                json!({"service": "ec2", "operation": "*", "fault": "500", "nth": 1, "probability": 1}),
                "exclude each other",
            ),
            (json!({"service": "ec2", "operation": "*", "fault": "500", "probability": 2}), "from 0 to 1"),
            (json!({"service": "ec2", "operation": "*", "fault": "500", "seconds": -1}), "0 or more"),
        ] {
            let error = faults.set(json!([rule]).to_string().as_bytes()).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        assert_eq!(injected_calls(&faults, "CreateVpc", 1), [1]);
    }
}
