//! Guides that are longer than the documentation of one item.

#[doc = include_str!("../../docs/phases.md")]
pub mod phases {}

#[expect(clippy::doc_markdown, reason = "the names of phases fill columns of the tables")]
#[doc = include_str!("../../docs/compatibility.md")]
pub mod compatibility {}

#[doc = include_str!("../../docs/sandbox.md")]
pub mod sandbox {}

#[cfg(feature = "tls")]
#[doc = include_str!("../../docs/calling-out.md")]
pub mod calling_out {}

#[cfg(feature = "axum")]
#[doc = include_str!("../../docs/in-axum.md")]
pub mod in_axum {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::api::kong;
    use crate::api::modules;
    use crate::api::ngx;
    use crate::binding::Namespace;

    /// The phases of each function, by its full name, as the binding tables have them.
    fn bound() -> BTreeMap<String, String> {
        let globals = [ngx::GLOBAL_NAMESPACE];
        let namespaces = [kong::NAMESPACES, ngx::NAMESPACES, modules::NAMESPACES];
        #[cfg(feature = "net")]
        let methods = ngx::socket::METHODS;
        #[cfg(not(feature = "net"))]
        let methods = &[];
        let namespaces = namespaces.into_iter().flatten().chain(methods).copied().chain(&globals);
        let rows = namespaces.flat_map(|Namespace { path, bindings }| {
            bindings.iter().map(move |binding| {
                let phases: Vec<_> = binding.phases.phases().map(crate::Phase::name).collect();
                let all = phases.len() == crate::Phase::COUNT;
                let phases = if all { "any".to_owned() } else { phases.join(", ") };
                (format!("{path}.{}", binding.name), phases)
            })
        });
        rows.collect()
    }

    /// The rows of the tables in the compatibility page: name, phases, whether it is there.
    fn documented() -> BTreeMap<String, String> {
        let page = include_str!("../../docs/compatibility.md");
        let rows = page.lines().filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
            let name = cells.next()?.trim_end_matches('`').to_owned();
            Some((name, cells.next()?.to_owned()))
        });
        rows.collect()
    }

    #[test]
    fn the_compatibility_page_has_every_function_with_its_phases() {
        let documented = documented();
        let missing: Vec<_> = bound()
            .into_iter()
            .filter(|(name, phases)| documented.get(name) != Some(phases))
            .map(|(name, phases)| format!("| `{name}` | {phases} | |"))
            .collect();
        assert!(
            missing.is_empty(),
            "rows that docs/compatibility.md lacks:\n{}",
            missing.join("\n")
        );
    }

    #[test]
    fn the_compatibility_page_promises_no_function_that_is_not_there() {
        let bound = bound();
        let of_kong = kong::lua_names().map(|name| format!("kong.{name}"));
        let of_ngx = ngx::constant_names().map(|name| format!("ngx.{name}"));
        let known: Vec<_> = bound.keys().cloned().chain(of_kong).chain(of_ngx).collect();
        let promised = documented().into_iter().filter(|(_, phases)| phases != "—");
        let wrong: Vec<_> = promised.filter(|(name, _)| !known.contains(name)).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    /// The phases of each name in the files of `types`, as the compatibility page writes it.
    fn typed() -> BTreeMap<String, String> {
        let mut typed = BTreeMap::new();
        for folder in ["kong", "ngx", "modules"] {
            let folder = format!("{}/types/{folder}", env!("CARGO_MANIFEST_DIR"));
            for entry in std::fs::read_dir(folder).expect("the repository has types") {
                let path = entry.expect("a file").path();
                read(&std::fs::read_to_string(path).expect("a text"), &mut typed);
            }
        }
        typed
    }

    /// Reads the phases of a file's names: they stand before a name, or at the end of a field.
    fn read(text: &str, typed: &mut BTreeMap<String, String>) {
        let mut classes = BTreeMap::new();
        let (mut class, mut phases) = (String::new(), String::new());
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("---@class ") {
                name.split(':').next().unwrap_or_default().clone_into(&mut class);
            } else if let Some(field) = line.strip_prefix("---@field ") {
                let name = field.split([' ', '?']).next().unwrap_or_default();
                let of_field = field.split_once("Phases: ").map_or("any", |(_, list)| list);
                typed.insert(format!("{class}.{name}"), of_field.trim_end_matches('.').to_owned());
            } else if let Some(list) = line.strip_prefix("---Phases: ") {
                list.trim_end_matches('.').clone_into(&mut phases);
            } else if let Some(local) = line.strip_prefix("local ") {
                classes.insert(local.trim_end_matches(" = {}").to_owned(), class.clone());
            } else if !line.starts_with("---") {
                let path = line.trim_start_matches("function ").split(['(', ' ']).next();
                let Some((table, name)) = path.and_then(|path| path.rsplit_once(['.', ':'])) else {
                    continue;
                };
                let table = classes.get(table).map_or(table, String::as_str);
                let table = if table == "ngx.req.socket" { "reqsock" } else { table };
                typed.insert(format!("{table}.{name}"), phases.clone());
            }
        }
    }

    #[test]
    fn the_files_of_types_have_every_name_with_its_phases() {
        let typed = typed();
        // What stands for any name of a table is said of the table; `print` is Lua's.
        let named = |name: String| match name.rsplit_once('.') {
            Some((table, "HEADER" | "INDEX" | "VARIABLE" | "NAME")) => table.to_owned(),
            _ => name,
        };
        let is_one = |name: &str| {
            let last = name.rsplit('.').next().unwrap_or_default();
            !last.ends_with('=') && last != "FIELD" && last != "print"
        };
        let wrong: Vec<_> = bound()
            .into_iter()
            .map(|(name, phases)| (named(name), phases))
            .map(|(name, phases)| {
                (name, if phases.is_empty() { "none".to_owned() } else { phases })
            })
            .filter(|(name, phases)| is_one(name) && typed.get(name) != Some(phases))
            .collect();
        assert!(wrong.is_empty(), "what the files of types should say: {wrong:#?}");
    }

    #[test]
    fn the_compatibility_page_names_every_constant() {
        let page = include_str!("../../docs/compatibility.md");
        let missing: Vec<_> =
            ngx::constant_names().filter(|name| !page.contains(&format!("`{name}`"))).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
