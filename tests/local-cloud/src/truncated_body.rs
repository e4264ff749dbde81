//! A body that breaks off in the middle.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use hyper::body::{Body, Bytes, Frame};

/// The first half of a body, and then an error: the server closes the connection there.
///
/// It does not tell its own length, so that the answer's head may tell that of the whole.
pub struct TruncatedBody(Option<Bytes>);

impl TruncatedBody {
    /// Half of this.
    #[must_use]
    pub fn of(whole: &Bytes) -> Self {
        Self(Some(whole.slice(..whole.len() / 2)))
    }
}

impl Body for TruncatedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let truncated = || io::Error::other("this answer was told to break off");
        Poll::Ready(Some(self.0.take().map(Frame::data).ok_or_else(truncated)))
    }
}
