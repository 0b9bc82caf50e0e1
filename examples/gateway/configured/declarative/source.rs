//! [`Source`]: where in a declarative file things stand.

use saphyr_parser::{Event, Parser};

/// A declarative file as it is written, with the lines of its parts.
pub(crate) struct Source {
    root: Option<Node>,
}

/// A value of the file.
struct Node {
    line: usize,
    content: Content,
}

enum Content {
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// A step from a value into one that is in it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    Field(&'a str),
    Element(usize),
}

/// Where something stands: its line, and the entities that it is in, from the outermost.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) line: Option<usize>,
    /// What kind each is of, and its name.
    pub(super) owners: Vec<(String, String)>,
}

/// How deep a file may go: a reader of its own depth would be at the mercy of the file.
const MAX_DEPTH: usize = 64;

impl Source {
    /// Reads YAML, or JSON. What is neither has no lines.
    pub(crate) fn new(text: &str) -> Self {
        let mut events = Parser::new_from_str(text)
            .map_while(Result::ok)
            .map(|(event, span)| (event, span.start.line()));
        Self { root: node(&mut events, MAX_DEPTH) }
    }

    /// Where `path` leads, as far as it does.
    pub(super) fn find(&self, path: &[Step<'_>]) -> Position {
        let mut position = Position::default();
        let mut node = self.root.as_ref();
        let mut list = "";
        for step in path {
            let next = match (*step, node.map(|node| &node.content)) {
                (Step::Field(name), Some(Content::Map(fields))) => {
                    list = name;
                    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value)
                }
                (Step::Element(index), Some(Content::List(elements))) => elements.get(index),
                _ => None,
            };
            let Some(next) = next else { break };
            position.line = Some(next.line);
            if let (Step::Element(_), Some(name)) = (step, next.name()) {
                let kind = list.strip_suffix('s').unwrap_or(list);
                position.owners.push((kind.to_owned(), name.to_owned()));
            }
            node = Some(next);
        }
        position
    }
}

impl Node {
    /// The name of an entity.
    fn name(&self) -> Option<&str> {
        let Content::Map(fields) = &self.content else { return None };
        match &fields.iter().find(|(key, _)| key == "name")?.1.content {
            Content::Scalar(name) => Some(name),
            _ => None,
        }
    }
}

/// The next value of `events`. A field stands where its name does.
fn node<'a>(events: &mut impl Iterator<Item = (Event<'a>, usize)>, depth: usize) -> Option<Node> {
    let deeper = depth.checked_sub(1)?;
    loop {
        let (event, line) = events.next()?;
        let content = match event {
            Event::Scalar(text, ..) => Content::Scalar(text.into_owned()),
            Event::Alias(_) => Content::Scalar(String::new()),
            Event::SequenceStart(..) => {
                Content::List(std::iter::from_fn(|| node(events, deeper)).collect())
            }
            Event::MappingStart(..) => Content::Map(
                std::iter::from_fn(|| {
                    let key = node(events, deeper)?;
                    let value = node(events, deeper)?;
                    let Content::Scalar(name) = key.content else { return None };
                    Some((name, Node { line: key.line, ..value }))
                })
                .collect(),
            ),
            Event::SequenceEnd | Event::MappingEnd | Event::StreamEnd => return None,
            _ => continue,
        };
        return Some(Node { line, content });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# a comment
services:
  - name: shop
    routes:
      - {name: cart, paths: [/cart]}
      - name: till
        paths:
          - till
";

    #[test]
    fn a_field_has_a_line_and_owners() {
        let source = Source::new(FILE);
        let path = [Step::Field("services"), Step::Element(0), Step::Field("routes")];
        let cart = [&path[..], &[Step::Element(0), Step::Field("paths")]].concat();
        let till =
            [&path[..], &[Step::Element(1), Step::Field("paths"), Step::Element(0)]].concat();
        let owner = |kind: &str, name: &str| (kind.to_owned(), name.to_owned());
        let (shop, of_cart) = (owner("service", "shop"), owner("route", "cart"));
        assert_eq!(
            source.find(&cart),
            Position { line: Some(5), owners: vec![shop.clone(), of_cart] }
        );
        assert_eq!(
            source.find(&till),
            Position { line: Some(8), owners: vec![shop, owner("route", "till")] }
        );
    }

    #[test]
    fn what_is_not_there_stands_where_it_should() {
        let path = [Step::Field("services"), Step::Element(0), Step::Field("host")];
        assert_eq!(Source::new(FILE).find(&path).line, Some(3));
        assert_eq!(Source::new("[: no yaml").find(&path).line, None);
        assert_eq!(Source::new(&"[".repeat(100_000)).find(&path).line, None);
    }
}
