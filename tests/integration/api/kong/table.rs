//! `kong.table`.

use crate::support::App;

#[tokio::test]
async fn a_new_table_is_empty_whatever_its_size() {
    for sizes in ["0, 0", "0, 12", "5, 0", "1e9, 1e9", "-1, -1", "0/0, 1.5"] {
        assert_eq!(App::eval(&format!("next(kong.table.new({sizes}))")).await, "nil", "{sizes}");
    }
}

#[tokio::test]
async fn a_cleared_table_is_empty_and_the_same() {
    let source = "(function()
        local t = { 'foo', 'bar', hello = 'world', [true] = 1 }
        kong.table.clear(t)
        return next(t), #t
    end)()";
    assert_eq!(App::eval(source).await, "nil, 0");
}

#[tokio::test]
async fn merged_tables_are_a_new_one_in_which_the_second_wins() {
    let source = "(function()
        local one, two = { 'a', 'b', x = 1, y = 2 }, { 'c', y = 3, z = 4 }
        local both = kong.table.merge(one, two)
        return both[1] .. both[2] .. both.x .. both.y .. both.z, one.y, both == one, both == two
    end)()";
    assert_eq!(App::eval(source).await, "cb134, 2, false, false");
}

#[tokio::test]
async fn either_of_merged_tables_may_be_missing() {
    for (arguments, expected) in [("{1}, nil", "[1]"), ("nil, {2}", "[2]"), ("", "{}")] {
        let source = format!("kong.table.merge({arguments})");
        assert_eq!(App::eval(&source).await, expected, "{arguments}");
    }
}

#[tokio::test]
async fn wrong_arguments_are_refused_as_luas_own_functions_do() {
    for (call, message) in [
        ("new()", "bad argument #1 to 'new' (number expected, got nil)"),
        ("new(1, '2')", "bad argument #2 to 'new' (number expected, got string)"),
        ("clear(nil)", "bad argument #1 to 'clear' (table expected, got nil)"),
        ("merge('x')", "bad argument #1 to 'merge' (table expected, got string)"),
        ("merge({}, 1)", "bad argument #2 to 'merge' (table expected, got number)"),
    ] {
        let source = format!("select(2, pcall(function() kong.table.{call} end))");
        let seen = App::eval(&source).await;
        assert!(seen.ends_with(&format!(": {message}")), "{call}: {seen}");
        assert!(seen.starts_with("[string \""), "{call}: {seen}");
    }
}
