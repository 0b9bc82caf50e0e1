//! What functions have left for the inner service.

use serde_json::Value;

use crate::api::kong;
use crate::error::Error;
use crate::transaction::Transaction;
use crate::vm::Pool;

/// The value of a field of `kong.ctx.shared`, if there is one.
///
/// # Errors
///
/// When it is nothing that JSON could express.
pub(crate) fn shared_value(
    pool: &Pool,
    transaction: &Transaction,
    key: &str,
) -> Result<Option<Value>, Error> {
    let mut bound = transaction.vm;
    let read = pool.with(&mut bound, |vm| kong::shared_value(vm.lua(), transaction, key));
    read.and_then(|value| value)
        .map_err(|error| Error::config(format!("kong.ctx.shared.{key}: {error}")))
}
