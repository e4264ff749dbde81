//! XML of AWS's query protocols: elements with either text or children. Attributes are ignored.

use std::fmt;

/// An element with its content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// The element's name.
    pub name: String,
    /// The text; empty for an element with children.
    pub text: String,
    /// The children, in document order.
    pub children: Vec<Element>,
}

impl Element {
    /// An element with text.
    pub fn leaf(name: &str, text: impl fmt::Display) -> Self {
        Self { name: name.to_owned(), text: text.to_string(), children: Vec::new() }
    }

    /// An element with children.
    #[must_use]
    pub fn node(name: &str, children: Vec<Element>) -> Self {
        Self { name: name.to_owned(), text: String::new(), children }
    }

    /// A list of the query protocol, in which every element is called `member`.
    #[must_use]
    pub fn list(name: &str, members: Vec<Vec<Element>>) -> Self {
        Self::node(name, members.into_iter().map(|children| Self::node("member", children)).collect())
    }

    /// A list of texts.
    pub fn texts<T: fmt::Display>(name: &str, members: impl IntoIterator<Item = T>) -> Self {
        Self::node(name, members.into_iter().map(|text| Self::leaf("member", text)).collect())
    }

    /// Parses a document. `None` if the document is not well-formed, or contains constructs that AWS's responses never
    /// have.
    #[must_use]
    pub fn parse(document: &str) -> Option<Self> {
        let mut open = vec![Self::default()];
        let mut rest = document;
        while let Some(start) = rest.find('<') {
            open.last_mut()?.text.push_str(&unescape(&rest[..start]));
            let (tag, after) = rest[start + 1..].split_once('>')?;
            rest = after;
            if tag.starts_with(['?', '!']) {
                continue;
            }
            if let Some(name) = tag.strip_prefix('/') {
                let mut closed = open.pop()?;
                if closed.name != name {
                    return None;
                }
                if !closed.children.is_empty() {
                    // Text between children is only layout.
                    closed.text.clear();
                }
                open.last_mut()?.children.push(closed);
                continue;
            }
            let name = tag.trim_end_matches('/').split_whitespace().next()?;
            let opened = Self::leaf(name, "");
            if tag.ends_with('/') { open.last_mut()?.children.push(opened) } else { open.push(opened) }
        }
        let root = open.pop()?;
        if open.is_empty() { root.children.into_iter().next() } else { None }
    }

    /// The first element at a path of names, separated by slashes.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&Element> {
        path.split('/').try_fold(self, |at, name| at.children.iter().find(|child| child.name == name))
    }

    /// The text of the element at such a path; `None` if there is no such element or the text is empty.
    #[must_use]
    pub fn text_of(&self, path: &str) -> Option<&str> {
        self.find(path).map(|found| found.text.as_str()).filter(|text| !text.is_empty())
    }

    /// The children of the element at such a path.
    #[must_use]
    pub fn items(&self, path: &str) -> &[Element] {
        self.find(path).map_or(&[], |found| &found.children)
    }
}

impl fmt::Display for Element {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        write!(out, "<{name}>{}", escape(&self.text))?;
        self.children.iter().try_for_each(|child| write!(out, "{child}"))?;
        write!(out, "</{name}>")
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn unescape(text: &str) -> String {
    let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#13;", "\r"), ("&#10;", "\n")];
    let text = named.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain));
    text.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_parsed_with_lists_and_texts() {
        let document = "<?xml version=\"1.0\"?>\n<Response xmlns=\"http://x\"><set>\n  <item><id>a&lt;b&amp;lt;</id></item>\n  \
                        <item><id/></item></set><n>2</n></Response>";
        let response = Element::parse(document).unwrap();
        assert_eq!(response.name, "Response");
        assert_eq!(response.text_of("n"), Some("2"));
        let ids = response.items("set").iter().map(|item| item.text_of("id")).collect::<Vec<_>>();
        assert_eq!(ids, [Some("a<b&lt;"), None]);
    }

    #[test]
    fn a_malformed_document_is_rejected() {
        for wrong in ["", "<a>", "<a></b>", "<a", "text"] {
            assert_eq!(Element::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_written_element_can_be_parsed() {
        let lists = vec![Element::texts("Texts", ["<1>", "2 & 3"]), Element::list("Nodes", vec![vec![], vec![]])];
        let written = Element::node("All", lists);
        assert!(written.to_string().starts_with("<All><Texts><member>&lt;1&gt;</member>"));
        assert_eq!(Element::parse(&written.to_string()), Some(written));
    }
}
