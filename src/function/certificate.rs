//! `certificate`: functions that run while a TLS handshake is on.

use std::sync::Arc;

use crate::error::{Error, Failure, FailureKind, Site};
use crate::extension::{Connection, Tls};
use crate::function::{Functions, Progress, Run};
use crate::phase::{Phase, Plugin};
use crate::runtime::Runtime;
use crate::transaction::Transaction;

const CERTIFICATE: &[Phase] = &[Phase::Certificate];

impl Runtime {
    /// Runs the functions of the `certificate` phase, for a connection whose handshake is on: what
    /// whoever terminates TLS calls when the client has said hello.
    ///
    /// `server_name` is what the client asked for. Whether the handshake may go on: it may not when
    /// a function has ended it, by `ngx.exit(ngx.ERROR)`.
    ///
    /// There is no request yet, and no wait: a function that waits here fails.
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
    /// let goes_on = |connection| {
    ///     runtime.certificate(&functions, Plugin::PreFunction, connection, Some("shop.example"))
    /// };
    /// assert!(goes_on(of("192.0.2.8:50123"))?);
    /// assert!(!goes_on(of("192.0.2.7:50123"))?);
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub fn certificate(
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
        let site = Site { plugin, phase: Phase::Certificate, set, index: 0 };
        let mut run = Run::new(functions.clone(), plugin, CERTIFICATE);
        let (transaction, progress) = run.advance(self.pool(), Transaction::new(head, site));
        let site = transaction.site.clone();
        self.release(transaction);
        match progress {
            Progress::Ended => Ok(true),
            Progress::Exited => Ok(false),
            Progress::Failed(error) => Err(error),
            Progress::Waiting => {
                let error = Error::function(site, waited());
                crate::error::log::report(&error);
                Err(error)
            }
        }
    }
}

fn waited() -> Failure {
    Failure {
        kind: FailureKind::Runtime,
        message: "a function cannot wait in the certificate phase".to_owned(),
        position: None,
        traceback: String::new(),
    }
}
