//! Reads the properties of an environment from a CloudFormation template, or from a file that contains only them.
//!
//! A scalar becomes text, as CloudFormation sends it. A Ref of a parameter is resolved with the given value or its
//! default; a Ref of `AWS::NoValue` omits its property. All other intrinsic functions are unresolved: their properties
//! are left out, and named with their lines.

use std::collections::{BTreeMap, BTreeSet};

use environment::property::{CLOUDFORMATION_OWN, RESOURCE_TYPE};
use serde_json::{Map, Value};

use crate::yaml::{self, Content, MAX_BYTES, Node, YamlError};

/// The properties of one environment, with their lines.
#[derive(Debug)]
pub struct Template {
    /// The logical id of the resource; `None` in a file of properties.
    pub resource: Option<String>,
    /// The resolved properties.
    pub properties: Map<String, Value>,
    /// The properties that the file alone does not determine.
    pub unresolved: Vec<Unresolved>,
    /// The line of the resource.
    first_line: usize,
    /// The line of each value by its path, such as `AlarmActions[0].Capacity`.
    lines: BTreeMap<String, usize>,
}

/// A property whose value depends on an intrinsic function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// The property.
    pub property: String,
    /// The line of the function.
    pub line: usize,
    /// The function, such as `Fn::Sub`, or a Ref with its target.
    pub function: String,
}

/// The reason why a file has no readable properties.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The file is too large.
    #[error("the file has {0} bytes; valid is at most {MAX_BYTES}, as for templates of CloudFormation")]
    TooLarge(usize),
    /// The file is neither YAML nor JSON.
    #[error("the file is neither YAML nor JSON: {0}")]
    Unreadable(#[from] YamlError),
    /// The file is a scalar or a list.
    #[error("the file contains neither a template with Resources nor a mapping of properties")]
    NotAMapping,
    /// No resource is an environment.
    #[error("the template has no resource of the type {RESOURCE_TYPE}; it has {}", listed(.resources))]
    NoEnvironment {
        /// The logical ids of all resources.
        resources: Vec<String>,
    },
    /// Several resources are environments.
    #[error("the template has several resources of the type {RESOURCE_TYPE}: {}; choose one with --resource", listed(.resources))]
    SeveralEnvironments {
        /// Their logical ids.
        resources: Vec<String>,
    },
    /// The resource that `--resource` names does not exist.
    #[error("--resource is {name}: the template has no such resource; valid is {}", listed(.resources))]
    UnknownResource {
        /// The given name.
        name: String,
        /// The environments of the template.
        resources: Vec<String>,
    },
    /// A parameter that the template does not have.
    #[error("--parameter is {name}: the template has no such parameter; valid is {}", listed(.parameters))]
    UnknownParameter {
        /// The given name.
        name: String,
        /// The parameters of the template.
        parameters: Vec<String>,
    },
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { String::from("none") } else { names.join(", ") }
}

impl Template {
    /// Reads a file. `resource` chooses one of several environments; `parameters` are values of the template's
    /// parameters.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn read(
        text: &str,
        resource: Option<&str>,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Template, TemplateError> {
        if text.len() > MAX_BYTES {
            return Err(TemplateError::TooLarge(text.len()));
        }
        let root = yaml::read(text)?;
        if !matches!(root.content, Content::Map(_)) {
            return Err(TemplateError::NotAMapping);
        }
        let declared = root.get("Parameters").map(Node::members).unwrap_or_default();
        if let Some(name) = parameters.keys().find(|name| !declared.iter().any(|(it, _, _)| it == *name)) {
            let parameters = declared.iter().map(|(name, _, _)| name.clone()).collect();
            return Err(TemplateError::UnknownParameter { name: name.clone(), parameters });
        }
        let (resource, line, properties) = match root.get("Resources") {
            Some(resources) => {
                let (name, node) = chosen(resources, resource)?;
                (Some(name.to_owned()), node.line, node.get("Properties"))
            }
            // An event of a custom resource has the properties in this field.
            None => (None, root.line, root.get("ResourceProperties").or(Some(&root))),
        };
        let members = properties.map(Node::members).unwrap_or_default();
        let mut resolver = Resolver { declared, given: parameters, lines: BTreeMap::new() };
        let (values, unresolved) = resolver.properties(members);
        let lines = resolver.lines;
        Ok(Template { resource, properties: values, unresolved, first_line: line, lines })
    }

    /// The line of a value by its path, else of the nearest value around it.
    #[must_use]
    pub fn line_of(&self, path: &str) -> usize {
        let mut path = path;
        loop {
            if let Some(line) = self.lines.get(path) {
                return *line;
            }
            match path.rfind(['.', '[']) {
                Some(at) => path = &path[..at],
                None => return self.first_line,
            }
        }
    }

    /// The names of the unresolved properties.
    #[must_use]
    pub fn unresolved_names(&self) -> BTreeSet<&str> {
        self.unresolved.iter().map(|it| it.property.as_str()).collect()
    }
}

/// The resource that is the environment, with its logical id.
fn chosen<'a>(resources: &'a Node, name: Option<&str>) -> Result<(&'a str, &'a Node), TemplateError> {
    let is_environment = |node: &Node| node.get("Type").and_then(Node::text) == Some(RESOURCE_TYPE);
    let environments = || resources.members().iter().filter(|(_, _, node)| is_environment(node));
    let names = || environments().map(|(name, _, _)| name.clone()).collect::<Vec<_>>();
    if let Some(name) = name {
        let found = resources.members().iter().find(|(it, _, _)| it == name);
        let found = found.map(|(name, _, node)| (name.as_str(), node));
        return found.ok_or_else(|| TemplateError::UnknownResource { name: name.to_owned(), resources: names() });
    }
    let mut found = environments();
    match (found.next(), found.next()) {
        (Some((name, _, node)), None) => Ok((name, node)),
        (Some(_), Some(_)) => Err(TemplateError::SeveralEnvironments { resources: names() }),
        (None, _) => {
            let resources = resources.members().iter().map(|(name, _, _)| name.clone()).collect();
            Err(TemplateError::NoEnvironment { resources })
        }
    }
}

/// Replaces the Refs of parameters by values, and records the lines.
struct Resolver<'a> {
    declared: &'a [(String, usize, Node)],
    given: &'a BTreeMap<String, String>,
    lines: BTreeMap<String, usize>,
}

/// A value, or the reason why there is none.
enum Resolved {
    Known(Value),
    Omitted,
    /// The line and the text of the function.
    Unknown(usize, String),
}

impl Resolver<'_> {
    fn properties(&mut self, members: &[(String, usize, Node)]) -> (Map<String, Value>, Vec<Unresolved>) {
        let (mut properties, mut unresolved) = (Map::new(), Vec::new());
        for (name, line, node) in members {
            self.lines.insert(name.clone(), *line);
            match self.value(node, name) {
                Resolved::Known(value) => {
                    properties.insert(name.clone(), value);
                }
                Resolved::Omitted => {}
                // CloudFormation alone reads the token, which is an import in most templates.
                Resolved::Unknown(..) if CLOUDFORMATION_OWN.contains(&name.as_str()) => {}
                Resolved::Unknown(line, function) => {
                    unresolved.push(Unresolved { property: name.clone(), line, function });
                }
            }
        }
        (properties, unresolved)
    }

    fn value(&mut self, node: &Node, path: &str) -> Resolved {
        match &node.content {
            Content::Scalar { text, is_plain } => Resolved::Known(scalar(text, *is_plain)),
            Content::List(items) => {
                let mut values = Vec::new();
                for (at, item) in items.iter().enumerate() {
                    let path = format!("{path}[{at}]");
                    self.lines.insert(path.clone(), item.line);
                    match self.value(item, &path) {
                        Resolved::Known(value) => values.push(value),
                        Resolved::Omitted => {}
                        unknown @ Resolved::Unknown(..) => return unknown,
                    }
                }
                Resolved::Known(Value::Array(values))
            }
            Content::Map(members) => match members.as_slice() {
                [(function, line, argument)] if is_function(function) => self.function(function, *line, argument),
                _ => self.object(members, path),
            },
        }
    }

    fn object(&mut self, members: &[(String, usize, Node)], path: &str) -> Resolved {
        let mut values = Map::new();
        for (name, line, node) in members {
            let path = format!("{path}.{name}");
            self.lines.insert(path.clone(), *line);
            match self.value(node, &path) {
                Resolved::Known(value) => {
                    values.insert(name.clone(), value);
                }
                Resolved::Omitted => {}
                unknown @ Resolved::Unknown(..) => return unknown,
            }
        }
        Resolved::Known(Value::Object(values))
    }

    fn function(&self, function: &str, line: usize, argument: &Node) -> Resolved {
        match argument.text().filter(|_| function == "Ref") {
            Some("AWS::NoValue") => Resolved::Omitted,
            Some(target) => match self.parameter(target) {
                Some(value) => Resolved::Known(value),
                None => Resolved::Unknown(line, format!("Ref of {target}")),
            },
            None => Resolved::Unknown(line, function.to_owned()),
        }
    }

    /// The value of a parameter: the given one, or its default. The value of an SSM parameter is unknown here.
    fn parameter(&self, name: &str) -> Option<Value> {
        let (_, _, declared) = self.declared.iter().find(|(it, _, _)| it == name)?;
        let kind = declared.get("Type").and_then(Node::text).unwrap_or_default();
        if kind.starts_with("AWS::SSM::Parameter::") {
            return None;
        }
        let text = self.given.get(name).map(String::as_str);
        let text = text.or_else(|| declared.get("Default").and_then(Node::text))?;
        let is_list = kind == "CommaDelimitedList" || kind.starts_with("List<");
        let items = || text.split(',').map(|item| Value::from(item.trim())).collect();
        Some(if is_list { Value::Array(items()) } else { Value::from(text) })
    }
}

/// Whether a mapping with this single key is a call of an intrinsic function.
fn is_function(key: &str) -> bool {
    key == "Ref" || key == "Condition" || key.starts_with("Fn::")
}

/// A scalar as CloudFormation sends it: text. The words of YAML 1.1 for booleans become `true` and `false`. Null stays,
/// so that the check names it.
fn scalar(text: &str, is_plain: bool) -> Value {
    const TRUE: [&str; 3] = ["true", "yes", "on"];
    const FALSE: [&str; 3] = ["false", "no", "off"];
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        _ if !is_plain => Value::from(text),
        "" | "~" | "null" => Value::Null,
        word if TRUE.contains(&word) => Value::from("true"),
        word if FALSE.contains(&word) => Value::from("false"),
        _ => Value::from(text),
    }
}
