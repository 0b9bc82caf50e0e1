//! What a function waits for.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use mlua::{IntoLuaMulti, Lua, MultiValue};

use super::{Flights, RequestBody, Transaction};

/// What a suspended function waits for. Dropping it gives it up.
pub(crate) enum Operation {
    /// The request body, whole if it has at most `limit` bytes.
    ReadBody { limit: u64 },
    /// Whatever else Rust can await.
    Future(Pending),
    /// One of those that the function's light threads wait for.
    Any(Option<Box<Flights>>),
}

/// A future on its way to an answer.
type Pending = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// What a future has come to: the values, or the error, of the Lua call that waited for it. They are
/// made when the function goes on, in its VM and for its position in the Lua source.
pub(crate) struct Answer(Box<Conversion>);

type Conversion = dyn FnOnce(&Lua) -> mlua::Result<MultiValue> + Send;

/// Who reads a request's body for its functions.
pub(crate) trait ReadBody {
    /// Reads on until the body has ended, has more than `limit` bytes, or breaks.
    fn poll_read(&mut self, cx: &mut Context<'_>, limit: u64) -> Poll<RequestBody>;
}

/// Where functions cannot ask for the body that has not been read: it has gone on to the service.
pub(crate) struct BodyIsGone;

impl ReadBody for BodyIsGone {
    fn poll_read(&mut self, _: &mut Context<'_>, _: u64) -> Poll<RequestBody> {
        Poll::Ready(RequestBody::Broken)
    }
}

impl Operation {
    /// That other tasks have had a turn.
    pub(crate) fn turn() -> Self {
        Self::future(async {
            tokio::task::yield_now().await;
            Ok(())
        })
    }

    /// Waits for `future`. What it comes to is made Lua values of where the function goes on.
    pub(crate) fn future<R>(future: impl Future<Output = mlua::Result<R>> + Send + 'static) -> Self
    where
        R: IntoLuaMulti + Send + 'static,
    {
        Self::Future(Box::pin(async {
            let result = future.await;
            Answer(Box::new(|lua| result?.into_lua_multi(lua)))
        }))
    }

    /// Waits until the function can go on, and leaves what it goes on with in `transaction`.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        transaction: &mut Transaction,
        body: &mut dyn ReadBody,
    ) -> Poll<()> {
        match self {
            Self::ReadBody { limit } => {
                transaction.request.body = ready!(body.poll_read(cx, *limit));
            }
            Self::Future(future) => transaction.answer = Some(ready!(future.as_mut().poll(cx))),
            Self::Any(flights) => {
                let all = flights.as_mut().expect("not polled after it has ended");
                ready!(all.poll(cx, transaction, body));
                transaction.flights = flights.take();
            }
        }
        Poll::Ready(())
    }
}

impl Answer {
    pub(crate) fn into_values(self, lua: &Lua) -> mlua::Result<MultiValue> {
        (self.0)(lua)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}
