//! `table.new` and its like as modules.

use crate::api::ngx::assert_values;

#[tokio::test]
async fn they_are_functions() {
    assert_values(&[
        ("type(require('table.new')(4, 4))", "table"),
        ("(function() local t = {1, a = 2} require('table.clear')(t) return next(t) end)()", "nil"),
        ("require('table.nkeys')({1, a = 2})", "2"),
        ("require('table.clone')({a = 2}).a", "2"),
        ("require('table.isempty')({}), require('table.isempty')({1})", "true, false"),
        ("require('table.isarray')({1, 2}), require('table.isarray')({a = 1})", "true, false"),
    ])
    .await;
}
