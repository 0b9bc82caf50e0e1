//! `gateway try`: a dry run by flags, as curl has them.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::{fs, io};

use bytes::Bytes;
use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use http::{HeaderValue, Method, Response};

use super::asked::{self, Asked};
use super::{Conditions, DryRun, file, text};
use crate::BoxError;
use crate::request::proxy::Roots;
use crate::terminal::print;

/// A request, and functions that it passes.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// A function in a file ending in `.lua`, or a declarative file, whose routes and functions count.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The path and query of the request, or its URL.
    #[arg(default_value = "/", value_name = "PATH")]
    path: String,

    /// The phase that a file of Lua is for.
    #[arg(
        long,
        default_value = "access",
        value_name = "PHASE",
        value_parser = PossibleValuesParser::new(PHASES),
        help_heading = "Request"
    )]
    phase: String,

    /// The method: GET, or POST where there is a body.
    #[arg(short = 'X', long, value_name = "METHOD", help_heading = "Request")]
    request: Option<String>,

    /// A header, `Name: value`. May be there several times.
    #[arg(short = 'H', long, value_name = "HEADER", value_parser = header, help_heading = "Request")]
    header: Vec<(String, String)>,

    /// The body: a text, `@FILE`, or `@-` for standard input. Several are joined by `&`.
    #[arg(short, long, value_name = "DATA", help_heading = "Request")]
    data: Vec<String>,

    /// The same as JSON.
    #[arg(long, value_name = "DATA", conflicts_with = "data", help_heading = "Request")]
    json: Option<String>,

    /// The address of the client.
    #[arg(long, value_name = "IP", help_heading = "Request")]
    client_ip: Option<std::net::IpAddr>,

    /// What the service answers. It says what it was asked, where nothing is said of it.
    #[arg(
        long,
        value_name = "STATUS",
        value_parser = crate::flags::number::<u16>(200..=999),
        help_heading = "Answers"
    )]
    upstream_status: Option<u16>,

    /// A header of the service's answer, `Name: value`. May be there several times.
    #[arg(long, value_name = "HEADER", value_parser = header, help_heading = "Answers")]
    upstream_header: Vec<(String, String)>,

    /// The body of the service's answer: a text, or `@FILE`.
    #[arg(long, value_name = "DATA", help_heading = "Answers")]
    upstream_body: Option<String>,

    /// What is answered at a URL that functions ask, or at all that begin with it where it ends with `*`: a
    /// status, a text, `@FILE`, or a status and one of these. May be there several times.
    #[arg(long, num_args = 2, value_names = ["URL", "ANSWER"], help_heading = "Answers")]
    http: Vec<String>,

    /// How to say what has come of it.
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// As the Admin API answers.
    Json,
}

/// The phases that a function may be for here.
const PHASES: [&str; 5] = ["rewrite", "access", "header_filter", "body_filter", "log"];

impl Flags {
    /// Runs the request, and prints what has come of it: whether all functions have ended well.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or is not what it should be, or something of the request is none.
    pub(crate) async fn run(&self, conditions: Conditions) -> Result<bool, BoxError> {
        let asked = self.asked()?;
        let file = file::read(&self.file, &self.phase)?;
        let dry_run = Arc::new(DryRun::new(conditions, Roots::new(None)?));
        let told = dry_run.run(file.draft, asked).await.map_err(|problem| file::said(&problem))?;
        let whole = match self.format {
            Format::Json => format!("{:#}\n", told.json()),
            Format::Text => text::written(&told),
        };
        print(&file.names.in_place(whole));
        Ok(!told.has_failed())
    }

    fn asked(&self) -> Result<Asked, BoxError> {
        let body = self.body()?;
        let otherwise = if body.is_some() { Method::POST } else { Method::GET };
        let method = self.request.as_deref().unwrap_or(otherwise.as_str());
        let mut asked = Asked::new(method, &self.path)?;
        for (name, value) in &self.header {
            let (name, value) = asked::header(name, value)?;
            asked.header(&name, value);
        }
        if let Some(body) = body {
            let is_json = self.json.is_some();
            let form = "application/x-www-form-urlencoded";
            asked.content_type(if is_json { "application/json" } else { form });
            asked.body(body);
        }
        asked.client = self.client_ip.unwrap_or(asked.client);
        asked.upstream = self.upstream()?;
        for pair in self.http.chunks(2) {
            if let [url, answer] = pair {
                asked.answers.push((asked::address(url)?, answer_of(answer)?));
            }
        }
        Ok(asked)
    }

    fn body(&self) -> Result<Option<Bytes>, BoxError> {
        if let Some(json) = &self.json {
            return data(json).map(Some);
        }
        let parts = self.data.iter().map(|part| {
            let is_file = part.starts_with('@');
            let read = data(part)?;
            // As curl has it.
            let kept = |byte: &u8| !is_file || !matches!(byte, b'\r' | b'\n');
            Ok(read.iter().copied().filter(kept).collect::<Vec<u8>>())
        });
        let parts = parts.collect::<Result<Vec<_>, BoxError>>()?;
        Ok((!parts.is_empty()).then(|| parts.join(&b'&').into()))
    }

    fn upstream(&self) -> Result<Option<Response<Bytes>>, BoxError> {
        let body = self.upstream_body.as_deref().map(data).transpose()?;
        if body.is_none() && self.upstream_status.is_none() && self.upstream_header.is_empty() {
            return Ok(None);
        }
        let status = self.upstream_status.unwrap_or(200);
        let mut answer = asked::answer(status, body.unwrap_or_default())?;
        for (name, value) in &self.upstream_header {
            let (name, value) = asked::header(name, value)?;
            answer.headers_mut().append(name, value);
        }
        Ok(Some(answer))
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let expected = || "expected a name and a value, as in 'X-User: ada'".to_owned();
    let (name, value) = text.split_once(':').ok_or_else(expected)?;
    asked::header(name, value)?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A text, or what is in the file behind `@`.
fn data(text: &str) -> Result<Bytes, BoxError> {
    let Some(path) = text.strip_prefix('@') else { return Ok(text.to_owned().into()) };
    if path == "-" {
        let mut read = Vec::new();
        io::stdin().read_to_end(&mut read)?;
        return Ok(read.into());
    }
    Ok(fs::read(path).map_err(|error| format!("{path}: {error}"))?.into())
}

/// An answer: `401`, `hello`, `@keys.json`, `401 who?`, `401 @no.json`.
fn answer_of(text: &str) -> Result<Response<Bytes>, BoxError> {
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    let status = first.parse::<u16>().ok().filter(|_| first.len() == 3);
    let body = data(if status.is_some() { rest } else { text })?;
    let mut answer = asked::answer(status.unwrap_or(200), body)?;
    if serde_json::from_slice::<serde_json::Value>(answer.body()).is_ok() {
        let json = HeaderValue::from_static("application/json");
        answer.headers_mut().insert(http::header::CONTENT_TYPE, json);
    }
    Ok(answer)
}
