//! `request-transformer`: other headers, arguments, bodies, methods and paths for the service.
//!
//! It is a function like those of `pre-function`, which is made of the configuration: its templates
//! are Lua, and run in the sandbox and within the budget of all functions.

mod template;

use std::fmt::Write;
use std::sync::Arc;

use serde::Deserialize;
use tower_lua::{Functions, Runtime};

use self::template::Template;
use super::functions::around;
use super::{Around, BoxError};

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    http_method: Option<String>,
    remove: Places,
    rename: Places,
    replace: Places,
    add: Places,
    append: Places,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Places {
    body: Vec<String>,
    headers: Vec<String>,
    querystring: Vec<String>,
    uri: Option<String>,
}

pub(super) fn layer(config: &Config, runtime: &Runtime) -> Result<Arc<dyn Around>, BoxError> {
    let source = format!("{}\n{}", config.plan(), include_str!("transform.lua"));
    let functions = Functions::access("request-transformer", source)?;
    runtime.check(&functions)?;
    Ok(around(functions, runtime))
}

impl Config {
    /// What is to be done, as a Lua table.
    fn plan(&self) -> String {
        let operations = [
            ("remove", &self.remove),
            ("rename", &self.rename),
            ("replace", &self.replace),
            ("add", &self.add),
            ("append", &self.append),
        ];
        let mut plan = "local plan = {\n".to_owned();
        let mut has_templates = false;
        for (operation, places) in operations {
            let _ = writeln!(plan, "  {operation} = {{");
            let lists = [
                ("body", &places.body),
                ("headers", &places.headers),
                ("querystring", &places.querystring),
            ];
            for (place, steps) in lists {
                let _ = writeln!(plan, "    {place} = {{");
                for step in steps {
                    let (name, value) = split(step);
                    let value = value.map(Template::new);
                    has_templates |= value.as_ref().is_some_and(Template::has_expressions);
                    let value = value.map_or_else(|| "nil".to_owned(), |value| value.function());
                    let name = template::literal(name);
                    let _ = writeln!(plan, "      {{ name = {name}, value = {value} }},");
                }
                plan += "    },\n";
            }
            plan += "  },\n";
        }
        if let Some(method) = &self.http_method {
            let method = template::literal(&method.to_ascii_uppercase());
            let _ = writeln!(plan, "  http_method = {method},");
        }
        if let Some(uri) = &self.replace.uri {
            let uri = Template::new(uri);
            has_templates |= uri.has_expressions();
            let _ = writeln!(plan, "  uri = {{ value = {} }},", uri.function());
        }
        plan + &format!("  has_templates = {has_templates},\n}}")
    }
}

/// A name and its value, if it has one.
fn split(step: &str) -> (&str, Option<&str>) {
    let (name, rest) = step.split_once(':').unwrap_or((step, ""));
    (name, Some(rest.trim_start_matches(':')).filter(|value| !value.is_empty()))
}
