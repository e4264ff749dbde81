//! Actions on the processes of a group.

use auto_scaling::{AutoScaling, Fault, Process, Timestamp};

use super::{ActionResult, Parameters, now};
use crate::element::Element;

pub fn suspend(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let (group, processes) = target(parameters)?;
    simulator.suspend_processes(&group, &processes, now())?;
    Ok(Vec::new())
}

pub fn resume(simulator: &mut AutoScaling, parameters: &mut Parameters) -> ActionResult {
    let (group, processes) = target(parameters)?;
    simulator.resume_processes(&group, &processes)?;
    Ok(Vec::new())
}

pub fn describe(parameters: &Parameters) -> ActionResult {
    parameters.finish()?;
    let types = Process::ALL.map(|process| vec![Element::leaf("ProcessName", process.as_str())]);
    Ok(vec![Element::list("Processes", types.to_vec())])
}

/// A suspended process in the form of a group's response.
pub fn fields(process: Process, since: Timestamp) -> Vec<Element> {
    vec![
        Element::leaf("ProcessName", process.as_str()),
        Element::leaf("SuspensionReason", format!("User suspended at {since}")),
    ]
}

fn target(parameters: &mut Parameters) -> Result<(String, Vec<String>), Fault> {
    let group = parameters.required("AutoScalingGroupName")?;
    let processes = parameters.texts("ScalingProcesses").unwrap_or_default();
    parameters.finish()?;
    Ok((group, processes))
}
