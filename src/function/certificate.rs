//! `certificate`: functions that run while a TLS handshake is on.

use std::future::poll_fn;
use std::sync::Arc;

use crate::error::{Error, Site};
use crate::extension::{Connection, Tls};
use crate::function::{Functions, Progress, Run};
use crate::phase::{Phase, Plugin};
use crate::runtime::Runtime;
use crate::transaction::{BodyIsGone, Transaction};
use crate::vm::Pool;

const CERTIFICATE: &[Phase] = &[Phase::Certificate];

impl Runtime {
    /// Runs the functions of the `certificate` phase, for a connection whose handshake is on: what
    /// whoever terminates TLS calls when the client has said hello.
    ///
    /// `server_name` is what the client asked for. Whether the handshake may go on: it may not when
    /// a function has ended it, by `ngx.exit(ngx.ERROR)`.
    ///
    /// There is no request yet. A function that waits holds up nothing but this handshake; how long that may
    /// take is for the caller to say: dropping the future gives it up.
    ///
    /// # Errors
    ///
    /// When a function fails. It has been logged.
    ///
    /// ```
    /// use tower_lua::{Connection, Functions, Phase, Plugin, Runtime};
    ///
    /// let functions = Functions::builder("doorkeeper")
    ///     .function(Phase::Certificate, r#"
    ///         if kong.client.get_ip() == "192.0.2.7" then return ngx.exit(ngx.ERROR) end
    ///     "#)
    ///     .build()?;
    /// let runtime = Runtime::global();
    /// let of = |peer: &str| Connection::new(peer.parse().expect("an address")).with_tls(true);
    /// let goes_on = async |connection| {
    ///     runtime.certificate(&functions, Plugin::PreFunction, connection, Some("shop.example")).await
    /// };
    /// # tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
    /// assert!(goes_on(of("192.0.2.8:50123")).await?);
    /// assert!(!goes_on(of("192.0.2.7:50123")).await?);
    /// # Ok::<(), tower_lua::Error>(())
    /// # })?;
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub async fn certificate(
        &self,
        functions: &Functions,
        plugin: Plugin,
        connection: Connection,
        server_name: Option<&str>,
    ) -> Result<bool, Error> {
        if !functions.any_in(CERTIFICATE) {
            return Ok(true);
        }
        let mut head = http::Request::new(()).into_parts().0;
        head.extensions.insert(connection);
        if let Some(name) = server_name {
            head.extensions.insert(Tls::new("", "").with_server_name(name));
        }
        let set = Arc::clone(functions.shared_name());
        let id = functions.id();
        let site = Site { plugin, phase: Phase::Certificate, set, id, index: 0 };
        let run = Run::new(functions.clone(), plugin, CERTIFICATE);
        let transaction = Some(Transaction::new(head, site));
        Handshake { run, transaction, runtime: self.clone() }.goes_on().await
    }
}

/// A handshake whose functions run.
struct Handshake {
    run: Run,
    /// `None` while a function runs.
    transaction: Option<Box<Transaction>>,
    runtime: Runtime,
}

impl Handshake {
    async fn goes_on(mut self) -> Result<bool, Error> {
        loop {
            let pool = Arc::clone(self.runtime.pool());
            let transaction = self.transaction.as_ref().expect("given back by `advance`");
            let progress;
            (self, progress) = match self.run.is_quarantined(&pool, transaction) {
                true => pool.quarantine(|| self.advance(Run::advance_quarantined)).await,
                false => self.advance(Run::advance),
            };
            let transaction = self.transaction.as_mut().expect("given back by `advance`");
            match progress {
                Progress::Ended => return Ok(true),
                Progress::Exited => return Ok(false),
                Progress::Failed(error) => return Err(error),
                Progress::Waiting => {
                    poll_fn(|cx| self.run.poll_ready(cx, transaction, &mut BodyIsGone)).await;
                }
            }
        }
    }

    fn advance(mut self, advance: Advance) -> (Self, Progress) {
        let transaction = self.transaction.take().expect("given back below");
        let (transaction, progress) = advance(&mut self.run, self.runtime.pool(), transaction);
        self.transaction = Some(transaction);
        (self, progress)
    }
}

/// Runs functions, here or in quarantine.
type Advance = fn(&mut Run, &Arc<Pool>, Box<Transaction>) -> (Box<Transaction>, Progress);

impl Drop for Handshake {
    fn drop(&mut self) {
        if let Some(transaction) = self.transaction.take() {
            self.runtime.release(transaction);
        }
    }
}
