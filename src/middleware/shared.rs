//! `kong.ctx.shared`, read by the inner service.

use std::sync::Arc;

use serde_json::Value;

use super::exchange::Exchange;
use crate::error::Error;
use crate::extension::{ReadShared, Shared};
use crate::function;

/// What functions have left in the transaction of an exchange.
struct Left(Exchange);

pub(super) fn shared(exchange: Exchange) -> Shared {
    Shared::of_functions(Arc::new(Left(exchange)))
}

impl ReadShared for Left {
    fn read(&self, key: &str) -> Result<Option<Value>, Error> {
        let Some(lease) = self.0.lease() else {
            return Err(Error::config("kong.ctx.shared is a function's just now"));
        };
        function::shared_value(self.0.runtime().pool(), &lease, key)
    }
}
