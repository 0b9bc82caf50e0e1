//! What is measured: a layer around a service that answers at once, and requests for it.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service, service_fn};
use tower_lua::{
    Functions, Phase, PostFunctionLayer, PreFunctionLayer, RequestBody, ResponseBody, Runtime,
};

/// What the documentation of Kong's serverless functions demonstrates.
const CUSTOM_AUTH: &str = r#"
-- Get list of request headers
local custom_auth = kong.request.get_header("x-custom-auth")
-- Terminate request early if our custom authentication header does not exist
if not custom_auth then
  return kong.response.exit(401, "Invalid Credentials")
end
-- Remove custom authentication header from request
kong.request.clear_header('x-custom-auth')
"#;

const ADD_HEADER: &str = r#"kong.response.set_header("x-function", "header_filter")"#;

const UPPER: &str = r#"
if ngx.arg[1] then
  ngx.arg[1] = string.upper(ngx.arg[1])
end
"#;

const READ_JSON: &str = r#"
local body, err = kong.request.get_body("application/json")
if not body then
  return kong.response.exit(400, { message = err })
end
kong.service.request.set_header("x-items", tostring(#body.items))
"#;

pub(crate) type BenchRequest = Request<Full<Bytes>>;

/// A service to its last byte: a request goes in, its status comes out.
pub(crate) type Serve = Box<dyn FnMut(BenchRequest) -> u16>;

/// One thing that is measured.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    functions: Option<fn() -> Functions>,
    passes: bool,
    request_body: fn() -> Bytes,
    response_body: &'static [u8],
    pub(crate) status: u16,
}

const HEADERS: [(&str, &str); 7] = [
    ("host", "example.com"),
    ("user-agent", "wrk/4"),
    ("accept", "*/*"),
    ("accept-encoding", "gzip"),
    ("x-request-id", "0123456789abcdef"),
    ("cookie", "a=b; c=d"),
    ("content-type", "text/plain"),
];

const SMALL: &[u8] = b"hello from the service\n";
static LARGE: [u8; 16 * 1024] = [b'a'; 16 * 1024];

pub(crate) const CASES: [Case; 7] = [
    Case { functions: None, ..Case::new("no_layer") },
    Case { functions: Some(Functions::empty), ..Case::new("empty_set") },
    Case { functions: Some(|| access(CUSTOM_AUTH)), ..Case::new("custom_auth_passing") },
    Case {
        functions: Some(|| access(CUSTOM_AUTH)),
        passes: false,
        status: 401,
        ..Case::new("custom_auth_refusing")
    },
    Case { functions: Some(|| at(Phase::HeaderFilter, ADD_HEADER)), ..Case::new("header_added") },
    Case {
        functions: Some(|| at(Phase::BodyFilter, UPPER)),
        response_body: &LARGE,
        ..Case::new("body_16k_filtered")
    },
    Case {
        functions: Some(|| access(READ_JSON)),
        request_body: json,
        ..Case::new("json_body_read")
    },
];

fn access(source: &str) -> Functions {
    at(Phase::Access, source)
}

fn at(phase: Phase, source: &str) -> Functions {
    Functions::builder("bench").function(phase, source).build().expect("it compiles")
}

/// 1 KiB of JSON with 27 items.
fn json() -> Bytes {
    let items: Vec<_> =
        (0..27).map(|n| format!("\"item-{n:03}-abcdefghijklmnopqrstuvw\"")).collect();
    format!("{{\"items\": [{}]}}", items.join(", ")).into()
}

impl Case {
    const fn new(name: &'static str) -> Self {
        Self {
            name,
            functions: None,
            passes: true,
            request_body: Bytes::new,
            response_body: SMALL,
            status: 200,
        }
    }

    /// A request of the case. Its header values are not allocated one by one, as hyper's are not.
    pub(crate) fn request(&self) -> BenchRequest {
        let body = (self.request_body)();
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = if body.is_empty() { Method::GET } else { Method::POST };
        *request.uri_mut() = Uri::from_static("/test?page=2");
        let custom_auth = self.passes.then_some(("x-custom-auth", "demo"));
        for (name, value) in HEADERS.into_iter().chain(custom_auth) {
            let value = HeaderValue::from_static(value);
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        request
    }

    /// What serves the case: a request goes in, its status comes out.
    pub(crate) fn serve(&self) -> Serve {
        self.serve_in(Runtime::global())
    }

    /// The same, with functions that run in `runtime`.
    pub(crate) fn serve_in(&self, runtime: &Runtime) -> Serve {
        let body = Bytes::from_static(self.response_body);
        match self.functions {
            None => boxed(service_fn(move |request: BenchRequest| {
                std::future::ready(respond(request, &body))
            })),
            Some(functions) => {
                let layer = PreFunctionLayer::new(functions()).runtime(runtime);
                boxed(layer.layer(service_fn(move |request: Request<RequestBody<Full<Bytes>>>| {
                    std::future::ready(respond(request, &body))
                })))
            }
        }
    }
}

/// The bytes of what moves with a request, with names for them: a future that has grown is copied with each
/// await of those around it.
pub(crate) fn sizes() -> [(&'static str, usize); 5] {
    type One = RequestBody<Full<Bytes>>;
    type Two = RequestBody<One>;
    let pre = PreFunctionLayer::new(Functions::empty());
    let post = PostFunctionLayer::new(Functions::empty());
    let two = pre.layer(post.layer(service_fn(answer::<Two>)));
    [
        ("future_without_a_layer", future_of(&service_fn(answer))),
        ("future_of_a_layer", future_of(&pre.layer(service_fn(answer::<One>)))),
        ("future_of_two_layers", future_of(&two)),
        ("body_of_a_request", size_of::<One>()),
        ("body_of_a_response", size_of::<ResponseBody<Full<Bytes>>>()),
    ]
}

async fn answer<B>(request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    respond(request, &Bytes::new())
}

fn future_of<S: Service<BenchRequest>>(_: &S) -> usize {
    size_of::<S::Future>()
}

fn respond<B>(request: Request<B>, body: &Bytes) -> Result<Response<Full<Bytes>>, Infallible> {
    drop(request);
    Ok(Response::new(Full::new(body.clone())))
}

/// Serves a request to the last byte of its response, without a runtime: nothing here waits.
fn boxed<S, B>(service: S) -> Serve
where
    S: Service<BenchRequest, Response = Response<B>, Error = Infallible> + Clone + 'static,
    B: http_body::Body<Data = Bytes> + 'static,
    B::Error: std::fmt::Debug,
{
    let mut service = service;
    Box::new(move |request| {
        let response = poll_once(service.call(request));
        let Ok(response) = response;
        let status = response.status().as_u16();
        let body = poll_once(response.into_body().collect()).expect("a body");
        std::hint::black_box(body);
        status
    })
}

fn poll_once<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
