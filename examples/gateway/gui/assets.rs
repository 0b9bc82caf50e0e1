//! The files of the page, which are in the program.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode, Uri, header};
use sha2::{Digest, Sha256};

/// A file.
struct Asset {
    path: &'static str,
    text: &'static str,
}

macro_rules! assets {
    ($($path:literal)*) => {
        &[$(Asset { path: $path, text: include_str!(concat!("assets/", $path)) }),*]
    };
}

const ASSETS: &[Asset] = assets! {
    "api.js"
    "canary.js"
    "check.js"
    "complete.js"
    "dialogs.js"
    "diff.js"
    "dom.js"
    "editor.css"
    "editor.js"
    "entity.js"
    "failures.js"
    "figures.js"
    "gateway.js"
    "icon.svg"
    "index.html"
    "lua.js"
    "main.js"
    "overview.js"
    "page.css"
    "panels.css"
    "panels.js"
    "plugin.js"
    "popup.js"
    "tree.js"
    "try.js"
    "versions.js"
};

/// How a browser tells whether it has the files already: one name for what they all are.
static TAG: LazyLock<String> = LazyLock::new(|| {
    let mut digest = Sha256::new();
    for asset in ASSETS {
        digest.update(asset.text);
    }
    let short = &digest.finalize()[..12];
    let hex: String = short.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
});

impl Asset {
    fn media_type(&self) -> &'static str {
        match self.path.rsplit_once('.') {
            Some((_, "html")) => "text/html; charset=utf-8",
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "js")) => "text/javascript; charset=utf-8",
            Some((_, "svg")) => "image/svg+xml",
            _ => "text/plain; charset=utf-8",
        }
    }
}

/// Answers with a file.
pub(super) async fn answer(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if ![Method::GET, Method::HEAD].contains(&method) {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response();
    }
    let path = match uri.path() {
        "/" => "index.html",
        path => path.trim_start_matches('/'),
    };
    let Some(asset) = ASSETS.iter().find(|asset| asset.path == path) else {
        return (StatusCode::NOT_FOUND, "there is no such file: the page is at /\n")
            .into_response();
    };
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let kept = [(header::ETAG, TAG.as_str()), (header::CACHE_CONTROL, "no-cache")];
    if known.is_some_and(|tags| tags.split(',').any(|tag| tag.trim() == *TAG)) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    (kept, [(header::CONTENT_TYPE, asset.media_type())], asset.text).into_response()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn each_file_of_the_folder_is_in_the_program() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/gateway/gui/assets");
        let mut there: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        there.sort();
        let mut known: Vec<_> = ASSETS.iter().map(|asset| asset.path).collect();
        known.sort_unstable();
        assert_eq!(known, there);
    }

    #[test]
    fn all_of_it_is_less_than_300_kib() {
        let size: usize = ASSETS.iter().map(|asset| asset.text.len()).sum();
        let whole = size + super::super::completions::text().len();
        assert!(whole < 300 << 10, "{size} bytes of files, {whole} with the names of functions");
    }
}
