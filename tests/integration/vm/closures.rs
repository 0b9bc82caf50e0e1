//! Closures whose making finds no memory.

use crate::support::{App, patient};

#[tokio::test]
async fn a_closure_of_many_upvalues_for_which_there_is_no_memory_hurts_nobody() {
    let app = App::builder()
        .budget(patient().memory(16 << 20))
        .access(
            "if kong.request.get_query_arg('fill') then
               local t = {}
               pcall(function()
                 while true do
                   local a, b, c, d, e, f, g, h, i, j, k = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
                   t[#t + 1] = function()
                     a, b, c, d, e, f, g, h, i, j, k = k, a, b, c, d, e, f, g, h, i, j
                   end
                 end
               end)
             end",
        )
        .serve()
        .await;
    for _ in 0..5 {
        app.get("/?fill=1").send().await;
    }
    assert_eq!(app.get("/").send().await.status, 200);
}
