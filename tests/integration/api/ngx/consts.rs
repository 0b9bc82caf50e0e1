//! The numbers that have names, and `ngx.null`.

use super::assert_values;
use crate::support::App;

#[tokio::test]
async fn constants_have_their_numbers() {
    assert_values(&[
        ("ngx.OK, ngx.ERROR, ngx.AGAIN, ngx.DONE, ngx.DECLINED", "0, -1, -2, -4, -5"),
        ("ngx.HTTP_GET, ngx.HTTP_HEAD, ngx.HTTP_POST, ngx.HTTP_TRACE", "2, 4, 8, 32768"),
        ("ngx.HTTP_OK, ngx.HTTP_MOVED_TEMPORARILY, ngx.HTTP_TOO_MANY_REQUESTS", "200, 302, 429"),
        ("ngx.HTTP_NOT_ALLOWED, ngx.HTTP_CLOSE, ngx.HTTP_ILLEGAL", "405, 444, 451"),
        ("ngx.HTTP_METHOD_NOT_IMPLEMENTED, ngx.HTTP_NOT_IMPLEMENTED", "501, 501"),
        ("ngx.STDERR, ngx.ERR, ngx.WARN, ngx.NOTICE, ngx.INFO, ngx.DEBUG", "0, 4, 5, 6, 7, 8"),
    ])
    .await;
}

#[tokio::test]
async fn null_is_a_value_of_its_own() {
    let source = "ngx.null == nil, type(ngx.null), tostring(ngx.null), \
                  ngx.null == require('cjson').null";
    assert_eq!(App::eval(source).await, "false, userdata, userdata: NULL, true");
}

#[tokio::test]
async fn an_unknown_name_is_nil() {
    assert_eq!(App::eval("ngx.NO_SUCH_NAME, ngx.req.no_such_name").await, "nil, nil");
}

#[tokio::test]
async fn what_a_function_overwrites_is_as_ever_for_the_next() {
    let app = App::builder()
        .access("ngx.OK = 7 ngx.req.get_method = nil ngx.mine = 'mine'")
        .access("kong.response.exit(200, {ngx.OK, ngx.req.get_method(), tostring(ngx.mine)})")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), r#"[0,"GET","nil"]"#);
}
