//! Clients of a service that answers what a test says.

use aws_cloud::Clients;
pub use test_support::Request;
use test_support::service;

/// Starts it, and gives the clients that ask it. What it answers is a status and a body; nothing is a lost answer.
pub fn start(response: impl Fn(Request) -> Option<(u16, String)> + Send + Sync + 'static) -> Clients {
    Clients::new(&service(response))
}
