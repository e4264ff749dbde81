//! The description of a launch template version.

use std::fmt;

use crate::model::digest::{DIGITS, is_digest};

/// The first word of a description, which identifies the versions that Envkeeper created.
const PREFIX: &str = "envkeeper";

/// The description of a version: `envkeeper <content> <rolling> <image source>`, at most 244 characters of the 255 that AWS
/// accepts, since sources have at most 200.
///
/// A version of an earlier release has the form `envkeeper <content> <image source>`: no word of a source is a digest of its
/// own, because a source has no spaces. Such a version is older than rollouts, and no instance of it is replaced for its digest.
///
/// Any principal that may create versions can write any description. A version is therefore used only if its data is the
/// desired data; of two versions with the same data, the first one counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionDescription {
    /// The beginning of the digest of the whole content, for operators. The digest that counts is computed from the version's data.
    pub content: String,
    /// The digest of the [rolling inputs](crate::rolling_inputs) without the image: their values are in the record, which may be lost. `None`: the
    /// version is older than rollouts.
    pub rolling: Option<String>,
    /// The source of the image, which the version's data does not contain: an image id, or the name of an SSM parameter.
    pub image_source: String,
}

impl VersionDescription {
    /// The description of a version with this digest, of which it has the beginning.
    #[must_use]
    pub fn of(digest: &str, rolling: Option<String>, image_source: String) -> VersionDescription {
        VersionDescription { content: digest.chars().take(DIGITS).collect(), rolling, image_source }
    }

    /// Reads a description; `None` if it does not have the form of Envkeeper.
    #[must_use]
    pub fn read(text: &str) -> Option<VersionDescription> {
        let words: Vec<&str> = text.split(' ').collect();
        let (content, rolling, image_source) = match words[..] {
            [PREFIX, content, image_source] => (content, None, image_source),
            [PREFIX, content, rolling, image_source] if is_digest(rolling) => (content, Some(rolling), image_source),
            _ => return None,
        };
        (is_digest(content) && !image_source.is_empty()).then(|| VersionDescription {
            content: content.to_owned(),
            rolling: rolling.map(str::to_owned),
            image_source: image_source.to_owned(),
        })
    }
}

impl fmt::Display for VersionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX} {}", self.content)?;
        self.rolling.iter().try_for_each(|rolling| write!(f, " {rolling}"))?;
        write!(f, " {}", self.image_source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(rolling: Option<&str>, source: &str) -> VersionDescription {
        VersionDescription {
            content: "0123456789abcdef".into(),
            rolling: rolling.map(str::to_owned),
            image_source: source.into(),
        }
    }

    #[test]
    fn a_description_is_read_as_it_was_written_and_fits_the_limit() {
        let longest = format!("/{}", "p".repeat(199));
        // A parameter's name may look like a digest.
        for source in ["ami-12345678", longest.as_str(), "fedcba9876543210"] {
            for rolling in [None, Some("fedcba9876543210")] {
                let written = description(rolling, source);
                assert!(written.to_string().len() <= 244, "{written}");
                assert_eq!(VersionDescription::read(&written.to_string()), Some(written));
            }
        }
    }

    #[test]
    fn a_description_of_an_earlier_release_is_readable() {
        let found = VersionDescription::read("envkeeper 0123456789abcdef /aws/service/image");
        assert_eq!(found, Some(description(None, "/aws/service/image")));
    }

    #[test]
    fn a_description_of_another_form_is_foreign() {
        let others = [
            "",
            "envkeeper",
            "envkeeper 0123456789abcdef",
            "envkeeper 0123456789abcdef ",
            "envkeeper 0123456789abcdef fedcba9876543210 ",
            "envkeeper 0123456789ABCDEF ami-1",
            "envkeeper 0123456789abcde ami-1",
            "envkeeper 0123456789abcdef ami-1 and-more",
            "envkeeper 0123456789abcdef fedcba9876543210 ami-1 more",
            "envkeeper2 0123456789abcdef ami-1",
            "my own envkeeper 0123456789abcdef ami-1",
        ];
        for other in others {
            assert_eq!(VersionDescription::read(other), None, "{other}");
        }
    }
}
