//! A host for tests: virtual time, and instances that are named from a counter.

use std::time::Duration;

use auto_scaling::{
    AutoScaling, Effect, Event, Fault, Group, Latency, Launch, LaunchTemplate, LifecycleState, NewGroup, Notification,
    Settings, StartedInstance, Subnet, Timestamp, Timing,
};

pub const LAUNCH: Duration = Duration::from_secs(40);
pub const TERMINATE: Duration = Duration::from_mins(1);
/// 2026-11-23T08:00:00Z
pub const START: Timestamp = Timestamp(1_795_420_800_000);

pub struct Host {
    pub sim: AutoScaling,
    pub now: Timestamp,
    pub started: u32,
    /// Launches fail with this reason while it is set.
    pub launch_error: Option<&'static str>,
    /// The version of the template to which `launch_error` is limited.
    pub failing_version: Option<&'static str>,
    pub launches: Vec<Launch>,
    pub terminated: Vec<String>,
    pub events: Vec<Event>,
    pub notifications: Vec<Notification>,
}

impl Host {
    pub fn new() -> Self {
        Self::with_latency(Latency::NONE)
    }

    /// A host whose Auto Scaling takes time for its own work.
    pub fn with_latency(latency: Latency) -> Self {
        Self::with_timing(Timing { launch: LAUNCH, terminate: TERMINATE, latency })
    }

    pub fn with_timing(timing: Timing) -> Self {
        Self {
            sim: AutoScaling::new("us-west-2", "123456789012", timing),
            now: START,
            started: 0,
            launch_error: None,
            failing_version: None,
            launches: Vec::new(),
            terminated: Vec::new(),
            events: Vec::new(),
            notifications: Vec::new(),
        }
    }

    /// A host with the group `web` of `desired_capacity` instances, all in service.
    pub fn with(min: u32, desired_capacity: u32, max: u32) -> Self {
        let mut host = Self::new();
        host.sim.create_group(group(min, desired_capacity, max), host.now).unwrap();
        host.settle();
        host
    }

    /// Advances the time and applies the effects that are due now, once.
    pub fn advance(&mut self, span: Duration) {
        self.now = self.now + span;
        for effect in self.sim.step(self.now) {
            match effect {
                Effect::Launch(launch) => self.launch(&launch),
                Effect::Terminate { instance_id, .. } => self.terminated.push(instance_id),
                Effect::PublishEvent(event) => self.events.push(event),
                Effect::Notify(notification) => self.notifications.push(notification),
            }
        }
    }

    /// Advances the time by a span, with every step at its due time.
    pub fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(due) = self.sim.next_due(self.now).filter(|due| *due <= end) {
            self.advance(due.since(self.now));
        }
        self.now = end;
    }

    /// Advances the time until nothing is due any more.
    pub fn settle(&mut self) {
        while let Some(due) = self.sim.next_due(self.now) {
            assert!(due >= self.now, "{due} is due before {}", self.now);
            self.advance(Duration::from_millis(due.0 - self.now.0));
        }
    }

    fn launch(&mut self, launch: &Launch) {
        self.launches.push(launch.clone());
        if let Some(reason) = self.launch_error.filter(|_| self.fails(launch)) {
            return self.sim.launch_failed(launch.token, reason, self.now);
        }
        self.started += 1;
        let started = StartedInstance {
            instance_id: format!("i-{}", self.started),
            instance_type: "t3.micro".into(),
            version: launch.launch_template.version.clone(),
        };
        self.sim.launched(launch.token, started, self.now);
    }

    fn fails(&self, launch: &Launch) -> bool {
        self.failing_version.is_none_or(|version| launch.launch_template.version == version)
    }

    /// The newest activities, as `Status 50: Description`.
    pub fn activities(&self, count: usize) -> Vec<String> {
        let activities = self.sim.activities("web", true).unwrap().into_iter().take(count);
        activities.map(|it| format!("{} {}: {}", it.status.as_str(), it.progress, it.description)).collect()
    }

    /// The cause of the newest activity.
    pub fn cause(&self) -> String {
        self.sim.activities("web", true).unwrap()[0].cause.clone()
    }

    pub fn web(&self) -> &Group {
        self.sim.group("web").unwrap()
    }

    pub fn update(&mut self, change: impl FnOnce(&mut Settings)) -> Result<(), Fault> {
        let mut settings = self.web().settings.clone();
        change(&mut settings);
        self.sim.update_group("web", settings, None, self.now)
    }

    /// The instances, as `i-1 InService a`, with the last letter of their zones.
    pub fn instances(&self) -> Vec<String> {
        let describe = |it: &auto_scaling::Instance| {
            format!("{} {} {}", it.id, it.state.as_str(), it.subnet.zone.chars().last().unwrap())
        };
        self.web().instances.iter().map(describe).collect()
    }

    pub fn in_service(&self) -> Vec<&str> {
        let instances = self.web().instances.iter();
        instances.filter(|it| it.state == LifecycleState::InService).map(|it| it.id.as_str()).collect()
    }
}

pub fn subnet(zone: char) -> Subnet {
    Subnet { id: format!("subnet-{zone}"), zone: format!("us-west-2{zone}") }
}

/// The group `web` in two zones.
pub fn group(min: u32, desired_capacity: u32, max: u32) -> NewGroup {
    let settings = Settings {
        launch_template: LaunchTemplate { id: "lt-1".into(), name: "web".into(), version: "1".into() },
        min_size: min,
        max_size: max,
        subnets: vec![subnet('a'), subnet('b')],
        ..Settings::default()
    };
    NewGroup { name: "web".into(), settings, desired_capacity: Some(desired_capacity), ..NewGroup::default() }
}

/// The error, as `Code: message`.
pub fn error_text<T: std::fmt::Debug>(result: Result<T, Fault>) -> String {
    result.unwrap_err().to_string()
}
