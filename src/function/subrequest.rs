//! What functions of a subrequest begin with.

use std::sync::Arc;

use crate::api::ngx;
use crate::settings::Settings;
use crate::transaction::{Subrequest, Transaction};

/// Gives `transaction` what `subrequest` has of the request whose function has made it.
pub(crate) fn begin_subrequest(
    transaction: &mut Transaction,
    subrequest: Arc<Subrequest>,
    settings: &Settings,
) {
    transaction.request.is_internal = true;
    if let Some((bound, context)) = subrequest.take_context(&settings.background) {
        transaction.vm = Some(bound);
        transaction.tables.get_or_default().ctx = Some(context);
    }
    for (name, value) in &subrequest.variables {
        if ngx::assign_variable(transaction, name, value).is_err() {
            let origin = transaction.origin();
            tracing::warn!(
                target: "tower_lua::function",
                request_id = origin.request_id,
                "a subrequest goes without the variable \"{name}\": its value is none that it can have"
            );
        }
    }
    // What it begins with is not what it sets.
    transaction.rare_mut().subrequest = Some(subrequest);
}
