//! Clocks and dates.

use super::{assert_errors, assert_values};

#[tokio::test]
async fn the_clocks_agree() {
    let source = "(function() ngx.update_time() local before, now, after = ngx.time(), ngx.now(), \
                  ngx.time() return before <= now and math.floor(now) <= after, \
                  before % 1, math.abs(now * 1000 - math.floor(now * 1000 + 0.5)) < 0.01 end)()";
    assert_values(&[(source, "true, 0, true")]).await;
}

#[tokio::test]
async fn dates_are_those_of_the_standard_library() {
    for (function, format) in [
        ("today", "%Y-%m-%d"),
        ("localtime", "%Y-%m-%d %H:%M:%S"),
        ("utctime", "!%Y-%m-%d %H:%M:%S"),
    ] {
        let source = format!(
            "(function() local before, date, after = os.date('{format}'), ngx.{function}(), \
             os.date('{format}') return before <= date and date <= after, #date == #before end)()"
        );
        assert_values(&[(&source, "true, true")]).await;
    }
}

#[tokio::test]
async fn a_time_is_written_as_http_has_it() {
    assert_values(&[
        ("ngx.http_time(1290079655)", "Thu, 18 Nov 2010 11:27:35 GMT"),
        ("ngx.http_time(0)", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("ngx.http_time(-1)", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("ngx.http_time(1290079655.9)", "Thu, 18 Nov 2010 11:27:35 GMT"),
        ("ngx.http_time(1e300)", "Fri, 31 Dec 9999 23:59:59 GMT"),
        ("ngx.http_time(0/0)", "Thu, 01 Jan 1970 00:00:00 GMT"),
    ])
    .await;
}

#[tokio::test]
async fn a_time_is_written_as_cookies_have_it() {
    assert_values(&[
        ("ngx.cookie_time(1290079655)", "Thu, 18-Nov-10 11:27:35 GMT"),
        ("ngx.cookie_time(2145916799)", "Thu, 31-Dec-37 23:59:59 GMT"),
        ("ngx.cookie_time(2145916800)", "Fri, 01-Jan-2038 00:00:00 GMT"),
    ])
    .await;
}

#[tokio::test]
async fn dates_of_http_are_read_in_all_three_forms() {
    assert_values(&[
        ("ngx.parse_http_time('Thu, 18 Nov 2010 11:27:35 GMT')", "1290079655"),
        ("ngx.parse_http_time('Thursday, 18-Nov-10 11:27:35 GMT')", "1290079655"),
        ("ngx.parse_http_time('Thu Nov 18 11:27:35 2010')", "1290079655"),
        ("ngx.parse_http_time('')", "nil"),
        ("ngx.parse_http_time('tomorrow')", "nil"),
        ("ngx.parse_http_time('Thu, 31 Feb 2010 11:27:35 GMT')", "nil"),
        ("ngx.parse_http_time('\\255')", "nil"),
    ])
    .await;
}

#[tokio::test]
async fn wrong_arguments_are_refused() {
    assert_errors(&[
        ("ngx.http_time()", "number argument only"),
        ("ngx.http_time('0')", "number argument only"),
        ("ngx.cookie_time({})", "number argument only"),
        ("ngx.parse_http_time(0)", "string argument only"),
    ])
    .await;
}
