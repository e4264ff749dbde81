//! Clients of a service with the responses that a test sets.

use aws_cloud::Clients;
pub use test_support::Request;
use test_support::service;

/// Starts the service, and returns its clients. A response is a status and a body; `None` is a lost response.
pub fn start(response: impl Fn(Request) -> Option<(u16, String)> + Send + Sync + 'static) -> Clients {
    Clients::new(&service(response))
}
