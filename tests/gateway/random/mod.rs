//! Ten thousand random cases of each kind. The targets in `fuzz` have the same generators.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "other tests, and the fuzz targets, have more uses for them"
)]
#[path = "../../../fuzz/generators"]
mod generators {
    pub mod choices;
    pub mod documents;
    pub mod routes;

    pub use self::choices::Choices;
}

use serde_json::json;

use self::generators::{Choices, documents, routes};
use crate::configured::declarative;
use crate::routing::{find, router};

const CASES: u64 = 10_000;

#[test]
fn whatever_file_is_given_it_is_read_or_refused_and_what_is_exported_is_read_again() {
    let mut read = 0;
    for seed in 0..CASES {
        let text = documents::document(&mut Choices::from_seed(seed));
        let text = String::from_utf8_lossy(&text);
        let Ok(draft) = declarative::read(&text, None) else { continue };
        read += 1;
        let exported = declarative::export(&draft.state).unwrap();
        assert!(declarative::read(&exported, None).is_ok(), "{text}\n{exported}");
    }
    assert!(read > 100, "only {read} files were read");
}

#[test]
fn whatever_routes_there_are_the_one_that_is_found_takes_the_request_alone_too() {
    let mut taken = 0;
    for seed in 0..CASES {
        let choices = &mut Choices::from_seed(seed);
        let all = choices.several(4, routes::route);
        let together = router(&json!(all));
        let alone: Vec<_> = all.iter().map(|route| router(&json!([route]))).collect();
        for _ in 0..3 {
            let request = routes::asked(choices).line();
            let found = find(&together, &request).map(|found| found.route);
            let takers: Vec<_> =
                (0..all.len()).filter(|place| find(&alone[*place], &request).is_some()).collect();
            match found {
                Some(route) => assert!(takers.contains(&route), "{request}: {route} of {all:?}"),
                None => assert!(takers.is_empty(), "{request}: {takers:?} of {all:?}"),
            }
            taken += usize::from(found.is_some());
        }
    }
    assert!(taken > 1000, "only {taken} requests were taken");
}
