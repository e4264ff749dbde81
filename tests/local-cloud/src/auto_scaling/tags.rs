//! Actions on groups' tags.

use auto_scaling::{AutoScaling, Fault, Tag};

use super::{
    ActionResult, Parameters,
    page::{self, Filter, Page},
};
use crate::element::Element;

const GROUP: &str = "auto-scaling-group";

/// A tag of a request, with the tag's group. In a create call the group is optional.
pub struct TagParameter {
    pub group: Option<String>,
    pub tag: Tag,
}

pub fn create_or_update(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    for (group, tag) in group_tags(parameters)? {
        simulator.set_tags(&group, vec![tag])?;
    }
    Ok(Vec::new())
}

pub fn delete(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    for (group, tag) in group_tags(parameters)? {
        simulator.delete_tags(&group, &[tag.key])?;
    }
    Ok(Vec::new())
}

pub fn describe(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let filters = page::filters(parameters)?;
    let page = Page::of(parameters, 50)?;
    parameters.finish()?;
    let mut found = Vec::new();
    for group in simulator.groups() {
        for tag in group.tags.values() {
            if matches(&group.name, tag, &filters)? {
                found.push(fields(&group.name, tag));
            }
        }
    }
    Ok(page.cut("Tags", found))
}

fn matches(group: &str, tag: &Tag, filters: &[Filter]) -> Result<bool, Fault> {
    for Filter { name, values } in filters {
        let propagates = tag.propagate_at_launch.to_string();
        let value = match name.as_str() {
            "auto-scaling-group" => group,
            "key" => &tag.key,
            "value" => &tag.value,
            "propagate-at-launch" => &propagates,
            _ => return Err(page::unknown_filter(name)),
        };
        if !values.iter().any(|it| it == value) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Takes all tags of a request, each with the group.
fn group_tags(parameters: &mut Parameters) -> Result<Vec<(String, Tag)>, Fault> {
    let tags = read(parameters)?;
    parameters.finish()?;
    let of = |tag: TagParameter| {
        let missing = || Fault::validation(format!("Tags: {} has no ResourceId", tag.tag.key));
        Ok((tag.group.clone().ok_or_else(missing)?, tag.tag))
    };
    tags.into_iter().map(of).collect()
}

/// Takes the tags of a request.
pub fn read(parameters: &mut Parameters) -> Result<Vec<TagParameter>, Fault> {
    let mut tags = Vec::new();
    for member in parameters.members("Tags") {
        let valid = format!("{GROUP}, the only type");
        parameters.parsed(&format!("{member}.ResourceType"), &valid, |text| (text == GROUP).then_some(()))?;
        let group = parameters.text(&format!("{member}.ResourceId"));
        let key = parameters.required(&format!("{member}.Key"))?;
        let value = parameters.text(&format!("{member}.Value")).unwrap_or_default();
        let propagate_at_launch = parameters.flag(&format!("{member}.PropagateAtLaunch"))?.unwrap_or(false);
        tags.push(TagParameter { group, tag: Tag { key, value, propagate_at_launch } });
    }
    Ok(tags)
}

/// A tag in the form of responses.
pub fn fields(group: &str, tag: &Tag) -> Vec<Element> {
    vec![
        Element::leaf("ResourceId", group),
        Element::leaf("ResourceType", GROUP),
        Element::leaf("Key", &tag.key),
        Element::leaf("Value", &tag.value),
        Element::leaf("PropagateAtLaunch", tag.propagate_at_launch),
    ]
}
