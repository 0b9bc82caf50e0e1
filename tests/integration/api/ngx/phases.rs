//! Which function may be called in which phase.
//!
//! lua-nginx-module refuses less than its documentation says: what reads or changes the request may
//! do so in every phase, even where nobody will see the change.

use crate::support::App;

const PHASES: [&str; 5] = ["rewrite", "access", "header_filter", "body_filter", "log"];
const ALL: &[&str] = &PHASES;
const YIELDABLE: &[&str] = &["rewrite", "access"];

/// What comes of `source` in each phase of a request.
async fn outcomes(source: &str) -> Vec<String> {
    let source = format!(
        "local ok, err = pcall(function() {source} end)
         if ngx.get_phase() ~= 'body_filter' or ngx.arg[2] then
           require('recorder')(ok and 'works' or err)
         end"
    );
    let app = App::builder()
        .runtime(|runtime| runtime.shared_dict("dict", 1 << 20))
        .rewrite(&source)
        .access(&source)
        .header_filter(&source)
        .body_filter(&source)
        .log(&source)
        .serve()
        .await;
    app.post("/").body("a=1").send().await;
    app.recorder.wait_for(PHASES.len()).await
}

/// Asserts that each source is refused in all phases but those beside it.
async fn assert_phases(cases: &[(&str, &[&str])]) {
    for (source, allowed) in cases {
        let outcomes = outcomes(source).await;
        assert_eq!(outcomes.len(), PHASES.len(), "{source}: {outcomes:?}");
        for (phase, outcome) in PHASES.iter().zip(outcomes) {
            let refusal = format!(": API disabled in the context of {phase}_by_lua*");
            let refused = outcome.starts_with("[string ") && outcome.ends_with(&refusal);
            assert_eq!(refused, !allowed.contains(phase), "{source} in {phase}: {outcome}");
        }
    }
}

/// Asserts that `cases` call all functions that there are in `namespace`.
async fn assert_complete(namespace: &str, cases: &[(&str, &[&str])]) {
    let source = format!(
        "(function()
           local names = {{}}
           for name, value in pairs({namespace}) do
             if type(value) == 'function' then names[#names + 1] = name end
           end
           table.sort(names)
           return table.concat(names, ' ')
         end)()"
    );
    let prefix = format!("{namespace}.");
    let cases = cases.iter().map(|(source, _)| *source);
    let mut names: Vec<_> =
        cases.filter_map(|source| Some(source.strip_prefix(&prefix)?.split_once('(')?.0)).collect();
    names.sort_unstable();
    assert_eq!(App::eval(&source).await, names.join(" "));
}

#[tokio::test]
async fn of_ngx() {
    let cases: &[(&str, &[&str])] = &[
        ("ngx.cookie_time(0)", ALL),
        ("ngx.crc32_long('')", ALL),
        ("ngx.crc32_short('')", ALL),
        ("ngx.decode_args('')", ALL),
        ("ngx.decode_base64('')", ALL),
        ("ngx.decode_base64mime('')", ALL),
        ("ngx.encode_args({})", ALL),
        ("ngx.encode_base64('')", ALL),
        ("ngx.eof('no argument')", YIELDABLE),
        ("ngx.escape_uri('')", ALL),
        ("ngx.exec('')", YIELDABLE),
        ("ngx.exit('no number')", &["rewrite", "access", "header_filter"]),
        ("ngx.flush()", YIELDABLE),
        ("ngx.get_phase()", ALL),
        ("ngx.hmac_sha1('', '')", ALL),
        ("ngx.http_time(0)", ALL),
        ("ngx.localtime()", ALL),
        ("ngx.log(ngx.DEBUG)", ALL),
        ("ngx.md5('')", ALL),
        ("ngx.md5_bin('')", ALL),
        ("ngx.now()", ALL),
        ("ngx.on_abort(print)", YIELDABLE),
        ("ngx.parse_http_time('')", ALL),
        ("ngx.print(print)", YIELDABLE),
        ("ngx.quote_sql_str('')", ALL),
        ("ngx.redirect()", YIELDABLE),
        ("ngx.run_worker_thread()", ALL),
        ("ngx.say(print)", YIELDABLE),
        ("ngx.sha1_bin('')", ALL),
        ("ngx.sleep(0)", &PHASES),
        ("ngx.time()", ALL),
        ("ngx.today()", ALL),
        ("ngx.unescape_uri('')", ALL),
        ("ngx.update_time()", ALL),
        ("ngx.utctime()", ALL),
        ("if ngx.get_phase() ~= 'rewrite' then ngx.send_headers() end", YIELDABLE),
    ];
    assert_phases(cases).await;
    let named = [cases, &[("ngx.send_headers()", YIELDABLE)]].concat();
    assert_complete("ngx", &named).await;
}

#[tokio::test]
async fn of_ngx_req() {
    let cases: &[(&str, &[&str])] = &[
        ("ngx.req.append_body('')", ALL),
        ("ngx.req.clear_header('x')", ALL),
        ("ngx.req.discard_body()", ALL),
        ("ngx.req.finish_body()", ALL),
        ("ngx.req.get_body_data()", ALL),
        ("ngx.req.get_body_file()", ALL),
        ("ngx.req.get_headers()", ALL),
        ("ngx.req.get_method()", ALL),
        ("ngx.req.get_post_args()", ALL),
        ("ngx.req.get_uri_args()", ALL),
        ("ngx.req.http_version()", ALL),
        ("ngx.req.init_body()", ALL),
        ("ngx.req.is_internal()", ALL),
        ("ngx.req.raw_header()", ALL),
        ("ngx.req.read_body()", YIELDABLE),
        ("ngx.req.set_body_data('')", ALL),
        ("ngx.req.set_body_file('')", ALL),
        ("ngx.req.set_header('x', 'y')", ALL),
        ("ngx.req.set_method(ngx.HTTP_PUT)", ALL),
        ("ngx.req.set_uri('/')", ALL),
        ("ngx.req.set_uri_args('')", ALL),
        ("ngx.req.socket()", YIELDABLE),
        ("ngx.req.start_time()", ALL),
    ];
    assert_phases(cases).await;
    assert_complete("ngx.req", cases).await;
}

#[tokio::test]
async fn of_the_smaller_namespaces() {
    for (namespace, cases) in [
        (
            "ngx.resp",
            &[
                ("ngx.resp.add_header('x', 'y')", ALL),
                ("ngx.resp.bypass_if_checks()", ALL),
                ("ngx.resp.get_headers()", ALL),
                ("ngx.resp.set_status(200, 'OK')", ALL),
            ][..],
        ),
        (
            "ngx.worker",
            &[
                ("ngx.worker.count()", ALL),
                ("ngx.worker.exiting()", ALL),
                ("ngx.worker.id()", ALL),
                ("ngx.worker.pid()", ALL),
                ("ngx.worker.pids()", ALL),
            ],
        ),
        (
            "ngx.re",
            &[
                ("ngx.re.find('a', 'a')", ALL),
                ("ngx.re.gmatch('a', 'a')", ALL),
                ("ngx.re.gsub('a', 'a', 'b')", ALL),
                ("ngx.re.match('a', 'a')", ALL),
                ("ngx.re.sub('a', 'a', 'b')", ALL),
            ],
        ),
        ("ngx.config", &[("ngx.config.nginx_configure()", ALL), ("ngx.config.prefix()", ALL)]),
    ] {
        assert_phases(cases).await;
        assert_complete(namespace, cases).await;
    }
}

#[tokio::test]
async fn of_dictionaries() {
    let sources = [
        "get('k')",
        "get_stale('k')",
        "set('k', 1)",
        "safe_set('k', 1)",
        "add('k', 1)",
        "safe_add('k', 1)",
        "replace('k', 1)",
        "delete('k')",
        "incr('k', 1, 0)",
        "lpush('l', 1)",
        "rpush('l', 1)",
        "lpop('l')",
        "rpop('l')",
        "llen('l')",
        "ttl('k')",
        "expire('k', 1)",
        "flush_all()",
        "flush_expired()",
        "get_keys()",
        "capacity()",
        "free_space()",
    ];
    let sources = sources.map(|source| format!("ngx.shared.dict:{source}"));
    let cases: Vec<_> = sources.iter().map(|source| (source.as_str(), ALL)).collect();
    assert_phases(&cases).await;
}

#[tokio::test]
async fn of_fields() {
    assert_phases(&[
        ("local _ = ngx.arg[1]", &["body_filter"]),
        ("ngx.arg[1] = ''", &["body_filter"]),
        ("local _ = ngx.ctx.x", ALL),
        ("ngx.ctx = {}", ALL),
        ("local _ = ngx.header.x", ALL),
        ("ngx.header.x = 'y'", ALL),
        ("local _ = ngx.headers_sent", ALL),
        ("local _ = ngx.is_subrequest", ALL),
        ("local _ = ngx.status", ALL),
        ("ngx.status = 200", ALL),
        ("local _ = ngx.var.uri", ALL),
        ("ngx.var.args = 'a=1'", ALL),
        ("print()", ALL),
    ])
    .await;
}
