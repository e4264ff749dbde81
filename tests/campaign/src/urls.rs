//! Response URLs: CloudFormation's own, and imitations of them.

const BUCKET: &str = "cloudformation-custom-resource-response-uswest2";
const PATH: &str =
    "arn%3Aaws%3Acloudformation%3Aus-west-2%3A111122223333%3Astack/web/0a%7CWeb%7C7c?X-Amz-Date=20260102T030405Z";

/// CloudFormation's URLs in all partitions, with and without the region in the endpoint.
pub fn real() -> Vec<String> {
    let regions = [
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
        "eu-west-1",
        "eu-central-1",
        "eu-north-1",
        "ap-southeast-1",
        "ap-northeast-3",
        "sa-east-1",
        "ca-central-1",
        "af-south-1",
        "me-south-1",
        "il-central-1",
        "us-gov-west-1",
    ];
    let forms = |region: &str| {
        let bucket = format!("cloudformation-custom-resource-response-{}", region.replace('-', ""));
        [".s3".to_owned(), format!(".s3.{region}"), format!(".s3-{region}")]
            .map(|end| format!("https://{bucket}{end}.amazonaws.com/{PATH}"))
    };
    let mut all: Vec<String> = regions.into_iter().flat_map(forms).collect();
    for region in ["cn-north-1", "cn-northwest-1"] {
        let bucket = format!("cloudformation-custom-resource-response-{}", region.replace('-', ""));
        all.push(format!("https://{bucket}.s3.{region}.amazonaws.com.cn/{PATH}"));
    }
    all
}

/// URLs that would send the response to another host, or to an unpredictable one.
pub fn hostile() -> Vec<String> {
    let own = format!("{BUCKET}.s3.us-west-2.amazonaws.com");
    let hosts = [
        "evil.example".to_owned(),
        format!("{own}.evil.example"),
        format!("{own}evil.example"),
        format!("evil.example.{own}"),
        format!("x{own}"),
        format!("x-{own}"),
        format!("{own}@evil.example"),
        format!("user@{own}"),
        format!("user:word@{own}"),
        format!("evil.example@{own}"),
        format!("evil.example%2f@{own}"),
        format!("evil.example%00.{own}"),
        format!("{own}:443"),
        format!("{own}:80"),
        format!("{own}:8443"),
        format!("{own}:"),
        format!("{own}."),
        format!("{own}.."),
        format!("{own}%00.evil.example"),
        format!("{own}%2eevil.example"),
        format!("{own}%23.evil.example"),
        format!("{own}\\.evil.example"),
        format!("{own}#.evil.example"),
        format!("{BUCKET}.s3.eu-west-1.amazonaws.com"),
        format!("{BUCKET}.s3-eu-west-1.amazonaws.com"),
        format!("{BUCKET}.s3.us-west-2.amazonaws.com.cn"),
        format!("{BUCKET}.s3.us-west-2.amazonaws.evil.com"),
        format!("{BUCKET}.s3.us-west-2.evilamazonaws.com"),
        format!("{BUCKET}.s3.amazonaws.co"),
        format!("{BUCKET}.s3.amazonaws.com.co"),
        format!("{BUCKET}.s3-website-us-west-2.amazonaws.com"),
        format!("{BUCKET}.s3-accelerate.amazonaws.com"),
        format!("{BUCKET}.ec2.us-west-2.amazonaws.com"),
        format!("{BUCKET}.execute-api.us-west-2.amazonaws.com"),
        format!("{BUCKET}.lambda-url.us-west-2.on.aws"),
        format!("{BUCKET}..s3.amazonaws.com"),
        format!(".{own}"),
        "s3.amazonaws.com".to_owned(),
        "s3.us-west-2.amazonaws.com".to_owned(),
        "cloudformation-custom-resource-response-.s3.amazonaws.com".to_owned(),
        "cloudformation-custom-resource-response.s3.amazonaws.com".to_owned(),
        "cloudformation-custom-resource-response-uswest2-x.s3.amazonaws.com".to_owned(),
        "cloudformation-custom-resource-response-us-west-2.s3.amazonaws.com".to_owned(),
        "cloudformation-custom-resource-responses-uswest2.s3.amazonaws.com".to_owned(),
        "my-bucket.s3.us-west-2.amazonaws.com".to_owned(),
        "cloudformation-custom-resource-response-useast1.s3.us-west-2.amazonaws.com".to_owned(),
        "clоudformation-custom-resource-response-uswest2.s3.amazonaws.com".to_owned(),
        "cloudformation-custom-resource-response-uswest2。s3。amazonaws。com".to_owned(),
        "127.0.0.1".to_owned(),
        "127.0.0.1:80".to_owned(),
        "[::1]".to_owned(),
        "[::ffff:127.0.0.1]".to_owned(),
        "0x7f000001".to_owned(),
        "2130706433".to_owned(),
        "localhost".to_owned(),
        "169.254.169.254".to_owned(),
        "[fd00:ec2::254]".to_owned(),
        "169.254.170.2".to_owned(),
        "metadata.google.internal".to_owned(),
        String::new(),
    ];
    let mut all: Vec<String> = hosts.into_iter().map(|host| format!("https://{host}/{PATH}")).collect();
    let schemes =
        ["http://", "ftp://", "file:///", "gopher://", "javascript:", "data:,", "//", "", "https:/", "https:///"];
    all.extend(schemes.map(|scheme| format!("{scheme}{own}/{PATH}")));
    all.extend([
        format!("https://evil.example/{own}/{PATH}"),
        format!("https://evil.example?{own}"),
        format!("https://evil.example#{own}"),
        format!("https:\\\\{own}/x"),
        format!("https://{own}/x\r\nHost: evil.example"),
        format!("https://{own}/x y"),
        format!(" https://{own}/x"),
        format!("https://{own}\t.evil.example/x"),
    ]);
    all
}
