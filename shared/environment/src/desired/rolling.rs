//! The rolling inputs: the properties whose change replaces running instances.

use crate::input::spec::Spec;
use crate::model::digest::digest;

/// The digest of the values of `InstanceType`, `UserDataScript`, `DrainServices`, `DrainScript`, `RootVolumeGiB` and
/// `KmsKeyArn`: 16 hexadecimal digits. `ImageId` and `ImageParameter` roll too; the image that they name stands in the
/// version's data ([`TemplateVersion::rolling`](crate::TemplateVersion::rolling)). Their own texts are no inputs: with another
/// source of the same image, instances are the same. Everything else in a version reaches new instances only.
///
/// The digest contains nothing of a release of Envkeeper, such as its own part of the user data: a new release replaces no
/// instance. So this computation never changes.
#[must_use]
pub fn rolling_inputs(spec: &Spec) -> String {
    let services = spec.hooks.drain_services.iter().map(String::as_str);
    let (size, count) = (spec.root_volume_gib.to_string(), spec.hooks.drain_services.len().to_string());
    let parts = [spec.instance_type.as_str(), &size, &count];
    let parts = parts.into_iter().chain(services);
    let parts = parts.chain(optional(spec.user_data_script.as_deref()));
    let parts = parts.chain(optional(spec.hooks.drain_script.as_deref()));
    digest(parts.chain(optional(spec.kms_key_arn.as_deref())))
}

/// The parts of a value that may be absent. An absent value differs from an empty one.
fn optional(value: Option<&str>) -> [&str; 2] {
    value.map_or(["absent", ""], |value| ["present", value])
}
