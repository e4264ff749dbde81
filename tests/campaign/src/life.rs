//! What a stack asks of an environment, step by step, and how the end is judged.

use std::time::Duration;

use memory_cloud::Fault;
use requests::Owner;
use serde_json::{Value, json};

use crate::stage::{Answer, Resource, Stage, properties};

/// One thing that a stack does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Create,
    Update,
    /// An update that is refused half way, and the rollback to what was.
    FailedUpdate,
    Delete,
}

pub const STEPS: [Step; 4] = [Step::Create, Step::Update, Step::FailedUpdate, Step::Delete];

/// The environment of a run: its properties as created, and as updated.
#[derive(Clone, Debug)]
pub struct Plot {
    pub of: Resource,
    pub made: Value,
    pub updated: Value,
}

impl Plot {
    /// An environment with a way out of this kind.
    pub fn new(egress: &str) -> Plot {
        let made = json!({ "Egress": egress });
        let updated = json!({
            "Egress": egress, "MaxSize": "5", "InstanceType": "t3.small", "ScaleUpCpuThreshold": "60",
            "LogRetentionDays": "7", "Tags": { "team": "web" },
        });
        Plot { of: Resource::of(1, "dev"), made: properties(&made), updated: properties(&updated) }
    }
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub converged: bool,
    pub leaked: usize,
    pub duplicated: usize,
    pub unanswered: usize,
    /// What went wrong, for people.
    pub why: String,
}

impl Verdict {
    /// The verdict, with what else is wrong on a stage: whatever was answered there.
    #[must_use]
    pub fn with(mut self, stage: &Stage) -> Verdict {
        let flaws = stage.flaws();
        self.converged &= flaws.is_empty();
        self.why.push_str(&flaws);
        self
    }
}

/// How an environment looks when nothing disturbs it; its owner is left open.
#[derive(Clone, Debug)]
pub struct Golden {
    pub made: Vec<String>,
    pub updated: Vec<String>,
    /// How many calls each step makes: to the cloud, and to what is around it.
    pub calls: [(usize, usize); 4],
    /// How long a create takes.
    pub takes: Duration,
}

const OPEN: &str = "<owner>";

impl Golden {
    pub fn of(plot: &Plot) -> Golden {
        let stage = Stage::new();
        let count = |stage: &Stage| (stage.world().calls.borrow().len(), stage.outer.calls());
        let mut calls = [(0, 0); 4];
        let mut step = |stage: &Stage, step: Step| {
            let before = count(stage);
            let answer = perform(stage, plot, step, None);
            assert_eq!(answer, Answer::Success, "undisturbed, it works");
            let after = count(stage);
            calls[step as usize] = (after.0 - before.0, after.1 - before.1);
            inventory(stage, &plot.of)
        };
        let began = stage.world().clock.now();
        let made = step(&stage, Step::Create);
        let takes = stage.world().clock.now() - began;
        let updated = step(&stage, Step::Update);
        let back = Stage::new();
        step(&back, Step::Create);
        step(&back, Step::FailedUpdate);
        assert_eq!(inventory(&back, &plot.of), made, "a rollback leads back");
        step(&stage, Step::Delete);
        assert!(stage.inventory().is_empty(), "a delete leaves nothing");
        Golden { made, updated, calls, takes }
    }

    /// What there should be after a step.
    pub fn after(&self, step: Step) -> &[String] {
        match step {
            Step::Create | Step::FailedUpdate => &self.made,
            Step::Update => &self.updated,
            Step::Delete => &[],
        }
    }
}

/// What is there, with one owner left open.
pub fn inventory(stage: &Stage, of: &Resource) -> Vec<String> {
    let owner = Owner::of(&of.stack, &of.logical_id);
    stage.inventory().iter().map(|line| line.replace(owner.as_str(), OPEN)).collect()
}

/// A stage on which a step can begin.
pub fn before(plot: &Plot, step: Step) -> Stage {
    let stage = Stage::new();
    if step != Step::Create {
        let answer = perform(&stage, plot, Step::Create, None);
        assert_eq!(answer, Answer::Success, "undisturbed, it works");
    }
    stage
}

/// Performs a step with all that `CloudFormation` does about it, and returns its last answer. `cut` is a `ServiceTimeout`
/// in seconds.
pub fn perform(stage: &Stage, plot: &Plot, step: Step, cut: Option<u64>) -> Answer {
    let of = &plot.of;
    stage.play(async {
        match step {
            Step::Create => ask(stage, of, "Create", &plot.made, cut).await,
            Step::Update => ask(stage, of, "Update", &plot.updated, cut).await,
            Step::FailedUpdate => {
                refuse_half_way(stage);
                ask(stage, of, "Update", &plot.updated, cut).await;
                ask(stage, of, "Update", &plot.made, cut).await
            }
            Step::Delete => ask(stage, of, "Delete", &plot.made, cut).await,
        }
    })
}

/// Lets the third call from here be refused, unless something else happens to it.
fn refuse_half_way(stage: &Stage) {
    let third = stage.world().calls.borrow().len() + 2;
    stage.world().faults.borrow_mut().entry(third).or_insert(Fault::Denied);
}

async fn ask(stage: &Stage, of: &Resource, kind: &str, properties: &Value, cut: Option<u64>) -> Answer {
    let mut event = stage.request(of, kind, properties);
    if let Some(seconds) = cut {
        event["ServiceTimeout"] = json!(seconds.to_string());
    }
    stage.deliver(&event).await;
    let answer = stage.wait_for(&event).await;
    // The message is taken off the line after its answer.
    stage.quiet().await;
    answer
}

/// Deletes what there is, as a stack does that is deleted again until it is gone, and counts what stays.
pub fn leftovers(stage: &Stage, plot: &Plot) -> (usize, usize) {
    let mut unanswered = 0;
    for _ in 0..4 {
        match perform(stage, plot, Step::Delete, None) {
            Answer::Success => break,
            Answer::Failed(_) => {}
            Answer::Nothing => unanswered += 1,
        }
    }
    (stage.inventory().len(), unanswered)
}

/// Judges a run that should have ended in `expected`, and takes everything down.
pub fn judge(stage: &Stage, plot: &Plot, answer: &Answer, expected: &[String]) -> Verdict {
    let found = inventory(stage, &plot.of);
    let duplicated = stage.duplicates();
    let mut why = String::new();
    if *answer != Answer::Success {
        why = format!("the answer is {answer:?}");
    } else if found != expected {
        why = difference(&found, expected);
    }
    if std::env::var_os("CAMPAIGN_TRACE").is_some() {
        stage.trace();
    }
    let (leaked, unanswered) = leftovers(stage, plot);
    let unanswered = unanswered + usize::from(*answer == Answer::Nothing);
    if leaked > 0 {
        why = format!("{why}; left: {}", stage.inventory().join(" | "));
    }
    Verdict { converged: why.is_empty() && leaked == 0, leaked, duplicated, unanswered, why }.with(stage)
}

fn difference(found: &[String], expected: &[String]) -> String {
    let only = |one: &[String], other: &[String]| {
        one.iter().filter(|line| !other.contains(line)).cloned().collect::<Vec<_>>().join(" | ")
    };
    format!("too much: {}; missing: {}", only(found, expected), only(expected, found))
}
