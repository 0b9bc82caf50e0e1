//! Functions in files of their own: how a declarative file names them, and where they are.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

/// What stands in the place of a function that is in a file: `@functions/auth.lua`, and behind that, if it
/// is to be just what somebody has looked at, `sha256:` with the digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// From the directory of the file that names it.
    path: String,
    digest: Option<String>,
}

/// The directory of a declarative file, below which the functions are that it names.
pub(crate) struct Directory {
    path: PathBuf,
    /// Where that is, and where the file itself is: either may be a link.
    roots: Vec<PathBuf>,
    /// What has been read of it, for functions that several plugins have.
    read: RefCell<HashMap<String, Content>>,
}

type Content = Result<Arc<str>, String>;

/// How large a function may be, in bytes: as much as the Admin API takes.
const MAX: u64 = 10 << 20;

impl Reference {
    /// The file that a text names, if it is no function itself: no Lua begins with `@`.
    ///
    /// # Errors
    ///
    /// When it names none that there could be.
    pub(crate) fn parse(text: &str) -> Option<Result<Self, String>> {
        let named = text.strip_prefix('@')?.trim_end();
        (!named.contains(['\n', '\r'])).then(|| Self::of(named.trim_start()))
    }

    fn of(named: &str) -> Result<Self, String> {
        let (path, digest) = match named.rsplit_once(char::is_whitespace) {
            Some((path, last)) if is_digest(last) => (path.trim_end(), Some(digest(last)?)),
            _ => (named, None),
        };
        if path.is_empty() {
            return Err(
                "expected the name of a file after '@', as in @functions/auth.lua".to_owned()
            );
        }
        let is_below = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        if !Path::new(path).components().all(is_below) {
            return Err(format!(
                "'@{path}' is outside of the directory of this file: functions are in it, or below"
            ));
        }
        Ok(Self { path: path.to_owned(), digest })
    }

    /// What Lua calls the function: the file.
    pub(crate) fn name(&self) -> &str {
        &self.path
    }
}

impl Directory {
    /// That of a declarative file.
    pub(crate) fn of(file: &Path) -> Self {
        let parent = |file: &Path| match file.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let path = file.parent().unwrap_or_else(|| Path::new("")).to_owned();
        let linked = fs::canonicalize(file).ok().map(|file| parent(&file));
        let roots = fs::canonicalize(parent(file)).ok().into_iter().chain(linked).collect();
        Self { path, roots, read: RefCell::default() }
    }

    /// Where a function is.
    pub(crate) fn path(&self, reference: &Reference) -> PathBuf {
        self.path.join(&reference.path)
    }

    /// The text of a function.
    ///
    /// # Errors
    ///
    /// What is wrong with the file: that it is not there, or is not what it is to be.
    pub(crate) fn read(&self, reference: &Reference) -> Result<Arc<str>, String> {
        let mut read = self.read.borrow_mut();
        let known = read.entry(reference.path.clone());
        let text = known.or_insert_with(|| self.load(&self.path(reference))).clone()?;
        let Some(expected) = &reference.digest else { return Ok(text) };
        let found: String =
            Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        if found != *expected {
            return Err(format!(
                "{} is not what it is said to be: its digest is sha256:{found}, and not sha256:{expected}",
                self.path(reference).display()
            ));
        }
        Ok(text)
    }

    fn load(&self, path: &Path) -> Content {
        let shown = path.display();
        let unreadable = |error: io::Error| format!("cannot read {shown}: {error}");
        let real = fs::canonicalize(path).map_err(unreadable)?;
        if !self.roots.iter().any(|root| real.starts_with(root)) {
            return Err(format!(
                "{shown} is a link to {}, outside of the directory of the declarative file: functions are in \
                 it, or below",
                real.display()
            ));
        }
        // A pipe that nobody writes to would be waited for.
        if !fs::metadata(&real).map_err(unreadable)?.is_file() {
            return Err(format!("{shown} is no file: expected one of Lua"));
        }
        let mut bytes = Vec::new();
        let file = File::open(&real).map_err(unreadable)?;
        file.take(MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > MAX {
            return Err(format!("{shown} is too large for a function: it may have {MAX} bytes"));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
            format!("{shown} has bytes that are not UTF-8, in line {line}: Lua is text here")
        })?;
        Ok(text.into())
    }
}

/// Whether a word is meant to say what a file is.
fn is_digest(word: &str) -> bool {
    let algorithm = word.split_once(':').map(|(algorithm, _)| algorithm);
    algorithm.is_some_and(|name| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

/// The digits of a digest, in lower case.
fn digest(word: &str) -> Result<String, String> {
    let digits = word
        .strip_prefix("sha256:")
        .filter(|digits| digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let digits = digits.ok_or_else(|| {
        format!("'{word}' is no digest: expected sha256: and 64 hexadecimal digits, as sha256sum has them")
    })?;
    Ok(digits.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Reference, String> {
        Reference::parse(text).unwrap()
    }

    #[test]
    fn a_text_that_begins_with_an_at_sign_names_a_file() {
        assert_eq!(parsed("@functions/auth.lua").unwrap().name(), "functions/auth.lua");
        assert_eq!(parsed("@ my auth.lua\n").unwrap().name(), "my auth.lua");
        assert_eq!(Reference::parse("return '@a.lua'"), None);
        assert_eq!(Reference::parse("@a.lua\nreturn 1"), None);
    }

    #[test]
    fn a_digest_may_follow() {
        let digits = "9F".repeat(32);
        let reference = parsed(&format!("@my auth.lua  sha256:{digits}")).unwrap();
        assert_eq!(reference.path, "my auth.lua");
        assert_eq!(reference.digest, Some("9f".repeat(32)));
        for wrong in ["sha256:9f", "sha1:9f", "sha256:", &format!("sha512:{digits}")] {
            assert!(parsed(&format!("@a.lua {wrong}")).unwrap_err().contains("64 hexadecimal"));
        }
    }

    #[test]
    fn a_file_outside_of_the_directory_is_none() {
        for text in ["@/etc/passwd", "@../auth.lua", "@a/../../b.lua", "@a/../b.lua"] {
            assert!(parsed(text).unwrap_err().contains("outside of the directory"), "{text}");
        }
        assert!(parsed("@").unwrap_err().contains("expected the name of a file"));
        assert!(parsed("@./a.lua").is_ok());
    }
}
