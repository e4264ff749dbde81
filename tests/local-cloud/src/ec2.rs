//! The local cloud's own calls to moto: subnets, template versions, instances, and the tags and boundaries that the
//! enforcement of policies needs.

use std::{collections::BTreeMap, net::SocketAddr};

use auto_scaling::{Launch, LaunchTemplate, Subnet};

use crate::{element::Element, http::Http};

/// The beginning of the error for a version that does not exist (recorded on AWS, September 2026: stackd 9dc356f5,
/// lifecycle_native).
pub const UNKNOWN_VERSION: &str = "Could not find the specified version";

/// A client of moto's EC2.
pub struct Ec2 {
    http: Http,
    moto: SocketAddr,
}

/// The type of network interfaces in a template's tag specifications.
const INTERFACES: &str = "network-interface";

/// One version of a launch template: the version number, and the data for instances.
pub struct TemplateVersion {
    /// The template, with the resolved version number.
    pub template: LaunchTemplate,
    /// The instance type, such as `t3.micro`.
    pub instance_type: String,
    data: Element,
}

impl TemplateVersion {
    /// The types of resources for which the version specifies tags.
    #[must_use]
    pub fn tagged_types(&self) -> Vec<&str> {
        let specifications = self.data.items("tagSpecificationSet").iter();
        specifications.filter_map(|it| it.text_of("resourceType")).collect()
    }

    /// The image: an id, or `resolve:ssm:` and the name of a parameter.
    #[must_use]
    pub fn image(&self) -> &str {
        self.data.text_of("imageId").unwrap_or_default()
    }

    /// The tags that the version specifies for a type of resource.
    fn tags_of(&self, kind: &str) -> BTreeMap<String, String> {
        let specifications = self.data.items("tagSpecificationSet").iter();
        let of_kind = specifications.filter(|it| it.text_of("resourceType") == Some(kind));
        let text = |tag: &Element, path| tag.text_of(path).unwrap_or_default().to_owned();
        of_kind.flat_map(|it| it.items("tagSet")).map(|tag| (text(tag, "key"), text(tag, "value"))).collect()
    }
}

impl Ec2 {
    /// A client of EC2 at moto's address.
    #[must_use]
    pub fn new(http: Http, moto: SocketAddr) -> Self {
        Self { http, moto }
    }

    /// The subnets with their zones, in the order of `ids`.
    ///
    /// # Errors
    /// EC2's message: a subnet does not exist.
    pub async fn subnets(&self, ids: &[&str]) -> Result<Vec<Subnet>, String> {
        let numbered = ids.iter().zip(1..).map(|(id, number)| (format!("SubnetId.{number}"), (*id).to_owned()));
        let response = self.call("DescribeSubnets", numbered.collect()).await?;
        let zone_of = |id: &str| {
            let found = response.items("subnetSet").iter().find(|item| item.text_of("subnetId") == Some(id));
            let zone = found.and_then(|item| item.text_of("availabilityZone"));
            zone.map(str::to_owned).ok_or_else(|| format!("The subnet ID '{id}' does not exist"))
        };
        ids.iter().map(|id| Ok(Subnet { id: (*id).to_owned(), zone: zone_of(id)? })).collect()
    }

    /// A version of a launch template, identified by id, or by name if the id is empty.
    ///
    /// # Errors
    /// EC2's message: template or version does not exist; or the missing field that an instance needs.
    pub async fn template_version(&self, template: &LaunchTemplate) -> Result<TemplateVersion, String> {
        let LaunchTemplate { id, name, version } = template;
        let by = if id.is_empty() { ("LaunchTemplateName", name) } else { ("LaunchTemplateId", id) };
        let parameters = [by, ("LaunchTemplateVersion.1", version)];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.clone()));
        let response = self.call("DescribeLaunchTemplateVersions", parameters.into()).await?;
        let found = response.items("launchTemplateVersionSet").first();
        let by = if id.is_empty() { format!("name {name}") } else { format!("ID {id}") };
        let unknown = || format!("{UNKNOWN_VERSION} {version} for the launch template with {by}.");
        let found = found.ok_or_else(unknown)?;
        let text = |path: &str| found.text_of(path).unwrap_or_default().to_owned();
        let data = found.find("launchTemplateData").cloned().unwrap_or_default();
        for needed in ["imageId", "instanceType"] {
            data.text_of(needed).ok_or_else(|| format!("The launch template has no {needed}"))?;
        }
        Ok(TemplateVersion {
            template: LaunchTemplate {
                id: text("launchTemplateId"),
                name: text("launchTemplateName"),
                version: text("versionNumber"),
            },
            instance_type: text("launchTemplateData/instanceType"),
            data,
        })
    }

    /// Launches one instance and returns the id.
    ///
    /// # Errors
    /// EC2's message: a resource that the template references does not exist.
    pub async fn run_instance(
        &self,
        version: &TemplateVersion,
        launch: &Launch,
        is_spot: bool,
    ) -> Result<String, String> {
        let mut parameters = run_parameters(version, launch);
        if is_spot {
            parameters.insert("InstanceMarketOptions.MarketType".to_owned(), "spot".to_owned());
        }
        let response = self.call("RunInstances", parameters).await?;
        let instance = response.items("instancesSet").first();
        let instance = instance.ok_or_else(|| "RunInstances returned no instance".to_owned())?;
        // moto creates the interfaces without the tags of the call.
        for interface in instance.items("networkInterfaceSet") {
            let id = interface.text_of("networkInterfaceId").unwrap_or_default();
            self.create_tags(id, version.tags_of(INTERFACES)).await?;
        }
        instance.text_of("instanceId").map(str::to_owned).ok_or_else(|| "RunInstances returned no id".to_owned())
    }

    /// Terminates an instance as its group does, and deletes its network interfaces: moto keeps them, attached. Termination
    /// protection holds users up, and no group (EC2 User Guide, "Change instance termination protection"), so it is removed.
    ///
    /// # Errors
    /// EC2's message: the instance does not exist.
    pub async fn terminate_instance(&self, id: &str) -> Result<(), String> {
        let unprotected = [("InstanceId", id), ("DisableApiTermination.Value", "false")];
        let unprotected = unprotected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.call("ModifyInstanceAttribute", unprotected.into()).await?;
        let parameters = [("InstanceId.1".to_owned(), id.to_owned())];
        self.call("TerminateInstances", parameters.into()).await?;
        self.delete_interfaces(id).await
    }

    /// Deletes the network interfaces of a terminated instance.
    ///
    /// # Errors
    /// EC2's message.
    pub async fn delete_interfaces(&self, instance: &str) -> Result<(), String> {
        let parameters = [("Filter.1.Name", "attachment.instance-id"), ("Filter.1.Value.1", instance)];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let found = self.call("DescribeNetworkInterfaces", parameters.into()).await?;
        for interface in found.items("networkInterfaceSet") {
            let id = interface.text_of("networkInterfaceId").unwrap_or_default().to_owned();
            self.call("DeleteNetworkInterface", [("NetworkInterfaceId".to_owned(), id)].into()).await?;
        }
        Ok(())
    }

    /// Tags a resource, as the user data of an instance tags the instance.
    ///
    /// # Errors
    /// EC2's message: the resource does not exist.
    pub async fn tag(&self, id: &str, key: &str, value: &str) -> Result<(), String> {
        self.create_tags(id, BTreeMap::from([(key.to_owned(), value.to_owned())])).await
    }

    async fn create_tags(&self, id: &str, tags: BTreeMap<String, String>) -> Result<(), String> {
        if tags.is_empty() {
            return Ok(());
        }
        let mut parameters = BTreeMap::from([("ResourceId.1".to_owned(), id.to_owned())]);
        for ((key, value), number) in tags.into_iter().zip(1..) {
            parameters.insert(format!("Tag.{number}.Key"), key);
            parameters.insert(format!("Tag.{number}.Value"), value);
        }
        self.call("CreateTags", parameters).await.map(|_| ())
    }

    /// The tags of an EC2 resource.
    ///
    /// # Errors
    /// EC2's message.
    pub async fn tags(&self, id: &str) -> Result<BTreeMap<String, String>, String> {
        let parameters = [("Filter.1.Name", "resource-id"), ("Filter.1.Value.1", id)];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let response = self.call("DescribeTags", parameters.into()).await?;
        let text = |item: &Element, name: &str| item.text_of(name).unwrap_or_default().to_owned();
        Ok(response.items("tagSet").iter().map(|item| (text(item, "key"), text(item, "value"))).collect())
    }

    /// The permissions boundary of a role; `None` if the role does not exist or has no boundary. moto also implements
    /// IAM.
    pub async fn role_boundary(&self, role: &str) -> Option<String> {
        let parameters = BTreeMap::from([("RoleName".to_owned(), role.to_owned())]);
        let response = self.call_of("iam", "2010-05-08", "GetRole", parameters).await.ok()?;
        response.text_of("GetRoleResult/Role/PermissionsBoundary/PermissionsBoundaryArn").map(str::to_owned)
    }

    /// Calls an action of EC2.
    ///
    /// # Errors
    /// EC2's message.
    pub(crate) async fn call(&self, action: &str, parameters: BTreeMap<String, String>) -> Result<Element, String> {
        self.call_of("ec2", "2016-11-15", action, parameters).await
    }

    async fn call_of(
        &self,
        service: &str,
        version: &str,
        action: &str,
        parameters: BTreeMap<String, String>,
    ) -> Result<Element, String> {
        let failed = |error: &dyn std::fmt::Display| format!("{service} {action}: {error}");
        let names = [("Action", action), ("Version", version)].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let parameters = parameters.into_iter().chain(names).collect();
        let (status, body) = self.http.call(self.moto, service, &parameters).await.map_err(|error| failed(&error))?;
        let response = Element::parse(&body).ok_or_else(|| failed(&format!("{status}, {body}")))?;
        if status.is_success() {
            return Ok(response);
        }
        Err(response.text_of("Errors/Error/Message").map_or_else(|| failed(&body), str::to_owned))
    }
}

/// The parameters of RunInstances for a launch from a template. moto cannot use the template itself: for a version
/// above 1 with user data, moto returns 500, and moto ignores the profile, the metadata options and the interfaces'
/// security groups.
fn run_parameters(version: &TemplateVersion, launch: &Launch) -> BTreeMap<String, String> {
    let data = &version.data;
    let mut parameters = BTreeMap::from([
        ("MinCount".to_owned(), "1".to_owned()),
        ("MaxCount".to_owned(), "1".to_owned()),
        ("SubnetId".to_owned(), launch.subnet.id.clone()),
    ]);
    let same = [
        ("ImageId", "imageId"),
        ("InstanceType", "instanceType"),
        ("KeyName", "keyName"),
        ("Monitoring.Enabled", "monitoring/enabled"),
        ("UserData", "userData"),
        ("IamInstanceProfile.Arn", "iamInstanceProfile/arn"),
        ("IamInstanceProfile.Name", "iamInstanceProfile/name"),
        ("MetadataOptions.HttpTokens", "metadataOptions/httpTokens"),
        ("MetadataOptions.HttpEndpoint", "metadataOptions/httpEndpoint"),
        ("MetadataOptions.HttpPutResponseHopLimit", "metadataOptions/httpPutResponseHopLimit"),
        ("MetadataOptions.InstanceMetadataTags", "metadataOptions/instanceMetadataTags"),
    ];
    let present = same.into_iter().filter_map(|(name, path)| Some((name.to_owned(), data.text_of(path)?.to_owned())));
    parameters.extend(present);
    let groups = data.items("securityGroupIdSet").iter();
    let of_interfaces = data.items("networkInterfaceSet").iter().flat_map(|item| item.items("groupSet"));
    for (group, number) in groups.chain(of_interfaces).zip(1..) {
        parameters.insert(format!("SecurityGroupId.{number}"), group.text.clone());
    }
    for (kind, tags, at) in [("instance", instance_tags(version, launch), 1), ("volume", version.tags_of("volume"), 2)]
    {
        // moto rejects a specification without tags.
        if !tags.is_empty() {
            parameters.insert(format!("TagSpecification.{at}.ResourceType"), kind.to_owned());
        }
        for ((key, value), number) in tags.into_iter().zip(1..) {
            parameters.insert(format!("TagSpecification.{at}.Tag.{number}.Key"), key);
            parameters.insert(format!("TagSpecification.{at}.Tag.{number}.Value"), value);
        }
    }
    parameters
}

/// The template's tags for instances, overridden by the group's tags, and the tags that AWS adds.
fn instance_tags(version: &TemplateVersion, launch: &Launch) -> BTreeMap<String, String> {
    let mut tags = version.tags_of("instance");
    tags.extend(launch.tags.iter().cloned());
    tags.insert("aws:ec2launchtemplate:id".to_owned(), version.template.id.clone());
    tags.insert("aws:ec2launchtemplate:version".to_owned(), version.template.version.clone());
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_of_a_launch_contain_the_templates_data() {
        let data = "<launchTemplateData><imageId>ami-1</imageId><instanceType>t3.micro</instanceType><userData>QQ==</userData>\
                    <iamInstanceProfile><arn>arn:p</arn></iamInstanceProfile><networkInterfaceSet><item><groupSet>\
                    <groupId>sg-1</groupId></groupSet></item></networkInterfaceSet><metadataOptions><httpTokens>required\
                    </httpTokens></metadataOptions><tagSpecificationSet><item><resourceType>volume</resourceType><tagSet>\
                    <item><key>v</key><value>v</value></item></tagSet></item><item><resourceType>instance</resourceType>\
                    <tagSet><item><key>both</key><value>template</value></item></tagSet></item></tagSpecificationSet>\
                    </launchTemplateData>";
        let template = LaunchTemplate { id: "lt-1".into(), name: "t".into(), version: "2".into() };
        let data = Element::parse(data).unwrap();
        let version = TemplateVersion { template: template.clone(), instance_type: "t3.micro".into(), data };
        let launch = Launch {
            token: auto_scaling::Token(1),
            group: "web".into(),
            launch_template: template,
            subnet: Subnet { id: "subnet-1".into(), zone: "us-west-2a".into() },
            tags: vec![("both".into(), "group".into()), ("aws:autoscaling:groupName".into(), "web".into())],
        };
        let parameters = run_parameters(&version, &launch);
        for (name, value) in [
            ("ImageId", "ami-1"),
            ("InstanceType", "t3.micro"),
            ("UserData", "QQ=="),
            ("SubnetId", "subnet-1"),
            ("SecurityGroupId.1", "sg-1"),
            ("IamInstanceProfile.Arn", "arn:p"),
            ("MetadataOptions.HttpTokens", "required"),
        ] {
            assert_eq!(parameters[name], value, "{name}");
        }
        assert_eq!(parameters["TagSpecification.2.ResourceType"], "volume");
        assert_eq!(parameters["TagSpecification.2.Tag.1.Key"], "v");
        assert_eq!(version.tagged_types(), ["volume", "instance"]);
        assert!(!parameters.keys().any(|name| name.starts_with("LaunchTemplate")));
        let tags = instance_tags(&version, &launch);
        assert_eq!(tags["both"], "group");
        assert_eq!(
            (tags["aws:autoscaling:groupName"].as_str(), tags["aws:ec2launchtemplate:version"].as_str()),
            ("web", "2")
        );
        assert_eq!(tags.len(), 4, "the volume's tag does not apply to the instance");
    }
}
