//! YAML, and JSON with it, with where its values stand: for whoever tells of a place in a file.

use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

/// A value, and the line in which it begins: that of its name, where it has one.
///
/// An alias is the value that it stands for, which may so be in several places.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) line: usize,
    value: Rc<Value>,
}

struct Value {
    content: Content,
    /// How many values lie in each other, with this one.
    height: usize,
}

pub(crate) enum Content {
    /// A scalar, as it is written where it stands.
    Text(String, ScalarStyle, Span),
    List(Vec<Node>),
    Map(Map),
}

pub(crate) struct Map {
    fields: Vec<(String, Node)>,
    /// What `<<` names: others whose fields it has, too.
    merged: Vec<Node>,
}

/// How deep a file may go, with what its aliases stand for: a reader of its own depth would be at the mercy of
/// the file.
const MAX_DEPTH: usize = 64;

/// The documents of a file.
///
/// # Errors
///
/// When it is no YAML.
pub(crate) fn documents(text: &str) -> Result<Vec<Node>, ScanError> {
    let events = Parser::new_from_str(text).collect::<Result<Vec<_>, _>>()?;
    let mut reader = Reader { events: events.into_iter(), anchors: HashMap::new() };
    Ok(std::iter::from_fn(|| reader.node(MAX_DEPTH)).collect())
}

impl Node {
    fn new(line: usize, content: Content) -> Self {
        let height = match &content {
            Content::Text(..) => 0,
            Content::List(elements) => highest(elements),
            Content::Map(map) => {
                highest(map.fields.iter().map(|(_, value)| value)).max(highest(&map.merged))
            }
        };
        Self { line, value: Rc::new(Value { content, height: height + 1 }) }
    }

    pub(crate) fn content(&self) -> &Content {
        &self.value.content
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self.content() {
            Content::Text(text, ..) => Some(text),
            _ => None,
        }
    }

    /// The value of a field, if this has fields.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        let Content::Map(map) = self.content() else { return None };
        let own = map.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        own.or_else(|| map.merged.iter().find_map(|other| other.field(name)))
    }

    /// What tells it from all others: not its alias.
    pub(crate) fn id(&self) -> usize {
        Rc::as_ptr(&self.value).addr()
    }
}

fn highest<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> usize {
    nodes.into_iter().map(|node| node.value.height).max().unwrap_or(0)
}

impl Map {
    /// The values that it has itself, and those that it has fields of.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.fields.iter().map(|(_, value)| value).chain(&self.merged)
    }
}

struct Reader<E> {
    events: E,
    anchors: HashMap<usize, Node>,
}

impl<'a, E: Iterator<Item = (Event<'a>, Span)>> Reader<E> {
    /// The next value, or `None` at the end of what it would be in.
    fn node(&mut self, depth: usize) -> Option<Node> {
        let deeper = depth.checked_sub(1)?;
        loop {
            let (event, span) = self.events.next()?;
            let (content, anchor) = match event {
                Event::Scalar(text, style, anchor, _) => {
                    (Content::Text(text.into_owned(), style, span), anchor)
                }
                Event::SequenceStart(anchor, _) => {
                    (Content::List(std::iter::from_fn(|| self.node(deeper)).collect()), anchor)
                }
                Event::MappingStart(anchor, _) => (Content::Map(self.map(deeper)), anchor),
                // One that stands in what it is an alias of has no end, and so is nothing.
                Event::Alias(anchor) => {
                    let known = self.anchors.get(&anchor);
                    match known.filter(|node| node.value.height <= depth) {
                        Some(node) => {
                            return Some(Node { line: span.start.line(), ..node.clone() });
                        }
                        None => (Content::List(Vec::new()), 0),
                    }
                }
                Event::SequenceEnd | Event::MappingEnd | Event::StreamEnd => return None,
                _ => continue,
            };
            let node = Node::new(span.start.line(), content);
            if anchor > 0 {
                self.anchors.insert(anchor, node.clone());
            }
            return Some(node);
        }
    }

    fn map(&mut self, depth: usize) -> Map {
        let mut map = Map { fields: Vec::new(), merged: Vec::new() };
        while let Some(key) = self.node(depth)
            && let Some(value) = self.node(depth)
        {
            match key.text() {
                Some("<<") => match value.content() {
                    Content::List(others) => map.merged.extend(others.iter().cloned()),
                    _ => map.merged.push(value),
                },
                name => {
                    let value = Node { line: key.line, ..value };
                    map.fields.push((name.unwrap_or_default().to_owned(), value));
                }
            }
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> Node {
        documents(text).unwrap().swap_remove(0)
    }

    #[test]
    fn an_alias_is_what_it_stands_for() {
        let file = first("a: &a {b: 1}\nc:\n  - *a\n");
        let Content::List(elements) = file.field("c").unwrap().content() else { panic!() };
        assert_eq!(elements[0].field("b").unwrap().text(), Some("1"));
        assert_eq!(elements[0].id(), file.field("a").unwrap().id());
        assert_eq!((elements[0].line, file.field("a").unwrap().line), (3, 1));
    }

    #[test]
    fn what_is_merged_is_there_where_nothing_else_is() {
        let file =
            first("a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 3}\nd: {<<: *b}\n");
        let text = |path: [&str; 2]| file.field(path[0])?.field(path[1])?.text();
        let found = [["c", "x"], ["c", "y"], ["c", "z"], ["d", "y"], ["d", "x"]].map(text);
        assert_eq!(found, [Some("3"), Some("1"), Some("2"), Some("2"), None]);
    }

    #[test]
    fn no_file_is_deeper_than_its_reader_is_ready_for() {
        let within_itself = first("a: &a [*a]");
        let Content::List(elements) = within_itself.field("a").unwrap().content() else { panic!() };
        assert!(matches!(elements[0].content(), Content::List(none) if none.is_empty()));
        let chain = (1..100_000).map(|at| format!("a{at}: &a{at} [*a{}]\n", at - 1));
        let chain = first(&format!("a0: &a0 []\n{}", chain.collect::<String>()));
        assert!(chain.value.height <= MAX_DEPTH);
        assert!(documents(&"[".repeat(100_000)).is_err());
    }
}
