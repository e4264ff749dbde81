//! A response body that is truncated in the middle.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use hyper::body::{Body, Bytes, Frame};

/// The first half of a body, followed by an error: the server then closes the connection.
///
/// The body has no size hint, so that the response's head can state the length of the whole body.
pub struct TruncatedBody(Option<Bytes>);

impl TruncatedBody {
    /// The first half of `whole`.
    #[must_use]
    pub fn of(whole: &Bytes) -> Self {
        Self(Some(whole.slice(..whole.len() / 2)))
    }
}

impl Body for TruncatedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let truncated = || io::Error::other("a fault rule truncated this response");
        Poll::Ready(Some(self.0.take().map(Frame::data).ok_or_else(truncated)))
    }
}
