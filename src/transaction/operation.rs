//! What a function waits for.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

#[cfg(feature = "net")]
use bytes::Bytes;
use mlua::{IntoLuaMulti, Lua, MultiValue};

use super::{Flights, RequestBody, Transaction};

/// What a suspended function waits for. Dropping it gives it up.
pub(crate) enum Operation {
    /// The request body, whole if it has at most `limit` bytes.
    ReadBody { limit: u64 },
    /// What of the request body is yet to arrive.
    #[cfg(feature = "net")]
    Arriving(Box<Arriving>),
    /// Whatever else Rust can await.
    Future(Pending),
    /// One of those that the function's light threads wait for.
    Any(Option<Box<Flights>>),
}

/// Reads on in the request body until there is an answer.
#[cfg(feature = "net")]
type Arriving = dyn FnMut(&mut Context<'_>, &mut dyn ReadBody) -> Poll<Answer> + Send;

/// A future on its way to an answer.
type Pending = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// What a future has come to: the values, or the error, of the Lua call that waited for it. They are
/// made when the function goes on, in its VM and for its position in the Lua source.
pub(crate) struct Answer(Box<Conversion>);

type Conversion = dyn FnOnce(&Lua) -> mlua::Result<MultiValue> + Send;

/// Who reads a request's body for its functions.
pub(crate) trait ReadBody: Any {
    /// Reads on until the body has ended, has more than `limit` bytes, or breaks.
    fn poll_read(&mut self, cx: &mut Context<'_>, limit: u64) -> Poll<RequestBody>;

    /// The next bytes of the body, which are not kept: nothing at its end, and an error where it breaks.
    #[cfg(feature = "net")]
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>>;

    /// Whether nothing is to come.
    #[cfg(feature = "net")]
    fn is_over(&self) -> bool;
}

/// That a body broke off.
#[cfg(feature = "net")]
pub(crate) struct Broken;

/// Where functions cannot ask for the body that has not been read: it has gone on to the service.
pub(crate) struct BodyIsGone;

impl ReadBody for BodyIsGone {
    fn poll_read(&mut self, _: &mut Context<'_>, _: u64) -> Poll<RequestBody> {
        Poll::Ready(RequestBody::Broken)
    }

    #[cfg(feature = "net")]
    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        Poll::Ready(Some(Err(Broken)))
    }

    #[cfg(feature = "net")]
    fn is_over(&self) -> bool {
        true
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

    /// Waits for what `arriving` makes of the request body.
    #[cfg(feature = "net")]
    pub(crate) fn arriving<R>(
        mut arriving: impl FnMut(&mut Context<'_>, &mut dyn ReadBody) -> Poll<R> + Send + 'static,
    ) -> Self
    where
        R: IntoLuaMulti + Send + 'static,
    {
        Self::Arriving(Box::new(move |cx, body| {
            let result = ready!(arriving(cx, body));
            Poll::Ready(Answer(Box::new(|lua| result.into_lua_multi(lua))))
        }))
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

    /// Whether it reads the whole body of the request.
    pub(crate) const fn reads_body(&self) -> bool {
        matches!(self, Self::ReadBody { .. })
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
                transaction.request.take_read(ready!(body.poll_read(cx, *limit)));
            }
            #[cfg(feature = "net")]
            Self::Arriving(arriving) => transaction.answer = Some(ready!(arriving(cx, body))),
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
