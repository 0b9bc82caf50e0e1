//! Real servers, as programs of their own.

use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A server that listens on a Unix domain socket in a folder of its own. It ends with the test, however
/// that ends, and its files go with it.
pub struct Server {
    child: Child,
    directory: PathBuf,
}

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a command until nobody holds the other end of standard input: it ends with the test's process,
/// too, where that is killed.
pub const UNTIL_NOBODY_LISTENS: &str = r#""$@" </dev/null & read -r _; kill -9 $!; wait"#;

impl Server {
    /// `redis-server`; `None`, and a line that says so, where it is not installed.
    pub fn redis() -> Option<Self> {
        Self::redis_with(&["--port", "0"])
    }

    /// The same with `words` of its own.
    pub fn redis_with(words: &[&str]) -> Option<Self> {
        Self::start("redis-server", |directory| {
            let words = words.iter().chain(&["--save", "", "--unixsocket"]);
            let mut words: Vec<_> = words.map(|&word| word.to_owned()).collect();
            words.push(socket_in(directory));
            words
        })
    }

    /// `memcached`.
    pub fn memcached() -> Option<Self> {
        Self::start("memcached", |directory| {
            vec!["-u".to_owned(), user(), "-s".to_owned(), socket_in(directory)]
        })
    }

    /// `mariadbd`, with the user `root` who has no password.
    pub fn mariadb() -> Option<Self> {
        Self::start("mariadbd", |directory| {
            let data = format!("--datadir={}", directory.join("data").display());
            let install = Command::new("mariadb-install-db")
                .args(["--no-defaults", "--auth-root-authentication-method=normal"])
                .args(["--skip-test-db", &data, &format!("--user={}", user())])
                .output();
            let output = install.expect("it comes with the server");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
            let socket = format!("--socket={}", socket_in(directory));
            let user = format!("--user={}", user());
            vec!["--no-defaults".to_owned(), "--skip-networking".to_owned(), data, socket, user]
        })
    }

    fn start(program: &str, arguments: impl FnOnce(&Path) -> Vec<String>) -> Option<Self> {
        if !is_installed(program) {
            eprintln!("skipped: {program} is not installed");
            return None;
        }
        let directory = folder(program);
        let child = Command::new("sh")
            .args(["-c", UNTIL_NOBODY_LISTENS, "sh", program])
            .args(arguments(&directory))
            .current_dir(&directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let server = Self { child, directory };
        let deadline = Instant::now() + PATIENCE;
        while UnixStream::connect(server.socket()).is_err() {
            assert!(Instant::now() < deadline, "{program} does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(server)
    }

    fn socket(&self) -> PathBuf {
        self.directory.join("socket")
    }

    /// Where it listens, as functions name it.
    pub fn address(&self) -> String {
        format!("unix:{}", self.socket().display())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn socket_in(directory: &Path) -> String {
    directory.join("socket").display().to_string()
}

/// A folder of its own for a program.
pub fn folder(program: &str) -> PathBuf {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let name = format!("tower-lua-{program}-{}-{count}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&directory).expect("a folder for temporary files");
    directory
}

/// Who runs the tests, whom servers take for their own user.
pub fn user() -> String {
    let output = Command::new("id").arg("-un").output().expect("id is everywhere");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn is_installed(program: &str) -> bool {
    let tried = Command::new(program).arg("--version").stdout(Stdio::null()).status();
    !tried.is_err_and(|error| error.kind() == ErrorKind::NotFound)
}
