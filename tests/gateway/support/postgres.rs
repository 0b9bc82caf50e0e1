//! A PostgreSQL server of the tests' own.

use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::server::{UNTIL_NOBODY_LISTENS, folder, user};

/// A server with a database in a folder of its own, which can be stopped and started again. It ends with
/// the test, however that ends, and its files go with it.
pub struct Postgres {
    programs: PathBuf,
    directory: PathBuf,
    /// `None` while it is stopped.
    child: Option<Child>,
}

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

impl Postgres {
    /// `postgres`, with the user `gateway` who needs no password; `None`, and a line that says so, where
    /// it is not installed.
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            eprintln!("skipped: postgres is not installed");
            return None;
        };
        let directory = folder("postgres");
        if is_root() {
            let given = Command::new("chown").arg("postgres").arg(&directory).status();
            assert!(given.expect("chown").success(), "the package makes the user postgres");
        }
        let mut server = Self { programs, directory, child: None };
        let data = server.data();
        server.run("initdb", &["-A", "trust", "-U", "gateway", "-N", "-D", &data]);
        server.start_again();
        Some(server)
    }

    /// Starts it after it was stopped.
    pub fn start_again(&mut self) {
        let program = self.programs.join("postgres");
        let mut command = Command::new("sh");
        command.args(["-c", UNTIL_NOBODY_LISTENS, "sh"]).args(as_nobody_special());
        command.arg(program).args(["-h", "", "-k"]).arg(&self.directory).args(["-D", &self.data()]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().expect("a shell"));
        let deadline = Instant::now() + PATIENCE;
        while !self.is_ready() {
            assert!(Instant::now() < deadline, "postgres does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Stops it, as at a loss of power.
    pub fn stop(&mut self) {
        self.run("pg_ctl", &["stop", "-w", "-m", "immediate", "-D", &self.data()]);
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Where it is, as gateways are told.
    pub fn url(&self) -> String {
        Self::url_at(&self.directory)
    }

    /// The same through another folder with its socket.
    pub fn url_at(directory: &Path) -> String {
        format!("postgres://gateway@localhost/postgres?host={}", directory.display())
    }

    /// The folder with its socket.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The socket's name in that folder.
    pub const SOCKET: &str = ".s.PGSQL.5432";

    fn is_ready(&self) -> bool {
        let socket = UnixStream::connect(self.directory.join(Self::SOCKET));
        let asked = || {
            let database = ["-q", "-U", "gateway", "-d", "postgres", "-h"];
            let mut command = Command::new(self.programs.join("pg_isready"));
            command.args(database).arg(&self.directory).status().is_ok_and(|is| is.success())
        };
        socket.is_ok() && asked()
    }

    fn data(&self) -> String {
        self.directory.join("data").display().to_string()
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut words = as_nobody_special();
        words.push(self.programs.join(program).display().to_string());
        let output = Command::new(&words[0]).args(&words[1..]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // The shell kills the server, and ends.
            drop(child.stdin.take());
            let _ = child.wait();
        }
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = std::fs::remove_dir_all(&self.directory) {
            // Processes of the server end after it.
            if error.kind() == ErrorKind::NotFound || Instant::now() > deadline {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Where Debian has the programs of the newest version that is installed, or they are on the path.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.map(|version| version.path().join("bin")).max();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = newest.into_iter().chain(std::env::split_paths(&path));
    folders.find(|folder| folder.join("postgres").exists())
}

/// What a command begins with that must not run as root: PostgreSQL refuses to.
fn as_nobody_special() -> Vec<String> {
    let words: &[&str] = if is_root() {
        &["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    } else {
        &["env"]
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn is_root() -> bool {
    user() == "root"
}
