//! Lua functions in configurations: whether they compile, and how several stand in one string.

use tower_lua::{Functions, FunctionsBuilder, Phase};

use super::commas::split_at_commas;

/// How many functions a phase may have: each is compiled to be checked.
pub(crate) const MAX_FUNCTIONS: usize = 1000;

/// What Lua says of a function, alone in its set, that does not compile.
pub(in crate::configured) fn compile_error(function: FunctionsBuilder) -> Option<String> {
    let error = function.build().err()?;
    let first = error.compile_errors().first().map(|error| error.message().to_owned());
    Some(first.unwrap_or_else(|| error.to_string()))
}

fn error_of(source: &str) -> Option<String> {
    compile_error(Functions::builder("").function(Phase::Access, source))
}

fn compiles(source: &str) -> bool {
    error_of(source).is_none()
}

/// Checks a function of the plugin `plugin`, which stands in the field `field`.
pub(super) fn check(plugin: &str, field: &str, source: &str) -> Result<(), String> {
    let Some(error) = error_of(source) else { return Ok(()) };
    let is_file_name = source.starts_with('@') && source.lines().count() == 1;
    if is_file_name {
        return Err(format!(
            "error parsing {plugin}: {error}; '{source}' is the name of a file, not what is in it: \
             curl sends the content with -F \"config.{field}={source}\" and the name with --data"
        ));
    }
    Err(format!("error parsing {plugin}: {error}"))
}

/// The functions in a string, as Kong's first versions took them.
///
/// They split at every comma, so the documentation writes `401\, "Invalid Credentials"`. That must
/// work, and so must Lua as people write it: what compiles as it stands is one function.
pub(super) fn split_functions(text: &str) -> Vec<String> {
    if compiles(text) {
        return vec![text.to_owned()];
    }
    let functions = split_at_commas(text);
    if functions.len() > MAX_FUNCTIONS {
        return vec![text.to_owned()];
    }
    if functions.iter().all(|function| compiles(function)) {
        return functions;
    }
    let unescaped = text.replace("\\,", ",");
    if unescaped == text {
        // Nothing says that this was written to be split: its error is that of the whole.
        return vec![unescaped];
    }
    if compiles(&unescaped) { vec![unescaped] } else { functions }
}

/// Undoes the documentation's `\,` in a function that does not compile as it stands.
pub(super) fn unescape(source: &mut String) {
    if source.contains("\\,") && !compiles(source) {
        let unescaped = source.replace("\\,", ",");
        if compiles(&unescaped) {
            *source = unescaped;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_compiles_is_one_function() {
        let source = r#"return kong.response.exit(401, "Invalid Credentials")"#;
        assert_eq!(split_functions(source), [source]);
    }

    #[test]
    fn escaped_commas_are_commas() {
        let functions =
            split_functions(r#"return kong.response.exit(401\, "Invalid Credentials")"#);
        assert_eq!(functions, [r#"return kong.response.exit(401, "Invalid Credentials")"#]);
    }

    #[test]
    fn several_functions_are_split() {
        let functions = split_functions(r"kong.log(1\, 2) return 1, return f(3\, 4)");
        assert_eq!(functions, ["kong.log(1, 2) return 1", "return f(3, 4)"]);
    }

    #[test]
    fn escaped_and_plain_commas_may_be_mixed_in_one_function() {
        let functions = split_functions(r"local a\, b = f(1, 2)");
        assert_eq!(functions, ["local a, b = f(1, 2)"]);
    }

    #[test]
    fn what_is_no_lua_is_not_torn_apart() {
        assert_eq!(split_functions("this is, not lua"), ["this is, not lua"]);
        assert!(
            check("pre-function", "access", "this is not lua")
                .unwrap_err()
                .contains("'=' expected")
        );
    }

    #[test]
    fn commas_stay_escaped_where_lua_would_have_them_so() {
        let unescaped = |source: &str| {
            let mut source = source.to_owned();
            unescape(&mut source);
            source
        };
        assert_eq!(unescaped(r#"kong.log(1\, "2")"#), r#"kong.log(1, "2")"#);
        assert_eq!(unescaped(r"return ([[a\,b]])"), r"return ([[a\,b]])");
        assert_eq!(unescaped(r"this is\, not lua"), r"this is\, not lua");
    }

    #[test]
    fn the_name_of_a_file_is_told_from_a_function() {
        let error = check("pre-function", "access", "@custom-auth.lua").unwrap_err();
        assert!(error.contains("-F \"config.access=@custom-auth.lua\""), "{error}");
    }
}
