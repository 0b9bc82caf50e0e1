//! What may have been meant by a name that there is not.

use crate::lua::api::Api;

/// The names that are most like `name` in a table of `class`, and those of the same name elsewhere.
pub(super) fn names(api: &Api, class: &str, path: &str, name: &str) -> Vec<String> {
    let mut found = elsewhere(api, class, path, name);
    let near = nearest(name, api.members(class).into_iter().map(|(other, _)| other));
    if let Some(near) = near {
        // Who sets something does not mean to get it: the same name elsewhere is more likely.
        let is_likely = near.get(..3) == name.get(..3);
        found.insert(if is_likely { 0 } else { found.len() }, format!("{path}.{near}"));
    }
    found.truncate(2);
    found
}

/// The same name in other tables of the same root.
fn elsewhere(api: &Api, class: &str, path: &str, name: &str) -> Vec<String> {
    let root = class.split('.').next().unwrap_or_default();
    if !["kong", "ngx"].contains(&root) {
        return Vec::new();
    }
    let ending = format!(".{name}");
    let is_it = |full: &str| full.starts_with(&format!("{root}.")) && full.ends_with(&ending);
    let names = api.names().into_iter();
    let names = names.filter(|(full, member)| !member.is_field && is_it(full));
    let mut found: Vec<String> = names.map(|(full, _)| full).collect();
    let full = format!("{path}{ending}");
    // `response.set_raw_body` is more like itself than `request.set_raw_body`.
    let end = |full: &str| full.rsplitn(3, '.').take(2).map(str::to_owned).collect::<Vec<_>>();
    found.sort_by_key(|other| (end(other) != end(&full), distance(&full, other)));
    found
}

/// The name that is most like `name`, if one is.
pub(super) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.len() / 3).max(1);
    // Of names that are much longer or shorter, nobody needs to count.
    let alike = names.filter(|other| other.len().abs_diff(name.len()) <= limit);
    let near = alike.map(|other| (distance(name, other), other));
    near.filter(|(distance, _)| *distance <= limit).min().map(|(_, other)| other)
}

/// A module whose name is like `name`.
pub(super) fn module(api: &Api, name: &str) -> Option<String> {
    nearest(name, api.modules().map(|(other, _)| other)).map(str::to_owned)
}

/// The words `did you mean …?`, if there is something to be meant.
pub(super) fn question(names: &[String]) -> String {
    match names {
        [] => String::new(),
        names => {
            let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            format!("did you mean {}?", quoted.join(" or "))
        }
    }
}

/// How many letters make one name the other: put in, left out, changed or swapped.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut before_last = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for i in 1..=one.len() {
        let mut row = vec![i];
        for j in 1..=other.len() {
            let changed = last[j - 1] + usize::from(one[i - 1] != other[j - 1]);
            let mut least = changed.min(last[j] + 1).min(row[j - 1] + 1);
            let is_swapped =
                i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1];
            if is_swapped {
                least = least.min(before_last[j - 2] + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_counted() {
        assert_eq!(distance("get_heder", "get_header"), 1);
        assert_eq!(distance("macth", "match"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
