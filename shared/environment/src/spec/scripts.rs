//! What the user's scripts have to be, to run as they are meant to.

use super::{Spec, Violation, shown};
use crate::names::Deployment;
use crate::property::{self, Property};
use crate::user_data::{LONGEST_USER_DATA, SCRIPT_END, user_data};

/// What other formats of user data begin with, in lower case: those of cloud-init (its documentation of user data formats), and
/// of EC2 for Windows.
const OTHER_FORMATS: [&str; 10] = [
    "#cloud-config",
    "#cloud-boothook",
    "#include\n",
    "#include-once",
    "#include http",
    "#part-handler",
    "## template: jinja",
    "content-type:",
    "mime-version:",
    "<powershell>",
];

/// What `#!`, `#cloud-config`, `Content-Type:` and `MIME-Version:` are in base64, as far as what follows them changes nothing.
const IN_BASE64: [&str; 4] = ["IyE", "I2Nsb3VkLWNvbmZpZ", "Q29udGVudC1UeXBlO", "TUlNRS1WZXJzaW9uO"];

impl Spec {
    /// Only what a request asks for anew is held to this: what an older version took is still read from its record, and the way
    /// back to it is no mistake.
    pub(super) fn scripts(&self, deployment: &Deployment, before: Option<&Spec>) -> Vec<Violation> {
        let had = |script: &str| {
            let had = |it: &Spec| {
                [&it.user_data_script, &it.hooks.drain_script].into_iter().any(|it| it.as_deref() == Some(script))
            };
            before.is_some_and(had)
        };
        let scripts = [
            (&property::USER_DATA_SCRIPT, &self.user_data_script),
            (&property::DRAIN_SCRIPT, &self.hooks.drain_script),
        ];
        let scripts: Vec<(&Property, &str)> =
            scripts.into_iter().filter_map(|(property, script)| Some((property, script.as_deref()?))).collect();
        let unfit = scripts
            .iter()
            .filter(|(_, script)| !had(script))
            .filter_map(|(property, script)| Some(Violation::of(property, &shown(script), unfit(script)?)));
        unfit.chain(self.too_long(&scripts, deployment)).collect()
    }

    /// Without a script it always fits: the longest list of units is a third of what there is.
    fn too_long(&self, scripts: &[(&Property, &str)], deployment: &Deployment) -> Option<Violation> {
        let (property, script) = scripts.iter().max_by_key(|(_, script)| script.len())?;
        let all = user_data(&self.names(deployment), self).len();
        let room = (LONGEST_USER_DATA + script.len()).saturating_sub(all);
        let valid = format!(
            "at most {room} bytes: AWS takes {LONGEST_USER_DATA} bytes of user data, and all else that goes into it needs the rest"
        );
        (all > LONGEST_USER_DATA).then(|| Violation::of(property, &format!("{} bytes long", script.len()), valid))
    }
}

/// What would do instead of a text that would not run as its author means it, if it is one.
fn unfit(script: &str) -> Option<String> {
    let begins = script.trim_start().replace("\r\n", "\n").to_lowercase();
    if let Some(format) = OTHER_FORMATS.iter().find(|format| begins.starts_with(**format)) {
        return Some(format!(
            "a script, and no other format of user data: what begins with {} would not be read as that. Write it in bash, or with #! and an interpreter in its first line",
            format.trim_end()
        ));
    }
    if is_base64(script) {
        return Some("the script as it is, not in base64: Envkeeper encodes it once".into());
    }
    if script.split('\n').next().is_some_and(|first| first.ends_with('\r')) {
        return Some("a script with lines that end in LF alone: CR would be a part of each command".into());
    }
    script
        .lines()
        .any(|line| line == SCRIPT_END)
        .then(|| format!("without a line that is just {SCRIPT_END}, which ends it in the user data"))
}

/// Whether a text can only be base64: by what it begins with, or because it ends as nothing else does. Of letters, digits and
/// `=` alone bash makes an assignment, so nothing would run and nothing fail.
fn is_base64(text: &str) -> bool {
    let text: String = text.split_whitespace().collect();
    let digits = text.trim_end_matches('=');
    let is_digit = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
    digits.chars().all(is_digit)
        && (digits.len() < text.len() || IN_BASE64.iter().any(|beginning| digits.starts_with(beginning)))
}
