//! The configuration of the plugin that keeps responses, as Kong 3.x has it.

use super::Rule::{Between, GreaterThan, LenMin, OneOf};
use super::plugin::{plugin, text, texts};
use super::tables::switch;
use super::{Field, Kind, Schema, Split};

static CODE: Field = Field::element(Kind::Integer).rules(&[Between(100, 900)]);
static METHOD: Field =
    Field::element(Kind::String).rules(&[OneOf(&["HEAD", "GET", "POST", "PATCH", "PUT"])]);

plugin!(
    pub(super) of consumers PROXY_CACHE,
    [
        Field::new("response_code", Kind::Array(&CODE, Split::Commas))
            .required()
            .default("[200,301,404]")
            .rules(&[LenMin(1)]),
        Field::new("request_method", Kind::Array(&METHOD, Split::Commas))
            .required()
            .default(r#"["GET","HEAD"]"#),
        texts("content_type").required().default(r#"["text/plain","application/json"]"#),
        Field::new("cache_ttl", Kind::Integer).default("300").rules(&[GreaterThan(0)]),
        text("strategy").required().rules(&[OneOf(&["memory"])]),
        switch("cache_control", "false"),
        Field::new("ignore_uri_case", Kind::Boolean).default("false"),
        Field::new("storage_ttl", Kind::Integer).rules(&[GreaterThan(0)]),
        // Kong: the dictionary that entries are kept in. Here all are kept in the same place.
        Field::new("memory", Kind::Record(&MEMORY)),
        texts("vary_query_params"),
        texts("vary_headers").default(r#"["Accept-Encoding"]"#),
        Field::new("response_headers", Kind::Record(&SHOWN)),
    ],
    []
);

static MEMORY: Schema = Schema {
    fields: &[text("dictionary_name").required().default(r#""kong_db_cache""#)],
    checks: &[],
};

static SHOWN: Schema = Schema {
    fields: &[
        Field::new("age", Kind::Boolean).default("true"),
        // As some versions of Kong write it.
        Field::new("Age", Kind::Boolean).legacy(),
        Field::new("X-Cache-Status", Kind::Boolean).default("true"),
        Field::new("X-Cache-Key", Kind::Boolean).default("true"),
    ],
    checks: &[],
};
