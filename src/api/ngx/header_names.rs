//! Headers by names as they are written, where HTTP/1 has them so.

use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Version};
use mlua::Lua;

use crate::binding::Call;
use crate::binding::convert::{self, Collected};
use crate::extension::HeaderNames;
use crate::settings::Settings;

/// The headers of a message, by names as they came or as functions have written them.
pub(super) struct Written<'a> {
    headers: &'a HeaderMap,
    /// What the message is going to have beside them.
    implied: Option<(&'static str, HeaderValue)>,
    /// One for each value, if anybody knows.
    came: Vec<String>,
    /// Those that functions have set.
    set: Option<&'a HeaderNames>,
}

impl<'a> Written<'a> {
    pub(super) fn of_request(call: &'a Call<'_>) -> Self {
        let request = &call.tx.request;
        let came = came(call.settings, request.version(), request.headers(), request.extensions());
        Self { headers: request.headers(), implied: None, came, set: request.names() }
    }

    pub(super) fn of_response(call: &'a Call<'_>) -> Self {
        let (version, response) = (call.tx.request.version(), &call.tx.response);
        let came = came(call.settings, version, response.headers(), &response.extensions);
        let implied = call.tx.implied_connection().map(|value| ("Connection", value));
        Self { headers: response.headers(), implied, came, set: response.names() }
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &HeaderValue)> {
        let headers = self.headers.iter().enumerate();
        let headers = headers.map(|(at, (name, value))| (self.name(at, name), value));
        self.implied.iter().map(|(name, value)| (*name, value)).chain(headers)
    }

    /// A table by these names, which finds no others.
    pub(super) fn table(&self, lua: &Lua, max: usize) -> mlua::Result<Collected> {
        let fields = self.fields().map(|(name, value)| Ok((name, lua.create_string(value)?)));
        convert::multimap(lua, fields, max)
    }

    fn name<'b>(&'b self, at: usize, name: &'b HeaderName) -> &'b str {
        let set = self.set.and_then(|set| set.get(name));
        let came = || self.came.get(at).map(String::as_str);
        set.or_else(came).unwrap_or(name.as_str())
    }
}

/// What the application says of the names of a message, if it says as many as there are.
fn came(
    settings: &Settings,
    version: Version,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Vec<String> {
    let Some(spell) = settings.header_names.as_ref().filter(|_| version < Version::HTTP_2) else {
        return Vec::new();
    };
    let names = spell(headers, extensions);
    let are_these = names.len() == headers.len()
        && names
            .iter()
            .zip(headers)
            .all(|(one, (name, _))| one.eq_ignore_ascii_case(name.as_str()));
    if are_these { names } else { Vec::new() }
}
