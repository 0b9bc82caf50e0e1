//! Every function of every namespace in every phase: it works, or says where it would.

use tower_lua::Phase;

use crate::support::App;

const PHASES: [Phase; 5] =
    [Phase::Rewrite, Phase::Access, Phase::HeaderFilter, Phase::BodyFilter, Phase::Log];

/// Runs each statement of `calls` once in every phase, in one request that `prepare` begins.
///
/// A statement has to work in the phases that are named beside it, and be refused in the others.
async fn check(prepare: &str, calls: &[(&str, &str)]) {
    let mut builder = App::builder().rewrite(prepare);
    for phase in PHASES {
        let tries = calls.iter().map(|(call, _)| {
            format!("record([==[{phase} {call}: ]==] .. select(2, pcall(function() {call} return 'works' end)))\n")
        });
        builder = builder.function(
            phase,
            &format!(
                "if done then return end
                 done = true
                 local function record(text) require('recorder')(text) end
                 {}",
                tries.collect::<String>()
            ),
        );
    }
    let app = builder.serve().await;
    app.post("/").header("content-type", "application/json").body("{}").send().await;
    let seen = app.recorder.wait_for(calls.len() * PHASES.len()).await;
    let expected = PHASES.iter().flat_map(|phase| {
        calls.iter().map(move |(call, phases)| {
            let works = *phases == ANY || phases.split(", ").any(|name| name == phase.name());
            let refused = format!("function cannot be called in {phase} phase (only in: {phases})");
            format!("{phase} {call}: {}", if works { "works" } else { &refused })
        })
    });
    assert_eq!(seen, expected.collect::<Vec<_>>());
}

const ANY: &str = "any";
const REQUEST: &str = "rewrite, access, balancer, response, cluster_listener, header_filter, body_filter, \
                       log, error, admin_api";
const BEFORE_CONTENT: &str = "rewrite, access, response, error, admin_api";
const ACCESS: &str = "rewrite, access";
const ACCESS_AND_BALANCER: &str = "rewrite, access, balancer";
const HEAD: &str = "rewrite, access, balancer, response, header_filter, error, admin_api";
const AUTH_AND_LATER: &str = "access, response, header_filter, body_filter, log";
const RESPONSE: &str = "response, header_filter, body_filter, log, error, admin_api";
const SERVICE_RESPONSE: &str = "response, header_filter, body_filter, log";

#[tokio::test]
async fn kong_request() {
    check(
        "",
        &[
            ("kong.request.get_scheme()", REQUEST),
            ("kong.request.get_host()", REQUEST),
            ("kong.request.get_port()", ANY),
            ("kong.request.get_forwarded_scheme()", REQUEST),
            ("kong.request.get_forwarded_host()", REQUEST),
            ("kong.request.get_forwarded_port()", REQUEST),
            ("kong.request.get_forwarded_path()", REQUEST),
            ("kong.request.get_forwarded_prefix()", REQUEST),
            ("kong.request.get_http_version()", REQUEST),
            ("kong.request.get_method()", REQUEST),
            ("kong.request.get_path()", REQUEST),
            ("kong.request.get_raw_path()", REQUEST),
            ("kong.request.get_path_with_query()", REQUEST),
            ("kong.request.get_raw_query()", REQUEST),
            ("kong.request.get_query_arg('a')", REQUEST),
            ("kong.request.get_query()", REQUEST),
            ("kong.request.get_header('a')", REQUEST),
            ("kong.request.get_headers()", REQUEST),
            ("kong.request.get_raw_body()", BEFORE_CONTENT),
            ("kong.request.get_body()", BEFORE_CONTENT),
            ("kong.request.get_start_time()", REQUEST),
            ("kong.request.get_uri_captures()", REQUEST),
            ("kong.request.clear_header('a')", ACCESS),
        ],
    )
    .await;
}

#[tokio::test]
async fn kong_response() {
    check(
        "",
        &[
            ("kong.response.get_status()", RESPONSE),
            ("kong.response.get_header('a')", RESPONSE),
            ("kong.response.get_headers()", RESPONSE),
            ("kong.response.get_source()", RESPONSE),
            ("kong.response.set_status(200)", HEAD),
            ("kong.response.set_header('a', 'b')", HEAD),
            ("kong.response.add_header('a', 'b')", HEAD),
            ("kong.response.clear_header('a')", HEAD),
            ("kong.response.set_headers({})", HEAD),
            ("kong.response.get_raw_body()", "body_filter"),
            ("kong.response.set_raw_body('a')", "body_filter"),
            // Where they work they end the request: so they are called to be refused for another reason.
            (
                "local _, err = pcall(kong.response.exit) \
              if err ~= 'code must be a number' then error(err, 0) end",
                HEAD,
            ),
            (
                "local _, err = pcall(kong.response.error) \
              if err ~= 'code must be a number' then error(err, 0) end",
                HEAD,
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn kong_client() {
    check(
        "",
        &[
            ("kong.client.get_ip()", ANY),
            ("kong.client.get_forwarded_ip()", ANY),
            ("kong.client.get_port()", ANY),
            ("kong.client.get_forwarded_port()", ANY),
            ("kong.client.get_credential()", AUTH_AND_LATER),
            ("kong.client.load_consumer('a', true)", AUTH_AND_LATER),
            ("kong.client.get_consumer()", AUTH_AND_LATER),
            ("kong.client.authenticate({}, {})", "access"),
            ("kong.client.get_protocol()", AUTH_AND_LATER),
        ],
    )
    .await;
}

#[tokio::test]
async fn kong_client_tls() {
    let before_log = "rewrite, access, balancer, response";
    check(
        "",
        &[
            ("kong.client.tls.request_client_certificate()", "certificate"),
            ("kong.client.tls.disable_session_reuse()", "certificate"),
            (
                "kong.client.tls.get_full_client_certificate_chain()",
                "rewrite, access, balancer, response, log",
            ),
            ("kong.client.tls.set_client_verify('NONE')", before_log),
        ],
    )
    .await;
}

#[tokio::test]
async fn kong_router() {
    check(
        "",
        &[
            ("kong.router.get_route()", AUTH_AND_LATER),
            ("kong.router.get_service()", AUTH_AND_LATER),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_kong_knows_of_itself() {
    check(
        "",
        &[
            ("kong.ip.is_trusted('127.0.0.1')", ANY),
            ("kong.node.get_id()", ANY),
            ("kong.node.get_memory_stats()", ANY),
            ("kong.node.get_hostname()", ANY),
            ("kong.nginx.get_subsystem()", ANY),
            ("kong.nginx.get_statistics()", ANY),
            ("kong.cluster.get_id()", ANY),
            ("kong.cluster_events:broadcast('a', 'b')", ANY),
            ("kong.cluster_events:subscribe('a', function() end)", ANY),
            ("kong.plugin.get_id()", ANY),
            ("local _ = kong.version .. kong.version_num", ANY),
            ("local _ = kong.configuration.untrusted_lua", ANY),
            ("kong.configuration.remove_sensitive()", ANY),
        ],
    )
    .await;
}

#[tokio::test]
async fn kong_vault() {
    check(
        "",
        &[
            ("kong.vault.is_reference('a')", ANY),
            ("kong.vault.parse_reference('a')", ANY),
            ("kong.vault.get('{vault://env/a}')", ANY),
            ("kong.vault.update({})", ANY),
            ("kong.vault.update({ a = '', ['$refs'] = { a = '{vault://env/a}' } })", ANY),
            ("kong.vault.try(function() end, {})", ANY),
        ],
    )
    .await;
}

#[tokio::test]
async fn kong_tracing_and_kong_telemetry() {
    check(
        "",
        &[
            ("kong.tracing.start_span('a'):finish()", ANY),
            ("kong.tracing.get_root_span():set_attribute('a', 1)", ANY),
            ("kong.tracing.set_active_span(kong.tracing.active_span())", ANY),
            ("kong.tracing.get_root_span()", ANY),
            ("kong.tracing.get_spans()", ANY),
            ("kong.tracing.process_span(function() end)", "log"),
            ("kong.tracing:set_should_sample(true)", ANY),
            ("kong.tracing:get_sampling_decision()", ANY),
            ("kong.telemetry.log('a', {}, 'b')", ANY),
        ],
    )
    .await;
}

#[tokio::test]
async fn kong_service() {
    let before_response = "rewrite, access, balancer, preread";
    // No value that they take can be made here: so they are called to be refused for that.
    let refused_for = |function: &str, message: &str| {
        format!(
            "local _, err = pcall(kong.service.{function}, print) \
             if err ~= '{message}' then error(err, 0) end"
        )
    };
    let cert_key = refused_for("set_tls_cert_key", "chain must be a parsed cdata object");
    let store =
        refused_for("set_tls_verify_store", "argument must be a resty.openssl.x509.store object");
    check(
        "",
        &[
            ("kong.service.set_upstream('a')", "access"),
            ("kong.service.set_target('a', 80)", before_response),
            ("kong.service.set_target_retry_callback(print)", "access"),
            ("kong.service.set_retries(1)", "access"),
            ("kong.service.set_timeouts(1, 1, 1)", "access"),
            (&cert_key, before_response),
            ("kong.service.set_tls_verify(true)", before_response),
            ("kong.service.set_tls_verify_depth(1)", before_response),
            (&store, before_response),
        ],
    )
    .await;
}

#[tokio::test]
async fn kong_service_request() {
    check(
        "",
        &[
            ("kong.service.request.enable_buffering()", ACCESS_AND_BALANCER),
            ("kong.service.request.set_scheme('http')", ACCESS_AND_BALANCER),
            ("kong.service.request.set_path('/')", ACCESS_AND_BALANCER),
            ("kong.service.request.set_raw_query('a=b')", ACCESS),
            ("kong.service.request.set_method('POST')", ACCESS),
            ("kong.service.request.set_query({})", ACCESS),
            ("kong.service.request.clear_query_arg('a')", ACCESS),
            ("kong.service.request.set_header('a', 'b')", ACCESS_AND_BALANCER),
            ("kong.service.request.add_header('a', 'b')", ACCESS),
            ("kong.service.request.clear_header('a')", ACCESS),
            ("kong.service.request.set_headers({})", ACCESS),
            ("kong.service.request.set_raw_body('a')", ACCESS_AND_BALANCER),
            ("kong.service.request.set_body({})", ACCESS),
            ("kong.service.request.disable_tls()", "balancer, preread"),
            ("kong.service.request.enable_tls()", "balancer, preread"),
        ],
    )
    .await;
}

#[tokio::test]
async fn kong_service_response() {
    check(
        "kong.service.request.enable_buffering()",
        &[
            ("kong.service.response.get_status()", SERVICE_RESPONSE),
            ("kong.service.response.get_headers()", SERVICE_RESPONSE),
            ("kong.service.response.get_header('a')", SERVICE_RESPONSE),
            ("kong.service.response.get_raw_body()", SERVICE_RESPONSE),
            ("kong.service.response.get_body()", SERVICE_RESPONSE),
        ],
    )
    .await;
}

#[tokio::test]
async fn kong_cache() {
    check(
        "",
        &[
            ("kong.cache:get('a', nil, function() return 1 end)", ANY),
            ("kong.cache:get_bulk({n = 0})", ANY),
            ("kong.cache:probe('a')", ANY),
            ("kong.cache:renew('a', nil, function() return 1 end)", ANY),
            ("kong.cache:safe_set('a', 1)", ANY),
            ("kong.cache:invalidate('a')", ANY),
            ("kong.cache:invalidate_local('a')", ANY),
            ("kong.cache:purge()", ANY),
        ],
    )
    .await;
}

#[tokio::test]
async fn kong_ctx_and_kong_table() {
    check(
        "",
        &[
            ("kong.ctx.shared.a = 'b'", ANY),
            ("kong.ctx.plugin.a = 'b'", ANY),
            ("kong.table.new(0, 0)", ANY),
            ("kong.table.clear({})", ANY),
            ("kong.table.merge({}, {})", ANY),
        ],
    )
    .await;
}

#[tokio::test]
async fn kong_log() {
    check(
        "",
        &[
            ("kong.log('a')", ANY),
            ("kong.log.debug('a')", ANY),
            ("kong.log.info('a')", ANY),
            ("kong.log.notice('a')", ANY),
            ("kong.log.warn('a')", ANY),
            ("kong.log.err('a')", ANY),
            ("kong.log.crit('a')", ANY),
            ("kong.log.alert('a')", ANY),
            ("kong.log.emerg('a')", ANY),
            ("kong.log.trace('a')", ANY),
            ("kong.log.inspect('a')", ANY),
            ("kong.log.inspect.on()", ANY),
            ("kong.log.inspect.off()", ANY),
            ("kong.log.set_format('%message')", ANY),
            ("kong.log.new('a')('b')", ANY),
            ("kong.log.deprecation('a')", ANY),
            (
                "kong.log.set_serialize_value('a', 'b')",
                "rewrite, access, response, header_filter, body_filter, log",
            ),
            ("kong.log.serialize()", "log"),
        ],
    )
    .await;
}
