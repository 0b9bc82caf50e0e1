//! The names of a certificate, which a client may give with it.

use serde_json::{Value, json};

use super::{Document, Draft, Kind, Place, State};
use crate::configured::problem::Problem;
use crate::configured::schema::{self, Given, Object};

/// Takes the names out of a certificate that a client gives: nothing, where it says nothing of them.
pub(super) fn take(kind: Kind, object: &mut Object) -> Result<Option<Vec<String>>, Problem> {
    if kind != Kind::Certificates {
        return Ok(None);
    }
    let names = match object.remove("snis") {
        None => return Ok(None),
        Some(Value::Null) => Vec::new(),
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => {
            let text = |name: Value| name.as_str().map(str::to_owned);
            let names: Option<Vec<_>> = names.into_iter().map(text).collect();
            names.ok_or_else(|| Problem::violation("snis", "expected an array of strings"))?
        }
        Some(_) => return Err(Problem::violation("snis", "expected an array")),
    };
    for (place, name) in names.iter().enumerate() {
        schema::wildcard_sni(name).map_err(|error| Problem::violation("snis", &error))?;
        if names[..place].contains(name) {
            return Err(Problem::violation("snis", &format!("{name} is duplicated")));
        }
    }
    Ok(Some(names))
}

/// The names of a certificate that is put: none where nothing is said of them, and the one that it is
/// put by.
pub(super) fn of_put(kind: Kind, place: &Place, names: Option<Vec<String>>) -> Option<Vec<String>> {
    if kind != Kind::Certificates {
        return None;
    }
    let mut names = names.unwrap_or_default();
    if let Place::Key(name) = place
        && !names.contains(name)
    {
        names.push(name.clone());
    }
    Some(names)
}

/// Gives a certificate these names and no others, if there are any to be given.
pub(super) fn set(
    draft: &mut Draft,
    certificate: &Document,
    names: Option<Vec<String>>,
) -> Result<(), Problem> {
    let Some(names) = names else { return Ok(()) };
    for name in &names {
        let owner = draft.state.by_key(Kind::Snis, name);
        let owner = owner.and_then(|sni| sni.reference(Kind::Certificates));
        if let Some(owner) = owner.filter(|owner| *owner != certificate.id()) {
            let error = format!("{name} already associated with existing certificate '{owner}'");
            return Err(Problem::violation("snis", &error));
        }
    }
    let before = of(&draft.state, certificate.id());
    for (name, id) in &before {
        if !names.contains(name) {
            draft.delete(Kind::Snis, id)?;
        }
    }
    for name in names.iter().filter(|name| !before.iter().any(|(known, _)| known == *name)) {
        let sni = json!({ "name": name, "certificate": { "id": certificate.id() } });
        let Value::Object(sni) = sni else { continue };
        draft.insert(Kind::Snis, sni, Given::Typed)?;
    }
    Ok(())
}

/// The names of a certificate in their order, each with its id.
pub(super) fn of(state: &State, certificate: &str) -> Vec<(String, String)> {
    let snis = state.children(Kind::Snis, Kind::Certificates, certificate);
    let named = snis.filter_map(|sni| Some((sni.sni()?.name.clone(), sni.id().to_owned())));
    let mut named: Vec<_> = named.collect();
    named.sort();
    named
}
