//! The functions of a declarative file, and where in it they stand.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::finding::Place;

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

/// A value of the file.
enum Node {
    Text(String, Origin),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

/// How deep a file may go.
const MAX_DEPTH: usize = 64;

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

/// The plugins with functions in a file of YAML or JSON.
///
/// # Errors
///
/// When it is neither: where, and why.
pub(crate) fn plugins(text: &str) -> Result<Vec<Plugin>, (Place, String)> {
    let mut events = Vec::new();
    for event in Parser::new_from_str(text) {
        events.push(event.map_err(|error| {
            let marker = error.marker();
            (Place { line: marker.line(), column: marker.col() + 1 }, error.info().to_owned())
        })?);
    }
    let lines: Vec<_> = text.lines().collect();
    let mut events = events.into_iter();
    let mut found = Vec::new();
    while let Some(node) = node(&mut events, &lines, MAX_DEPTH) {
        collect(node, &mut found);
    }
    Ok(found)
}

fn collect(node: Node, found: &mut Vec<Plugin>) {
    match node {
        Node::Text(..) => {}
        Node::List(elements) => elements.into_iter().for_each(|element| collect(element, found)),
        Node::Map(fields) => {
            let is_ours = fields.iter().any(|(name, value)| {
                let names = ["pre-function", "post-function"];
                name == "name"
                    && matches!(value, Node::Text(text, _) if names.contains(&text.as_str()))
            });
            for (name, value) in fields {
                match value {
                    Node::Map(config) if is_ours && name == "config" => found.push(plugin(config)),
                    value => collect(value, found),
                }
            }
        }
    }
}

fn plugin(config: Vec<(String, Node)>) -> Plugin {
    let mut plugin = Plugin::default();
    for (field, value) in config {
        let Some((_, phase)) = PHASES.iter().find(|(name, _)| *name == field) else { continue };
        let elements = if let Node::List(elements) = value { elements } else { vec![value] };
        plugin.functions.extend(elements.into_iter().filter_map(|element| match element {
            Node::Text(text, origin) => Some(Placed { phase, text, origin }),
            Node::List(_) | Node::Map(_) => None,
        }));
    }
    plugin
}

/// The next value of `events`.
fn node<'a>(
    events: &mut impl Iterator<Item = (Event<'a>, Span)>,
    lines: &[&str],
    depth: usize,
) -> Option<Node> {
    let deeper = depth.checked_sub(1)?;
    loop {
        let (event, span) = events.next()?;
        return Some(match event {
            Event::Scalar(text, style, ..) => {
                let origin = origin(&text, style, span, lines);
                Node::Text(text.into_owned(), origin)
            }
            Event::Alias(_) => Node::List(Vec::new()),
            Event::SequenceStart(..) => {
                Node::List(std::iter::from_fn(|| node(events, lines, deeper)).collect())
            }
            Event::MappingStart(..) => Node::Map(
                std::iter::from_fn(|| {
                    let key = node(events, lines, deeper)?;
                    let value = node(events, lines, deeper)?;
                    Some(match key {
                        Node::Text(name, _) => (name, value),
                        Node::List(_) | Node::Map(_) => (String::new(), value),
                    })
                })
                .collect(),
            ),
            Event::SequenceEnd | Event::MappingEnd | Event::StreamEnd => return None,
            _ => continue,
        });
    }
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
    fn what_is_no_yaml_is_told_of() {
        let (place, _) = plugins("a: [1\nb: 2").unwrap_err();
        assert!(place.line >= 1);
    }
}
