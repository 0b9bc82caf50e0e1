//! [`Handover`]: connections of HTTP/1 that become something else, or a function's.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tower_lua::{ClientConnection, ClientStream, GivenConnection, Handover as When};

/// What those who drive a connection of HTTP/1 and the requests on it tell each other of its end.
#[derive(Default)]
pub(crate) struct Handover {
    is_asked: AtomicBool,
    asked: Mutex<Option<Asked>>,
}

/// Somebody who wants the connection.
struct Asked {
    when: When,
    deliver: oneshot::Sender<ClientStream>,
}

impl Handover {
    /// Asks for the connection. The last who asks gets it, if it comes to that.
    pub(crate) fn ask(&self, when: When) -> oneshot::Receiver<ClientStream> {
        let (deliver, given) = oneshot::channel();
        *self.asked.lock() = Some(Asked { when, deliver });
        self.is_asked.store(true, Ordering::Release);
        given
    }

    /// Whether somebody wants it, or has it.
    pub(crate) fn is_asked(&self) -> bool {
        self.is_asked.load(Ordering::Acquire)
    }

    /// Whether it is to be given away, where HTTP `has_ended` on it.
    pub(crate) fn is_due(&self, has_ended: bool) -> bool {
        self.is_asked()
            && self.asked.lock().as_ref().is_some_and(|asked| has_ended || asked.when == When::Now)
    }

    /// Gives it to who has asked.
    pub(crate) fn give(&self, stream: ClientStream) {
        if let Some(Asked { deliver, .. }) = self.asked.lock().take() {
            // Who has asked may be gone, and the connection ends.
            let _ = deliver.send(stream);
        }
    }
}

/// For functions.
impl ClientConnection for Handover {
    fn give(&self, when: When) -> GivenConnection {
        let given = self.ask(when);
        Box::pin(async { given.await.ok() })
    }
}
