//! The digest of the rolling inputs, and the kinds of change.

use environment::rollout::Version;
use environment::{Script, Spec, TemplateChange, TemplateContent, TemplateVersion, rolling_inputs};
use serde_json::json;

const IMAGE: &str = "ami-00000000000000001";

/// A name, and the change.
type Change = (&'static str, fn(&mut Spec));

fn spec() -> Spec {
    crate::common::spec(json!({ "MinSize": "2", "MaxSize": "4" }))
}

/// What a rollout compares, for an image.
fn digest(spec: &Spec, image: &str) -> String {
    let content = template(|it| it.rolling_inputs = Some(rolling_inputs(spec))).content;
    TemplateVersion::of(content, image.to_owned()).rolling().expect("a digest")
}

#[test]
fn each_rolling_input_changes_the_digest_and_no_other_property_does() {
    let base = spec();
    let original = digest(&base, IMAGE);
    assert!(original.len() == 16 && original.chars().all(|it| it.is_ascii_hexdigit()), "{original}");
    let changes: [Change; 8] = [
        ("InstanceType", |it| it.instance_type = "t3.small".into()),
        ("RootVolumeGiB", |it| it.root_volume_gib += 1),
        ("KmsKeyArn", |it| it.kms_key_arn = Some("arn:aws:kms:us-west-2:123456789012:key/1".into())),
        ("UserDataScript", |it| it.user_data_script = Some(Script::from("echo"))),
        ("UserDataScript, empty", |it| it.user_data_script = Some(Script::from(""))),
        ("DrainScript", |it| it.hooks.drain_script = Some(Script::from("echo"))),
        ("DrainServices", |it| it.hooks.drain_services = vec!["a.service".into()]),
        ("DrainServices, two", |it| it.hooks.drain_services = vec!["a".into(), ".service".into()]),
    ];
    let mut digests = vec![original.clone(), digest(&base, "ami-00000000000000002")];
    for (_, change) in changes {
        let mut spec = base.clone();
        change(&mut spec);
        digests.push(digest(&spec, IMAGE));
    }
    let mut unique = digests.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), digests.len(), "{digests:?}");
    let others: [Change; 6] = [
        ("Tags", |it| drop(it.tags.insert("team".into(), "web".into()))),
        ("ImageParameter of the same image", |it| it.image_parameter = Some("/other".into())),
        ("LaunchGateSeconds", |it| it.hooks.launch_gate_seconds += 60),
        ("AlarmPeriodSeconds", |it| it.scaling.alarm_period_seconds = 300),
        ("MaxSize", |it| it.max_size += 1),
        ("ParameterPaths", |it| it.parameter_paths = vec!["/a".into()]),
    ];
    for (name, change) in others {
        let mut spec = base.clone();
        change(&mut spec);
        assert_eq!(digest(&spec, IMAGE), original, "{name}");
    }
}

fn template(change: impl FnOnce(&mut TemplateContent)) -> TemplateVersion {
    let resources = crate::common::standard().resources;
    let template = resources.into_iter().find_map(|it| match it.fields {
        environment::Fields::LaunchTemplate(template) => template.versions.into_iter().next(),
        _ => None,
    });
    let mut version = template.expect("a version");
    change(&mut version.content);
    TemplateVersion::of(version.content, version.image)
}

#[test]
fn a_change_rolls_by_the_digest_and_a_new_release_alone_changes_nothing() {
    let old = template(|_| {});
    let newer = template(|it| it.user_data = Script::from(format!("{}# a newer release\n", &*it.user_data)));
    let tagged = template(|it| drop(it.tags.insert("team".into(), "web".into())));
    let altered = TemplateVersion::altered(newer.content.clone(), newer.image.clone());
    let rolling = template(|it| it.rolling_inputs = Some("other".into()));
    let older = template(|it| it.rolling_inputs = None);
    assert_eq!(TemplateChange::of(&old, &old), TemplateChange::None);
    assert_eq!(TemplateChange::of(&newer, &old), TemplateChange::Revision);
    assert_eq!(TemplateChange::of(&tagged, &old), TemplateChange::NewInstances);
    assert_eq!(TemplateChange::of(&rolling, &old), TemplateChange::Rolling);
    let image = TemplateVersion::of(old.content.clone(), "ami-00000000000000002".into());
    assert_eq!(TemplateChange::of(&image, &old), TemplateChange::Rolling);
    // A version that is older than rollouts is no revision, and its instances are left alone.
    assert_eq!(TemplateChange::of(&newer, &older), TemplateChange::NewInstances);
    assert_eq!(TemplateChange::of(&old, &altered), TemplateChange::Rolling, "another principal's data");
}

#[test]
fn an_unknown_digest_neither_matches_nor_differs() {
    let of = |number, rolling: Option<&str>| Version { number, rolling: rolling.map(str::to_owned) };
    let cases = [
        (of(1, Some("a")), of(2, Some("a")), true, false),
        (of(1, Some("a")), of(2, Some("b")), false, true),
        (of(1, None), of(2, Some("a")), false, false),
        (of(1, None), of(2, None), false, false),
        (of(1, None), of(1, Some("a")), true, false),
    ];
    for (one, other, matches, differs) in cases {
        for (one, other) in [(&one, &other), (&other, &one)] {
            assert_eq!((one.matches(other), one.differs(other)), (matches, differs), "{one:?} {other:?}");
        }
    }
}
