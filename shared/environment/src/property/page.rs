//! The reference page.

use std::fmt::Write as _;

use super::{ALL, Change, Default};

/// The reference page.
#[must_use]
pub fn reference_page() -> String {
    let mut page = String::from(
        "# Properties of `Custom::ScalableEnvironment`\n\n\
         Generated from the table in `shared/environment/src/property/table.rs`; a test keeps it fresh.\n\n\
         A property that a template leaves out is taken from the function's environment variable, else it has the \
         default below. Both are frozen when an environment is created: a variable that changes later concerns new \
         environments only.\n\n\
         | property | takes | default | variable | a change |\n|---|---|---|---|---|\n",
    );
    for property in ALL {
        let default = match &property.default {
            Default::Required => "required".to_owned(),
            Default::Absent(means) => (*means).to_owned(),
            Default::Is(value) => format!("`{value}`"),
        };
        let change = match property.change {
            Change::InPlace | Change::Own => "in place",
            Change::NewInstances => "for new instances",
            Change::AtCreation => "has no effect",
            Change::Rejected => "is refused",
        };
        let about = property.about;
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| **{}**: {about} | {} | {default} | `{}` | {change} |",
            property.name,
            property.value_type.valid(),
            property.variable,
        );
    }
    page
}
