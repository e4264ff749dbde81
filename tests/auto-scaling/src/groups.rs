//! Creating, reading, changing and deleting groups.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    AccountState, AutoScaling, DeletionProtection, Fault, Group, Hook, Latency, NewGroup, Settings, Timestamp,
    group::{Backoff, Cooldown},
    tag,
};

impl AutoScaling {
    /// Creates a group. The next step requests the launch of the first instances.
    ///
    /// # Errors
    /// `AlreadyExists`: the name is taken, also by a group that is being deleted. `ValidationError`, `LimitExceeded`:
    /// the name, a setting, a tag or a hook is not valid.
    pub fn create_group(&mut self, new: NewGroup, now: Timestamp) -> Result<(), Fault> {
        check_name(&new.name)?;
        self.check_free(&new.name)?;
        new.settings.check()?;
        let desired_capacity = new.desired_capacity.unwrap_or(new.settings.min_size);
        new.settings.check_desired(desired_capacity)?;
        let mut group = Group {
            arn: self.group_arn(&new.name),
            name: new.name,
            created: now,
            settings: new.settings,
            desired_capacity,
            tags: BTreeMap::new(),
            hooks: BTreeMap::new(),
            policies: BTreeMap::new(),
            target_group_arns: new.target_group_arns,
            adding_target_groups: BTreeMap::new(),
            enabled_metrics: BTreeSet::new(),
            suspended_processes: BTreeMap::new(),
            warm_pool: None,
            instances: Vec::new(),
            refreshes: Vec::new(),
            deleted_at: None,
            decided_at: now,
            unhealthy_replacements: 0,
            launching: Vec::new(),
            pending_cause: format!(
                "At {now} a user request created an AutoScalingGroup changing the desired capacity from 0 to \
                 {desired_capacity}.  "
            ),
            backoff: Backoff::default(),
            cooldown: Cooldown::default(),
        };
        tag::set(&mut group.tags, new.tags)?;
        for hook in new.hooks {
            Hook::put(&mut group.hooks, hook)?;
        }
        for hook in group.hooks.values() {
            self.account.send_test_notification(&group.name, &group.arn, hook, now);
        }
        self.groups.insert(group.name.clone(), group);
        Ok(())
    }

    /// All groups, by name.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// One group.
    ///
    /// # Errors
    /// `ValidationError`: no group has that name.
    pub fn group(&self, name: &str) -> Result<&Group, Fault> {
        self.groups.get(name).ok_or_else(|| not_found(name))
    }

    /// Changes settings, and the desired capacity with them: to the given value, or else into the new bounds.
    ///
    /// # Errors
    /// `ValidationError`: the group does not exist or is being deleted, the settings are not valid, the desired
    /// capacity is out of bounds, or the launch template changes while an instance refresh has a desired configuration.
    pub fn update_group(
        &mut self,
        name: &str,
        settings: Settings,
        desired_capacity: Option<u32>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let (group, account) = self.modifiable_in_account(name)?;
        settings.check()?;
        group.check_template_change(&settings.launch_template)?;
        let (min, max, before) = (settings.min_size, settings.max_size, group.desired_capacity);
        let desired_capacity = desired_capacity.unwrap_or_else(|| before.clamp(min, max));
        settings.check_desired(desired_capacity)?;
        group.settings = settings;
        group.set_desired(
            desired_capacity,
            &format!(
                "a user request update of AutoScalingGroup constraints to min: {min}, max: {max}, desired: {desired_capacity}"
            ),
            account.timing.latency.decision,
            now,
        );
        Ok(())
    }

    /// Sets the number of instances that the group tries to have.
    ///
    /// # Errors
    /// `ValidationError`: the group does not exist, is being deleted, or the capacity is out of bounds.
    /// `ScalingActivityInProgress`: the call honours the cooldown, and the cooldown has not ended.
    pub fn set_desired_capacity(
        &mut self,
        name: &str,
        desired_capacity: u32,
        honor_cooldown: bool,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let (group, account) = self.modifiable_in_account(name)?;
        let Settings { min_size: min, max_size: max, .. } = group.settings;
        if desired_capacity > max {
            let message = format!(
                "New SetDesiredCapacity value {desired_capacity} is above max value {max} for the AutoScalingGroup."
            );
            return Err(Fault::validation(message));
        }
        if desired_capacity < min {
            let message = format!(
                "New SetDesiredCapacity value {desired_capacity} is below min value {min} for the AutoScalingGroup."
            );
            return Err(Fault::validation(message));
        }
        if honor_cooldown {
            group.check_cooldown(now)?;
        }
        let trigger = "a user request explicitly set group desired capacity";
        group.set_desired(desired_capacity, trigger, account.timing.latency.decision, now);
        Ok(())
    }

    /// Deletes a group with its policies and hooks. With force its instances terminate first, protected, in Standby or
    /// not, and with their hooks; only waits that have begun end at once (recorded on AWS, September 2026: stackd
    /// 9dc356f5, lifecycle_native and `warm_pool_lifecycle_native`). The group is gone after [`Latency::group_removal`],
    /// and not before its last instance. A repeated delete changes nothing but the waits.
    ///
    /// # Errors
    /// `ResourceInUse`: the group has instances or a warm pool, and no force (for an empty pool a guess: the API
    /// reference says that force deletes the pool). `ScalingActivityInProgress`: launches are pending, and no force, or
    /// an instance refresh blocks the delete ([`RefreshChoices`](crate::RefreshChoices)). `ValidationError`: the group does not exist, or its protection forbids the delete (the code is a
    /// guess: no report of the real one was found).
    ///
    /// [`Latency::group_removal`]: crate::Latency::group_removal
    pub fn delete_group(&mut self, name: &str, force: bool, now: Timestamp) -> Result<(), Fault> {
        let (group, account) = (self.groups.get_mut(name).ok_or_else(|| not_found(name))?, &mut self.account);
        group.advance(account, now);
        let protection = group.settings.deletion_protection;
        let protected = match protection {
            DeletionProtection::None => false,
            DeletionProtection::PreventForceDeletion => force,
            DeletionProtection::PreventAllDeletion => true,
        };
        if protected {
            let message = format!("AutoScalingGroup '{name}' has deletion protection {}.", protection.as_str());
            return Err(Fault::validation(message));
        }
        if !force && (!group.instances.is_empty() || group.warm_pool.is_some()) {
            return Err(Fault::in_use(
                "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) \
                 still in the group.",
            ));
        }
        if !force && !group.launching.is_empty() {
            return Err(Fault::in_progress(
                "You cannot delete an AutoScalingGroup while there are scaling activities in progress for that group.",
            ));
        }
        group.end_refresh_of_deleted(account, now)?;
        if group.deleted_at.is_none() {
            group.deleted_at = Some(now);
            group.decided_at = now + account.timing.latency.decision;
        }
        group.terminate_waiting_instances(|_| true, account, now);
        group.end_warm_pool(account.timing.latency.decision, now);
        (group.settings.min_size, group.settings.max_size) = (0, 0);
        let trigger = "a user request force deleted AutoScaling group";
        group.set_desired(0, trigger, account.timing.latency.decision, now);
        self.remove_deleted(now);
        Ok(())
    }

    /// Removes the groups whose deletes are done.
    pub(crate) fn remove_deleted(&mut self, now: Timestamp) {
        let AccountState { history, timing, .. } = &mut self.account;
        self.groups.retain(|name, group| {
            let deleted = group.removal(&timing.latency).is_some_and(|due| due <= now);
            if deleted {
                history.mark_group_deleted(name);
            }
            !deleted
        });
    }

    /// A group that calls may change.
    pub(crate) fn modifiable(&mut self, name: &str) -> Result<&mut Group, Fault> {
        self.modifiable_in_account(name).map(|(group, _)| group)
    }

    /// A group that calls may change, and the state that all groups share.
    pub(crate) fn modifiable_in_account(&mut self, name: &str) -> Result<(&mut Group, &mut AccountState), Fault> {
        let group = self.groups.get_mut(name).ok_or_else(|| not_found(name))?;
        if group.is_deleting() {
            return Err(Fault::validation("The AutoScaling group may not be modified while it is pending delete"));
        }
        Ok((group, &mut self.account))
    }

    fn check_free(&self, name: &str) -> Result<(), Fault> {
        let Some(group) = self.groups.get(name) else { return Ok(()) };
        let state = if group.is_deleting() { " and is pending delete" } else { "" };
        Err(Fault::already_exists(format!(
            "AutoScalingGroup by this name already exists - A group with the name {name} already exists{state}"
        )))
    }
}

impl Group {
    /// When a group that is being deleted is gone: never before its last instance.
    pub(crate) fn removal(&self, latency: &Latency) -> Option<Timestamp> {
        let is_empty = self.instances.is_empty() && self.launching.is_empty();
        self.deleted_at.filter(|_| is_empty).map(|at| at + latency.group_removal)
    }

    /// Sets the desired capacity and records the trigger: `a user request …`. The group acts after a delay. Failed
    /// launches are retried then.
    pub(crate) fn set_desired(&mut self, desired_capacity: u32, trigger: &str, delay: Duration, now: Timestamp) {
        let before = self.desired_capacity;
        self.desired_capacity = desired_capacity;
        self.backoff = Backoff::default();
        if before != desired_capacity {
            self.decided_at = now + delay;
            self.pending_cause =
                format!("At {now} {trigger} changing the desired capacity from {before} to {desired_capacity}.  ");
        }
    }
}

pub(crate) fn not_found(name: &str) -> Fault {
    Fault::validation(format!("AutoScalingGroup name not found - AutoScalingGroup '{name}' not found"))
}

fn check_name(name: &str) -> Result<(), Fault> {
    if (1..=255).contains(&name.chars().count()) && !name.contains(':') {
        return Ok(());
    }
    Err(Fault::validation(format!("AutoScalingGroupName is '{name}': 1 to 255 characters, no colon")))
}
