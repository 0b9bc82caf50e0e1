//! `kong.router`: which route a request has matched, and which service it is for.

use mlua::Value;

use super::AUTH_AND_LATER;
use super::entity::entity;
use crate::binding::{Call, Namespace, bindings};
use crate::extension::{Route, Service};

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "kong.router",
    bindings: bindings! {
        "get_route", AUTH_AND_LATER, calls |call, (): ()| route(call);
        "get_service", AUTH_AND_LATER, calls |call, (): ()| service(call);
    },
};

pub(crate) fn route(call: &mut Call<'_>) -> mlua::Result<Value> {
    entity(call, "route", |request| request.route().map(Route::fields))
}

pub(crate) fn service(call: &mut Call<'_>) -> mlua::Result<Value> {
    entity(call, "service", |request| request.service().map(Service::fields))
}
