//! Serves one case of `benches/cases` a number of times, for callgrind to count.
//!
//! Only `measured` is counted: a request's way through the service, to the last byte of its
//! response. `just instructions` runs each case for N and for 2 N requests, and prints the
//! difference per request. With `--sizes` it prints how large what moves with a request is, without arguments the
//! names of its cases.

#[path = "../cases/mod.rs"]
mod cases;

use cases::{CASES, Serve, sizes};

fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if_eq("--sizes").is_some() {
        return sizes().iter().for_each(|(name, bytes)| println!("{name} {bytes}"));
    }
    let (Some(name), Some(count)) = (arguments.next(), arguments.next()) else {
        return CASES.iter().for_each(|case| println!("{}", case.name));
    };
    let case = CASES.iter().find(|case| case.name == name).expect("a case of that name");
    let count: usize = count.parse().expect("a number of requests");
    let mut serve = case.serve();
    for _ in 0..count {
        assert_eq!(measured(&mut serve, case.request()), case.status);
    }
}

/// What callgrind is told to count.
#[inline(never)]
fn measured(serve: &mut Serve, request: cases::BenchRequest) -> u16 {
    serve(request)
}
