//! A connection: a stream with what belongs to it, in the hands of a socket or in a pool.

use std::pin::Pin;

use bytes::BytesMut;
use tokio::time::Sleep;

use super::last_pattern::LastPattern;
use super::limits::Ticket;
use super::membership::{Membership, Name};
use super::stream::Stream;

/// A connection in use.
pub(super) struct Connection {
    pub(super) stream: Stream,
    /// What has come and was not asked for yet.
    pub(super) input: BytesMut,
    /// The pattern that has taken a part of itself from `input`, perhaps.
    pub(super) last_pattern: LastPattern,
    /// How many bytes have come.
    pub(super) received: u64,
    pub(super) eof: bool,
    /// The timer of who receives. To push it on costs nothing, to make one wakes the runtime.
    pub(super) timer: Option<Pin<Box<Sleep>>>,
    pub(super) reused: u32,
    /// The pool that it goes to when it is kept.
    pub(super) name: Name,
    pub(super) place: Option<Membership>,
    /// None for the client's own.
    #[cfg_attr(
        not(feature = "tls"),
        expect(dead_code, reason = "it counts as long as it is there")
    )]
    pub(super) ticket: Option<Ticket>,
    #[cfg(feature = "tls")]
    pub(super) session: Option<super::tls::Session>,
}

impl Connection {
    pub(super) fn new(
        stream: Stream,
        name: Name,
        place: Option<Membership>,
        ticket: Option<Ticket>,
    ) -> Self {
        Self {
            stream,
            input: BytesMut::new(),
            last_pattern: LastPattern::default(),
            received: 0,
            eof: false,
            timer: None,
            reused: 0,
            name,
            place,
            ticket,
            #[cfg(feature = "tls")]
            session: None,
        }
    }

    pub(super) fn close(self) {
        self.stream.close();
    }
}
