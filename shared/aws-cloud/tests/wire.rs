//! What goes over the wire when answers are lost: how often a request is sent, and with which token.

#![allow(clippy::expect_used, reason = "a test stops where it finds nonsense, in its helpers too")]

use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use aws_cloud::{AwsCloud, Clients};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
use environment::{Call, Cloud, Fields, InternetGateway, Key, Ref, Resource, RouteTable, Setback, Tags, Vpc, What};

/// A service that hears every request out and never answers.
struct Silent {
    heard: Arc<Mutex<Vec<String>>>,
    clients: Clients,
}

impl Silent {
    fn start() -> Silent {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let bodies = Arc::clone(&heard);
        // The thread ends with the test's process.
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                bodies.lock().expect("bodies").push(body(&connection));
            }
        });
        let anybody = Credentials::new("nobody", "nothing", None, None, "tests");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .endpoint_url(format!("http://{address}"))
            .credentials_provider(SharedCredentialsProvider::new(anybody));
        Silent { heard, clients: Clients::new(&config.build()) }
    }

    /// Sends a call in a run for this request; what was heard of it.
    async fn hears(&self, request: &str, fields: Fields) -> Vec<String> {
        let cloud = AwsCloud::new(&self.clients, "owner".into(), request.into());
        let tags = Tags::from([("envkeeper:owner".into(), "owner".into())]);
        let resource = Resource { name: "the-name".into(), tags, fields };
        let call = Call { key: Key::new(resource.kind(), "the-name"), id: None, what: What::Create(resource) };
        let answer = cloud.call(&call).await;
        assert!(matches!(answer, Err(Setback::Doubtful { .. })), "{answer:?}");
        std::mem::take(&mut *self.heard.lock().expect("bodies"))
    }
}

fn body(connection: &TcpStream) -> String {
    let mut reader = BufReader::new(connection);
    let mut length = 0;
    for line in reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the body");
    String::from_utf8(body).expect("text")
}

fn token(body: &str) -> &str {
    body.split('&').find_map(|pair| pair.strip_prefix("ClientToken=")).expect("a token")
}

#[tokio::test]
async fn a_create_that_could_happen_twice_is_sent_once() {
    let silent = Silent::start();
    let vpc = Vpc { cidr: "10.0.0.0/16".parse().expect("a network"), dns_support: true, dns_hostnames: true };
    let heard = silent.hears("request", Fields::Vpc(vpc)).await;
    assert_eq!(heard.len(), 1);
    // Its mark is in the creating call.
    assert!(heard[0].contains("TagSpecification.1.Tag.1.Key=envkeeper%3Aowner"), "{heard:?}");
    let gateway = InternetGateway { attached_to: None };
    assert_eq!(silent.hears("request", Fields::InternetGateway(gateway)).await.len(), 1);
}

#[tokio::test]
async fn a_create_with_a_token_is_sent_again_with_the_same_and_by_another_request_with_another() {
    let silent = Silent::start();
    let table = || {
        let vpc = Ref::Foreign("vpc-1".into());
        Fields::RouteTable(RouteTable { vpc, default_route: None, serves: std::collections::BTreeSet::new() })
    };
    let heard = silent.hears("request", table()).await;
    assert!(heard.len() > 1, "{heard:?}");
    assert!(heard.iter().all(|body| token(body) == token(&heard[0])), "{heard:?}");
    let again = silent.hears("request", table()).await;
    assert_eq!(token(&again[0]), token(&heard[0]));
    let other = silent.hears("another request", table()).await;
    assert_ne!(token(&other[0]), token(&heard[0]));
}
