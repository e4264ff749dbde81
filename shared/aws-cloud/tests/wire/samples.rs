//! Values that several files of these tests send.

use environment::{Ref, Tags, TemplateContent, TemplateVersion};

/// A version of a launch template, of a small content.
pub fn template_version() -> TemplateVersion {
    let content = TemplateContent {
        image_source: "ami-12345678".into(),
        rolling_inputs: Some("fedcba9876543210".into()),
        instance_type: "t3.micro".into(),
        instance_profile: Ref::Foreign("profile".into()),
        security_groups: vec![Ref::Foreign("sg-1".into())],
        root_volume_gib: 8,
        volume_key: None,
        detailed_monitoring: true,
        user_data: "#!/bin/bash\n".into(),
        tags: Tags::new(),
    };
    TemplateVersion::of(content, "ami-12345678".into())
}
