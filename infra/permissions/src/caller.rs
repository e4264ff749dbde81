//! The roles that the table bounds: those of the functions, and that of the instances.

use crate::{Function, Statement, table};

/// A caller of AWS whose role the table bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caller {
    /// A function, with the role of the template.
    Function(Function),
    /// An instance of any environment. Its rows are the permissions boundary of its role; the role's inline policy, which the
    /// crate `environment` computes, is narrower.
    Instance,
}

impl Caller {
    /// All callers: the functions in the order of the template, then the instances.
    pub fn all() -> impl Iterator<Item = Caller> {
        Function::ALL.into_iter().map(Caller::Function).chain([Caller::Instance])
    }

    /// The app id that a recorded call carries: a function's name, or `instance`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Caller::Function(function) => function.name(),
            Caller::Instance => "instance",
        }
    }

    /// The caller with this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Caller> {
        Caller::all().find(|it| it.name() == name)
    }

    /// The statements that bound the caller.
    pub fn statements(self) -> impl Iterator<Item = &'static Statement> {
        let (function, boundary) = match self {
            Caller::Function(function) => (Some(function), None),
            Caller::Instance => (None, Some(table::BOUNDARY.statements)),
        };
        function.into_iter().flat_map(Function::statements).chain(boundary.into_iter().flatten())
    }
}
