//! [`Tallies`]: numbers that gateways count up together, in the database that they share.

use std::time::{Duration, SystemTime};

use sqlx::{Connection, PgConnection, Row};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Address, in_time, sendable};
use crate::BoxError;

/// A connection for counting alone.
pub(crate) struct Tallies {
    address: Address,
    line: Mutex<Line>,
}

/// A number that is counted up to a limit, and kept for so many seconds.
pub(crate) struct Tally {
    pub(crate) name: String,
    pub(crate) most: i64,
    pub(crate) seconds: i64,
}

#[derive(Default)]
struct Line {
    connection: Option<PgConnection>,
    /// When the database was last found away.
    failed: Option<Instant>,
    /// When what nobody needs any more was last removed.
    swept: Option<Instant>,
}

/// How long somebody waits for their turn and the answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// For how long a database that is away is not asked again.
const AWAY: Duration = Duration::from_secs(1);

const SWEEP: Duration = Duration::from_secs(60);

/// Adds one to all tallies, unless one of them has reached its limit: each with its number of before and of
/// now. Of gateways that count at once, the later is given a number above the limit.
const TAKE: &str = "
    WITH wanted AS (
      SELECT name, most, expires, place
      FROM unnest($1::text[], $2::bigint[], $3::bigint[]) WITH ORDINALITY
        AS given (name, most, expires, place)
    ), used AS (
      SELECT wanted.*, coalesce(tallies.value, 0) AS value
      FROM wanted LEFT JOIN tallies USING (name)
    ), taken AS (
      INSERT INTO tallies (name, value, expires)
      SELECT name, 1, expires FROM wanted
      WHERE NOT EXISTS (SELECT FROM used WHERE value >= most) ORDER BY place
      ON CONFLICT (name) DO UPDATE SET value = tallies.value + 1
      RETURNING name, value
    )
    SELECT used.value, taken.value FROM used LEFT JOIN taken USING (name) ORDER BY place";

impl Tallies {
    pub(crate) fn new(address: Address) -> Self {
        Self { address, line: Mutex::default() }
    }

    /// Adds one to all tallies, or to none if one of them has reached its limit: whether it has been
    /// done, and what each is now.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached.
    pub(crate) async fn take(&self, tallies: &[Tally]) -> Result<(bool, Vec<i64>), BoxError> {
        let taken = in_time(PATIENCE, async {
            let mut line = self.line.lock().await;
            if line.failed.is_some_and(|failed| failed.elapsed() < AWAY) {
                return Err(BoxError::from("the database is away"));
            }
            // Who gives up on the way leaves no connection with half an answer on it.
            let mut connection = match line.connection.take() {
                Some(connection) => connection,
                None => match sendable(self.connect()).await {
                    Ok(connection) => connection,
                    Err(error) => {
                        line.failed = Some(Instant::now());
                        return Err(error);
                    }
                },
            };
            let taken = sendable(take(&mut connection, tallies)).await?;
            if line.swept.is_none_or(|swept| swept.elapsed() > SWEEP) {
                line.swept = Some(Instant::now());
                let sweep = sqlx::query("DELETE FROM tallies WHERE expires < $1").bind(now());
                sendable(sweep.execute(&mut connection)).await?;
            }
            line.connection = Some(connection);
            Ok(taken)
        });
        taken.await
    }

    async fn connect(&self) -> Result<PgConnection, BoxError> {
        let connected = PgConnection::connect(self.address.url()).await;
        connected.map_err(|error| self.address.named(&error))
    }
}

async fn take(
    connection: &mut PgConnection,
    tallies: &[Tally],
) -> Result<(bool, Vec<i64>), BoxError> {
    let of = |field: fn(&Tally) -> i64| tallies.iter().map(field).collect::<Vec<_>>();
    let names: Vec<_> = tallies.iter().map(|tally| tally.name.clone()).collect();
    let now = now();
    let expires: Vec<_> = tallies.iter().map(|tally| now + tally.seconds).collect();
    let query = sqlx::query(TAKE).bind(names).bind(of(|tally| tally.most)).bind(expires);
    let rows = query.fetch_all(connection).await?;
    let mut passes = rows.len() == tallies.len();
    let mut used = Vec::with_capacity(rows.len());
    for (row, tally) in rows.iter().zip(tallies) {
        let (before, after): (i64, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
        passes &= after.is_some_and(|after| after <= tally.most);
        used.push(after.unwrap_or(before));
    }
    Ok((passes, used))
}

/// Seconds since 1970.
fn now() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}
