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

    #[test]
    fn the_compatibility_page_names_every_constant() {
        let page = include_str!("../../docs/compatibility.md");
        let missing: Vec<_> =
            ngx::constant_names().filter(|name| !page.contains(&format!("`{name}`"))).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
