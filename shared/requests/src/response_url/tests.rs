use super::*;

const B: &str = "cloudformation-custom-resource-response-uswest2";

fn check(url: &str) -> Result<ResponseUrl, ResponseUrlError> {
    ResponseUrl::parse(url, &AllowedHosts::default())
}

#[test]
fn the_real_forms_are_accepted_and_kept_to_the_byte() {
    let path = "/arn%3Aaws%3Acloudformation%3Aus-west-2%3A111122223333%3Astack/web/0a%7CWeb%7C7c?X-Amz-Date=20260102T030405Z\
                &X-Amz-Expires=7200&sig=a%2Fb+c=&empty=&&|~'()*!$;:@,";
    for host in [
        "cloudformation-custom-resource-response-useast1.s3.amazonaws.com",
        "cloudformation-custom-resource-response-uswest2.s3-us-west-2.amazonaws.com",
        "cloudformation-custom-resource-response-uswest2.s3.us-west-2.amazonaws.com",
        "cloudformation-custom-resource-response-apsoutheast1.s3-ap-southeast-1.amazonaws.com",
        "cloudformation-custom-resource-response-eusouth1.s3.eu-south-1.amazonaws.com",
        "cloudformation-custom-resource-response-usgovwest1.s3-us-gov-west-1.amazonaws.com",
        "cloudformation-custom-resource-response-euscdeeast1.s3.eusc-de-east-1.amazonaws.eu",
        "cloudformation-custom-resource-response-cnnorth1.s3.cn-north-1.amazonaws.com.cn",
        "cloudformation-custom-resource-response-cnnorthwest1.s3.cn-northwest-1.amazonaws.com.cn",
    ] {
        let url = format!("https://{host}{path}");
        let accepted = check(&url).unwrap_or_else(|rejected| panic!("{host}: {rejected}"));
        assert_eq!(accepted.uri().to_string(), url);
        assert_eq!(accepted.host(), host);
    }
}

#[test]
fn no_response_is_sent_to_another_host() {
    all_rejected(&[
        // another host that contains the right words
        format!("https://{B}.s3.amazonaws.com.evil.example/x?X=1"),
        format!("https://evil.example/{B}.s3.amazonaws.com/x"),
        format!("https://evil.example?{B}.s3.amazonaws.com/x"),
        format!("https://evil.example/?x=https://{B}.s3.amazonaws.com/"),
        format!("https://{B}.s3.amazonaws.com.evil/"),
        format!("https://{B}.s3.amazonaws.comevil.example/"),
        format!("https://{B}.s3.evilamazonaws.com/"),
        format!("https://{B}.s3.amazonaws.evil.com/"),
        format!("https://{B}.s3.amazonaws.com.cn/"),
        format!("https://{B}.s3.us-west-2.amazonaws.com.cn/"),
        "https://cloudformation-custom-resource-response-cnnorth1.s3.cn-north-1.amazonaws.com/".to_owned(),
        "https://cloudformation-custom-resource-response-cnnorth1.s3.cn-north-1.amazonaws.eu/".to_owned(),
        "https://cloudformation-custom-resource-response-euscdeeast1.s3.eusc-de-east-1.amazonaws.com/".to_owned(),
        "https://cloudformation-custom-resource-response-euscdeeast1.s3.eusc-de-east-1.amazonaws.com.cn/".to_owned(),
        "https://cloudformation-custom-resource-response-euscdeeast1.s3.eusc-de-east-1.amazonaws.eu.evil/".to_owned(),
        "https://cloudformation-custom-resource-response-eusouth1.s3.eu-south-1.amazonaws.eu/".to_owned(),
        format!("https://{B}.s3.amazonaws.eu/"),
        format!("https://{B}.s3.us-west-2.amazonaws.eu/"),
        // user information
        format!("https://{B}.s3.amazonaws.com@evil.example/"),
        format!("https://user@{B}.s3.amazonaws.com/"),
        format!("https://user:word@{B}.s3.amazonaws.com/"),
        format!("https://@{B}.s3.amazonaws.com/"),
        format!("https://:@{B}.s3.amazonaws.com/"),
        format!("https://evil.example%40{B}.s3.amazonaws.com/"),
        format!("https://{B}.s3.amazonaws.com:443@evil.example/"),
        // ports
        format!("https://{B}.s3.amazonaws.com:443/"),
        format!("https://{B}.s3.amazonaws.com:8443/"),
        format!("https://{B}.s3.amazonaws.com:/"),
        format!("https://{B}.s3.amazonaws.com:0443/"),
        format!("https://{B}.s3.amazonaws.com:99999/"),
        // dots, empty labels, case
        format!("https://{B}.s3.amazonaws.com./"),
        format!("https://.{B}.s3.amazonaws.com/"),
        format!("https://{B}..s3.amazonaws.com/"),
        format!("https://{B}.s3..amazonaws.com/"),
        format!("https://{}.s3.amazonaws.com/", B.to_uppercase()),
        format!("https://{B}.S3.amazonaws.com/"),
        format!("HTTPS://{B}.s3.amazonaws.com/"),
        // other buckets, other services, other forms of a bucket's address
        "https://cr-response-bucket.s3.us-east-1.amazonaws.com/cr-response-key?sig-params=sig-values".to_owned(),
        "https://my-bucket.s3.amazonaws.com/".to_owned(),
        format!("https://s3.amazonaws.com/{B}/x"),
        format!("https://s3-us-west-2.amazonaws.com/{B}/x"),
        format!("https://evil.{B}.s3.amazonaws.com/"),
        format!("https://evil-{B}.s3.amazonaws.com/"),
        format!("https://{B}-evil.s3.amazonaws.com/"),
        format!("https://{B}.sqs.us-west-2.amazonaws.com/"),
        format!("https://{B}.s3-accelerate.amazonaws.com/"),
        format!("https://{B}.s3.dualstack.us-west-2.amazonaws.com/"),
        format!("https://{B}.s3-website-us-west-2.amazonaws.com/"),
        format!("https://{B}.s3x.amazonaws.com/"),
        format!("https://{B}.amazonaws.com/"),
        // regions that don't match or don't exist
        format!("https://{B}.s3.us-east-1.amazonaws.com/"),
        format!("https://{B}.s3-us-east-2.amazonaws.com/"),
        format!("https://{B}.s3.uswest2.amazonaws.com/"),
        format!("https://{B}.s3.us--west-2.amazonaws.com/"),
        "https://cloudformation-custom-resource-response-us-west-2.s3.amazonaws.com/".to_owned(),
        "https://cloudformation-custom-resource-response-.s3.amazonaws.com/".to_owned(),
        "https://cloudformation-custom-resource-response-evil.s3.amazonaws.com/".to_owned(),
        "https://cloudformation-custom-resource-response-2.s3.amazonaws.com/".to_owned(),
        "https://cloudformation-custom-resource-response-uswest123.s3.amazonaws.com/".to_owned(),
        // addresses in the function's own network
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "https://[fd00:ec2::254]/latest/".to_owned(),
        "https://[::1]/".to_owned(),
        "https://[::ffff:169.254.169.254]/".to_owned(),
        "https://2852039166/".to_owned(),
        "https://0xa9fea9fe/".to_owned(),
        "https://127.0.0.1/".to_owned(),
        "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next".to_owned(),
        "https://localhost/".to_owned(),
    ]);
}

#[test]
fn no_response_is_sent_to_an_ambiguous_url() {
    all_rejected(&[
        // other schemes, or none
        format!("http://{B}.s3.amazonaws.com/"),
        format!("ftp://{B}.s3.amazonaws.com/"),
        format!("httpss://{B}.s3.amazonaws.com/"),
        format!("//{B}.s3.amazonaws.com/"),
        format!("{B}.s3.amazonaws.com/x"),
        format!("{B}.s3.amazonaws.com"),
        format!("https:{B}.s3.amazonaws.com/"),
        format!("https:/{B}.s3.amazonaws.com/"),
        format!("https:///{B}.s3.amazonaws.com/"),
        format!("https://https://{B}.s3.amazonaws.com/"),
        "file:///etc/passwd".to_owned(),
        "data:text/plain,x".to_owned(),
        "javascript:alert(1)".to_owned(),
        "/only/a/path".to_owned(),
        "*".to_owned(),
        String::new(),
        // characters that two parsers read differently
        format!("https://{B}.s3.amazonaws.com\\@evil.example/"),
        format!("https:\\\\{B}.s3.amazonaws.com/"),
        format!("https://evil.example\\.{B}.s3.amazonaws.com/"),
        format!("https://evil.example#@{B}.s3.amazonaws.com/"),
        format!("https://{B}.s3.amazonaws.com/#fragment"),
        format!("https://{B}.s3.amazonaws.com#/"),
        format!(" https://{B}.s3.amazonaws.com/"),
        format!("https://{B}.s3.amazonaws.com/ "),
        format!("https://{B}.s3.amazonaws.com /"),
        format!("https://{B}.s3.amazonaws.com\t/"),
        format!("https://{B}.s3.amazonaws.com/x\r\nHost: evil.example"),
        format!("https://{B}.s3.amazonaws.com/x\nX-Evil: 1"),
        format!("https://{B}.s3.amazonaws.com/\0"),
        format!("https://{B}.s3.amazonaws.com\u{3002}evil.example/"),
        format!("https://{B}.s3.ama\u{17e}onaws.com/"),
        format!("https://{B}.s3.\u{ff41}mazonaws.com/"),
        format!("https://{B}\u{200b}.s3.amazonaws.com/"),
        format!("https://xn--{B}.s3.amazonaws.com/"),
        format!("https://{B}%2es3.amazonaws.com/"),
        format!("https://{B}.s3.amazonaws.com%2eevil.example/"),
        format!("https://{B}.s3.amazonaws.com%00.evil.example/"),
        "https://%63loudformation-custom-resource-response-uswest2.s3.amazonaws.com/".to_owned(),
        // no path, or too much of it
        format!("https://{B}.s3.amazonaws.com"),
        format!("https://{B}.s3.amazonaws.com?x=1"),
        format!("https://{B}.s3.amazonaws.com/{}", "x".repeat(MAX_LENGTH)),
    ]);
}

fn all_rejected(hostile: &[String]) {
    for url in hostile {
        assert!(check(url).is_err(), "accepted {url:?}");
    }
}

#[test]
fn a_rejection_names_only_the_host() {
    for url in [
        "https://hidden-user:hidden-word@evil.example/hidden-path?hidden-query=1",
        "https://evil.example/hidden-path?hidden-query=1",
        "http://evil.example/hidden-path?hidden-query=1",
        "https://evil.example:444/hidden-path?hidden-query=1",
    ] {
        let rejected = check(url).unwrap_err();
        for text in [rejected.to_string(), format!("{rejected:?}")] {
            assert!(text.contains("evil.example"), "{text}");
            assert!(!text.contains("hidden"), "{text}");
        }
    }
    let rejected = check("https://evil.example/hidden path?hidden").unwrap_err();
    assert!(!format!("{rejected} {rejected:?}").contains("hidden"));
}

#[test]
fn a_url_shows_its_host_only() {
    let url = check(&format!("https://{B}.s3.us-west-2.amazonaws.com/hidden?hidden=1")).unwrap();
    assert_eq!(url.to_string(), format!("https://{B}.s3.us-west-2.amazonaws.com/…"));
    assert!(!format!("{url:?}").contains("hidden"));
}

#[test]
fn a_configured_host_is_allowed_with_its_port_over_plain_http() {
    let local = AllowedHosts::from_list("127.0.0.1:4566, localhost:4566,[::1]:4566").unwrap();
    for url in [
        "http://127.0.0.1:4566/x?y=1",
        "https://127.0.0.1:4566/x",
        "http://localhost:4566/x",
        "http://[::1]:4566/x",
        "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/x",
    ] {
        assert!(ResponseUrl::parse(url, &local).is_ok(), "{url}");
    }
    for url in [
        "http://127.0.0.1:4567/x",
        "http://127.0.0.1/x",
        "http://user@127.0.0.1:4566/x",
        "http://127.0.0.1:4566@evil.example/x",
        "http://127.0.0.1:4566.evil.example/x",
        "http://LOCALHOST:4566/x",
        "http://localhost:4566",
        "ftp://127.0.0.1:4566/x",
        "http://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/x",
    ] {
        assert!(ResponseUrl::parse(url, &local).is_err(), "{url}");
    }
}

#[test]
fn a_list_accepts_only_hosts_with_ports() {
    assert_eq!(AllowedHosts::from_list(" , "), Ok(AllowedHosts::default()));
    for entry in [
        "127.0.0.1",
        "http://127.0.0.1:4566",
        "127.0.0.1:4566/path",
        "user@127.0.0.1:4566",
        "*:4566",
        "*.example:443",
        ":4566",
        "host:",
        "host:99999",
        "Host:4566",
        "a b:1",
    ] {
        let bad = AllowedHosts::from_list(&format!("localhost:1,{entry}"));
        assert_eq!(bad, Err(BadHost { entry: entry.to_owned() }));
    }
}

#[test]
fn a_list_for_one_region_rejects_other_regions() {
    let sovereign = AllowedHosts::default().in_region("eusc-de-east-1");
    let host = "cloudformation-custom-resource-response-euscdeeast1.s3.eusc-de-east-1.amazonaws.eu";
    assert!(ResponseUrl::parse(&format!("https://{host}/x"), &sovereign).is_ok());
    let own = AllowedHosts::default().in_region("us-west-2");
    let url = |region: &str| format!("https://cloudformation-custom-resource-response-{region}.s3.amazonaws.com/x");
    assert!(ResponseUrl::parse(&url("uswest2"), &own).is_ok());
    assert!(ResponseUrl::parse(&url("useast1"), &own).is_err());
}
