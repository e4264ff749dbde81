//! YAML and JSON as nodes with the lines of their source. JSON is read as YAML, of which it is a part.
//!
//! CloudFormation's short forms become their long forms: `!Ref A` is `{"Ref": "A"}`, `!GetAtt A.B` is
//! `{"Fn::GetAtt": "A.B"}`. Aliases and merge keys are errors, as in CloudFormation (its user guide, "CloudFormation
//! template formats").

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

/// The largest file, in bytes: CloudFormation accepts templates of at most 1 MB (its user guide, "Understand
/// CloudFormation quotas").
pub const MAX_BYTES: usize = 1_048_576;

/// The deepest nesting. No property of an environment needs more than ten levels.
const MAX_DEPTH: usize = 64;

/// A value with the line where it begins, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The line.
    pub line: usize,
    /// The content.
    pub content: Content,
}

/// The content of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A scalar. A plain one may mean null or a boolean.
    Scalar {
        /// The text, without quotes.
        text: String,
        /// Whether it is neither quoted nor a block.
        is_plain: bool,
    },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the source; each key with its line.
    Map(Vec<(String, usize, Node)>),
}

/// The reason why a text is not read, with its line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct YamlError {
    /// The line, counted from 1.
    pub line: usize,
    /// The reason.
    pub reason: String,
}

impl Node {
    /// The value of a key, if the node is a mapping.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.members().iter().find(|(name, _, _)| name == key).map(|(_, _, node)| node)
    }

    /// The members of a mapping; none for other nodes.
    #[must_use]
    pub fn members(&self) -> &[(String, usize, Node)] {
        match &self.content {
            Content::Map(members) => members,
            Content::Scalar { .. } | Content::List(_) => &[],
        }
    }

    /// The text of a scalar.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar { text, .. } => Some(text),
            Content::List(_) | Content::Map(_) => None,
        }
    }
}

/// Reads a text with one document.
///
/// # Errors
/// [`YamlError`]: the text is not YAML, has no document or several, or uses a feature that CloudFormation does not
/// support.
pub fn read(text: &str) -> Result<Node, YamlError> {
    let mut reader = Reader { parser: Parser::new_from_str(text) };
    let mut root = None;
    loop {
        match reader.next()? {
            (Event::StreamEnd, _) => break,
            (Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd, _) => {}
            (_, span) if root.is_some() => return Err(error(&span, "a second document")),
            (event, span) => root = Some(reader.node(event, &span, 0)?),
        }
    }
    root.ok_or_else(|| YamlError { line: 1, reason: String::from("the file is empty") })
}

struct Reader<'a> {
    parser: Parser<'a, granit_parser::StrInput<'a>>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), YamlError> {
        match self.parser.next() {
            Some(next) => next.map_err(|error| scan_error(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'a>, span: &Span, depth: usize) -> Result<Node, YamlError> {
        if depth > MAX_DEPTH {
            return Err(error(span, &format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let line = span.start.line();
        let (content, tag) = match event {
            Event::Scalar(text, style, _, tag) => {
                let is_plain = matches!(style, ScalarStyle::Plain) && tag.is_none();
                (Content::Scalar { text: text.into_owned(), is_plain }, tag)
            }
            Event::SequenceStart(_, _, tag) => (self.list(depth)?, tag),
            Event::MappingStart(_, _, tag) => (self.map(depth)?, tag),
            Event::Alias(_) => return Err(error(span, "an alias (*), which CloudFormation does not support")),
            _ => return Err(error(span, "not a value")),
        };
        let node = Node { line, content };
        Ok(match tag.and_then(|tag| long_form(&tag)) {
            Some(function) => Node { line, content: Content::Map(vec![(function, line, node)]) },
            None => node,
        })
    }

    fn list(&mut self, depth: usize) -> Result<Content, YamlError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Content::List(items)),
                (event, span) => items.push(self.node(event, &span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Content, YamlError> {
        let mut members: Vec<(String, usize, Node)> = Vec::new();
        loop {
            let (key, span) = match self.next()? {
                (Event::MappingEnd, _) => return Ok(Content::Map(members)),
                (Event::Scalar(key, ..), span) => (key.into_owned(), span),
                (_, span) => return Err(error(&span, "a key that is not a text")),
            };
            if key == "<<" {
                return Err(error(&span, "a merge key (<<), which CloudFormation does not support"));
            }
            if members.iter().any(|(name, _, _)| *name == key) {
                return Err(error(&span, &format!("the key {key} appears twice")));
            }
            let (event, value_span) = self.next()?;
            let value = self.node(event, &value_span, depth + 1)?;
            members.push((key, span.start.line(), value));
        }
    }
}

/// The name of the intrinsic function that a tag means; `None` for YAML's own tags.
fn long_form(tag: &Tag) -> Option<String> {
    let (_, name) = tag.parts();
    tag.is_custom().then(|| match name {
        "Ref" | "Condition" => name.to_owned(),
        name => format!("Fn::{name}"),
    })
}

fn error(span: &Span, reason: &str) -> YamlError {
    YamlError { line: span.start.line(), reason: reason.to_owned() }
}

fn scan_error(error: &ScanError) -> YamlError {
    YamlError { line: error.marker().line(), reason: error.info() }
}
