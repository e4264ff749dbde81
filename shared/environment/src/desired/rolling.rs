//! The rolling inputs: the properties whose change replaces running instances.

use crate::input::spec::Spec;
use crate::model::digest::digest;

/// The values of the rolling inputs: `ImageId` or `ImageParameter`, `InstanceType`, `UserDataScript`, `DrainServices`,
/// `DrainScript`, `RootVolumeGiB` and `KmsKeyArn`. Everything else in a launch template version reaches new instances only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollingInputs<'a> {
    /// The properties.
    pub spec: &'a Spec,
    /// The id of the image that the instances launch. The source of the image is not an input: with another source of the
    /// same image, instances are the same.
    pub image: &'a str,
}

impl RollingInputs<'_> {
    /// The digest of the values: 16 hexadecimal digits. It contains nothing of a release of Envkeeper, such as its own part
    /// of the user data: a new release replaces no instance.
    #[must_use]
    pub fn digest(&self) -> String {
        let Self { spec, image } = self;
        let services = spec.hooks.drain_services.iter().map(String::as_str);
        let (size, count) = (spec.root_volume_gib.to_string(), spec.hooks.drain_services.len().to_string());
        let parts = [*image, &spec.instance_type, &size, &count];
        let parts = parts.into_iter().chain(services);
        let parts = parts.chain(optional(spec.user_data_script.as_deref()));
        let parts = parts.chain(optional(spec.hooks.drain_script.as_deref()));
        digest(parts.chain(optional(spec.kms_key_arn.as_deref())))
    }
}

/// The parts of a value that may be absent. An absent value differs from an empty one.
fn optional(value: Option<&str>) -> [&str; 2] {
    value.map_or(["absent", ""], |value| ["present", value])
}
