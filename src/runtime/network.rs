//! What a runtime's sockets reach, and how: the part of [`RuntimeBuilder`] that is about them.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use super::RuntimeBuilder;
use crate::error::Error;
use crate::net::{ClientConnection, Limits, Reach, Resolved, Resolver};
use crate::settings::Settings;

/// What the builder was told of the network.
#[derive(Default)]
pub(super) struct Network {
    resolver: Option<Resolver>,
    buffer: Option<usize>,
    #[cfg(feature = "tls")]
    trusted: Option<Vec<u8>>,
    #[cfg(feature = "testing")]
    pub(super) stand_in: Option<Box<crate::net::StandIn>>,
}

impl Network {
    /// What the VMs get.
    ///
    /// # Errors
    ///
    /// When there is no certificate among those to be trusted.
    pub(super) fn reach(self, settings: &Settings) -> Result<Reach, Error> {
        let limits = Limits::default();
        let limits = Limits {
            buffer: self.buffer.unwrap_or(limits.buffer),
            body: usize::try_from(settings.max_body_size).unwrap_or(usize::MAX),
            buffered: settings.budget.memory.unwrap_or(usize::MAX),
            ..limits
        };
        Ok(Reach {
            network: settings.sandbox.network.clone(),
            resolver: self.resolver.unwrap_or_else(Resolver::system),
            limits,
            #[cfg(feature = "testing")]
            stand_in: self.stand_in,
            open: AtomicUsize::new(0),
            #[cfg(feature = "tls")]
            tls: match self.trusted {
                None => std::sync::OnceLock::new(),
                Some(pem) => crate::net::tls::Settings::trusting(&pem)
                    .ok_or_else(|| Error::config("trusted_certificates: no certificate in PEM"))?
                    .into(),
            },
        })
    }
}

impl RuntimeBuilder {
    /// Resolves the names that functions connect to with `resolve`, instead of the system's resolver.
    ///
    /// What it gives is remembered for its [time to live](Resolved::with_ttl), or for 30 seconds. It is
    /// called once for all who ask for a name at the same time, and given 30 seconds.
    ///
    /// ```
    /// use std::net::{IpAddr, Ipv4Addr};
    /// use tower_lua::{Resolved, Runtime};
    ///
    /// let runtime = Runtime::builder()
    ///     .resolver(|name: String| async move {
    ///         match name.as_str() {
    ///             "users.internal" => Ok(Resolved::from(vec![IpAddr::from(Ipv4Addr::LOCALHOST)])),
    ///             _ => Err(std::io::ErrorKind::NotFound.into()),
    ///         }
    ///     })
    ///     .build()?;
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub fn resolver<F>(mut self, resolve: impl Fn(String) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = io::Result<Resolved>> + Send + 'static,
    {
        self.network.resolver = Some(Resolver::new(move |name| Box::pin(resolve(name))));
        self
    }

    /// How many bytes a socket gathers for a function that does not say how many it wants, 1 MiB by
    /// default: a line, or what comes before a pattern. One that asks for a number of bytes, or for
    /// all, gets as many as [`max_body_size`](Self::max_body_size) allows.
    pub fn socket_buffer_size(mut self, bytes: usize) -> Self {
        self.network.buffer = Some(bytes);
        self
    }

    /// Has functions believe, in `sslhandshake`, servers that these certificates lead to, in PEM, beside
    /// those that Mozilla trusts: nginx's `lua_ssl_trusted_certificate`.
    ///
    /// [`build`](Self::build) fails when there is none in it.
    #[cfg(feature = "tls")]
    pub fn trusted_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.network.trusted = Some(pem.into());
        self
    }

    /// Says who can give away the connection that a request came on, from what the server has put into its
    /// extensions: `ngx.req.socket(true)` gives functions that connection then, before any response as well as in
    /// the middle of one, as in nginx. Nobody is asked unless a function asks.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use tower_lua::{ClientConnection, GivenConnection, Handover, Runtime};
    ///
    /// /// What the server knows of a connection.
    /// struct Peer {
    ///     // ...
    /// }
    ///
    /// impl ClientConnection for Peer {
    ///     fn give(&self, when: Handover) -> GivenConnection {
    ///         // Here it asks the task that drives the connection.
    ///         let _ = when;
    ///         Box::pin(async { None })
    ///     }
    /// }
    ///
    /// let runtime = Runtime::builder()
    ///     .client_connection(|extensions| Some(extensions.get::<Arc<Peer>>()?.clone()))
    ///     .build()?;
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub fn client_connection(
        mut self,
        find: impl Fn(&http::Extensions) -> Option<Arc<dyn ClientConnection>> + Send + Sync + 'static,
    ) -> Self {
        self.settings.client_connection = Some(Box::new(find));
        self
    }
}
