//! Seeded accounts with quotas, half of them too small, beside seeded specs: the preflight refuses a Create only if AWS would
//! fail it, and nearly all that AWS would fail. The figures are in `target/reports/preflight.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use memory_cloud::{AccountQuota, Counted};
use request_pass::CloudFactory as _;
use requests::Request;
use serde_json::{Map, Value, json};
use test_support::hooks::SeededRng;
use test_support::{run, sent, with};

use crate::harness::{harness, sample};

const ACCOUNTS: u64 = 1_200;

/// The counted resources, each with the number of chances to be the one that runs out: a quota of 5 or 20 does more often
/// than one of thousands.
const CHANCES: [(Counted, u64); 13] = [
    (Counted::Vpc, 8),
    (Counted::InternetGateway, 8),
    (Counted::NatGateway, 8),
    (Counted::Address, 8),
    (Counted::GatewayEndpoint, 8),
    (Counted::Vcpu, 8),
    (Counted::InstanceAddress, 8),
    (Counted::SecurityGroup, 1),
    (Counted::Group, 1),
    (Counted::Role, 1),
    (Counted::Profile, 1),
    (Counted::Bucket, 1),
    (Counted::Alarm, 1),
];

/// The quotas whose use no call returns, so that only AWS's rejection shows that they ran out.
const UNREAD: [Counted; 2] = [Counted::Bucket, Counted::Alarm];

/// The properties of one environment, with the numbers that this test's account needs for it.
struct Case {
    properties: Value,
    needed: BTreeMap<Counted, u32>,
}

fn case(rng: &mut SeededRng) -> Case {
    let network = rng.below(5);
    let zones = u32::try_from(1 + rng.below(3)).expect("at most 3");
    let min = u32::try_from(rng.below(5)).expect("at most 4");
    let waits = rng.below(4) > 0;
    let mut properties = json!({
        "MinSize": min, "MaxSize": min + 3, "DesiredCapacity": min, "WaitForInstances": waits, "ZoneCount": zones,
    });
    let all: &mut Map<String, Value> = properties.as_object_mut().expect("an object");
    let mut needed = BTreeMap::from([
        (Counted::SecurityGroup, 1),
        (Counted::Group, 1),
        (Counted::Role, 1),
        (Counted::Profile, 1),
        (Counted::Bucket, 2),
        (Counted::Alarm, 5),
        (Counted::Vcpu, if waits { 2 * min } else { 0 }),
    ]);
    if network < 4 {
        needed.insert(Counted::Vpc, 1);
    }
    match network {
        0 => {
            all.insert("Egress".into(), json!("NatGateway"));
            needed.extend([(Counted::InternetGateway, 1), (Counted::NatGateway, 1), (Counted::Address, 1)]);
        }
        1 => {
            all.insert("Egress".into(), json!("NatGatewayPerZone"));
            needed.extend([(Counted::InternetGateway, 1), (Counted::NatGateway, 1), (Counted::Address, zones)]);
        }
        2 => {
            all.insert("Egress".into(), json!("VpcEndpoints"));
            needed.extend([(Counted::GatewayEndpoint, 1), (Counted::SecurityGroup, 2)]);
        }
        3 => {
            all.insert("Egress".into(), json!("PublicIp"));
            needed.insert(Counted::InternetGateway, 1);
        }
        _ => {
            all.remove("ZoneCount");
            all.insert("VpcId".into(), json!("vpc-0123456789abcdef0"));
            all.insert("SubnetIds".into(), json!(["subnet-11111111", "subnet-22222222"]));
            needed.insert(Counted::InstanceAddress, if waits { min } else { 0 });
        }
    }
    Case { properties, needed }
}

/// Quotas of which up to three are too small, if any; the others allow exactly what is needed, or more.
fn quotas(rng: &mut SeededRng, needed: &BTreeMap<Counted, u32>) -> (Vec<AccountQuota>, BTreeSet<Counted>) {
    let mut short = BTreeSet::new();
    if rng.below(2) == 0 {
        let candidates: Vec<Counted> = CHANCES
            .iter()
            .filter(|(counted, _)| needed.get(counted).is_some_and(|needed| *needed > 0))
            .flat_map(|(counted, chances)| (0..*chances).map(|_| *counted))
            .collect();
        for _ in 0..=rng.below(3) {
            short.insert(candidates[usize::try_from(rng.below(candidates.len() as u64)).expect("an index")]);
        }
    }
    let quota = |(counted, _): &(Counted, u64)| {
        let needed = needed.get(counted).copied().unwrap_or_default();
        let used_by_others = u32::try_from(rng.below(6)).expect("at most 5");
        let left = if short.contains(counted) {
            u32::try_from(rng.below(needed.into())).expect("less than needed")
        } else {
            needed + u32::try_from(rng.below(3)).expect("at most 2")
        };
        AccountQuota { counted: *counted, allowed: used_by_others + left, used_by_others }
    };
    // A managed network has addresses of its own.
    let quotas = CHANCES.iter().filter(|(counted, _)| needed.contains_key(counted)).map(quota).collect();
    (quotas, short)
}

/// The outcome of a Create, and the number of writes.
fn create(properties: &Value, quotas: &[AccountQuota], denies_limits: bool) -> (Result<(), String>, usize) {
    let mut harness = harness();
    harness.cloud_factory.denies_limits = denies_limits;
    harness.cloud_factory.account.quotas.borrow_mut().extend_from_slice(quotas);
    let mut event = sent(with(sample("create.json"), json!({ "ResourceProperties": properties })), 0);
    if properties.get("VpcId").is_some() {
        let given = event["ResourceProperties"].as_object_mut().expect("an object");
        given.retain(|name, _| name != "VpcCidr" && name != "ZoneCount");
    }
    let request = Request::read(&event, harness.cloud_factory.now().0).expect("a valid request");
    let until = harness.cloud_factory.now() + Duration::from_mins(59);
    let response = run(&harness.cloud_factory.account.clock, harness.pass(&request).run_to_completion(until));
    let response: Value = serde_json::from_str(&response.body()).expect("JSON");
    let outcome = match response["Status"].as_str() {
        Some("SUCCESS") => Ok(()),
        _ => Err(response["Reason"].as_str().unwrap_or_default().to_owned()),
    };
    (outcome, harness.cloud_factory.write_count())
}

#[test]
fn a_refused_create_would_fail_and_few_that_fail_are_not_refused() {
    let (mut succeeded, mut refused, mut writes) = (0, 0, 0);
    let mut wrongly_refused = Vec::new();
    let mut missed: BTreeMap<String, u32> = BTreeMap::new();
    for seed in 0..ACCOUNTS {
        let mut rng = SeededRng::new(seed);
        let Case { properties, needed } = case(&mut rng);
        let (quotas, short) = quotas(&mut rng, &needed);
        match create(&properties, &quotas, false) {
            (Ok(()), _) => {
                succeeded += 1;
                assert!(short.is_empty(), "seed {seed}: {short:?} ran out, and the Create succeeded: {properties}");
            }
            (Err(reason), written) if reason.starts_with("This account has no room") => {
                refused += 1;
                writes += written;
                if create(&properties, &quotas, true).0.is_ok() {
                    wrongly_refused.push(format!("seed {seed}: {properties}: {reason}"));
                }
            }
            (Err(reason), _) => {
                assert!(
                    short.iter().all(|it| UNREAD.contains(it)) && !short.is_empty(),
                    "seed {seed}: {short:?} ran out: {properties}: {quotas:?}: {reason}"
                );
                let names: Vec<String> = short.iter().map(|it| format!("{it:?}")).collect();
                *missed.entry(names.join(" and ")).or_default() += 1;
            }
        }
    }
    let all_missed: u32 = missed.values().sum();
    let failed = refused + all_missed;
    let report = json!({
        "accounts": ACCOUNTS, "creates that succeed": succeeded, "creates that fail": failed, "refused": refused,
        "refused although the create succeeds": wrongly_refused, "writes before a refusal": writes,
        "failed and not refused, by the quota that ran out": missed,
    });
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/reports");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("preflight.json"), format!("{report:#}\n")).expect("a report");
    assert_eq!((wrongly_refused, writes), (Vec::<String>::new(), 0));
    assert!(f64::from(all_missed) <= 0.05 * f64::from(failed), "{report:#}");
    assert!(refused > 400, "{report:#}");
}
