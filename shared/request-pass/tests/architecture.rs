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

/// The names of the files and folders in a folder.
fn names_in(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn no_product_crate_depends_on_a_function() {
    let functions = names_in("functions");
    assert!(functions.contains(&String::from("reconciler")), "{functions:?}");
    let crates = functions.iter().map(|name| format!("functions/{name}"));
    for product in crates.chain(names_in("shared").iter().map(|name| format!("shared/{name}"))) {
        let manifest = read(&format!("{product}/Cargo.toml"));
        let dependencies = manifest.split_once("[dependencies]").map(|(_, rest)| rest).unwrap_or_default();
        let dependencies = dependencies.split("\n[").next().unwrap_or_default();
        let names = dependencies.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
        let of_functions: Vec<&str> = names.filter(|name| functions.iter().any(|it| it == name)).collect();
        assert!(of_functions.is_empty(), "{product} depends on {of_functions:?}");
    }
}

#[test]
fn the_environment_has_no_sdk() {
    let manifest = read("shared/environment/Cargo.toml");
    let (_, dependencies) = manifest.split_once("[dependencies]").expect("dependencies");
    let dependencies = dependencies.split("\n[").next().unwrap_or_default();
    assert!(!dependencies.contains("aws") && !dependencies.contains("tokio"), "{dependencies}");
}

/// The code of all files in a folder of `environment`, without comments.
fn code_of(folder: &str) -> String {
    let mut code = String::new();
    for name in names_in(folder) {
        let path = format!("{folder}/{name}");
        if root().join(&path).is_dir() {
            code += &code_of(&path);
        } else {
            let source = read(&path);
            code.extend(
                source.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| [line, "\n"]),
            );
        }
    }
    code
}

#[test]
fn the_folders_of_the_environment_depend_one_way() {
    let allowed: [(&str, &[&str]); 6] = [
        ("model", &[]),
        ("input", &["model"]),
        ("desired", &["model", "input"]),
        ("engine", &["model"]),
        ("rollout", &["model", "input", "desired", "engine"]),
        ("automation", &["model", "input"]),
    ];
    for (folder, may_use) in allowed {
        let code = code_of(&format!("shared/environment/src/{folder}"));
        let used =
            code.split("crate::").skip(1).filter_map(|rest| rest.split(|c: char| !c.is_ascii_lowercase()).next());
        for name in used.filter(|name| allowed.iter().any(|(it, _)| it == name)) {
            assert!(name == folder || may_use.contains(&name), "{folder} uses {name}");
        }
    }
}
