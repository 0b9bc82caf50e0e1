//! [`ClientConnection`]: servers that give a client's connection to a function.

use std::future::Future;
use std::pin::Pin;

use super::ClientStream;

/// When HTTP ends on a connection that is given away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    /// When the response with status 101 has gone out.
    AfterResponse,
    /// Now: the request is dropped and gets no response, or none of what is yet to come of it. What has been
    /// asked to be sent before goes out first.
    Now,
}

/// The connection that a request came on, where its server can give it to a function that asks for it with
/// `ngx.req.socket(true)`: what [`RuntimeBuilder::client_connection`](crate::RuntimeBuilder::client_connection)
/// finds for a request.
///
/// Without one, a function gets the connection after a response with status 101, by hyper's
/// [`OnUpgrade`](hyper::upgrade::OnUpgrade), and in no other way.
pub trait ClientConnection: Send + Sync {
    /// Gives the connection away. The request asks once, as its server polls it; others poll the future.
    ///
    /// There is none when HTTP has ended otherwise.
    fn give(&self, when: Handover) -> GivenConnection;
}

/// A client's connection that is to come.
pub type GivenConnection = Pin<Box<dyn Future<Output = Option<ClientStream>> + Send>>;
