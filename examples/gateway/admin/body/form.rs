//! The names of form parameters: `config.access[1]` is the first element of a list in a record.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::configured::schema::Object;

/// How deep records and lists may be in each other.
const MAX_DEPTH: usize = 16;

/// A step from an object to a value in it.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// `.name`
    Name(String),
    /// `[1]`
    Index(usize),
    /// `[]`: one more.
    Next,
}

/// What has been put together so far.
enum Node {
    Empty,
    Text(String),
    List(BTreeMap<usize, Node>),
    Record(BTreeMap<String, Node>),
}

/// Puts parameters into each other by their names.
pub(super) fn nest(pairs: Vec<(String, String)>) -> Result<Object, String> {
    let mut root = BTreeMap::new();
    for (name, value) in pairs {
        let steps = steps(&name);
        if steps.len() > MAX_DEPTH {
            return Err(format!("the name of a parameter has more than {MAX_DEPTH} parts"));
        }
        let mut steps = steps.into_iter();
        let Some(Step::Name(first)) = steps.next() else { continue };
        let node = root.entry(first).or_insert(Node::Empty);
        put(node, steps, value).map_err(|error| format!("'{name}': {error}"))?;
    }
    Ok(root.into_iter().map(|(name, node)| (name, node.into())).collect())
}

/// Takes a name apart.
fn steps(name: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in name.split('.') {
        let mut indices = Vec::new();
        let mut rest = part;
        while let Some((before, index)) = rest.strip_suffix(']').and_then(|r| r.rsplit_once('[')) {
            let step = match index {
                "" => Step::Next,
                index => match index.parse() {
                    Ok(index) => Step::Index(index),
                    Err(_) => break,
                },
            };
            if before.is_empty() {
                break;
            }
            indices.push(step);
            rest = before;
        }
        steps.push(Step::Name(rest.to_owned()));
        steps.extend(indices.into_iter().rev());
    }
    steps
}

fn put(
    node: &mut Node,
    mut steps: impl Iterator<Item = Step>,
    value: String,
) -> Result<(), &'static str> {
    let Some(step) = steps.next() else {
        return put_here(node, value);
    };
    if let (Node::Empty, Step::Name(_)) = (&node, &step) {
        *node = Node::Record(BTreeMap::new());
    }
    if let (Node::Empty, Step::Index(_) | Step::Next) = (&node, &step) {
        *node = Node::List(BTreeMap::new());
    }
    let next = match (node, step) {
        (Node::Record(record), Step::Name(name)) => record.entry(name).or_insert(Node::Empty),
        (Node::List(list), Step::Index(index)) => list.entry(index).or_insert(Node::Empty),
        (Node::List(list), Step::Next) => {
            let index = end(list);
            list.entry(index).or_insert(Node::Empty)
        }
        _ => return Err("is given as more than one of a value, a list and a record"),
    };
    put(next, steps, value)
}

/// A name that is given again makes a list.
fn put_here(node: &mut Node, value: String) -> Result<(), &'static str> {
    match std::mem::replace(node, Node::Empty) {
        Node::Empty => *node = Node::Text(value),
        Node::Text(first) => {
            let both = [Node::Text(first), Node::Text(value)];
            *node = Node::List(both.into_iter().enumerate().collect());
        }
        Node::List(mut list) => {
            let index = end(&list);
            list.insert(index, Node::Text(value));
            *node = Node::List(list);
        }
        Node::Record(_) => return Err("is given both as a value and as a record"),
    }
    Ok(())
}

fn end(list: &BTreeMap<usize, Node>) -> usize {
    list.last_key_value().map_or(1, |(last, _)| last.saturating_add(1))
}

impl From<Node> for Value {
    fn from(node: Node) -> Self {
        match node {
            Node::Empty => Self::Null,
            Node::Text(text) => text.into(),
            Node::List(list) => list.into_values().map(Self::from).collect(),
            Node::Record(record) => {
                Self::Object(record.into_iter().map(|(name, node)| (name, node.into())).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn nested(pairs: &[(&str, &str)]) -> Value {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Value::Object(nest(pairs.collect()).unwrap())
    }

    #[test]
    fn dots_and_brackets_nest() {
        assert_eq!(
            nested(&[("config.access[]", "a"), ("config.access[]", "b"), ("config.log[2]", "d")]),
            json!({ "config": { "access": ["a", "b"], "log": ["d"] } })
        );
        assert_eq!(nested(&[("paths[2]", "b"), ("paths[1]", "a")]), json!({ "paths": ["a", "b"] }));
    }

    #[test]
    fn a_name_that_is_given_again_makes_a_list() {
        let list = json!({ "paths": ["/a", "/b", "/c"] });
        assert_eq!(nested(&[("paths", "/a"), ("paths", "/b"), ("paths", "/c")]), list);
    }

    #[test]
    fn what_is_no_index_is_part_of_the_name() {
        assert_eq!(nested(&[("a[b]", "1"), ("[]", "2")]), json!({ "a[b]": "1", "[]": "2" }));
    }

    #[test]
    fn a_value_is_no_record() {
        let pairs =
            |pairs: &[&str]| pairs.iter().map(|n| ((*n).to_owned(), String::new())).collect();
        assert!(nest(pairs(&["a", "a.b"])).is_err());
        assert!(nest(pairs(&["a.b", "a"])).is_err());
        assert!(nest(pairs(&["a[]", "a.b"])).is_err());
        assert!(nest(pairs(&["a.".repeat(1000).as_str()])).is_err());
    }
}
