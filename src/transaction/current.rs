//! Where functions find the transaction of their request.

use parking_lot::Mutex;

use super::Transaction;

/// Where the bindings of a VM find the transaction of the function that runs.
#[derive(Default)]
pub(crate) struct Current(Mutex<Option<Box<Transaction>>>);

impl Current {
    pub(crate) fn enter(&self, transaction: Box<Transaction>) {
        *self.0.lock() = Some(transaction);
    }

    pub(crate) fn leave(&self) -> Option<Box<Transaction>> {
        self.0.lock().take()
    }

    /// Lends the transaction to `f`.
    ///
    /// # Errors
    ///
    /// When no request is being served, with lua-nginx-module's words.
    pub(crate) fn with<R>(
        &self,
        f: impl FnOnce(&mut Transaction) -> mlua::Result<R>,
    ) -> mlua::Result<R> {
        let none = || Err(mlua::Error::RuntimeError("no request found".to_owned()));
        self.ask(f).unwrap_or_else(none)
    }

    /// Lends the transaction to `f`, which may call Lua functions: they find none.
    ///
    /// # Errors
    ///
    /// As [`with`](Self::with).
    pub(crate) fn lend<R>(
        &self,
        f: impl FnOnce(&mut Transaction) -> mlua::Result<R>,
    ) -> mlua::Result<R> {
        let none = || mlua::Error::RuntimeError("no request found".to_owned());
        let mut loan = Loan { owner: self, transaction: Some(self.leave().ok_or_else(none)?) };
        f(loan.transaction.as_deref_mut().expect("taken when the loan ends"))
    }

    /// Lends the transaction to `f`, if a request is being served.
    pub(crate) fn ask<R>(&self, f: impl FnOnce(&mut Transaction) -> R) -> Option<R> {
        // Only the thread that holds the VM comes here, and bindings never call back into Lua: were
        // the slot taken, waiting for it would be waiting for ourselves.
        let mut slot = self.0.try_lock().expect("bindings do not call each other");
        slot.as_deref_mut().map(f)
    }
}

/// A transaction that goes back when its loan ends, be it by a panic.
struct Loan<'a> {
    owner: &'a Current,
    transaction: Option<Box<Transaction>>,
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        if let Some(transaction) = self.transaction.take() {
            self.owner.enter(transaction);
        }
    }
}
