//! `ngx`: one file for each of `src/api/ngx`.

mod arg;
mod args;
mod balancer_data;
mod consts;
mod control;
mod coroutine;
mod ctx;
mod headers_in;
mod headers_out;
mod log;
mod misc;
mod output;
mod phases;
mod regex;
mod req_body;
mod req_method;
mod shdict;
mod sleep;
mod socket;
mod string;
mod subrequest;
mod thread;
mod time;
mod timer;
mod uri;
mod variable;
mod worker;
mod worker_thread;

use crate::support::App;

/// Sources, and what is expected of each.
type Calls<'a> = &'a [(&'a str, &'a str)];

/// The message of the error that `source` raises in `access`, without the position that must stand
/// before it.
async fn error_of(source: &str) -> String {
    let text = App::eval(&format!("pcall(function() {source} end)")).await;
    let Some(error) = text.strip_prefix("false, [string \"...\"]:") else {
        panic!("{source}: {text}");
    };
    let (line, message) = error.split_once(": ").expect("a line number");
    assert!(line.parse::<u32>().is_ok(), "{source}: {text}");
    message.to_owned()
}

/// Asserts that each source raises the error beside it.
pub(crate) async fn assert_errors(cases: &[(&str, &str)]) {
    for (source, message) in cases {
        assert_eq!(error_of(source).await, *message, "{source}");
    }
}

/// Asserts that each expression has the value beside it, in `access` of a GET request for `/`.
pub(crate) async fn assert_values(cases: &[(&str, &str)]) {
    for (expression, value) in cases {
        assert_eq!(App::eval(expression).await, *value, "{expression}");
    }
}
