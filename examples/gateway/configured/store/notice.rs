//! [`Notice`]: what gateways say to each other at once, over the connection that each listens on.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use sqlx::postgres::{PgListener, PgNotification};

use super::{Address, PATIENCE, changes, in_time};
use crate::BoxError;

/// A word to those who listen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// A key of `kong.cache` is invalid.
    Invalid(Vec<u8>),
    /// Functions have an event for those of others: its channel, and what it says.
    Event(Vec<u8>, Vec<u8>),
}

/// Where keys of `kong.cache` are said to be invalid.
const KEYS: &str = "gateway_keys";

/// Where events are told.
const EVENTS: &str = "gateway_events";

/// How long a word can be: PostgreSQL's limit is 7,999, with the id of who says it.
const MOST_BYTES: usize = 7900;

impl Notice {
    /// Hears of changes, and of what is said besides.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached.
    pub(crate) async fn listen(address: &Address) -> Result<PgListener, BoxError> {
        in_time(PATIENCE, async {
            let mut listener = PgListener::connect(address.url()).await?;
            listener.listen_all([changes::CHANNEL, KEYS, EVENTS]).await?;
            Ok::<_, sqlx::Error>(listener)
        })
        .await
    }

    /// Whether it is short enough to be said.
    ///
    /// # Errors
    ///
    /// How long it is, and may be.
    pub(crate) fn fits(&self) -> Result<(), String> {
        let length = self.written().len();
        if length <= MOST_BYTES {
            return Ok(());
        }
        Err(format!("{length} bytes, as other gateways are told it, are more than {MOST_BYTES}"))
    }

    /// Says it, as the gateway `from`.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached.
    pub(crate) async fn send(&self, listener: &mut PgListener, from: &str) -> Result<(), BoxError> {
        let channel = match self {
            Self::Invalid(_) => KEYS,
            Self::Event(..) => EVENTS,
        };
        let payload = format!("{from} {}", self.written());
        let send = sqlx::query("SELECT pg_notify($1, $2)").bind(channel).bind(payload);
        in_time(PATIENCE, send.execute(listener)).await?;
        Ok(())
    }

    fn written(&self) -> String {
        let text = |bytes| percent_encode(bytes, NON_ALPHANUMERIC).to_string();
        match self {
            Self::Invalid(key) => text(key),
            Self::Event(channel, data) => [text(channel), text(data)].join(" "),
        }
    }

    /// Who says what by a notification.
    pub(crate) fn read(notification: &PgNotification) -> Option<(&str, Self)> {
        let bytes = |text| percent_decode_str(text).collect();
        let mut parts = notification.payload().split(' ');
        let mut part = || parts.next();
        let from = part()?;
        let notice = match notification.channel() {
            KEYS => Self::Invalid(bytes(part()?)),
            EVENTS => Self::Event(bytes(part()?), bytes(part()?)),
            _ => return None,
        };
        Some((from, notice))
    }
}
