//! Random cases, ten thousand of most kinds. The targets in `fuzz` have the same generators.

#[expect(dead_code, unreachable_pub, reason = "the fuzz targets have more uses for them")]
#[path = "../../fuzz/generators/mod.rs"]
mod generators;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;

use self::generators::exchange::{Exchange, OUT_OF_TIME};
use self::generators::{Choices, headers, messages, programs};

const CASES: u64 = 10_000;

/// How long an honest function may run, on a machine that does other things.
const PATIENCE: Duration = Duration::from_secs(60);

fn inside() -> Response<Full<Bytes>> {
    Response::new(Full::from("inside"))
}

fn get(name: &'static str, value: String) -> Request<Full<Bytes>> {
    Request::builder().uri("/a?b=c").header(name, value).body(Full::default()).unwrap()
}

/// Programs as one function: the request says which of them runs.
fn choosing(programs: &[String]) -> String {
    let functions = programs.iter().map(|program| format!("function() {program} end"));
    format!(
        "local programs = {{ {} }}
         local run = programs[tonumber(kong.request.get_header('x-program') or '')]
         if run then run() end",
        functions.collect::<Vec<_>>().join(",\n")
    )
}

/// How many honest requests are behind programs. A machine that does other things may take all of the two
/// milliseconds of one, but not of each.
const HONEST: usize = 3;

/// Runs programs of some seeds, and honest requests behind them.
fn run_programs(exchange: &Exchange, seeds: std::ops::Range<u64>) {
    let programs: Vec<_> =
        seeds.map(|seed| programs::program(&mut Choices::from_seed(seed))).collect();
    let source = choosing(&programs);
    let mut requests: Vec<_> =
        (1..=programs.len()).map(|number| get("x-program", number.to_string())).collect();
    requests.extend((0..HONEST).map(|_| get("x-honest", "1".to_owned())));
    let responses = exchange.send(&source, "", requests, inside);
    // They may be refused for a while, after those that used up their time.
    let fine = [StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE];
    let honest = responses[programs.len()..].iter().map(Response::status);
    let in_time: Vec<_> = honest.filter(|status| *status != OUT_OF_TIME).collect();
    let is_answered = !in_time.is_empty() && in_time.iter().all(|status| fine.contains(status));
    assert!(is_answered, "{in_time:?} after\n{source}");
}

/// Each may take up all of its time, and fill a VM.
const PROGRAMS: u64 = 10_000;

const PROGRAMS_PER_SET: u64 = 100;

#[test]
fn whatever_calls_a_program_is_made_of_each_request_is_answered() {
    let exchange = Exchange::new(Duration::from_millis(2));
    for set in 0..PROGRAMS / PROGRAMS_PER_SET {
        run_programs(&exchange, set * PROGRAMS_PER_SET..(set + 1) * PROGRAMS_PER_SET);
    }
}

/// Says each field of a form, or why there is none.
const READS_FORM: &str = r#"
    local form, err = kong.request.get_body()
    if not form then return kong.response.exit(200, "none") end
    local lines = {}
    for name, value in pairs(form) do
      lines[#lines + 1] = ngx.encode_base64(tostring(name)) .. " " .. ngx.encode_base64(tostring(value)) .. "\n"
    end
    kong.response.exit(200, table.concat(lines))
"#;

#[test]
fn whatever_body_comes_a_form_is_read_or_there_is_none() {
    let made = |seed| messages::message(&mut Choices::from_seed(seed));
    let requests = (0..CASES).map(made).map(|message| {
        let request = Request::post("/").header("content-type", message.content_type);
        let request = request.header("content-length", message.body.len());
        request.body(Full::from(message.body)).unwrap()
    });
    let responses = Exchange::new(PATIENCE).send(READS_FORM, "", requests.collect(), inside);
    for (seed, response) in responses.into_iter().enumerate() {
        assert_eq!(response.status(), 200, "{seed}");
        let Some(fields) = made(seed as u64).fields else { continue };
        let mut expected: Vec<_> = fields.iter().map(|pair| line(pair.0, pair.1)).collect();
        let text = String::from_utf8(response.into_body().to_vec()).unwrap();
        let mut lines: Vec<_> = text.split_inclusive('\n').collect();
        expected.sort();
        lines.sort_unstable();
        assert_eq!(lines, expected, "{seed}: {fields:?}");
    }
}

fn line(name: &str, value: &str) -> String {
    use base64::Engine;
    let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    format!("{} {}\n", encode(name), encode(value))
}

/// Says each header in hexadecimal digits, and sets some that are the body.
const CONVERTS_HEADERS: &str = r#"
    local function hex(text) return (text:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end
    local text = kong.request.get_raw_body()
    pcall(kong.response.set_header, "x-set", text)
    pcall(kong.response.add_header, "x-set", text)
    pcall(kong.response.set_header, text, "x")
    pcall(kong.service.request.set_header, "x-set", text)
    pcall(kong.service.request.set_header, text, "x")
    pcall(function() ngx.header["x-set"] = text ngx.header[text] = { text, text } end)
    pcall(ngx.req.set_header, text, text)
    kong.service.request.clear_header("x-set")
    local lines = {}
    for name, values in pairs(seen) do
      for _, value in ipairs(type(values) == "table" and values or { values }) do
        lines[#lines + 1] = hex(name) .. " " .. hex(value) .. "\n"
      end
    end
    kong.response.exit(200, table.concat(lines))
"#;

#[test]
fn whatever_headers_come_functions_see_them_and_what_is_set_is_one_header() {
    let made = |seed| {
        let choices = &mut Choices::from_seed(seed);
        (headers::headers(choices), headers::literal(choices).1)
    };
    let requests = (0..CASES).map(made).map(|(headers, text)| {
        let mut request = Request::new(Full::from(text));
        *request.headers_mut() = headers;
        request
    });
    let source = format!("local seen = kong.request.get_headers(1000) {CONVERTS_HEADERS}");
    let responses = Exchange::new(PATIENCE).send(&source, "", requests.collect(), inside);
    for (seed, response) in responses.into_iter().enumerate() {
        assert_eq!(response.status(), 200, "{seed}");
        let (sent, _) = made(seed as u64);
        let mut expected = BTreeMap::<_, Vec<String>>::new();
        for (name, value) in &sent {
            expected.entry(hex(name.as_str().as_bytes())).or_default().push(hex(value.as_bytes()));
        }
        let mut found = BTreeMap::<_, Vec<String>>::new();
        for line in std::str::from_utf8(response.body()).unwrap().lines() {
            let (name, value) = line.split_once(' ').unwrap();
            found.entry(name.to_owned()).or_default().push(value.to_owned());
        }
        assert_eq!(found, expected, "{seed}");
        for value in response.headers().values() {
            assert!(value.as_bytes().iter().all(|byte| !b"\r\n\0".contains(byte)), "{seed}");
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes all");
        hex
    })
}
