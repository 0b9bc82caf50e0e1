//! `ngx.semaphore`: counts that the light threads of all requests of a VM wait for.

#![expect(clippy::needless_pass_by_value, reason = "a binding owns what Lua passes")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use mlua::{IntoLuaMulti, Lua, MultiValue, UserData, UserDataRef};
use tokio::sync::{OwnedSemaphorePermit, Semaphore as Permits};

use crate::binding::{Await, Call, Namespace, bindings};
use crate::lua::raise_at;
use crate::phase::PhaseSet;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx.semaphore",
    bindings: bindings! {
        "count", PhaseSet::ANY, calls count;
        "new", PhaseSet::ANY, calls new;
        "post", PhaseSet::ANY, calls post;
        "wait", PhaseSet::ANY, awaits wait;
    },
};

/// A semaphore, as Lua holds it.
struct Semaphore {
    permits: Arc<Permits>,
    /// How many have been posted, without those that were taken or are waited for.
    balance: Arc<AtomicI64>,
}

impl UserData for Semaphore {}

impl Semaphore {
    /// Whether functions wait, before whom none comes.
    fn is_waited_for(&self) -> bool {
        self.balance.load(Ordering::Relaxed) < self.permits.available_permits() as i64
    }
}

/// A claim to one, which is given up unless it is met.
struct Claim {
    balance: Arc<AtomicI64>,
    permit: Option<OwnedSemaphorePermit>,
    /// Whether the function has stood still for it, on which depends what a failure gives it.
    waited: bool,
}

impl Claim {
    fn new(balance: &Arc<AtomicI64>, permit: Option<OwnedSemaphorePermit>) -> Self {
        balance.fetch_sub(1, Ordering::Relaxed);
        Self { balance: Arc::clone(balance), permit, waited: false }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.balance.fetch_add(1, Ordering::Relaxed);
    }
}

/// What waiting has come to. What no function takes, because its request has ended, is free again.
impl IntoLuaMulti for Claim {
    fn into_lua_multi(mut self, lua: &Lua) -> mlua::Result<MultiValue> {
        match self.permit.take() {
            Some(permit) => {
                permit.forget();
                self.balance.fetch_sub(1, Ordering::Relaxed);
                true.into_lua_multi(lua)
            }
            None if self.waited => (false, "timeout").into_lua_multi(lua),
            None => (mlua::Nil, "timeout").into_lua_multi(lua),
        }
    }
}

fn new(_: &mut Call<'_>, count: f64) -> mlua::Result<Semaphore> {
    let count = (count as usize).min(Permits::MAX_PERMITS);
    let balance = Arc::new(AtomicI64::new(count as i64));
    Ok(Semaphore { permits: Arc::new(Permits::new(count)), balance })
}

fn post(_: &mut Call<'_>, (semaphore, count): (UserDataRef<Semaphore>, f64)) -> mlua::Result<()> {
    let room = Permits::MAX_PERMITS - semaphore.permits.available_permits();
    let count = (count as usize).min(room);
    semaphore.permits.add_permits(count);
    semaphore.balance.fetch_add(count as i64, Ordering::Relaxed);
    Ok(())
}

/// How many there are, or with a minus how many wait for one.
fn count(_: &mut Call<'_>, semaphore: UserDataRef<Semaphore>) -> mlua::Result<i64> {
    Ok(semaphore.balance.load(Ordering::Relaxed))
}

fn wait(
    call: &mut Call<'_>,
    (semaphore, seconds): (UserDataRef<Semaphore>, f64),
) -> mlua::Result<Await<Claim>> {
    if !semaphore.is_waited_for()
        && let Ok(permit) = Arc::clone(&semaphore.permits).try_acquire_owned()
    {
        return Ok(Await::Ready(Claim::new(&semaphore.balance, Some(permit))));
    }
    // Whole milliseconds, as nginx's timers have them.
    let millis = (seconds * 1000.0).trunc();
    if millis == 0.0 {
        return Ok(Await::Ready(Claim::new(&semaphore.balance, None)));
    }
    let phase = call.tx.site.phase;
    if !PhaseSet::YIELDABLE.contains(phase) {
        let message = format!("API disabled in the context of {phase}_by_lua*");
        return Err(raise_at(call.lua, &message));
    }
    let patience = Duration::try_from_secs_f64(millis / 1000.0).unwrap_or(Duration::MAX);
    let mut claim = Claim::new(&semaphore.balance, None);
    let permits = Arc::clone(&semaphore.permits);
    Ok(Await::future(async move {
        let permit = tokio::time::timeout(patience, permits.acquire_owned()).await;
        claim.waited = true;
        claim.permit = permit.ok().and_then(Result::ok);
        Ok(claim)
    }))
}
