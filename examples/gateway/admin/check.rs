//! What is to be said of functions that nobody has taken yet: `POST /functions/check`.

use serde_json::{Value, json};

use super::answer::Answer;
use super::warnings::MAX_TEXT;
use super::{Answered, Call};
use crate::configured::problem::Problem;
use crate::configured::schema::MAX_FUNCTIONS;
use crate::lua::check::{Finding, PHASES, Source};

/// A function: the field that it stands in, the phase that this is for, its number there, its text.
type Named = (&'static str, &'static str, usize, String);

/// Answers with the findings of `{"functions": {"access": ["…"]}}`, which are looked at as the functions
/// of one plugin.
pub(super) async fn answer(call: Call<'_>) -> Answered {
    let functions = functions(call.arguments.object.get("functions"))?;
    if functions.iter().map(|(.., text)| text.len()).sum::<usize>() > MAX_TEXT {
        let message = format!("expected functions of no more than {MAX_TEXT} bytes");
        return Err(Problem::violation("functions", &message));
    }
    let checker = call.admin.warnings.checker();
    let look = move || {
        let sources = functions.iter();
        let sources: Vec<_> = sources
            .map(|(_, phase, _, text)| Source { phase: Some(*phase), text: text.as_str() })
            .collect();
        let looked_at = functions.iter().zip(checker.set(&sources, true));
        let findings = looked_at.flat_map(|((field, _, number, _), findings)| {
            findings.into_iter().map(move |finding| shown(field, *number, &finding))
        });
        findings.collect::<Vec<_>>()
    };
    let findings = tokio::task::spawn_blocking(look).await.unwrap_or_default();
    Ok(Answer::ok(json!({ "findings": findings })))
}

fn functions(given: Option<&Value>) -> Result<Vec<Named>, Problem> {
    let fields = given.and_then(Value::as_object).ok_or_else(|| {
        Problem::violation(
            "functions",
            "expected the functions of each phase: {\"access\": [\"…\"]}",
        )
    })?;
    let mut functions = Vec::new();
    for (name, texts) in fields {
        let wrong = |message: &str| Problem::violation(&format!("functions.{name}"), message);
        let known = PHASES.iter().find(|(field, _)| field == name);
        let (field, phase) = known.ok_or_else(|| wrong("there is no such phase"))?;
        let texts = match texts {
            Value::String(_) => std::slice::from_ref(texts),
            Value::Array(texts) => texts,
            _ => return Err(wrong("expected an array of strings")),
        };
        if texts.len() > MAX_FUNCTIONS {
            return Err(wrong(&format!("expected no more than {MAX_FUNCTIONS} functions")));
        }
        for (i, text) in texts.iter().enumerate() {
            let text = text.as_str().ok_or_else(|| wrong("expected an array of strings"))?;
            functions.push((*field, *phase, i + 1, text.to_owned()));
        }
    }
    Ok(functions)
}

fn shown(field: &str, number: usize, finding: &Finding) -> Value {
    let Finding { level, rule, place, message, help } = finding;
    json!({
        "phase": field,
        "function": number,
        "line": place.line,
        "column": place.column,
        "level": level.name(),
        "rule": rule,
        "message": message,
        "help": help,
    })
}
