//! What goes wrong, and when: rules, what they counted, and a seed. Nothing here knows a protocol.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::fault_response;

/// What can go wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Refused: too many calls.
    Throttling,
    /// The service broke.
    #[serde(rename = "500")]
    InternalError,
    /// The service is not there.
    #[serde(rename = "503")]
    Unavailable,
    /// The connection is held, then closed. Nothing happened.
    TimeoutBefore,
    /// It happened; then the connection is held, and closed.
    TimeoutAfter,
    /// It happened, and the connection is closed at once.
    LostResponse,
    /// A read does not see what was just made.
    NotFoundLag,
    /// The caller may not.
    AccessDenied,
    /// The account has no room for another.
    Quota,
    /// It happened, and half of the answer comes.
    MalformedBody,
    /// 200, and inside it says that nothing of the batch was done.
    PartialFailure,
    /// The normal answer, late.
    Stall,
}

/// Which calls go wrong, and how. What is left out is not looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The signing name, or a beginning and `*`.
    pub service: String,
    /// AWS's name for it, or a beginning and `*`.
    pub operation: String,
    /// The application id of the caller: what tells the functions apart, and a test from them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// Calls count once the service had this operation, and from one again whenever it has it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Only this one of the calls that match, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// Each with this probability, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Chance begins here: the same seed, the same faults.
    #[serde(default)]
    pub seed: u64,
    /// At most so many of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// How.
    pub fault: Fault,
    /// For how long, where the fault takes time.
    #[serde(default = "default_seconds")]
    pub seconds: f64,
}

fn default_seconds() -> f64 {
    30.0
}

/// A call, as far as rules look at it.
#[derive(Debug, Clone, Copy)]
pub struct CallKey<'a> {
    pub service: &'a str,
    pub operation: &'a str,
    pub app: Option<&'a str>,
}

/// A call goes wrong, in this way and for this long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InjectedFault {
    pub fault: Fault,
    pub duration: Duration,
}

/// The rules that are in force.
#[derive(Default)]
pub struct Faults(Mutex<Vec<CountedRule>>);

/// A rule, and what it has seen.
#[derive(Debug, Serialize)]
struct CountedRule {
    rule: Rule,
    /// Calls that it matched.
    matched: u64,
    /// Calls that went wrong by it.
    injected_calls: u64,
    /// Whether what it waits for has been.
    #[serde(skip)]
    armed: bool,
    #[serde(skip)]
    seed: u64,
    /// Calls of each operation: chance is drawn for the n-th of one, so that calls of others at the same time, in
    /// whatever order they come, change nothing.
    #[serde(skip)]
    calls_by_operation: BTreeMap<String, u64>,
}

impl Faults {
    /// Replaces all rules by those in a JSON array, and begins to count anew.
    ///
    /// # Errors
    /// What is wrong with it; the old rules then stay.
    pub fn set(&self, rules: &[u8]) -> Result<(), String> {
        let rules: Vec<Rule> =
            serde_json::from_slice(rules).map_err(|error| format!("not a list of rules: {error}"))?;
        for rule in &rules {
            rule.check()?;
        }
        *self.rules() = (0..).zip(rules).map(|(index, rule)| CountedRule::new(index, rule)).collect();
        Ok(())
    }

    /// Forgets all rules.
    pub fn clear(&self) {
        self.rules().clear();
    }

    /// The rules, with how many calls each matched and struck.
    ///
    /// # Errors
    /// None in practice: a rule always serialises.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&*self.rules())
    }

    /// Whether this call goes wrong. Every rule counts it; the first one that wants it has it.
    pub fn injected(&self, call: CallKey<'_>) -> Option<InjectedFault> {
        let mut injected = None;
        for counted_rule in self.rules().iter_mut() {
            if counted_rule.selects(call) && injected.is_none() {
                counted_rule.injected_calls += 1;
                injected = Some(counted_rule.rule.injected());
            }
        }
        injected
    }

    /// A panic elsewhere leaves the rules readable.
    fn rules(&self) -> MutexGuard<'_, Vec<CountedRule>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rule {
    fn check(&self) -> Result<(), String> {
        let wrong = |what: &str| Err(format!("{} {}: {what}", self.service, self.operation));
        if self.nth == Some(0) {
            return wrong("nth counts from 1");
        }
        if self.nth.is_some() && self.probability.is_some() {
            return wrong("nth or probability, not both");
        }
        if self.probability.is_some_and(|it| !(0.0..=1.0).contains(&it)) {
            return wrong("probability is from 0 to 1");
        }
        if Duration::try_from_secs_f64(self.seconds).is_err() {
            return wrong("seconds are a number from 0 up");
        }
        Ok(())
    }

    fn injected(&self) -> InjectedFault {
        InjectedFault { fault: self.fault, duration: Duration::try_from_secs_f64(self.seconds).unwrap_or_default() }
    }

    /// Operations that do not have the fault are passed by: no delete fails for a quota.
    fn matches(&self, call: CallKey<'_>) -> bool {
        matches_pattern(&self.service, call.service)
            && matches_pattern(&self.operation, call.operation)
            && self.app.as_deref().is_none_or(|app| Some(app) == call.app)
            && fault_response::exists(self.fault, call.service, call.operation)
    }
}

impl CountedRule {
    /// Rules of one seed draw apart: else the second of two would only ever want calls that the first has taken.
    fn new(index: u64, rule: Rule) -> Self {
        let (armed, seed) = (rule.after.is_none(), mix(rule.seed) ^ index);
        CountedRule { rule, matched: 0, injected_calls: 0, armed, seed, calls_by_operation: BTreeMap::new() }
    }

    fn selects(&mut self, call: CallKey<'_>) -> bool {
        if self.rule.after.as_deref() == Some(call.operation) && matches_pattern(&self.rule.service, call.service) {
            (self.armed, self.matched) = (true, 0);
        }
        if !self.armed || !self.rule.matches(call) {
            return false;
        }
        self.matched += 1;
        let calls_by_operation = self.calls_by_operation.entry(format!("{} {}", call.service, call.operation)).or_default();
        *calls_by_operation += 1;
        let drawn = draw(self.seed, call, *calls_by_operation);
        self.rule.times.is_none_or(|times| self.injected_calls < times)
            && self.rule.nth.is_none_or(|nth| nth == self.matched)
            && self.rule.probability.is_none_or(|probability| drawn < probability)
    }
}

fn matches_pattern(pattern: &str, name: &str) -> bool {
    pattern == name || pattern.strip_suffix('*').is_some_and(|beginning| name.starts_with(beginning))
}

/// A number from 0 to 1 that looks like chance, and is always the same for the same call.
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

    /// Which of so many calls go wrong, from 1.
    fn injected_calls(faults: &Faults, operation: &str, calls: u64) -> Vec<u64> {
        let call = CallKey { service: "ec2", operation, app: Some("reconciler") };
        (1..=calls).filter(|_| faults.injected(call).is_some()).collect()
    }

    #[test]
    fn a_rule_takes_every_call_the_nth_or_so_many() {
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
    fn a_star_ends_a_beginning() {
        for (service, operation) in [("*", "*"), ("ec2", "Create*"), ("e*", "CreateVpc")] {
            let faults = faults(&json!([{"service": service, "operation": operation, "fault": "500"}]));
            assert_eq!(injected_calls(&faults, "CreateVpc", 1), [1], "{service} {operation}");
        }
        let faults = faults(&json!([{"service": "ec2", "operation": "Delete*", "fault": "500"}]));
        assert!(injected_calls(&faults, "CreateVpc", 1).is_empty());
    }

    #[test]
    fn what_waits_for_a_create_counts_from_there_and_from_each_anew() {
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
    fn chance_is_the_same_again_whatever_comes_between() {
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
    fn two_rules_of_one_seed_want_different_calls() {
        let rule = |fault: &str| json!({"service": "*", "operation": "*", "probability": 0.3, "fault": fault});
        let faults = faults(&json!([rule("500"), rule("503")]));
        injected_calls(&faults, "CreateVpc", 100);
        let expected: Value = serde_json::from_slice(&faults.to_json().unwrap()).unwrap();
        assert!(expected[1]["injected"].as_u64().unwrap() > 10, "{expected}");
    }

    #[test]
    fn all_rules_count_and_the_first_that_wants_a_call_has_it() {
        let both = json!([
            {"service": "ec2", "operation": "CreateVpc", "nth": 1, "fault": "stall", "seconds": 2.5},
            {"service": "ec2", "operation": "*", "fault": "quota"},
        ]);
        let faults = faults(&both);
        let call = |operation| CallKey { service: "ec2", operation, app: None };
        let stall = InjectedFault { fault: Fault::Stall, duration: Duration::from_millis(2_500) };
        assert_eq!(faults.injected(call("CreateVpc")), Some(stall));
        assert_eq!(faults.injected(call("CreateVpc")).map(|injected| injected.fault), Some(Fault::Quota));
        assert_eq!(faults.injected(call("DescribeVpcs")), None, "a read needs no room");
        let expected: Value = serde_json::from_slice(&faults.to_json().unwrap()).unwrap();
        let counts = |rule: &Value| (rule["matched"].as_u64().unwrap(), rule["injected"].as_u64().unwrap());
        assert_eq!(expected.as_array().unwrap().iter().map(counts).collect::<Vec<_>>(), [(2, 1), (2, 1)]);
        assert_eq!(expected[0]["rule"]["fault"], "stall");
        faults.clear();
        assert_eq!(faults.injected(call("CreateVpc")), None);
    }

    #[test]
    fn rules_that_are_wrong_are_refused_and_the_old_ones_stay() {
        let faults = faults(&json!([{"service": "ec2", "operation": "*", "fault": "500"}]));
        for (wrong, expected) in [
            (json!({"operation": "*", "fault": "500"}), "missing field `service`"),
            (json!({"service": "ec2", "operation": "*", "fault": "magic"}), "unknown variant `magic`"),
            (json!({"service": "ec2", "operation": "*", "fault": "500", "when": 1}), "unknown field `when`"),
            (json!({"service": "ec2", "operation": "*", "fault": "500", "nth": 0}), "nth counts from 1"),
            (json!({"service": "ec2", "operation": "*", "fault": "500", "nth": 1, "probability": 1}), "not both"),
            (json!({"service": "ec2", "operation": "*", "fault": "500", "probability": 2}), "from 0 to 1"),
            (json!({"service": "ec2", "operation": "*", "fault": "500", "seconds": -1}), "from 0 up"),
        ] {
            let refusal = faults.set(json!([wrong]).to_string().as_bytes()).unwrap_err();
            assert!(refusal.contains(expected), "{refusal}");
        }
        assert_eq!(injected_calls(&faults, "CreateVpc", 1), [1]);
    }
}
