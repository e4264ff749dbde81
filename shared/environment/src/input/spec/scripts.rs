//! Checks of the stack author's scripts: a script has to run as its author means it.

use super::rules::Surroundings;
use super::{Spec, Violation};
use crate::input::forms::form_of_text;
use crate::input::property::{self, Property};
use crate::model::names::Names;
use crate::model::user_data::{MAX_USER_DATA_BYTES, SCRIPT_END, UserData, without_byte_order_mark};

/// The prefixes of other user data formats, in lowercase: the formats of cloud-init (its documentation of user data
/// formats), and of EC2 for Windows.
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

/// `#!`, `#cloud-config`, `Content-Type:`, `MIME-Version:`, the same `#!` after a byte order mark, and gzip's first three bytes
/// in base64, up to the last digit that does not depend on the following text.
const IN_BASE64: [&str; 6] = ["IyE", "I2Nsb3VkLWNvbmZpZ", "Q29udGVudC1UeXBlO", "TUlNRS1WZXJzaW9uO", "77u/IyE", "H4sI"];

impl Spec {
    /// The instances' user data: a plain-text bash script.
    #[must_use]
    pub fn user_data(&self, names: &Names) -> String {
        let user_data = UserData {
            region: &names.region,
            log_group: &names.instance_log_group().name,
            gate_seconds: self.hooks.launch_gate_seconds,
            drain_services: &self.hooks.drain_services,
            drain_script: self.hooks.drain_script.as_deref(),
            script: self.user_data_script.as_deref(),
        };
        user_data.text()
    }

    /// The scripts that are set, with their properties.
    fn scripts(&self) -> Vec<(&'static Property, &str)> {
        let scripts = [
            (&property::USER_DATA_SCRIPT, &self.user_data_script),
            (&property::DRAIN_SCRIPT, &self.hooks.drain_script),
        ];
        scripts.into_iter().filter_map(|(property, script)| Some((property, script.as_deref()?))).collect()
    }
}

/// Checks the forms of the scripts that are new in a request. A script that an older version accepted can still be read
/// from its record, and a rollback to that script is not an error.
pub(super) fn script_forms(spec: &Spec, surroundings: &Surroundings<'_>) -> Vec<Violation> {
    let existed = |script: &str| {
        let contains = |it: &Spec| it.scripts().iter().any(|(_, it)| *it == script);
        surroundings.before.is_some_and(contains)
    };
    let new = spec.scripts().into_iter().filter(|(_, script)| !existed(script));
    let invalid = new
        .filter_map(|(property, script)| Some(Violation::of(property, &form_of_text(script), invalid_script(script)?)));
    invalid.collect()
}

/// Checks the size of the user data. User data without a script always fits: the longest list of units needs a third of
/// the limit.
pub(super) fn script_sizes(spec: &Spec, surroundings: &Surroundings<'_>) -> Vec<Violation> {
    let bytes = spec.user_data(&spec.names(surroundings.deployment)).len();
    let longest = spec.scripts().into_iter().max_by_key(|(_, script)| script.len());
    let Some((property, script)) = longest.filter(|_| bytes > MAX_USER_DATA_BYTES) else { return vec![] };
    let room = (MAX_USER_DATA_BYTES + script.len()).saturating_sub(bytes);
    let valid = format!(
        "at most {room} bytes: AWS accepts {MAX_USER_DATA_BYTES} bytes of user data, and the other parts of the user data need the rest"
    );
    vec![Violation::of(property, &format!("{} bytes long", script.len()), valid)]
}

/// The valid form, if the script would not run as its author means it; `None` for a valid script.
fn invalid_script(script: &str) -> Option<String> {
    let script = without_byte_order_mark(script);
    let normalized = script.trim_start().replace("\r\n", "\n").to_lowercase();
    if let Some(format) = OTHER_FORMATS.iter().find(|format| normalized.starts_with(**format)) {
        return Some(format!(
            "a script, not another format of user data: Envkeeper does not process a text that starts with {} in that format. Write the script in bash, or with #! and an interpreter in the first line",
            format.trim_end()
        ));
    }
    if is_base64(script) {
        return Some("the plain-text script, not base64: Envkeeper encodes it once".into());
    }
    if script.split('\n').next().is_some_and(|first| first.ends_with('\r')) {
        return Some("a script with LF line endings: with CRLF, each command would contain the CR".into());
    }
    script
        .lines()
        .any(|line| line == SCRIPT_END)
        .then(|| format!("a script without the line {SCRIPT_END}, which marks the end of the script in the user data"))
}

/// Whether a text can only be base64: by its prefix, or because of the padding at its end. Bash would read a text of
/// only letters, digits and `=` as an assignment: no command would run, and none would fail.
fn is_base64(text: &str) -> bool {
    let text: String = text.split_whitespace().collect();
    let digits = text.trim_end_matches('=');
    let is_digit = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
    digits.chars().all(is_digit)
        && (digits.len() < text.len() || IN_BASE64.iter().any(|prefix| digits.starts_with(prefix)))
}
