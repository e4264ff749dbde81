//! Actions on the warm pool of a group.

use auto_scaling::{AutoScaling, Group, PoolState, PutWarmPool};

use super::{ActionResult, Parameters, instances, now, page::Page};
use crate::element::Element;

pub fn put(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let group = parameters.required("AutoScalingGroupName")?;
    let put = PutWarmPool {
        min_size: parameters.number("MinSize")?,
        max_group_prepared_capacity: parameters.number("MaxGroupPreparedCapacity")?,
        pool_state: parameters.parsed("PoolState", "Stopped, Running or Hibernated", PoolState::parse)?,
        reuse_on_scale_in: parameters.flag("InstanceReusePolicy.ReuseOnScaleIn")?,
    };
    parameters.finish()?;
    simulator.put_warm_pool(&group, put, now())?;
    Ok(Vec::new())
}

pub fn describe(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let name = parameters.required("AutoScalingGroupName")?;
    let page = Page::of(parameters, 50)?;
    parameters.finish()?;
    let group = simulator.group(&name)?;
    let members = group.warmed().map(|it| instances::fields(it, it.health_status()));
    let mut response = configuration(group).into_iter().collect::<Vec<_>>();
    response.extend(page.cut("Instances", members.collect()));
    Ok(response)
}

pub fn delete(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let group = parameters.required("AutoScalingGroupName")?;
    let force = parameters.flag("ForceDelete")?.unwrap_or(false);
    parameters.finish()?;
    simulator.delete_warm_pool(&group, force, now())?;
    Ok(Vec::new())
}

/// The pool's configuration; absent without a pool (recorded on AWS, September 2026: stackd 9dc356f5,
/// warm_pool_native).
pub fn configuration(group: &Group) -> Option<Element> {
    let pool = group.warm_pool.as_ref()?;
    let mut fields =
        vec![Element::leaf("MinSize", pool.min_size), Element::leaf("PoolState", pool.pool_state.as_str())];
    fields.extend(pool.max_group_prepared_capacity.map(|max| Element::leaf("MaxGroupPreparedCapacity", max)));
    if pool.reuse_on_scale_in {
        fields.push(Element::node("InstanceReusePolicy", vec![Element::leaf("ReuseOnScaleIn", true)]));
    }
    fields.extend(pool.is_deleting.then(|| Element::leaf("Status", "PendingDelete")));
    Some(Element::node("WarmPoolConfiguration", fields))
}
