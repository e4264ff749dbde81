//! The allowed hosts: CloudFormation's own buckets, and configured hosts for a local cloud.

use http::uri::Authority;

/// The bucket in which CloudFormation expects responses, up to the region without its dashes.
const BUCKET: &str = "cloudformation-custom-resource-response-";

/// The hosts to which a response may be sent. By default CloudFormation's own, in every region.
///
/// These are `cloudformation-custom-resource-response-<region without dashes>` followed by `.s3`, `.s3.<region>` or
/// `.s3-<region>`, then `.amazonaws.com`; in China's regions `.amazonaws.com.cn`, and in those of the European Sovereign
/// Cloud `.amazonaws.eu` (public captures show all of these except the last, and the first form in China). A host that
/// contains the region twice has to contain the same one.
///
/// Assumption: the owner of a bucket of that name in a region that AWS has not opened yet could receive a response. A
/// response contains names and ids, no secrets. [`AllowedHosts::in_region`] closes that gap too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts {
    region: Option<String>,
    extra: Vec<String>,
}

/// An entry of the configured list that is not `host:port`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{entry:?} is not allowed as a host for responses: valid is a list of host:port, such as 127.0.0.1:4566")]
pub struct BadHost {
    /// The entry as written in the list.
    pub entry: String,
}

impl AllowedHosts {
    /// CloudFormation's hosts, and those of a list such as `127.0.0.1:4566,localhost:4566`, for which plain http is
    /// allowed too. An empty list adds nothing.
    ///
    /// For a local cloud: deployed functions have no such list.
    ///
    /// # Errors
    ///
    /// [`BadHost`] for the first entry that is not exactly a host and a port.
    pub fn from_list(list: &str) -> Result<AllowedHosts, BadHost> {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let extra = entries.map(host_and_port).collect::<Result<_, _>>()?;
        Ok(AllowedHosts { region: None, extra })
    }

    /// Allows only those of CloudFormation's hosts that belong to one region, such as `us-west-2`: the function's own
    /// region, since a stack and the function behind its `ServiceToken` share one.
    #[must_use]
    pub fn in_region(self, region: &str) -> AllowedHosts {
        AllowedHosts { region: Some(compact(region)), ..self }
    }

    pub(super) fn is_configured(&self, authority: &str) -> bool {
        self.extra.iter().any(|entry| entry == authority)
    }

    pub(super) fn is_cloudformation(&self, host: &str) -> bool {
        region_of(host).is_some_and(|found| self.region.as_ref().is_none_or(|own| *own == found))
    }
}

/// The compact region (`uswest2`) of a host in one of CloudFormation's forms.
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

/// The domain of a compact region's partition (`partitions.json` of AWS's SDKs).
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

/// A region without its dashes: at least a short place and a direction (`useast1`), at most two long words.
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
    // Equal only without user information, with a host that is not empty, and with the port in its plain form.
    let plain = !authority.host().is_empty() && format!("{}:{port}", authority.host()) == entry;
    let has_invalid = entry.contains(|c: char| c == '*' || c == '%' || c.is_ascii_uppercase());
    if plain && !has_invalid { Ok(entry.to_owned()) } else { Err(bad()) }
}
