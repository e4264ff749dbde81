//! Shared helpers of the tests of instance refreshes.

use std::time::Duration;

use auto_scaling::{
    Detail, InstanceRefresh, LaunchTemplate, RefreshPreferences, RefreshStatus, StartRefresh, Timestamp,
};

use crate::host::Host;

pub const SECOND: Duration = Duration::from_secs(1);
pub const MINUTE: Duration = Duration::from_mins(1);

pub fn version(version: &str) -> LaunchTemplate {
    LaunchTemplate { id: "lt-1".into(), name: "web".into(), version: version.into() }
}

/// A refresh towards version 2.
pub fn to_version_2(preferences: RefreshPreferences) -> StartRefresh {
    StartRefresh { desired_configuration: Some(version("2")), preferences }
}

pub fn healthy(min: u32, max: Option<u32>) -> RefreshPreferences {
    RefreshPreferences {
        min_healthy_percentage: Some(min),
        max_healthy_percentage: max,
        ..RefreshPreferences::default()
    }
}

impl Host {
    pub fn start(&mut self, preferences: RefreshPreferences) -> String {
        self.sim.start_instance_refresh("web", to_version_2(preferences), self.now).unwrap()
    }

    /// The newest refresh.
    pub fn refresh(&self) -> InstanceRefresh {
        self.sim.instance_refreshes("web", self.now).unwrap().remove(0)
    }

    pub fn state(&self) -> RefreshStatus {
        self.refresh().status
    }

    /// Status, percentage and instances to update, as `InProgress 25 1`.
    pub fn progress(&self) -> String {
        let refresh = self.refresh();
        let numbers = refresh.progress.map(|it| format!(" {} {}", it.percentage, it.instances_to_update));
        format!("{}{}", refresh.status.as_str(), numbers.unwrap_or_default())
    }

    pub fn reason(&self) -> String {
        self.refresh().status_reason.unwrap_or_default()
    }

    /// Runs until the refresh has ended, and returns its status. The number of counted instances and of instances in
    /// service is checked after every step.
    pub fn end(&mut self, check: impl Fn(&Host)) -> RefreshStatus {
        while self.state().is_active() {
            let due = self.sim.next_due(self.now).unwrap();
            self.advance(due.since(self.now));
            check(self);
        }
        self.state()
    }

    /// The events of refreshes, as `Started`, with the seconds since a time.
    pub fn refresh_events(&self, since: Timestamp) -> Vec<String> {
        let refreshes = self.events.iter().filter(|it| matches!(it.detail, Detail::InstanceRefresh { .. }));
        let name = |text: &str| text.trim_start_matches("EC2 Auto Scaling Instance Refresh ").to_owned();
        refreshes.map(|it| format!("{} {}", it.time.since(since).as_secs(), name(it.detail_type()))).collect()
    }

    /// The versions of the instances in service.
    pub fn versions(&self) -> Vec<&str> {
        let in_service = self.in_service();
        let instances = self.web().instances.iter().filter(|it| in_service.contains(&it.id.as_str()));
        instances.map(|it| it.launch_template.version.as_str()).collect()
    }

    pub fn count_of(&self, version: &str) -> usize {
        self.versions().into_iter().filter(|it| *it == version).count()
    }

    /// The instances that count towards the capacity, and those in service.
    pub fn sizes(&self) -> (usize, usize) {
        let counted = self.web().instances.iter().filter(|it| it.state.is_active()).count();
        (counted, self.in_service().len())
    }
}
