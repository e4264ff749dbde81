//! Pagination of responses, and the filters of actions that support filters.

use auto_scaling::Fault;

use super::Parameters;
use crate::element::Element;

/// AWS's maximum number of elements on a page.
const MOST: usize = 100;

/// The requested part of a list.
pub struct Page {
    first: usize,
    length: usize,
}

impl Page {
    /// Takes `MaxRecords` (1 to 100) and `NextToken`, which is the index of the first element.
    pub fn of(parameters: &mut Parameters, default_length: usize) -> Result<Self, Fault> {
        let valid = format!("1 to {MOST}");
        let fits = |length: &usize| (1..=MOST).contains(length);
        let length = parameters.parsed("MaxRecords", &valid, |text| text.parse().ok().filter(fits))?;
        let first = match parameters.text("NextToken") {
            None => 0,
            Some(token) => token.parse().map_err(|_| Fault {
                code: "InvalidNextToken",
                message: format!("NextToken is '{token}': expected a token from a response"),
            })?,
        };
        Ok(Self { first, length: length.unwrap_or(default_length) })
    }

    /// The requested members under the list's name, and the token of the next page if there is one.
    pub fn cut(&self, name: &str, members: Vec<Vec<Element>>) -> Vec<Element> {
        let after = self.first + self.length;
        let more = members.len() > after;
        let here = members.into_iter().skip(self.first).take(self.length).collect();
        let mut response = vec![Element::list(name, here)];
        response.extend(more.then(|| Element::leaf("NextToken", after)));
        response
    }
}

/// A filter: the name, and the values of which one must match.
pub struct Filter {
    pub name: String,
    pub values: Vec<String>,
}

/// Takes the filters of a request.
pub fn filters(parameters: &mut Parameters) -> Result<Vec<Filter>, Fault> {
    let mut filters = Vec::new();
    for member in parameters.members("Filters") {
        let name = parameters.required(&format!("{member}.Name"))?;
        let values = parameters.texts(&format!("{member}.Values")).unwrap_or_default();
        filters.push(Filter { name, values });
    }
    Ok(filters)
}

/// The error for a filter with an unknown name.
pub fn unknown_filter(name: &str) -> Fault {
    Fault::validation(format!("Filters has {name}: the local cloud does not support this filter"))
}
