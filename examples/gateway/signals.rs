//! What the operator tells the process.

use std::io;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGHUP: read the declarative file and modules again.
    Reload,
    /// SIGTERM, SIGQUIT, or Ctrl-C: finish what is being served, and end.
    Stop,
}

/// Signals, as they come.
pub(crate) struct Signals {
    #[cfg(unix)]
    streams: [tokio::signal::unix::Signal; 4],
}

#[cfg(unix)]
impl Signals {
    /// Listens from now on.
    pub(crate) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        let stream = |kind| signal(kind);
        Ok(Self {
            streams: [
                stream(SignalKind::hangup())?,
                stream(SignalKind::terminate())?,
                stream(SignalKind::quit())?,
                stream(SignalKind::interrupt())?,
            ],
        })
    }

    pub(crate) async fn next(&mut self) -> Signal {
        let [hangup, terminate, quit, interrupt] = &mut self.streams;
        tokio::select! {
            _ = hangup.recv() => Signal::Reload,
            _ = terminate.recv() => Signal::Stop,
            _ = quit.recv() => Signal::Stop,
            _ = interrupt.recv() => Signal::Stop,
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    pub(crate) async fn next(&mut self) -> Signal {
        let _ = tokio::signal::ctrl_c().await;
        Signal::Stop
    }
}
