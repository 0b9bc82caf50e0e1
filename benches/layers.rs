//! What a layer costs a request, in time. `just instructions` tells it in instructions, which are the
//! same on a busy machine.

mod cases;

use std::time::Duration;

use cases::CASES;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

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

criterion_group!(benches, layers);
criterion_main!(benches);
