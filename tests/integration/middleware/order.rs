//! Kong's order: pre-function, the other layers, post-function, in every phase; whoever answers.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_lua::{Functions, Phase, PostFunctionLayer, PreFunctionLayer, Runtime};

use crate::support::Recorder;

type Body = Full<Bytes>;

/// Functions that record their plugin and phase, and do `extra` in `phase`.
fn functions(plugin: &str, phase: Phase, extra: &str) -> Functions {
    let phases =
        [Phase::Rewrite, Phase::Access, Phase::HeaderFilter, Phase::BodyFilter, Phase::Log];
    let builder = phases.into_iter().fold(Functions::builder(plugin), |builder, each| {
        let condition = if each == Phase::BodyFilter { "if ngx.arg[2] then" } else { "do" };
        let more = if each == phase { extra } else { "" };
        let source = format!(
            r#"{condition} require("recorder")("{plugin} " .. ngx.get_phase()) end {more}"#
        );
        builder.function(each, source)
    });
    builder.build().unwrap()
}

/// Who ends the request.
#[derive(Clone, Copy, PartialEq)]
enum Answers {
    Service,
    ServiceFails,
    Between,
    Pre,
    PreFails,
    Post,
    PostFails,
}

/// What is recorded when a request passes pre, a layer between, post and a service.
async fn order(answers: Answers, paired: bool) -> Vec<String> {
    let recorder = Recorder::default();
    let runtime = recorder.register(Runtime::builder().vms(1)).build().unwrap();
    let exit = "kong.response.exit(403)";
    let extra = |exits, fails| match answers {
        answers if answers == exits => exit,
        answers if answers == fails => "error('boom')",
        _ => "",
    };
    let pre = functions("pre", Phase::Access, extra(Answers::Pre, Answers::PreFails));
    let post = functions("post", Phase::Access, extra(Answers::Post, Answers::PostFails));

    let service = {
        let recorder = recorder.clone();
        service_fn(move |_: Request<_>| {
            recorder.push("service");
            let fails = answers == Answers::ServiceFails;
            std::future::ready(if fails {
                Err(BoxError::from("the service is down"))
            } else {
                Ok(Response::new(Body::from("hello")))
            })
        })
    };
    let post = PostFunctionLayer::new(post).runtime(&runtime);
    let mut pre = PreFunctionLayer::new(pre).runtime(&runtime);
    if paired {
        pre = pre.paired_with(&post);
    }
    let (on_request, on_response) = (recorder.clone(), recorder.clone());
    let inner = post.layer(service).map_response(|response: Response<_>| response.map(boxed));
    let between = service_fn(move |request: Request<_>| {
        on_request.push("between request");
        let (inner, on_response) = (inner.clone(), on_response.clone());
        async move {
            let response = if answers == Answers::Between {
                Response::new(boxed(Body::from("from between")))
            } else {
                inner.oneshot(request).await?
            };
            on_response.push("between response");
            Ok::<_, BoxError>(response)
        }
    });
    let service = pre.layer(between);
    if let Ok(response) = service.oneshot(Request::new(Body::default())).await {
        response.into_body().collect().await.unwrap();
    }
    recorder.entries()
}

fn boxed<B>(body: B) -> http_body_util::combinators::UnsyncBoxBody<Bytes, BoxError>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    body.map_err(Into::into).boxed_unsync()
}

#[tokio::test]
async fn every_phase_runs_pre_then_the_others_then_post() {
    assert_eq!(
        order(Answers::Service, false).await,
        [
            "pre rewrite",
            "pre access",
            "between request",
            "post rewrite",
            "post access",
            "service",
            "pre header_filter",
            "between response",
            "post header_filter",
            "pre body_filter",
            "post body_filter",
            "pre log",
            "post log",
        ]
    );
}

#[tokio::test]
async fn an_exit_of_pre_reaches_nobody_else() {
    assert_eq!(
        order(Answers::Pre, false).await,
        ["pre rewrite", "pre access", "pre header_filter", "pre body_filter", "pre log"]
    );
}

#[tokio::test]
async fn an_exit_of_pre_runs_the_response_phases_of_its_pair() {
    assert_eq!(
        order(Answers::Pre, true).await,
        [
            "pre rewrite",
            "pre access",
            "pre header_filter",
            "post header_filter",
            "pre body_filter",
            "post body_filter",
            "pre log",
            "post log",
        ]
    );
}

#[tokio::test]
async fn an_error_of_pre_is_answered_like_an_exit() {
    for paired in [false, true] {
        let exit = order(Answers::Pre, paired).await;
        assert_eq!(order(Answers::PreFails, paired).await, exit, "paired: {paired}");
    }
}

#[tokio::test]
async fn an_answer_of_a_layer_between_passes_pre_alone() {
    assert_eq!(
        order(Answers::Between, false).await,
        [
            "pre rewrite",
            "pre access",
            "between request",
            "between response",
            "pre header_filter",
            "pre body_filter",
            "pre log",
        ]
    );
}

#[tokio::test]
async fn an_answer_of_a_layer_between_passes_pre_and_its_pair() {
    assert_eq!(
        order(Answers::Between, true).await,
        [
            "pre rewrite",
            "pre access",
            "between request",
            "between response",
            "pre header_filter",
            "post header_filter",
            "pre body_filter",
            "post body_filter",
            "pre log",
            "post log",
        ]
    );
}

#[tokio::test]
async fn an_exit_of_post_passes_pre_first_and_post_last() {
    let expected = [
        "pre rewrite",
        "pre access",
        "between request",
        "post rewrite",
        "post access",
        "pre header_filter",
        "between response",
        "post header_filter",
        "pre body_filter",
        "post body_filter",
        "pre log",
        "post log",
    ];
    for answers in [Answers::Post, Answers::PostFails] {
        assert_eq!(order(answers, false).await, expected);
        assert_eq!(order(answers, true).await, expected);
    }
}

#[tokio::test]
async fn an_error_of_the_service_runs_the_log_phase_alone() {
    assert_eq!(
        order(Answers::ServiceFails, false).await,
        [
            "pre rewrite",
            "pre access",
            "between request",
            "post rewrite",
            "post access",
            "service",
            "pre log",
            "post log",
        ]
    );
}

/// What `layers` record around a service that says hello.
async fn recorded<L, S>(recorder: &Recorder, layers: L) -> Vec<String>
where
    L: Layer<Hello, Service = S>,
    S: Service<Request<Body>, Error = Infallible>,
    S::Response: IntoBody,
{
    let service = layers.layer(Hello);
    let Ok(response) = service.oneshot(Request::new(Body::default())).await;
    response.read().await;
    recorder.entries()
}

#[derive(Clone)]
struct Hello;

impl<B> Service<Request<B>> for Hello {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        std::future::ready(Ok(Response::new(Body::from("hello"))))
    }
}

/// A response whose body can be read to its end, whatever its type.
trait IntoBody {
    fn read(self) -> impl Future<Output = ()>;
}

impl<B> IntoBody for Response<B>
where
    B: http_body::Body,
    B::Error: std::fmt::Debug,
{
    async fn read(self) {
        self.into_body().collect().await.unwrap();
    }
}

#[tokio::test]
async fn post_alone_runs_all_of_its_phases() {
    let recorder = Recorder::default();
    let runtime = recorder.register(Runtime::builder()).build().unwrap();
    let post = PostFunctionLayer::new(functions("post", Phase::Access, "")).runtime(&runtime);
    assert_eq!(
        recorded(&recorder, post).await,
        ["post rewrite", "post access", "post header_filter", "post body_filter", "post log"]
    );
}

#[tokio::test]
async fn three_layers_keep_the_order_in_which_the_request_reached_them() {
    let recorder = Recorder::default();
    let runtime = recorder.register(Runtime::builder()).build().unwrap();
    let layer = |name| PreFunctionLayer::new(functions(name, Phase::Access, "")).runtime(&runtime);
    let layers = ServiceBuilder::new().layer(layer("a")).layer(layer("b")).layer(layer("c"));
    let entries = recorded(&recorder, layers).await;
    let of_phase = |phase: &str| -> Vec<_> {
        let ending = format!(" {phase}");
        entries.iter().filter_map(|entry| entry.strip_suffix(&ending)).collect()
    };
    for phase in ["rewrite", "access", "header_filter", "body_filter", "log"] {
        assert_eq!(of_phase(phase), ["a", "b", "c"], "{phase}");
    }
}

#[tokio::test]
async fn a_layer_without_response_phases_takes_no_place_in_the_trade() {
    let recorder = Recorder::default();
    let runtime = recorder.register(Runtime::builder()).build().unwrap();
    let rewrite = Functions::builder("rewrite")
        .function(Phase::Rewrite, r#"kong.ctx.shared.x = 1 require("recorder")("rewrite")"#)
        .build()
        .unwrap();
    let between = recorder.clone();
    let layers = ServiceBuilder::new()
        .layer(PreFunctionLayer::new(rewrite).runtime(&runtime))
        .layer(PreFunctionLayer::new(functions("pre", Phase::Access, "")).runtime(&runtime))
        .map_response(move |response: Response<_>| {
            between.push("between response");
            response
        })
        .layer(PostFunctionLayer::new(functions("post", Phase::Access, "")).runtime(&runtime));
    let entries = recorded(&recorder, layers).await;
    let filters: Vec<_> = entries
        .iter()
        .filter(|entry| entry.contains("header_filter") || entry.contains("between"))
        .collect();
    assert_eq!(filters, ["pre header_filter", "between response", "post header_filter"]);
}

#[tokio::test]
async fn layers_of_different_runtimes_share_nothing_and_run_where_they_stand() {
    let recorder = Recorder::default();
    let [one, other] = [(); 2].map(|()| recorder.register(Runtime::builder()).build().unwrap());
    let shared =
        r#"require("recorder")("shared " .. tostring(kong.ctx.shared.x)) kong.ctx.shared.x = 1"#;
    let layers = ServiceBuilder::new()
        .layer(PreFunctionLayer::new(functions("pre", Phase::Access, shared)).runtime(&one))
        .layer(PostFunctionLayer::new(functions("post", Phase::Access, shared)).runtime(&other));
    let entries = recorded(&recorder, layers).await;
    assert_eq!(entries.iter().filter(|entry| *entry == "shared nil").count(), 2);
    let filters: Vec<_> = entries.iter().filter(|entry| entry.contains("header_filter")).collect();
    assert_eq!(filters, ["post header_filter", "pre header_filter"]);
}
