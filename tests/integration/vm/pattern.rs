//! `find`, `match`, `gmatch` and `gsub`: as LuaJIT's, whoever does the matching.
//!
//! A long text is matched in Rust where LuaJIT might never be done with it: the same search is asked
//! of a short text, which is LuaJIT's, and of the same text with a long tail.

use crate::support::App;

const TAIL: usize = 3_000_000;

/// What the expression is for a text as it stands, and with a tail of `~`.
async fn both(expression: &str, text: &str) -> [String; 2] {
    let source = |tail: usize| {
        format!(
            "local text = {text} .. ('~'):rep({tail})
             local function show(...)
               local t = {{n = select('#', ...), ...}}
               for i = 1, t.n do t[i] = tostring(t[i]):gsub('~+', '~') end
               return table.concat(t, ' ')
             end
             local ok, err = pcall(function()
               kong.response.exit(200, show({expression}))
             end)
             kong.response.exit(200, err)"
        )
    };
    let found = async |tail| App::access(&source(tail)).await.get("/").send().await.text();
    [found(1).await, found(TAIL).await]
}

#[tokio::test]
async fn a_long_text_is_matched_as_a_short_one() {
    for (expression, text) in [
        ("text:match('^(%w+)=(.-);.-$')", "'key=value;rest'"),
        ("text:find('%s*(%d+)%s*.-$')", "'abc  42 '"),
        ("text:match('%b().-.-~')", "'f(a(b)c)d'"),
        ("text:match('^.-(%f[%w]%w+).-.-$')", "'--THE (quick) fox'"),
        ("text:match('(.)%1.-.-$')", "'abccba'"),
        ("text:match('()b().-.-$')", "'abc'"),
        ("text:match('^[^=]-=([%w_-]*).-$')", "'a=b_c-d!'"),
        ("text:match('.-([]x]+).-$')", "'ab]x]'"),
        ("text:match('.-([%a-]+).-$')", "'12-ab'"),
        ("select(2, text:gsub('%w*%s-', 'x', 3))", "'one two three'"),
        ("(text:gsub('(%w+)-.-', '<%1>', 1))", "'hello-world'"),
        ("(text:gsub('%w+.-', {a = '1', b = false}, 2))", "'a b c'"),
        ("(text:gsub('%w+.-', function(w) return w:upper() end, 2))", "'a b c'"),
        ("text:gmatch('(%w+).-=.-(%w+)')()", "'k = v, x = y'"),
        ("text:find('o.-', 6)", "'hello world'"),
        ("text:match('.-a?b.-$')", "'xab'"),
    ] {
        let [short, long] = both(expression, text).await;
        let is_position = expression.contains(":find");
        let (short, long) = if is_position {
            // The end of the tail is what differs.
            (
                short.split(' ').next().unwrap().to_owned(),
                long.split(' ').next().unwrap().to_owned(),
            )
        } else {
            (short, long)
        };
        assert_eq!(short, long, "{expression} of {text}");
    }
}

#[tokio::test]
async fn a_pattern_that_makes_no_sense_is_the_same_error() {
    for pattern in ["(.-.-", "%", "[a", ".-.-%f", "(.-)%2.-", ".-.-%b", ".-)"] {
        let [short, long] = both(&format!("text:match('{pattern}')"), "'abc'").await;
        assert!(!short.is_empty(), "{pattern}");
        let message = |text: &str| text.rsplit(": ").next().unwrap().to_owned();
        assert_eq!(message(&short), message(&long), "{pattern}");
    }
}
