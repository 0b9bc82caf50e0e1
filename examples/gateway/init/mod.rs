//! A first project: a declarative file, a function, its spec, and types for an editor.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use http::Uri;

use crate::lua::types;
use crate::terminal::{print, say};

/// The files, and what they are. What is in capitals is put in.
const FILES: &[(&str, &str, &str)] = &[
    (
        "kong.yml",
        "a service, its route, and what stands in front of them",
        include_str!("kong.yml"),
    ),
    ("functions/hello.lua", "the function that does", include_str!("hello.lua")),
    ("spec/hello_spec.lua", "what the function should do", include_str!("hello_spec.lua")),
    ("README.md", "what is what, and the commands", include_str!("README.md")),
    (
        ".vscode/extensions.json",
        "what VS Code recommends for completion",
        include_str!("extensions.json"),
    ),
    (".gitignore", "what is written anew anywhere", include_str!("gitignore")),
];

/// What to do with it.
const NEXT: &str = "
Next:
  gateway check .                                        # looks at the function without running it
  gateway test spec                                      # runs its spec
  gateway --declarative-config kong.yml --watch --debug  # serves, and what you save is in force
  curl -i 'localhost:8000/hello?name=ada'                # asks, from another terminal
  http://127.0.0.1:8002                                  # is the page of what is served, for a browser
";

/// Writes the project into `directory`, which is made if it is not there, with a service at `upstream`. Files that
/// are there already stay as they are.
///
/// # Errors
///
/// When something cannot be written. What was written before stays.
pub(crate) fn write(directory: &Path, upstream: &Uri) -> io::Result<()> {
    for (name, what, text) in FILES {
        let path = directory.join(name);
        let text = text.replace("UPSTREAM", &upstream.to_string());
        let is_new = create(&path, &text).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        })?;
        let what = if is_new { what } else { "is there, and stays as it is" };
        say(format_args!("{}: {what}", path.display()));
    }
    types::write(directory)?;
    if directory != Path::new(".") {
        say(format_args!("\nGo there: cd {}", directory.display()));
    }
    print(NEXT);
    Ok(())
}

/// Whether the file was not there, and is now.
fn create(path: &Path, text: &str) -> io::Result<bool> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// The address of a server.
pub(crate) fn upstream(text: &str) -> Result<Uri, String> {
    let expected = "expected the address of a server, as in http://127.0.0.1:3000";
    let uri: Uri = text.parse().map_err(|_| expected.to_owned())?;
    let is_one = matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some();
    // The gateway forwards to a path, and to no arguments.
    is_one.then_some(uri).filter(|uri| uri.query().is_none()).ok_or_else(|| expected.to_owned())
}
