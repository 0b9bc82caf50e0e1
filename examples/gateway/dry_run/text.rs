//! What has come of a dry run, for people.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use tower_lua::testing::{Call, Change, Step};
use tower_lua::{FunctionOutcome, Phase};

use super::message;
use super::told::{self, Told};

/// Writes with colours, which whoever prints it takes out where there is no terminal.
#[derive(Default)]
struct Page {
    text: String,
}

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const CYAN: &str = "36";

/// How many bytes of a value are shown.
const MAX_VALUE: usize = 2000;

/// What has come of a dry run, in lines.
pub(super) fn written(told: &Told) -> String {
    let mut page = Page::default();
    page.route(told);
    for (phase, steps) in told.phases() {
        page.phase(phase, &steps);
    }
    page.forwarded(told);
    page.response(told);
    page.text
}

impl Page {
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.text, "{text}");
    }

    fn heading(&mut self, text: &str) {
        let text = colour(BOLD, text);
        self.line(&text);
    }

    fn route(&mut self, told: &Told) {
        let route = told.ended.flight.as_ref().and_then(|flight| flight.route_in_force());
        match route {
            None => self.heading("no route"),
            Some(route) => {
                let name = route.route.name.as_ref().unwrap_or(&route.route.id);
                self.heading(&format!("route {name}"));
            }
        }
        if !told.left_out.is_empty() {
            let text =
                format!("  left out, as they are no functions: {}", told.left_out.join(", "));
            let text = colour(DIM, &text);
            self.line(&text);
        }
    }

    fn phase(&mut self, phase: Phase, steps: &[&Step]) {
        self.heading(&format!("\n{phase}"));
        for step in steps {
            self.step(step);
        }
        for change in told::changes(steps.to_vec()) {
            self.change(&change);
        }
    }

    fn step(&mut self, step: &Step) {
        let outcome = match step.outcome {
            FunctionOutcome::Returned => String::new(),
            outcome => format!(", {}", told::outcome(outcome)),
        };
        let waited = match step.waited {
            Duration::ZERO => String::new(),
            waited => format!(", waited {waited:?}"),
        };
        let spent = format!(
            "{:?}, {:?} of CPU{waited}, {} allocated{outcome}",
            step.time,
            step.cpu_time,
            bytes(step.allocated),
        );
        let head = format!("  {} {}", step.set, step.index);
        let spent = colour(DIM, &spent);
        self.line(&format!("{head}  {spent}"));
        step.calls.iter().for_each(|call| self.call(call));
        if step.calls_left_out > 0 {
            self.line(&format!("    … and {} calls more", step.calls_left_out));
        }
        for log in &step.logs {
            let level = colour(YELLOW, &log.level);
            self.line(&format!("    {level} {}", shown(&log.message)));
        }
        if let Some(failed) = &step.failure {
            let place = failed.position.as_ref().map(|(chunk, line)| format!("{chunk}:{line}: "));
            let place = place.filter(|place| !failed.message.starts_with(place.as_str()));
            let text =
                format!("    error: {}{}", place.unwrap_or_default(), shown(&failed.message));
            let text = colour(RED, &text);
            self.line(&text);
            for frame in failed.traceback.lines() {
                self.line(&format!("      {}", shown(frame.trim_start())));
            }
        }
    }

    fn call(&mut self, call: &Call) {
        let name = colour(CYAN, &call.name);
        let called = match &call.arguments {
            None => name,
            Some(values) if call.name.ends_with('=') => format!("{name} {}", values.join(", ")),
            Some(values) => format!("{name}({})", values.join(", ")),
        };
        let end = match (&call.result, &call.error) {
            (Some(values), _) if values.is_empty() => String::new(),
            (Some(values), _) => format!(" → {}", values.join(", ")),
            (None, Some(error)) => colour(RED, &format!(" ✗ {}", shown(error))),
            (None, None) => " ■".to_owned(),
        };
        self.line(&format!("    {called}{end}"));
    }

    fn change(&mut self, change: &Change) {
        let name = change.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
        let what = format!("{} {}{name}", change.message, change.part);
        for (sign, code, values) in [("-", RED, &change.before), ("+", GREEN, &change.after)] {
            for line in values.iter().flat_map(|value| value.split('\n')) {
                let text = colour(code, &format!("  {sign} {what}: {}", shown(line)));
                self.line(&text);
            }
        }
    }

    fn forwarded(&mut self, told: &Told) {
        match &told.ended.forwarded {
            None => self.heading("\nnothing is sent on"),
            Some(forwarded) => {
                let request = &forwarded.request;
                self.heading(&format!("\nsent on: {} {}", request.method(), forwarded.url()));
                self.message(request.headers(), request.body());
            }
        }
    }

    fn response(&mut self, told: &Told) {
        let response = &told.exchange.response;
        self.heading(&format!("\nanswered: {}", response.status()));
        self.message(response.headers(), response.body());
    }

    fn message(&mut self, headers: &HeaderMap, body: &Bytes) {
        for (name, value) in headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            self.line(&format!("  {name}: {}", shown(&value)));
        }
        if !body.is_empty() {
            self.line("");
            for line in shown(&message::body(body)).split('\n') {
                self.line(&format!("  {line}"));
            }
        }
    }
}

fn colour(code: &str, text: &str) -> String {
    format!("\x1b[{code}m{text}\x1b[0m")
}

/// A text without what a terminal would do something at, and not too long.
fn shown(text: &str) -> String {
    let end = (0..=text.len().min(MAX_VALUE)).rev().find(|end| text.is_char_boundary(*end));
    let end = end.unwrap_or(0);
    let visible = |c: char| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c };
    let shown: String = text[..end].chars().map(visible).collect();
    if end < text.len() { format!("{shown}… ({} bytes)", text.len()) } else { shown }
}

fn bytes(count: u64) -> String {
    match count {
        0..10_240 => format!("{count} bytes"),
        10_240..10_485_760 => format!("{} KiB", count >> 10),
        _ => format!("{} MiB", count >> 20),
    }
}
