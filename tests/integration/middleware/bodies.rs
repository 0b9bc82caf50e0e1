//! Bodies on their way through the layers: streamed, changed, replaced, or left alone.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full};
use tower::{Layer, ServiceExt, service_fn};
use tower_lua::{
    Functions, Phase, PostFunctionLayer, PreFunctionLayer, RequestBody, ResponseBody, Runtime,
};

use crate::support::{App, Chunks};

const MIB: usize = 1 << 20;

/// The response of a layer with a function for `phase` around a service that answers with `body`.
async fn through<B>(phase: Phase, source: &str, body: B) -> Response<ResponseBody<B>>
where
    B: Body + Send + 'static,
{
    let functions = Functions::builder("test").function(phase, source).build().unwrap();
    let body = std::sync::Mutex::new(Some(body));
    let body = std::sync::Arc::new(body);
    let service = PreFunctionLayer::new(functions).layer(service_fn(move |_: Request<_>| {
        let body = body.lock().unwrap().take().unwrap();
        std::future::ready(Ok::<_, Infallible>(Response::new(body)))
    }));
    let Ok(response) = service.oneshot(Request::new(Empty::<Bytes>::new())).await;
    response
}

async fn text<B>(response: Response<ResponseBody<B>>) -> String
where
    B: Body,
    B::Error: Into<tower_lua::BoxError>,
{
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn a_hundred_mebibytes_stream_through_both_layers_chunk_by_chunk() {
    let count = "n = (n or 0) + #ngx.arg[1]";
    let set = |name| {
        Functions::builder(name)
            .function(Phase::Access, "kong.ctx.shared.seen = true")
            .function(Phase::BodyFilter, count)
            .build()
            .unwrap()
    };
    // The service answers with the body that it is sent.
    let service = PreFunctionLayer::new(set("pre")).layer(
        PostFunctionLayer::new(set("post")).layer(service_fn(|request: Request<_>| {
            std::future::ready(Ok::<_, Infallible>(Response::new(request.into_body())))
        })),
    );
    let body = Chunks::new(1600, MIB / 16);
    let alive = body.alive();
    let Ok(response) = service.oneshot(Request::new(body)).await;
    let mut body = response.into_body();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        length += frame.unwrap().into_data().unwrap().len();
    }
    assert_eq!(length, 100 * MIB);
    assert!(alive.most() <= 2, "{} chunks were held at once", alive.most());
}

#[tokio::test]
async fn a_size_that_no_function_changes_stays_known() {
    let response = through(Phase::HeaderFilter, "", Chunks::new(3, 10)).await;
    assert_eq!(response.body().size_hint().exact(), Some(30));
}

#[tokio::test]
async fn a_body_that_a_function_may_change_has_no_size() {
    let response = through(Phase::BodyFilter, "", Chunks::new(3, 10)).await;
    assert_eq!(response.body().size_hint().exact(), None);
    assert!(!response.body().is_end_stream());
}

#[tokio::test]
async fn the_length_of_a_body_that_a_function_may_change_is_not_announced() {
    let app = App::builder().body_filter("ngx.arg[1] = ngx.arg[1] .. ngx.arg[1]").serve().await;
    let reply = app.get("/").send().await;
    assert_eq!(reply.header("transfer-encoding"), "chunked");
    assert!(!reply.headers.contains_key("content-length"));
    assert_eq!(reply.text().matches("\"method\"").count(), 2);
}

#[tokio::test]
async fn body_filter_sees_each_chunk_and_then_the_end() {
    let note =
        r#"n = (n or 0) + 1 ngx.arg[1] = n .. ":" .. #ngx.arg[1] .. tostring(ngx.arg[2]) .. " ""#;
    let response = through(Phase::BodyFilter, note, Chunks::new(2, 3)).await;
    assert_eq!(text(response).await, "1:3false 2:3false 3:0true ");
}

#[tokio::test]
async fn body_filter_runs_once_for_an_empty_body() {
    let note = r#"ngx.arg[1] = "end: " .. tostring(ngx.arg[2])"#;
    let response = through(Phase::BodyFilter, note, Empty::<Bytes>::new()).await;
    assert_eq!(text(response).await, "end: true");
}

#[tokio::test]
async fn a_chunk_can_be_swallowed() {
    let gather = r#"kong.ctx.shared.all = (kong.ctx.shared.all or "") .. ngx.arg[1]
        ngx.arg[1] = ngx.arg[2] and kong.ctx.shared.all:upper() or nil"#;
    let response = through(Phase::BodyFilter, gather, Chunks::new(3, 2)).await;
    assert_eq!(text(response).await, "AAAAAA");
}

#[tokio::test]
async fn a_function_can_end_the_body_early() {
    let cut = r#"ngx.arg[1] = "cut" ngx.arg[2] = true"#;
    let body = Chunks::new(1000, 10);
    let alive = body.alive();
    let response = through(Phase::BodyFilter, cut, body).await;
    assert_eq!(text(response).await, "cut");
    assert_eq!(alive.most(), 1);
}

#[tokio::test]
async fn trailers_follow_what_a_function_makes_of_the_body() {
    let trailers = HeaderMap::from_iter([(
        http::HeaderName::from_static("x-checksum"),
        HeaderValue::from_static("42"),
    )]);
    for source in ["", r#"ngx.arg[1] = ngx.arg[2] and "end" or "x""#] {
        let body = Chunks::new(2, 3).with_trailers(trailers.clone());
        let response = through(Phase::BodyFilter, source, body).await;
        let collected = response.into_body().collect().await.unwrap();
        assert_eq!(collected.trailers(), Some(&trailers), "{source}");
        let expected = if source.is_empty() { "aaaaaa" } else { "xxend" };
        assert_eq!(collected.to_bytes(), expected);
    }
}

#[tokio::test]
async fn trailers_pass_where_no_function_looks_at_the_body() {
    let trailers = HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        HeaderValue::from_static("0"),
    )]);
    let body = Chunks::new(1, 3).with_trailers(trailers.clone());
    let response = through(Phase::HeaderFilter, "", body).await;
    let collected = response.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers(), Some(&trailers));
}

#[tokio::test]
async fn a_request_body_that_a_function_has_read_goes_on_from_its_beginning() {
    let app = App::access("kong.request.get_raw_body() kong.request.get_raw_body()").await;
    let reply = app.post("/").body("the body").send().await;
    assert_eq!(reply.json()["body"], "the body");
    assert_eq!(reply.json()["headers"]["content-length"], "8");
}

#[tokio::test]
async fn a_request_body_that_is_too_long_to_read_goes_on_whole() {
    let source = r#"local body, err = kong.request.get_raw_body()
        kong.service.request.set_header("x-error", err)"#;
    let app =
        App::builder().access(source).runtime(|runtime| runtime.body_buffer_size(10)).serve().await;
    let long = "0123456789".repeat(100_000);
    let reply = app.post("/").body(long.clone()).send().await;
    assert_eq!(reply.json()["body"], long);
    let error = reply.json()["headers"]["x-error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("request body did not fit into client body buffer"), "{error}");
}

#[tokio::test]
async fn head_gets_the_headers_of_an_answer_and_no_body() {
    let app = App::access(r#"kong.response.exit(401, "Invalid Credentials")"#).await;
    let reply = app.call(Method::HEAD, "/").send().await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.header("content-length"), "19");
    assert!(reply.body.is_empty());
}

#[tokio::test]
async fn a_status_without_a_body_has_none_whatever_a_function_says() {
    for status in [204, 304] {
        let app = App::access(&format!(r#"kong.response.exit({status}, "text")"#)).await;
        let reply = app.get("/").send().await;
        assert_eq!(reply.status, status);
        assert!(reply.body.is_empty(), "{status}");
    }
}

#[tokio::test]
async fn buffering_gives_header_filter_the_whole_body() {
    let filter = r#"kong.response.set_header("x-length", #kong.service.response.get_raw_body())"#;
    let app = App::builder()
        .access("kong.service.request.enable_buffering()")
        .header_filter(filter)
        .serve_around(service_fn(|_: Request<_>| async {
            Ok::<_, Infallible>(Response::new(Chunks::new(10, 7)))
        }))
        .await;
    let reply = app.get("/").send().await;
    assert_eq!(reply.header("x-length"), "70");
    assert_eq!(reply.body.len(), 70);
}

#[tokio::test]
async fn a_body_too_long_to_be_buffered_streams_past() {
    let filter = r#"local ok, err = pcall(kong.service.response.get_raw_body)
        kong.response.set_header("x-error", err)"#;
    let app = App::builder()
        .access("kong.service.request.enable_buffering()")
        .header_filter(filter)
        .runtime(|runtime| runtime.max_body_size(20))
        .serve_around(service_fn(|_: Request<_>| async {
            Ok::<_, Infallible>(Response::new(Chunks::new(10, 7)))
        }))
        .await;
    let reply = app.get("/").send().await;
    assert!(reply.header("x-error").starts_with("service body is only available"));
    assert_eq!(reply.body.len(), 70);
}

#[tokio::test]
async fn bytes_that_are_no_text_pass_unharmed() {
    let bytes: Vec<u8> = (0..=255).collect();
    let body = Full::new(Bytes::from(bytes.clone()));
    let response = through(Phase::BodyFilter, "ngx.arg[1] = ngx.arg[1]", body).await;
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), bytes);
}

#[tokio::test]
async fn a_length_that_is_not_the_bodys_is_corrected() {
    let short = r#"kong.response.exit(200, "three", { ["Content-Length"] = 1 })"#;
    let long = r#"kong.response.exit(200, "three", { ["Content-Length"] = 100 })"#;
    for source in [short, long] {
        let reply = App::access(source).await.get("/").send().await;
        assert_eq!(reply.header("content-length"), "5");
        assert_eq!(reply.text(), "three");
    }
    let app = App::builder()
        .header_filter(r#"ngx.header["Content-Length"] = 3"#)
        .serve_around(service_fn(|_: Request<_>| async {
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("from the service"))))
        }))
        .await;
    let reply = app.get("/").send().await;
    assert_eq!(reply.header("content-length"), "16");
    assert_eq!(reply.text(), "from the service");
}

#[tokio::test]
async fn a_body_that_pre_has_read_is_there_for_post_and_log() {
    let app = App::builder()
        .access("ngx.req.read_body()")
        .post_function(Phase::Access, r#"require("recorder")("post", ngx.req.get_body_data())"#)
        .log(r#"require("recorder")("log", ngx.req.get_body_data())"#)
        .serve()
        .await;
    app.post("/").body("read once").send().await;
    assert_eq!(app.recorder.wait_for(2).await, ["post read once", "log read once"]);
}

#[tokio::test]
async fn a_body_that_pre_has_replaced_is_what_post_sees() {
    let app = App::builder()
        .access(r#"kong.service.request.set_raw_body("replaced")"#)
        .post_function(Phase::Access, r#"require("recorder")(kong.request.get_raw_body())"#)
        .serve()
        .await;
    let reply = app.post("/").body("as it came").send().await;
    assert_eq!(reply.json()["body"], "replaced");
    assert_eq!(app.recorder.entries(), ["replaced"]);
}

#[tokio::test]
async fn a_body_that_a_layer_between_has_changed_is_read_anew() {
    let set = |name, source: &str| Functions::access(name, source).unwrap();
    let pre = PreFunctionLayer::new(set("pre", "ngx.req.read_body()"));
    let read = "kong.response.exit(200, kong.request.get_raw_body())";
    let post = PostFunctionLayer::new(set("post", read));
    let inner = post.layer(service_fn(|_: Request<_>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    }));
    let between = service_fn(move |request: Request<_>| {
        let changed = request.map(|_| Full::new(Bytes::from("by the layer between")));
        inner.clone().oneshot(changed)
    });
    let request = Request::post("/").body(Full::new(Bytes::from("by the client"))).unwrap();
    let response = pre.layer(between).oneshot(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "by the layer between");
}

/// A body of known length that is not there when it is first asked for.
struct Late {
    data: Bytes,
    was_asked: bool,
}

impl Body for Late {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if !std::mem::replace(&mut self.was_asked, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let data = std::mem::take(&mut self.data);
        Poll::Ready((!data.is_empty()).then(|| Ok(Frame::data(data))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.data.len() as u64)
    }
}

type Either = http_body_util::Either<Full<Bytes>, Late>;

#[tokio::test]
async fn a_body_is_read_whether_it_is_there_or_comes_while_the_function_waits() {
    let text = "longer than the buffer";
    let read = "local body = kong.request.get_raw_body() or kong.request.get_raw_body(0)
        kong.service.request.set_header('x-read', body)";
    let runtime = Runtime::builder().body_buffer_size(10).build().unwrap();
    let layer = PreFunctionLayer::new(Functions::access("read", read).unwrap()).runtime(&runtime);
    let service = layer.layer(service_fn(|request: Request<RequestBody<Either>>| async {
        let read = request.headers()["x-read"].to_str().unwrap().to_owned();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        Ok::<_, Infallible>(Response::new(format!("{read}, {}", body.escape_ascii())))
    }));
    let there = || Either::Left(Full::new(Bytes::from(text)));
    let late = || Either::Right(Late { data: Bytes::from(text), was_asked: false });
    for body in [there(), there(), late(), there(), late()] {
        let Ok(response) = service.clone().oneshot(Request::post("/").body(body).unwrap()).await;
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, format!("{text}, {text}"));
    }
}

#[tokio::test]
async fn a_body_that_was_read_is_another_runtimes_to_read_anew() {
    let runtime = Runtime::builder().build().unwrap();
    let see = "kong.response.exit(200, tostring(ngx.req.get_body_data()))";
    let post = PostFunctionLayer::new(Functions::access("see", see).unwrap()).runtime(&runtime);
    let pre = PreFunctionLayer::new(Functions::access("read", "ngx.req.read_body()").unwrap());
    let service = pre.layer(post.layer(service_fn(|_: Request<_>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    })));
    let request = Request::post("/").body(Full::new(Bytes::from("read outside"))).unwrap();
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "nil");
}
