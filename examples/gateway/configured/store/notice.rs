//! [`Notice`]: what gateways say to each other at once, over the connection that each listens on.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use sqlx::postgres::{PgListener, PgNotification};

use super::{Address, PATIENCE, changes, in_time};
use crate::BoxError;

/// A word to those who listen.
pub(crate) struct Notice;

/// Where keys of `kong.cache` are said to be invalid.
const KEYS: &str = "gateway_keys";

/// How long a word can be: PostgreSQL's limit.
const MOST_BYTES: usize = 7999;

impl Notice {
    /// Hears of changes, and of keys that are invalid.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached.
    pub(crate) async fn listen(address: &Address) -> Result<PgListener, BoxError> {
        in_time(PATIENCE, async {
            let mut listener = PgListener::connect(address.url()).await?;
            listener.listen_all([changes::CHANNEL, KEYS]).await?;
            Ok::<_, sqlx::Error>(listener)
        })
        .await
    }

    /// Says that a key is invalid.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached, or the key is too long to be said.
    pub(crate) async fn send_key(listener: &mut PgListener, key: &[u8]) -> Result<(), BoxError> {
        let key = percent_encode(key, NON_ALPHANUMERIC).to_string();
        if key.len() > MOST_BYTES {
            return Err(format!("a key of {} bytes is too long", key.len()).into());
        }
        let send = sqlx::query("SELECT pg_notify($1, $2)").bind(KEYS).bind(key);
        in_time(PATIENCE, send.execute(listener)).await?;
        Ok(())
    }

    /// The key that a notice says is invalid.
    pub(crate) fn key_of(notice: &PgNotification) -> Option<Vec<u8>> {
        let key = (notice.channel() == KEYS).then(|| notice.payload())?;
        Some(percent_decode_str(key).collect())
    }
}
