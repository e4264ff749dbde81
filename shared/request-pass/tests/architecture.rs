//! The statements of ARCHITECTURE.md about the path of a request.
#![allow(clippy::expect_used, reason = "a test stops at the first file that it cannot read")]

use std::fs;
use std::path::PathBuf;

/// The longest path that a reader can follow.
const MOST_FUNCTIONS: usize = 24;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The functions of the table, as file and name.
fn path_of_a_create() -> Vec<(String, String)> {
    let page = read("ARCHITECTURE.md");
    let (_, section) = page.split_once("\n## The path of one Create\n").expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let cells = section.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | `"));
    let functions = cells.filter_map(|(_, rest)| rest.split_once('`')?.0.split_once("::"));
    functions.map(|(file, name)| (file.to_owned(), name.to_owned())).collect()
}

#[test]
fn each_function_on_the_path_of_a_create_exists() {
    let path = path_of_a_create();
    assert!(path.len() > 10, "the table has {} rows", path.len());
    for (file, name) in path {
        let source = read(&file);
        let declarations = [format!("fn {name}("), format!("fn {name}<")];
        assert!(declarations.iter().any(|it| source.contains(it)), "{file} has no function {name}");
    }
}

#[test]
fn a_reader_can_follow_a_create() {
    assert!(path_of_a_create().len() <= MOST_FUNCTIONS, "{} functions", path_of_a_create().len());
}

#[test]
fn no_function_depends_on_a_function() {
    let folders = fs::read_dir(root().join("functions")).expect("the folder of the functions");
    let functions: Vec<String> =
        folders.map(|folder| folder.expect("a folder").file_name().to_string_lossy().into_owned()).collect();
    assert!(functions.contains(&String::from("reconciler")), "{functions:?}");
    for function in &functions {
        let manifest = read(&format!("functions/{function}/Cargo.toml"));
        let (_, dependencies) = manifest.split_once("[dependencies]").expect("dependencies");
        let dependencies = dependencies.split("\n[").next().unwrap_or_default();
        let of_functions: Vec<&String> =
            functions.iter().filter(|it| dependencies.contains(&format!("\n{it}.workspace"))).collect();
        assert!(of_functions.is_empty(), "{function} depends on {of_functions:?}");
    }
}
