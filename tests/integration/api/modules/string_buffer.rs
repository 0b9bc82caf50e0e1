//! `string.buffer`.

use crate::support::App;

#[tokio::test]
async fn buffers_grow_at_one_end_and_shrink_at_the_other() {
    let cases = [
        ("b:put('a', 1, 2.5):putf('%d-%s', 3, 'x'), #b, b .. '!'", "a12.53-x, 8, a12.53-x!"),
        ("b:put('hello world'):get(2), b:skip(2):get(3, 1, nil)", "he, o w, o, rld"),
        ("b:set('old'):set('new'):tostring(), b:get(), b:get(), #b", "new, new, , 0"),
        ("b:put('x'):put(b):reset():tostring(), #b:put('y'), type(b)", ", 1, userdata"),
        (
            "(function()
            for i = 1, 1000 do b:put('x', i) end
            local n = 0
            while #b > 0 do n = n + #b:get(3) end
            return n
          end)()",
            "3893",
        ),
        ("pcall(b.put, b, {})", "false, bad argument #1 to 'put' (string expected, got table)"),
        ("pcall(b.put, 1, 'x')", "false, bad argument #1 to 'put' (buffer expected, got number)"),
        ("pcall(b.reserve, b, 9)", "false, string.buffer has no 'reserve' here"),
        ("pcall(require('string.buffer').encode, 9)", "false, string.buffer has no 'encode' here"),
        ("getmetatable and getmetatable(b)", "nil"),
    ];
    for (source, expected) in cases {
        let source = format!("(function(b) return {source} end)(require('string.buffer').new())");
        assert_eq!(App::eval(&source).await, expected, "{source}");
    }
}
