//! XML as AWS's query protocols have it: elements with either text or children, and no attributes that matter.

use std::fmt;

/// An element with all that is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Its name.
    pub name: String,
    /// Its text; empty if it has children.
    pub text: String,
    /// Its children, in order.
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

    /// A list as the query protocol has it, in which every element is called `member`.
    #[must_use]
    pub fn list(name: &str, members: Vec<Vec<Element>>) -> Self {
        Self::node(name, members.into_iter().map(|children| Self::node("member", children)).collect())
    }

    /// A list of texts.
    pub fn texts<T: fmt::Display>(name: &str, members: impl IntoIterator<Item = T>) -> Self {
        Self::node(name, members.into_iter().map(|text| Self::leaf("member", text)).collect())
    }

    /// Reads a document. None where it is not well-formed, or has what AWS's answers never have.
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
                    // What stands between children is only layout.
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

    /// The first element under a path of names, with slashes.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&Element> {
        path.split('/').try_fold(self, |at, name| at.children.iter().find(|child| child.name == name))
    }

    /// The text under such a path, if there is one.
    #[must_use]
    pub fn text_of(&self, path: &str) -> Option<&str> {
        self.find(path).map(|found| found.text.as_str()).filter(|text| !text.is_empty())
    }

    /// The children of the element under such a path.
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
    fn an_answer_is_read_with_its_lists_and_texts() {
        let document = "<?xml version=\"1.0\"?>\n<Response xmlns=\"http://x\"><set>\n  <item><id>a&lt;b&amp;lt;</id></item>\n  \
                        <item><id/></item></set><n>2</n></Response>";
        let response = Element::parse(document).unwrap();
        assert_eq!(response.name, "Response");
        assert_eq!(response.text_of("n"), Some("2"));
        let ids = response.items("set").iter().map(|item| item.text_of("id")).collect::<Vec<_>>();
        assert_eq!(ids, [Some("a<b&lt;"), None]);
    }

    #[test]
    fn what_is_not_well_formed_is_not_read() {
        for wrong in ["", "<a>", "<a></b>", "<a", "text"] {
            assert_eq!(Element::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let lists = vec![Element::texts("Texts", ["<1>", "2 & 3"]), Element::list("Nodes", vec![vec![], vec![]])];
        let written = Element::node("All", lists);
        assert!(written.to_string().starts_with("<All><Texts><member>&lt;1&gt;</member>"));
        assert_eq!(Element::parse(&written.to_string()), Some(written));
    }
}
