//! The reference page.

use std::fmt::Write as _;

use super::{ALL, Change, Default};

/// The reference page.
#[must_use]
pub fn reference_page() -> String {
    let mut page = String::from(
        "# Properties of `Custom::ScalableEnvironment`\n\n\
         This page is generated from the table in `shared/environment/src/property/table.rs`; a test keeps it current.\n\n\
         If the template omits a property, the function's environment variable provides the value. If the variable is \
         also unset, the default below applies. The values of the variables and the defaults are recorded when an \
         environment is created: a later change of a variable affects new environments only.\n\n\
         | property | valid values | default | environment variable | effect of a change |\n|---|---|---|---|---|\n",
    );
    for property in ALL {
        let default = match &property.default {
            Default::Required => "required".to_owned(),
            Default::Absent(meaning) => (*meaning).to_owned(),
            Default::Is(value) => format!("`{value}`"),
        };
        let change = match property.change {
            Change::InPlace | Change::Own => "in place",
            Change::NewInstances => "new instances only",
            Change::AtCreation => "none after creation",
            Change::Rejected => "rejected",
        };
        let description = property.description;
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| **{}**: {description} | {} | {default} | `{}` | {change} |",
            property.name,
            property.value_type.valid(),
            property.variable,
        );
    }
    page
}
