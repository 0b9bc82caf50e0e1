//! `ngx.socket`: what functions reach out with.
//!
//! As in lua-nginx-module, a socket is a Lua table, whose first field is what this keeps of it.

mod client;
mod outcome;
mod receive;
mod request;
mod tcp;
#[cfg(feature = "tls")]
mod tls;
mod udp;

use std::sync::Arc;

use mlua::{MultiValue, Table, UserData, Value};

pub(crate) use self::outcome::Outcome;
pub(super) use self::request::NAMESPACE as REQUEST_NAMESPACE;
pub(super) use self::tcp::NAMESPACE as TCP_NAMESPACE;
pub(crate) use self::tcp::{KEEPALIVE, POOL_SIZE};
#[cfg(feature = "tls")]
pub(crate) use self::tls::{Certificate, PrivateKey};
pub(super) use self::udp::NAMESPACE as UDP_NAMESPACE;
use super::arguments::Argument;
use super::output::Pieces;
use crate::binding::{Call, Namespace, Scope};
use crate::lua::{raise_at, type_name};
use crate::net::{Fault, Net, Socket, Sockets};

/// The namespaces of the objects' methods.
pub(crate) const METHODS: &[&Namespace] = &[
    &tcp::METHODS,
    &receive::METHODS,
    &request::METHODS,
    #[cfg(feature = "tls")]
    &tls::METHODS,
    &udp::METHODS,
];

/// Functions that methods are put together of in Lua.
const PARTS: &[&Namespace] = &[&receive::PARTS, &request::PARTS, &client::PARTS];

/// The network of a VM, which ends with it.
pub(crate) struct Own(pub(crate) Arc<Net>);

impl Drop for Own {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Makes `ngx.socket` of its functions, and gives its objects their methods.
pub(super) fn register(scope: &Scope<'_>, socket: &Table, req: &Table) -> mlua::Result<()> {
    scope.lua.set_app_data(Own(Net::new(Arc::clone(&scope.settings.reach))));
    let methods = |path| {
        let table = scope.lua.create_table()?;
        METHODS
            .iter()
            .chain(PARTS)
            .filter(|namespace| namespace.path == path)
            .try_for_each(|namespace| scope.extend(&table, namespace))?;
        Ok::<_, mlua::Error>(table)
    };
    let objects = (methods("tcpsock")?, methods("udpsock")?);
    let make = scope.lua.load(include_str!("socket.lua")).set_name("=tower-lua");
    let request = methods("reqsock")?;
    make.into_function()?.call((socket, objects.0, objects.1, request, req))
}

/// What the first field of a socket of the request holds.
pub(super) struct Held<T>(Arc<T>);

impl<T: Send + Sync + 'static> UserData for Held<T> {}

/// The network of the VM.
pub(crate) fn net(call: &Call<'_>) -> Arc<Net> {
    Arc::clone(&call.lua.app_data_ref::<Own>().expect("set when the VM was made").0)
}

/// The sockets of the request.
pub(crate) fn sockets(call: &mut Call<'_>) -> Arc<Sockets> {
    Arc::clone(call.tx.sockets.get_or_insert_default())
}

/// The stream socket that `object` is, if it is one of the request.
///
/// # Errors
///
/// When it is one of another request.
pub(crate) fn stream(call: &mut Call<'_>, object: &Value) -> mlua::Result<Option<Arc<Socket>>> {
    let Some(socket) = held::<Socket>(object)? else { return Ok(None) };
    if !socket.belongs_to(&sockets(call)) {
        return Err(raise_at(call.lua, "bad request"));
    }
    Ok(Some(socket))
}

/// What an object holds.
fn held<T: Send + Sync + 'static>(object: &Value) -> mlua::Result<Option<Arc<T>>> {
    let Value::Table(object) = object else { return Ok(None) };
    match object.raw_get(1)? {
        Value::UserData(held) => {
            let held = held.borrow::<Held<T>>();
            Ok(held.ok().map(|held| Arc::clone(&held.0)))
        }
        _ => Ok(None),
    }
}

/// The arguments of a method, with the object that it is called on.
struct Method<'a> {
    name: &'static str,
    arguments: &'a MultiValue,
}

impl<'a> Method<'a> {
    /// # Errors
    ///
    /// When the number of arguments is not within `counts`, as `problem` says, or the object is no
    /// table.
    fn new(
        call: &Call<'_>,
        name: &'static str,
        arguments: &'a MultiValue,
        counts: std::ops::RangeInclusive<usize>,
        problem: &str,
    ) -> mlua::Result<Self> {
        let count = arguments.len();
        if !counts.contains(&count) {
            return Err(raise_at(call.lua, &format!("{problem} {count}")));
        }
        match arguments.front() {
            Some(Value::Table(_)) => Ok(Self { name, arguments }),
            other => {
                let got = other.map_or("no value", type_name);
                Err(Argument::new(1, name).mismatch(call, "table", got))
            }
        }
    }

    fn get(&self, place: usize) -> Value {
        self.arguments.get(place).cloned().unwrap_or(Value::Nil)
    }

    /// An argument as messages name it: methods do not count their object.
    fn argument(&self, place: usize) -> Argument {
        Argument::new(place, self.name)
    }

    /// What the object holds.
    fn held<T: Send + Sync + 'static>(&self) -> mlua::Result<Option<Arc<T>>> {
        self.arguments.front().map_or(Ok(None), held)
    }

    /// The stream socket that it is called on.
    ///
    /// # Errors
    ///
    /// When it is one of another request.
    fn socket(&self, call: &mut Call<'_>) -> mlua::Result<Option<Arc<Socket>>> {
        self.arguments.front().map_or(Ok(None), |object| stream(call, object))
    }

    /// The bytes that are to be sent: a string as it is, anything else in pieces.
    fn data(&self, call: &Call<'_>) -> mlua::Result<Data> {
        let argument = self.argument(1);
        match self.get(1) {
            Value::String(text) => Ok(Data::Text(text)),
            Value::Table(values) => {
                let mut pieces = Pieces::strict(call, argument);
                pieces.add_array(&values)?;
                Ok(Data::Pieces(pieces.text.into_vec()))
            }
            value @ (Value::Nil | Value::Boolean(_) | Value::Integer(_) | Value::Number(_)) => {
                let mut pieces = Pieces::new(call, argument);
                pieces.add(&value)?;
                Ok(Data::Pieces(pieces.text.into_vec()))
            }
            other => {
                let problem = format!(
                    "string, number, boolean, nil, or array table expected, got {}",
                    type_name(&other)
                );
                Err(argument.bad(call, &problem))
            }
        }
    }
}

/// Bytes to send.
enum Data {
    Text(mlua::LuaString),
    Pieces(Vec<u8>),
}

impl Data {
    fn with<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Self::Text(text) => f(&text.as_bytes()),
            Self::Pieces(pieces) => f(pieces),
        }
    }
}

/// A timeout in milliseconds, which is the default where it is not positive.
fn timeout(call: &Call<'_>, value: &Value) -> mlua::Result<std::time::Duration> {
    let millis = call.lua.coerce_number(value.clone())?.unwrap_or(0.0);
    if !(0.0..f64::from(1_u32 << 31)).contains(&millis) {
        return Err(raise_at(call.lua, "bad timeout value"));
    }
    let millis = millis as u64;
    let given = std::time::Duration::from_millis(millis);
    Ok(if millis == 0 { crate::net::Timeouts::DEFAULT } else { given })
}

/// A port.
///
/// # Errors
///
/// `Ok(Err)` says what is wrong with the number.
fn port(number: f64) -> Result<u16, Fault> {
    let whole = number.trunc();
    let port = (0.0..=65535.0).contains(&whole).then_some(whole as u16);
    port.ok_or_else(|| format!("bad port number: {whole}").into())
}
