//! The table for readers: what happens next, by the refresh and by what the pass works on. The record of the begin, which
//! precedes the first call of each rollout, is left out.

use std::fmt::Write as _;

use environment::Timestamp;
use environment::rollout::{Action, FailureCause, Hold, RolloutMode, SavedVersion};

use super::fixture::{Case, NOW, STATUSES, TRIGGERS, foreign, in_service, return_to, rollout_of, unhealthy, version};

/// The action in a few words.
fn brief(action: &Action) -> String {
    match action {
        Action::None => "-".into(),
        Action::Wait(_) => "wait".into(),
        Action::Alarm(_) => "alarm".into(),
        Action::Refuse(_) => "refuse".into(),
        Action::Start(call) if call.preferences.skip_matching == Some(false) => {
            format!("replace all by v{}", call.version.number)
        }
        Action::Start(call) if call.preferences.are_of_a_way_back() => format!("start back v{}", call.version.number),
        Action::Start(call) if call.preferences.auto_rollback == Some(false) => {
            format!("start v{}, no way back", call.version.number)
        }
        Action::Start(call) => format!("start v{}", call.version.number),
        Action::RollBack => "roll back".into(),
        Action::Cancel(_) => "cancel".into(),
        Action::SetTemplate(version) => format!("set group to v{}", version.number),
        Action::Suspend => "suspend".into(),
        Action::Resume => "resume".into(),
        Action::RecordHold(None) => "end hold".into(),
        Action::RecordHold(Some(hold)) if hold.is_open(NOW) => "record hold".into(),
        Action::RecordHold(Some(_)) => "hold ends".into(),
        Action::Begin => "begin".into(),
        Action::Adopt(_) => "adopt".into(),
        Action::Accept(version) => format!("accept v{}", version.number),
        Action::MarkFailed(failed) => format!("mark v{} failed", failed.version.number),
        Action::Forget(version) => format!("forget failure of v{}", version.number),
    }
}

/// The rows: the refresh, and the case with it.
fn rows(case: &Case) -> Vec<(String, String, Case)> {
    let mut rows = vec![(String::new(), "no refresh".to_owned(), case.clone())];
    let name = |status: &str| if status == "Paused" { "an unknown status".to_owned() } else { status.to_owned() };
    for status in STATUSES {
        rows.push(("rollout of v7".into(), name(status), case.clone().with_own(rollout_of(7, status))));
    }
    for status in STATUSES {
        rows.push(("return to v6".into(), name(status), case.clone().with_own(return_to(6, status))));
    }
    for status in STATUSES {
        let refresh = Some(foreign(status));
        rows.push(("another's".into(), name(status), Case { refresh, ..case.clone() }));
    }
    rows
}

fn table(title: &str, case: &Case) -> String {
    // Rows of one refresh with the same actions are one row.
    let mut merged: Vec<(String, Vec<String>, Vec<String>)> = Vec::new();
    for (whose, status, case) in rows(case) {
        let actions: Vec<String> = TRIGGERS
            .iter()
            .map(|(_, trigger)| brief(&Case { trigger: trigger(), ..case.clone() }.decide_begun()))
            .collect();
        match merged.iter_mut().find(|(it, _, same)| *it == whose && *same == actions) {
            Some((_, statuses, _)) => statuses.push(status),
            None => merged.push((whose, vec![status], actions)),
        }
    }
    let mut lines = vec![("refresh".to_owned(), TRIGGERS.map(|(name, _)| name.to_owned()).to_vec())];
    lines.extend(merged.into_iter().map(|(whose, statuses, actions)| {
        (format!("{whose} {}", statuses.join(", ")).trim_start().to_owned(), actions)
    }));
    let mut text = format!("{title}\n\n");
    let width = |column: usize| lines.iter().map(|(_, cells)| cells[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..TRIGGERS.len()).map(width).collect();
    for (refresh, cells) in &lines {
        for (cell, width) in cells.iter().zip(&widths) {
            let _ = write!(text, "{cell:width$} | ");
        }
        let _ = writeln!(text, "{refresh}");
    }
    text
}

/// The case with a hold that has suspended the process.
fn held(case: Case, until: Timestamp) -> Case {
    let mut case = Case { is_suspended: true, ..case };
    case.record.hold = Some(Hold { until, suspends: Some(true), is_observed: true });
    case
}

#[test]
fn the_table_is_the_reviewed_one() {
    let usual = Case::default;
    let mixed = vec![in_service("i-1", 6, 600), in_service("i-2", 7, 2)];
    let all_new = vec![in_service("i-1", 7, 600), in_service("i-2", 7, 600)];
    let group_at = |number| SavedVersion::Numbered(version(number));
    let mut gone = Case { instances: mixed.clone(), ..usual() };
    gone.launchable.remove(&6);
    let mut after_success = Case { desired: version(6), saved: group_at(7), instances: all_new.clone(), ..usual() };
    after_success.record.running = Some(version(7));
    after_success.record.previous = Some(version(6));
    let mut lost = usual();
    lost.record.running = None;
    let none = Case {
        settings: environment::rollout::RolloutSettings { mode: RolloutMode::None, ..usual().settings },
        ..usual()
    };
    let cases = [
        ("1. A rolling input changed: v7 is desired; group, instances and record have v6.", usual()),
        ("2. As 1, and one instance of v7 is unhealthy.", Case { verdicts: vec![unhealthy(7)], ..usual() }),
        (
            "3. As 1, v7 failed; one instance has v7.",
            Case { instances: mixed.clone(), ..usual() }.with_failed(7, FailureCause::Verdict),
        ),
        (
            "4. As 3, and the group has saved v7.",
            Case { instances: mixed.clone(), saved: group_at(7), ..usual() }.with_failed(7, FailureCause::Verdict),
        ),
        ("5. As 3, and v6 can no longer be launched.", gone.clone().with_failed(7, FailureCause::Verdict)),
        ("6. As 1, and v6 can no longer be launched.", Case { instances: usual().instances, ..gone }),
        (
            "7. As 3, but the failure is the cancel of an operator.",
            Case { instances: mixed.clone(), ..usual() }.with_failed(7, FailureCause::Cancelled),
        ),
        (
            "8. Back in the middle: v6 is desired; group and record have v6, one instance has v7.",
            Case { desired: version(6), instances: mixed, ..usual() },
        ),
        (
            "9. Back after a success: v6 is desired; group, instances and record have v7, and v6 ran before.",
            after_success,
        ),
        ("10. Nothing changed: all is v6.", Case { desired: version(6), ..usual() }),
        ("11. As 1, with `Rollout: None`.", none),
        ("12. As 1, and the record was lost.", lost),
        ("13. As 1, and an operator holds the rollout for eight hours.", held(usual(), NOW + Hold::DEFAULT)),
        ("14. As 1, and the hold has ended.", held(usual(), NOW)),
    ];
    let tables: Vec<String> = cases.iter().map(|(title, case)| table(title, case)).collect();
    insta::assert_snapshot!(tables.join("\n"));
}
