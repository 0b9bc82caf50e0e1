//! The functions of a declarative file, and where in it they stand.

use std::collections::HashSet;

use saphyr_parser::{ScalarStyle, Span};

use super::finding::Place;
use crate::yaml::{self, Content, Node};

/// The functions of one plugin.
#[derive(Debug, Default)]
pub(crate) struct Plugin {
    pub(crate) functions: Vec<Placed>,
}

/// A function, and where it stands.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) phase: &'static str,
    pub(crate) text: String,
    /// Whether another plugin has it, too, which comes before.
    pub(crate) is_repeated: bool,
    origin: Origin,
}

/// Where a text begins in its file, and how it is written there.
#[derive(Clone, Copy, Debug)]
struct Origin {
    start: Place,
    style: Style,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// Each line is one of the file, so far from its left.
    Block { indent: usize },
    /// All in one line of the file.
    Line,
    /// Lines that the file has otherwise.
    Other,
}

/// The fields of a plugin with functions, and the phases that these are for.
pub(crate) const PHASES: [(&str, &str); 7] = [
    ("certificate", "certificate"),
    ("rewrite", "rewrite"),
    ("access", "access"),
    ("functions", "access"),
    ("header_filter", "header_filter"),
    ("body_filter", "body_filter"),
    ("log", "log"),
];

impl Placed {
    /// How many lines of the file are before the first of the function, where its lines are those of the
    /// file.
    pub(crate) fn offset(&self) -> Option<usize> {
        let Origin { start, style } = self.origin;
        match style {
            Style::Block { .. } => Some(start.line),
            Style::Line => Some(start.line - 1),
            Style::Other => None,
        }
    }

    /// Where in the file something stands that stands in the function.
    pub(crate) fn place(&self, inside: Place) -> Place {
        let Origin { start, style } = self.origin;
        match style {
            Style::Block { indent } => {
                Place { line: start.line + inside.line, column: indent + inside.column }
            }
            Style::Line if inside.line == 1 => {
                Place { line: start.line, column: start.column + inside.column - 1 }
            }
            Style::Line | Style::Other => start,
        }
    }
}

/// How many functions that plugins share are repeated: those of a file that repeats more would take no end.
const MOST_REPEATED: usize = 10_000;

/// The plugins with functions in a file of YAML or JSON.
///
/// # Errors
///
/// When it is neither: where, and why.
pub(crate) fn plugins(text: &str) -> Result<Vec<Plugin>, (Place, String)> {
    let documents = yaml::documents(text).map_err(|error| {
        let marker = error.marker();
        (Place { line: marker.line(), column: marker.col() + 1 }, error.info().to_owned())
    })?;
    let lines: Vec<_> = text.lines().collect();
    let mut search = Search {
        lines: &lines,
        shared: None,
        seen: HashSet::new(),
        repeated: 0,
        found: Vec::new(),
    };
    for document in &documents {
        search.shared = document.field("_plugin_configs");
        search.look(document);
    }
    Ok(search.found)
}

struct Search<'a> {
    lines: &'a [&'a str],
    /// What plugins have in common that name it as their `_config`.
    shared: Option<&'a Node>,
    /// What has been looked at, and as functions of which phase.
    seen: HashSet<(usize, Option<&'static str>)>,
    repeated: usize,
    found: Vec<Plugin>,
}

impl Search<'_> {
    fn look(&mut self, node: &Node) {
        if !self.seen.insert((node.id(), None)) {
            return;
        }
        match node.content() {
            Content::Text(..) => {}
            Content::List(elements) => elements.iter().for_each(|element| self.look(element)),
            Content::Map(map) => {
                if matches!(text_of(node, "name"), Some("pre-function" | "post-function")) {
                    self.plugin(node);
                }
                map.nodes().for_each(|value| self.look(value));
            }
        }
    }

    fn plugin(&mut self, node: &Node) {
        let mut plugin = Plugin::default();
        let shared = text_of(node, "_config").and_then(|name| self.shared?.field(name));
        for config in [node.field("config"), shared].into_iter().flatten() {
            for (field, phase) in PHASES {
                let Some(value) = config.field(field) else { continue };
                match value.content() {
                    Content::List(elements) => {
                        elements.iter().for_each(|one| self.function(&mut plugin, phase, one));
                    }
                    _ => self.function(&mut plugin, phase, value),
                }
            }
        }
        self.found.push(plugin);
    }

    fn function(&mut self, plugin: &mut Plugin, phase: &'static str, node: &Node) {
        let Content::Text(text, style, span) = node.content() else { return };
        if *style == ScalarStyle::Plain && ["", "~", "null", "Null", "NULL"].contains(&&**text) {
            return;
        }
        let is_repeated = !self.seen.insert((node.id(), Some(phase)));
        self.repeated += usize::from(is_repeated);
        if !is_repeated || self.repeated <= MOST_REPEATED {
            let origin = origin(text, *style, *span, self.lines);
            plugin.functions.push(Placed { phase, text: text.clone(), is_repeated, origin });
        }
    }
}

fn text_of<'a>(node: &'a Node, field: &str) -> Option<&'a str> {
    node.field(field)?.text()
}

fn origin(text: &str, style: ScalarStyle, span: Span, lines: &[&str]) -> Origin {
    let mut start = Place { line: span.start.line(), column: span.start.col() + 1 };
    let style = match style {
        ScalarStyle::Literal => block(text, &mut start, lines).unwrap_or(Style::Other),
        ScalarStyle::Folded => Style::Other,
        ScalarStyle::Plain => Style::Line,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
            start.column += 1;
            Style::Line
        }
    };
    Origin { start, style }
}

/// Finds the lines of a block at its start, or around it: empty ones may come first.
fn block(text: &str, start: &mut Place, lines: &[&str]) -> Option<Style> {
    let own: Vec<_> = text.lines().collect();
    let leading = own.iter().take_while(|line| line.is_empty()).count();
    let first = own.get(leading)?;
    let is_here = |base: usize| {
        let there = own.iter().enumerate().map(|(i, line)| (lines.get(base + i), line));
        let mut there = there.skip(leading);
        there.all(|(line, own)| line.is_some_and(|line| line.ends_with(own)))
    };
    let bases =
        [start.line.checked_sub(1 + leading), Some(start.line.saturating_sub(1)), Some(start.line)];
    let base = bases.into_iter().flatten().find(|base| is_here(*base))?;
    // What stands in line 1 of the text stands in the line behind this.
    start.line = base;
    let indent = lines.get(base + leading)?.chars().count() - first.chars().count();
    Some(Style::Block { indent })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<(&'static str, Place)> {
        let first = Place { line: 1, column: 1 };
        let plugins = plugins(text).unwrap();
        let functions = plugins.iter().flat_map(|plugin| &plugin.functions);
        let functions = functions.filter(|function| !function.is_repeated);
        functions.map(|function| (function.phase, function.place(first))).collect()
    }

    #[test]
    fn a_function_stands_where_it_is_written() {
        let file = "\
plugins:
  - name: pre-function
    config:
      access:
        - |
          kong.log('a')
        - kong.log('b')
      header_filter: ['kong.log(1)', \"kong.log(2)\"]
      body_filter: ~
      log: [null]
  - name: other
    config: { access: [kong] }
";
        let place = |line, column| Place { line, column };
        assert_eq!(
            places(file),
            [
                ("access", place(6, 11)),
                ("access", place(7, 11)),
                ("header_filter", place(8, 24)),
                ("header_filter", place(8, 39)),
            ]
        );
    }

    #[test]
    fn lines_of_a_block_are_lines_of_the_file() {
        let file = "name: post-function\nconfig:\n  log:\n    - |\n\n      a()\n      b()\n";
        let plugins = plugins(file).unwrap();
        let function = &plugins[0].functions[0];
        assert_eq!(function.place(Place { line: 3, column: 2 }), Place { line: 7, column: 8 });
    }

    #[test]
    fn a_function_that_plugins_share_stands_where_it_is_written_and_once() {
        let file = "\
_plugin_configs:
  common: { log: [a()] }
_shared:
  auth: &auth
    - |
      b()
  config: &config { rewrite: [c()] }
plugins:
  - { name: pre-function, config: { access: *auth } }
  - { name: post-function, config: { access: *auth } }
  - { name: pre-function, config: { <<: *config, access: [d()] } }
  - { name: post-function, _config: common }
  - { name: other, config: *config }
";
        let place = |line, column| Place { line, column };
        assert_eq!(
            places(file),
            [
                ("access", place(6, 7)),
                ("rewrite", place(7, 31)),
                ("access", place(11, 59)),
                ("log", place(2, 19)),
            ]
        );
        let plugins = plugins(file).unwrap();
        assert!(plugins[1].functions[0].is_repeated);
    }

    #[test]
    fn a_file_that_repeats_its_functions_without_end_is_read_to_its_own() {
        let functions = "a(),".repeat(1_000);
        let plugins_of = "  - { name: pre-function, config: { access: *all } }\n".repeat(1_000);
        let file = format!("_all: &all [{functions}]\nplugins:\n{plugins_of}");
        let plugins = plugins(&file).unwrap();
        let functions: usize = plugins.iter().map(|plugin| plugin.functions.len()).sum();
        assert_eq!((plugins.len(), functions), (1_000, 1_000 + MOST_REPEATED));
    }

    #[test]
    fn what_is_no_yaml_is_told_of() {
        let (place, _) = plugins("a: [1\nb: 2").unwrap_err();
        assert!(place.line >= 1);
    }
}
