//! ERRORS.md lists the class of every code that AWS's models have for an operation in use.

use std::fs;
use std::path::Path;

use crate::errors::classify;

/// The first run after a change writes the classes, the next passes: the diff shows each changed class.
#[test]
fn each_modelled_code_has_its_class() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("ERRORS.md");
    let page = fs::read_to_string(&path).expect("ERRORS.md");
    let updated: String = page.split_inclusive('\n').map(with_class).collect();
    if updated != page {
        fs::write(&path, &updated).expect("ERRORS.md can be written");
        panic!("the classes in ERRORS.md have changed: review the diff");
    }
    assert!(page.matches("| Rejected |").count() > 10, "the table has rows of this crate");
}

/// The line with the class of its code, if it is a row of an operation whose errors this crate classifies.
fn with_class(line: &str) -> String {
    let mut cells: Vec<&str> = line.split(" | ").collect();
    let service = cells[0].trim_start_matches("| ");
    let status = cells.get(2).and_then(|status| status.parse().ok());
    let (Some(status), Some(class)) = (status, cells.get(3)) else { return line.to_owned() };
    if service == "dynamodb" || class.starts_with("not classified") {
        return line.to_owned();
    }
    // The class is the last cell of a row without operations.
    let end = class.find(" |").map_or("", |end| &class[end..]);
    let class = format!("{:?}{end}", classify(cells[1], status));
    cells[3] = &class;
    cells.join(" | ")
}
