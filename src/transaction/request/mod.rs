//! The request side of a transaction.

mod head;
mod identity;
mod known;
mod target;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::net::IpAddr;

use bytes::Bytes;
use http::header::{self, CONTENT_LENGTH, HOST, HeaderName, TRANSFER_ENCODING};
use http::{Extensions, HeaderMap, HeaderValue, Method, Uri, Version};

pub(crate) use self::identity::Identity;
use super::names::Names;
use crate::error::Site;
use crate::extension::{ClientUri, Facts, HeaderNames, HostCall, Known, RequestId, Upstream};
use crate::lua::Share;
use crate::message::error_page::{self, ErrorPage};
use crate::message::headers::{self, Name, Refused};
use crate::message::{grpc, uri};
use crate::settings::Settings;

/// What functions see of the request, and how they have changed it.
#[derive(Debug)]
pub(crate) struct Request {
    head: http::request::Parts,
    /// The URI as the client sent it, once it differs from the head's: `$request_uri`.
    original: Option<Box<Uri>>,
    /// The path to forward to instead of the request's own: `$upstream_uri`.
    upstream_path: Option<Box<str>>,
    names: Names,
    pub(crate) upstream: Upstream,
    pub(crate) body: RequestBody,
    /// Whether a function waits for it, or has been killed as it did.
    pub(crate) is_being_read: bool,
    /// Whether the whole response is wanted before `header_filter` runs.
    pub(crate) buffers_response: bool,
    /// Whether functions have touched the headers that say where the body ends.
    pub(crate) is_reframed: bool,
    /// Whether functions have given it another path.
    pub(crate) is_internal: bool,
    /// Whether it has another path than the one that the router has decided by.
    is_moved: bool,
    known: Option<Box<Known>>,
    /// What the server knows.
    facts: Facts,
    /// Whether a router had decided where it goes when the inner service got it.
    was_routed: bool,
    /// The extensions for functions of the application's, once they are elsewhere.
    kept_extensions: Option<Box<Extensions>>,
    id: OnceCell<RequestId>,
}

/// How much of the request body the functions have.
#[derive(Debug, Default)]
pub(crate) enum RequestBody {
    /// Nobody has asked for it: it streams past the functions.
    #[default]
    Unread,
    /// It was read whole.
    Read(Bytes),
    /// It is longer than what was asked for; reading stopped there.
    TooLong { limit: u64 },
    /// It broke off while it was read.
    Broken,
    /// A function has set another one.
    Replaced(Bytes),
    /// A function wants nobody to have it.
    Discarded,
    /// A function receives it as it arrives.
    #[cfg(feature = "net")]
    Socket,
}

/// The headers that stand once.
static SINGLE: [HeaderName; 20] = [
    header::ACCEPT_ENCODING,
    header::AUTHORIZATION,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::EXPECT,
    header::HOST,
    header::IF_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::IF_RANGE,
    header::IF_UNMODIFIED_SINCE,
    HeaderName::from_static("keep-alive"),
    header::RANGE,
    header::REFERER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::USER_AGENT,
    header::VIA,
    HeaderName::from_static("x-real-ip"),
];

impl Request {
    pub(crate) fn new(head: http::request::Parts) -> Self {
        let original = ClientUri::of(&head.extensions, &head.uri);
        Self {
            head,
            original,
            upstream_path: None,
            names: Names::default(),
            upstream: Upstream::default(),
            body: RequestBody::Unread,
            is_being_read: false,
            buffers_response: false,
            is_reframed: false,
            is_internal: false,
            is_moved: false,
            known: None,
            facts: Facts::default(),
            was_routed: false,
            kept_extensions: None,
            id: OnceCell::new(),
        }
    }

    pub(crate) fn method(&self) -> &Method {
        &self.head.method
    }

    pub(crate) fn set_method(&mut self, method: Method) {
        self.head.method = method;
    }

    pub(crate) fn version(&self) -> Version {
        self.head.version
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// The first value of a header, the `Host` among them that HTTP/2 names elsewhere.
    pub(crate) fn header(&self, name: &[u8]) -> Option<Cow<'_, HeaderValue>> {
        if let Some(value) = headers::get(&self.head.headers, name) {
            return Some(Cow::Borrowed(value));
        }
        let is_host = name.eq_ignore_ascii_case(HOST.as_str().as_bytes());
        is_host.then(|| self.implied_host().map(Cow::Owned)).flatten()
    }

    /// Replaces all values of a header; with no value, removes it.
    ///
    /// # Errors
    ///
    /// When no request can have that header.
    pub(crate) fn set_header<'a>(
        &mut self,
        written: &Name<'_>,
        values: impl IntoIterator<Item = &'a [u8], IntoIter: Clone>,
        share: &mut Share,
    ) -> Result<(), Refused> {
        let name = &written.name;
        let values = values.into_iter();
        let names_host = *name == HOST;
        if names_host && !values.clone().all(uri::is_host) {
            return Err(Refused::Unfit);
        }
        let is_new = !self.head.headers.contains_key(name);
        headers::set(&mut self.head.headers, name, values, &SINGLE, share)?;
        self.names.note(written, is_new, self.head.headers.contains_key(name));
        self.is_reframed |= frames(name);
        if names_host {
            self.upstream.host = self.head.headers.get(HOST).cloned().map(Box::new);
        }
        Ok(())
    }

    /// Replaces all values of a header with one.
    ///
    /// # Errors
    ///
    /// As [`set_header`](Self::set_header).
    pub(crate) fn set_one_header(
        &mut self,
        written: &Name<'_>,
        value: &[u8],
        share: &mut Share,
    ) -> Result<(), Refused> {
        let name = &written.name;
        if *name == HOST {
            return self.set_header(written, [value], share);
        }
        let is_new = headers::set_one(&mut self.head.headers, name, value, share)?;
        self.names.note(written, is_new, true);
        self.is_reframed |= frames(name);
        Ok(())
    }

    /// Adds a value to a header.
    ///
    /// # Errors
    ///
    /// As [`set_header`](Self::set_header).
    pub(crate) fn add_header(
        &mut self,
        written: &Name<'_>,
        value: &[u8],
        share: &mut Share,
    ) -> Result<(), Refused> {
        let name = &written.name;
        if *name == HOST {
            return self.set_header(written, [value], share);
        }
        self.is_reframed |= frames(name);
        let is_new = !self.head.headers.contains_key(name);
        headers::add(&mut self.head.headers, name, value, &SINGLE, share)?;
        self.names.note(written, is_new, true);
        Ok(())
    }

    pub(crate) fn remove_header(&mut self, name: &[u8]) {
        let Ok(name) = headers::name_of(name) else { return };
        if self.head.headers.remove(&name).is_some() {
            self.names.forget(&name);
        }
        self.is_reframed |= frames(&name);
    }

    /// The page of an exit with nothing but a status, if there is one for it.
    pub(super) fn page_for_exit(&mut self, status: u16) -> Option<ErrorPage> {
        if !error_page::has_page(status) {
            return None;
        }
        let id = self.id().clone();
        Some(error_page::for_exit(self.headers(), status, id.as_str()))
    }

    /// Whether the request is a gRPC call.
    pub(crate) fn is_grpc(&self) -> bool {
        self.version() == Version::HTTP_2 && grpc::is_content_type(self.headers())
    }

    /// Whether the client lets its connection live on after the response: HTTP/1.
    pub(crate) fn keeps_alive(&self) -> bool {
        let values = self.headers().get_all(header::CONNECTION).iter();
        let names = values.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
        let mut names = names.map(str::trim);
        match self.version() {
            Version::HTTP_11 => !names.any(|name| name.eq_ignore_ascii_case("close")),
            _ => names.any(|name| name.eq_ignore_ascii_case("keep-alive")),
        }
    }

    /// The version as `ngx.req.http_version()` has it: 1.1 or 2.
    pub(crate) fn http_version(&self) -> f64 {
        match self.head.version {
            Version::HTTP_09 => 0.9,
            Version::HTTP_10 => 1.0,
            Version::HTTP_2 => 2.0,
            Version::HTTP_3 => 3.0,
            _ => 1.1,
        }
    }

    /// The length of the body that the client announced.
    pub(crate) fn content_length(&self) -> Option<u64> {
        self.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
    }

    /// The bytes of the request as HTTP/1.1 has them: `$request_length`.
    pub(crate) fn length(&self) -> u64 {
        let line = self.method().as_str().len() + self.original_path_and_query().len() + 12;
        let headers =
            self.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
        (line + headers.sum::<usize>() + 2) as u64 + self.content_length().unwrap_or(0)
    }

    /// The host that the request names, in lower case and without a port. The request line wins
    /// over the `Host` header.
    pub(crate) fn host(&self) -> Option<String> {
        let authority = match self.head.uri.authority() {
            Some(authority) => authority.as_str(),
            None => self.headers().get(HOST)?.to_str().ok()?,
        };
        let host = authority.rsplit('@').next().unwrap_or(authority);
        let end = match host.find(']') {
            Some(bracket) => bracket + 1,
            None => host.find(':').unwrap_or(host.len()),
        };
        let host = &host[..end];
        // A name may end with the dot of the root; nginx leaves it off.
        Some(host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase())
    }

    /// The same, or the server's name for a request that names none.
    pub(crate) fn host_or_server(&self, settings: &Settings) -> String {
        self.host().unwrap_or_else(|| settings.server_name.clone())
    }

    /// The `Host` header of a request that names its host elsewhere: `:authority` in HTTP/2, which
    /// nginx shows as a header.
    pub(crate) fn implied_host(&self) -> Option<HeaderValue> {
        if self.head.version < Version::HTTP_2 || self.headers().contains_key(HOST) {
            return None;
        }
        HeaderValue::from_str(self.head.uri.authority()?.as_str()).ok()
    }

    /// The port that the request names beside its host.
    fn named_port(&self) -> Option<u16> {
        match self.head.uri.authority() {
            Some(authority) => authority.port_u16(),
            None => {
                let host = self.headers().get(HOST)?.to_str().ok()?;
                host.parse::<http::uri::Authority>().ok()?.port_u16()
            }
        }
    }

    pub(crate) fn scheme(&self) -> &str {
        match self.connection() {
            Some(connection) if connection.is_tls() => "https",
            Some(_) => "http",
            None => self.head.uri.scheme_str().unwrap_or("http"),
        }
    }

    /// The port at which the request arrived.
    pub(crate) fn port(&self) -> u16 {
        let local = self.connection().and_then(|connection| connection.local_addr());
        local
            .map(|local| local.port())
            .or_else(|| self.named_port())
            .unwrap_or_else(|| if self.scheme() == "https" { 443 } else { 80 })
    }

    /// What a function of the application's sees, which another calls.
    pub(crate) fn host_call<'a>(&'a self, caller: &'a Site) -> HostCall<'a> {
        HostCall {
            extensions: self.kept_extensions.as_deref().unwrap_or(&self.head.extensions),
            method: &self.head.method,
            uri: &self.head.uri,
            headers: &self.head.headers,
            request_id: self.id(),
            phase: caller.phase,
            function_set: &caller.set,
        }
    }

    /// Keeps extensions for functions of the application's, which outlive the request's head.
    pub(crate) fn keep_extensions(&mut self, extensions: Extensions) {
        self.kept_extensions = Some(Box::new(extensions));
    }

    /// The address of the client, as far as it can be believed.
    pub(crate) fn client_ip(&self, settings: &Settings) -> Option<IpAddr> {
        self.client(settings).map(|(ip, _)| ip)
    }

    /// The same with the port, if it is known.
    pub(crate) fn client(&self, settings: &Settings) -> Option<(IpAddr, Option<u16>)> {
        Some(settings.client(&self.connection()?, self.headers()))
    }

    /// Has nobody get the body.
    pub(crate) fn discard_body(&mut self) {
        self.set_body(Bytes::new());
        self.body = RequestBody::Discarded;
    }

    /// Takes what has been read of the body, unless a function has made it something else meanwhile.
    pub(super) fn take_read(&mut self, read: RequestBody) {
        self.is_being_read = false;
        if matches!(self.body, RequestBody::Unread | RequestBody::TooLong { .. }) {
            self.body = read;
        }
    }

    /// Replaces the body with `body`.
    pub(crate) fn set_body(&mut self, body: Bytes) {
        let headers = &mut self.head.headers;
        headers.remove(TRANSFER_ENCODING);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        self.body = RequestBody::Replaced(body);
    }

    /// How functions have written the names of headers, where HTTP writes them otherwise.
    pub(crate) fn names(&self) -> Option<&HeaderNames> {
        self.names.spelled()
    }

    /// What came with the head beside headers, until it goes on to the inner service.
    pub(crate) fn extensions(&self) -> &Extensions {
        &self.head.extensions
    }
}

/// Whether a header says where the body of its message ends.
fn frames(name: &HeaderName) -> bool {
    *name == CONTENT_LENGTH || *name == TRANSFER_ENCODING
}
