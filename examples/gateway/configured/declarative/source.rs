//! [`Source`]: where in a declarative file things stand.

use crate::yaml::{self, Content, Node};

/// A declarative file as it is written, with the lines of its parts.
pub(crate) struct Source {
    root: Option<Node>,
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

impl Source {
    /// Reads YAML, or JSON. What is neither has no lines.
    pub(crate) fn new(text: &str) -> Self {
        let documents = yaml::documents(text).unwrap_or_default();
        Self { root: documents.into_iter().next() }
    }

    /// Where `path` leads, as far as it does.
    pub(super) fn find(&self, path: &[Step<'_>]) -> Position {
        let mut position = Position::default();
        let mut node = self.root.as_ref();
        let mut list = "";
        for step in path {
            let next = match (*step, node.map(Node::content)) {
                (Step::Field(name), _) => {
                    list = name;
                    node.and_then(|node| node.field(name))
                }
                (Step::Element(index), Some(Content::List(elements))) => elements.get(index),
                _ => None,
            };
            let Some(next) = next else { break };
            position.line = Some(next.line);
            let name = next.field("name").and_then(Node::text);
            if let (Step::Element(_), Some(name)) = (step, name) {
                let kind = list.strip_suffix('s').unwrap_or(list);
                position.owners.push((kind.to_owned(), name.to_owned()));
            }
            node = Some(next);
        }
        position
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
