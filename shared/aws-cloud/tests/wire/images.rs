//! The owner of an image, by the responses of EC2.

use aws_cloud::image_owner;
use environment::{Defaults, Deployment, ImageOwner, Spec};
use serde_json::json;

use crate::service;

const IMAGE: &str = "ami-0123456789abcdef0";

/// The owner of the image by a service that describes it so.
async fn owner(status: u16, body: &'static str) -> Result<Option<ImageOwner>, String> {
    let clients = service::start(move |request| {
        assert!(request.body.contains("Action=DescribeImages") && request.body.contains(IMAGE), "{}", request.body);
        Some((status, body.to_owned()))
    });
    let deployment = Deployment { project: "p".into(), region: "eu-west-1".into(), account: "123456789012".into() };
    let given = json!({ "EnvironmentSuffix": "dev", "ImageId": IMAGE });
    let given = given.as_object().expect("an object");
    let spec = Spec::read(given, &Defaults::from_vars(|_| None), &deployment).expect("valid properties");
    image_owner(&clients, &spec).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn an_image_belongs_to_an_account_which_may_have_an_alias() {
    let described = "<DescribeImagesResponse><imagesSet><item><imageId>ami-0123456789abcdef0</imageId>\
        <imageOwnerId>137112412989</imageOwnerId><imageOwnerAlias>amazon</imageOwnerAlias></item></imagesSet>\
        </DescribeImagesResponse>";
    let expected = ImageOwner { account: "137112412989".into(), alias: Some("amazon".into()) };
    assert_eq!(owner(200, described).await, Ok(Some(expected)));
}

#[tokio::test]
async fn an_image_that_is_not_found_has_no_owner_and_another_error_is_an_error() {
    let not_found =
        "<Response><Errors><Error><Code>InvalidAMIID.NotFound</Code><Message>no</Message></Error></Errors></Response>";
    assert_eq!(owner(400, not_found).await, Ok(None));
    let none = "<DescribeImagesResponse><imagesSet/></DescribeImagesResponse>";
    assert_eq!(owner(200, none).await, Ok(None));
    let denied =
        "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>";
    assert!(owner(403, denied).await.is_err_and(|it| it.contains("ec2:DescribeImages")));
}
