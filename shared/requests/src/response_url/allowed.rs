//! The list: CloudFormation's own buckets, and what configuration adds for a cloud on a laptop.

use http::uri::Authority;

/// The bucket in which CloudFormation awaits answers, up to the region without its dashes.
const BUCKET: &str = "cloudformation-custom-resource-response-";

/// The hosts that may be sent an answer. By default CloudFormation's own, in every region.
///
/// These are `cloudformation-custom-resource-response-<region without dashes>` followed by `.s3`, `.s3.<region>` or
/// `.s3-<region>`, then `.amazonaws.com`; in China's regions `.amazonaws.com.cn`, and in those of the European Sovereign
/// Cloud `.amazonaws.eu` (all but the last, and the first form in China, seen in public captures). Where the region is there
/// twice, it has to be the same one.
///
/// Assumption: whoever makes a bucket of that name in a region that AWS has not opened yet could be sent an answer. It
/// holds names and ids, no secrets. [`AllowedHosts::in_region`] closes that gap too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts {
    region: Option<String>,
    extra: Vec<String>,
}

/// An entry of the configured list that is no `host:port`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{entry:?} is not allowed as a host for answers: valid is a list of host:port, such as 127.0.0.1:4566")]
pub struct BadHost {
    /// The entry as it stands in the list.
    pub entry: String,
}

impl AllowedHosts {
    /// CloudFormation's hosts, and those of a list such as `127.0.0.1:4566,localhost:4566`, for which plain http is
    /// allowed too. An empty list adds nothing.
    ///
    /// For a cloud on a laptop: deployed functions have no such list.
    ///
    /// # Errors
    ///
    /// [`BadHost`] for the first entry that is not exactly a host and a port.
    pub fn from_list(list: &str) -> Result<AllowedHosts, BadHost> {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let extra = entries.map(host_and_port).collect::<Result<_, _>>()?;
        Ok(AllowedHosts { region: None, extra })
    }

    /// Of CloudFormation's hosts only those of one region, such as `us-west-2`: the function's own, since a stack and the
    /// function behind its `ServiceToken` share one.
    #[must_use]
    pub fn in_region(self, region: &str) -> AllowedHosts {
        AllowedHosts { region: Some(compact(region)), ..self }
    }

    pub(super) fn by_configuration(&self, authority: &str) -> bool {
        self.extra.iter().any(|entry| entry == authority)
    }

    pub(super) fn is_cloudformation(&self, host: &str) -> bool {
        region_of(host).is_some_and(|found| self.region.as_ref().is_none_or(|own| *own == found))
    }
}

/// The compact region (`uswest2`) of a host that has one of CloudFormation's forms.
fn region_of(host: &str) -> Option<String> {
    let (bucket, service) = host.split_once('.')?;
    let region = bucket.strip_prefix(BUCKET)?;
    let same = match service.strip_suffix(domain(region))?.strip_prefix("s3")? {
        "" => is_compact_region(region),
        named => {
            let dashed = named.strip_prefix(['.', '-'])?;
            is_region(dashed) && compact(dashed) == region
        }
    };
    same.then(|| region.to_owned())
}

/// The domain of a compact region: that of its partition (`partitions.json` of AWS's SDKs).
fn domain(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn") => ".amazonaws.com.cn",
        _ if region.starts_with("eusc") => ".amazonaws.eu",
        _ => ".amazonaws.com",
    }
}

fn compact(region: &str) -> String {
    region.replace('-', "")
}

/// `us-west-2`, `us-gov-east-1`, `eusc-de-east-1`: letters in two or more parts, then one or two digits.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let word = |part: &&str| (2..=12).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_lowercase());
    match parts.as_slice() {
        [words @ .., number] => words.len() >= 2 && words.iter().all(word) && is_number(number),
        [] => false,
    }
}

/// The same without its dashes: at least a short place and a direction (`useast1`), at most what two long words make.
fn is_compact_region(text: &str) -> bool {
    let number = text.trim_start_matches(|c: char| c.is_ascii_lowercase());
    (6..=24).contains(&(text.len() - number.len())) && is_number(number)
}

fn is_number(text: &str) -> bool {
    (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

fn host_and_port(entry: &str) -> Result<String, BadHost> {
    let bad = || BadHost { entry: entry.to_owned() };
    let authority: Authority = entry.parse().map_err(|_| bad())?;
    let port = authority.port_u16().ok_or_else(bad)?;
    // Equal only if there is no user information, no empty host, and the port is written plainly.
    let plain = !authority.host().is_empty() && format!("{}:{port}", authority.host()) == entry;
    let odd = entry.contains(|c: char| c == '*' || c == '%' || c.is_ascii_uppercase());
    if plain && !odd { Ok(entry.to_owned()) } else { Err(bad()) }
}
