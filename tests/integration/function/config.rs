//! Function sets in configuration files: the `config` of Kong's plugins.

use tower_lua::{FunctionsConfig, Phase};

#[test]
fn json_and_yaml_have_the_same_shape() {
    let json: FunctionsConfig =
        serde_json::from_str(r#"{"access": ["a()", "b()"], "log": ["c()"]}"#).unwrap();
    let yaml: FunctionsConfig =
        serde_yaml_ng::from_str("access:\n- a()\n- |-\n  b()\nlog: ['c()']\n").unwrap();
    assert_eq!(json, yaml);
    let functions = json.build("both").unwrap();
    assert_eq!((functions.len(Phase::Access), functions.len(Phase::Log)), (2, 1));
}

#[test]
fn the_legacy_key_means_access_and_comes_after_it() {
    let config: FunctionsConfig =
        serde_json::from_str(r#"{"functions": ["late = ("], "access": ["early = ("]}"#).unwrap();
    let error = config.build("legacy").unwrap_err();
    let found: Vec<_> = error
        .compile_errors()
        .iter()
        .map(|error| (error.phase(), error.index(), error.message().contains("early")))
        .collect();
    assert_eq!(found, [(Phase::Access, 1, true), (Phase::Access, 2, false)]);
}

#[test]
fn null_is_an_empty_list() {
    let config: FunctionsConfig =
        serde_json::from_str(r#"{"access": ["a()"], "log": null, "functions": null}"#).unwrap();
    assert_eq!(config.build("nulls").unwrap().len(Phase::Access), 1);
}

#[test]
fn a_field_that_kong_does_not_have_is_an_error_that_names_it() {
    let error = serde_json::from_str::<FunctionsConfig>(r#"{"accessing": []}"#).unwrap_err();
    assert!(error.to_string().contains("accessing"), "{error}");
}

#[test]
fn what_is_written_reads_back() {
    let config: FunctionsConfig =
        serde_json::from_str(r#"{"rewrite": ["a()"], "fail_open": true}"#).unwrap();
    let text = serde_json::to_string(&config).unwrap();
    assert_eq!(text, r#"{"rewrite":["a()"],"fail_open":true}"#);
    assert_eq!(serde_json::from_str::<FunctionsConfig>(&text).unwrap(), config);
}
