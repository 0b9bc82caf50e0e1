//! What functions find in Lua: `kong`, `ngx`, the modules of `require`, and what these share.

pub(crate) mod digest;
pub(crate) mod forms;
pub(crate) mod json;
pub(crate) mod kong;
pub(crate) mod modules;
pub(crate) mod ngx;
pub(crate) mod serializer;
pub(crate) mod texts;

use crate::binding::{Api, Dialect};

/// What each VM has.
pub(crate) const API: Api = Api {
    tables: &[
        (Dialect::Kong, kong::register),
        (Dialect::Ngx, ngx::register),
        (Dialect::Ngx, modules::register),
    ],
    modules: modules::offered,
};
