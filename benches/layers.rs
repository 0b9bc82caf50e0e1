//! What a layer costs a request, in time. `just instructions` tells it in instructions, which are the
//! same on a busy machine. And what the first request in a runtime costs, which makes a VM.

mod cases;

use std::time::Duration;

use cases::{CASES, Case, sizes};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tower_lua::Runtime;

fn layers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("layers");
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    for case in &CASES {
        let mut serve = case.serve();
        assert_eq!(serve(case.request()), case.status, "{}", case.name);
        group.bench_function(case.name, |bencher| {
            bencher.iter_batched(|| case.request(), &mut serve, BatchSize::SmallInput);
        });
    }
    group.finish();
}

/// A runtime with a VM that has compiled its function, and answered a request with it.
fn first_request(case: &Case) -> Runtime {
    let runtime = Runtime::builder().build().expect("a VM with default settings");
    assert_eq!(case.serve_in(&runtime)(case.request()), case.status);
    runtime
}

fn vm(criterion: &mut Criterion) {
    let case = CASES.iter().find(|case| case.name == "custom_auth_passing").expect("it is there");
    println!("a VM has {} KiB", first_request(case).stats().used_memory / 1024);
    criterion.bench_function("first_request", |bencher| {
        bencher.iter_with_large_drop(|| first_request(case));
    });
    for (what, bytes) in sizes() {
        println!("{what}: {bytes} bytes");
    }
}

criterion_group!(benches, layers, vm);
criterion_main!(benches);
