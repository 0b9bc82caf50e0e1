//! `/debug/profile`: where functions spend their time, as a flame graph.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use axum::Router;
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::json;
use tower_lua::{Profile, Runtime};

/// The most seconds that a profile may take.
const MOST_SECONDS: f64 = 60.0;

/// `/debug/profile`, to stand before the Admin API: only where the operator `may_debug`.
pub(crate) fn endpoint(runtime: Runtime, may_debug: bool) -> Router {
    let answer = move |RawQuery(query): RawQuery| {
        let runtime = runtime.clone();
        async move { answer(&runtime, &query.unwrap_or_default(), may_debug).await }
    };
    Router::new().route("/debug/profile", get(answer))
}

async fn answer(runtime: &Runtime, query: &str, may_debug: bool) -> Response {
    if !may_debug {
        return problem(
            StatusCode::NOT_FOUND,
            "/debug/profile is there with the flag --debug alone",
        );
    }
    let given = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
    };
    let seconds = given("seconds").map_or(Some(5.0), |text| text.parse().ok());
    let Some(seconds) = seconds.filter(|seconds| *seconds > 0.0 && *seconds <= MOST_SECONDS) else {
        let message = format!("seconds: expected a number above 0 and up to {MOST_SECONDS}");
        return problem(StatusCode::BAD_REQUEST, &message);
    };
    let format = given("format").unwrap_or("svg");
    if !["svg", "folded"].contains(&format) {
        return problem(StatusCode::BAD_REQUEST, "format: expected svg or folded");
    }
    let Some(profile) = runtime.profile(Duration::from_secs_f64(seconds)).await else {
        return problem(StatusCode::CONFLICT, "another profile is being made: try again later");
    };
    match format {
        "folded" => {
            ([(CONTENT_TYPE, "text/plain; charset=utf-8")], profile.folded()).into_response()
        }
        _ => ([(CONTENT_TYPE, "image/svg+xml")], graph(&profile)).into_response(),
    }
}

fn problem(status: StatusCode, message: &str) -> Response {
    (status, axum::Json(json!({ "message": message }))).into_response()
}

/// A frame, the time that was spent in it, and what it has called.
#[derive(Default)]
struct Frame<'a> {
    time: Duration,
    calls: BTreeMap<&'a str, Self>,
}

const WIDTH: f64 = 1200.0;
const ROW: usize = 18;
const LETTER: f64 = 6.6;

/// A flame graph: what is called stands below who calls it, as wide as its share of the time.
fn graph(profile: &Profile) -> String {
    let mut root = Frame::default();
    for (stack, time) in profile.stacks() {
        root.time += time;
        let mut frame = &mut root;
        for name in stack.split(';') {
            frame = frame.calls.entry(name).or_default();
            frame.time += time;
        }
    }
    let height = (root.depth() + 1) * ROW;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"monospace\" font-size=\"11\">\n"
    );
    let all = root.time.as_secs_f64();
    let title = format!("{all:.3} s in Lua");
    draw(&mut svg, &title, &root, all, (0.0, 0));
    svg + "</svg>\n"
}

impl Frame<'_> {
    fn depth(&self) -> usize {
        self.calls.values().map(|call| call.depth() + 1).max().unwrap_or(0)
    }
}

/// Draws a frame whose left upper corner is at `(x, row)`, and what it has called.
fn draw(svg: &mut String, name: &str, frame: &Frame<'_>, all: f64, (x, row): (f64, usize)) {
    let share = if all > 0.0 { frame.time.as_secs_f64() / all } else { 1.0 };
    let (width, y) = (share * WIDTH, row * ROW);
    let hue = name.bytes().fold(0_u32, |hash, byte| hash.wrapping_mul(31) + u32::from(byte)) % 40;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
    let shown: String = name.chars().take((width / LETTER) as usize).collect();
    let (name, shown) = (escaped(name), escaped(&shown));
    let microseconds = frame.time.as_micros();
    let _ = writeln!(
        svg,
        "<g><title>{name}: {microseconds} µs, {:.1} %</title>\
         <rect x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{}\" fill=\"hsl({hue},80%,70%)\"/>\
         <text x=\"{:.1}\" y=\"{}\">{shown}</text></g>",
        share * 100.0,
        ROW - 1,
        x + 2.0,
        y + 13,
    );
    let mut x = x;
    for (name, call) in &frame.calls {
        draw(svg, name, call, all, (x, row + 1));
        x += if all > 0.0 { call.time.as_secs_f64() / all * WIDTH } else { 0.0 };
    }
}

/// A text as XML has it, without the characters that XML cannot have.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace(|c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'), "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_graph_has_no_characters_that_xml_cannot_have() {
        assert_eq!(escaped("[string \"a < b\u{1}\"]:1"), "[string \"a &lt; b\u{fffd}\"]:1");
    }
}
