//! The gateway as a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use http::Method;

use super::client::{Call, Reply};

/// How long a process may take for what it does at once on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A gateway that serves, on ports of its own.
pub struct Gateway {
    process: Process,
    log: Receiver<String>,
    pub proxy: SocketAddr,
    pub admin: SocketAddr,
}

/// A gateway that may not serve yet. It is killed when the test ends, and its files go with it.
pub struct Process {
    child: Child,
    directory: PathBuf,
}

/// A command line that starts a gateway.
pub struct Start {
    command: Command,
    directory: PathBuf,
}

impl Gateway {
    /// One that serves the declarative file `kong_yml`.
    pub fn of_file(kong_yml: &str) -> Self {
        Start::of_file(kong_yml).serving()
    }

    /// One with an empty database, for the Admin API to fill.
    pub fn empty() -> Self {
        Start::new().serving()
    }

    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    pub fn call(&self, method: Method, path: &str) -> Call {
        Call::new(self.proxy, method, path)
    }

    /// A request to the Admin API.
    pub fn admin(&self, path: &str) -> Call {
        self.admin_call(Method::GET, path)
    }

    pub fn admin_call(&self, method: Method, path: &str) -> Call {
        Call::new(self.admin, method, path)
    }

    /// Sends JSON to the Admin API.
    pub async fn send(&self, method: Method, path: &str, body: &serde_json::Value) -> Reply {
        let call = self.admin_call(method, path).header("content-type", "application/json");
        call.body(body.to_string()).send().await
    }

    pub async fn post(&self, path: &str, body: &serde_json::Value) -> Reply {
        self.send(Method::POST, path, body).await
    }

    /// Makes sure that the plugin `name` is not taken with each of some configurations, and says of each what is
    /// wrong.
    pub async fn refuses(&self, name: &str, cases: &[(serde_json::Value, &str)]) {
        for (config, expected) in cases {
            let plugin = serde_json::json!({ "name": name, "config": config });
            let reply = self.post("/plugins", &plugin).await;
            assert_eq!(reply.status, 400, "{config}");
            assert!(reply.text().contains(expected), "{}", reply.text());
        }
    }

    /// Posts a form, as `curl --data` does.
    pub async fn form(&self, path: &str, pairs: &[(&str, &str)]) -> Reply {
        let call = self.admin_call(Method::POST, path);
        let call = call.header("content-type", "application/x-www-form-urlencoded");
        call.body(form(pairs)).send().await
    }

    /// Kills the process, and waits until it is gone. Its files stay as long as this does.
    pub fn kill(&mut self) {
        self.process.child.kill().unwrap();
        self.process.child.wait().unwrap();
    }

    /// Asks the process to stop, and reads what it says until it is gone.
    pub fn said_to_the_end(&mut self) -> String {
        self.terminate();
        assert!(self.ended().success());
        self.log.iter().collect::<Vec<_>>().join("\n")
    }

    /// The directory that the gateway was started in.
    pub fn directory(&self) -> &Path {
        &self.process.directory
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.process.child.id()
    }

    /// Reads the log up to a line that has `wanted` in it.
    pub fn logged(&self, wanted: &str) -> String {
        wait_for(&self.log, wanted)
    }

    /// Asks the process to stop.
    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Replaces the declarative file, and waits until the gateway has read it: whether it took it.
    pub fn reload(&self, kong_yml: &str) -> bool {
        std::fs::write(self.process.directory.join("kong.yml"), kong_yml).unwrap();
        self.reads_again()
    }

    /// Has the gateway read its declarative file again: whether it took it.
    pub fn reads_again(&self) -> bool {
        self.signal("-HUP");
        !wait_for_any(&self.log, &["is in force", "nothing has changed"]).contains("nothing")
    }

    /// Reads the log up to a line that has `wanted` in it, and gives all of it.
    pub fn logged_until(&self, wanted: &str) -> String {
        let mut seen = String::new();
        loop {
            let line = wait_for_any(&self.log, &[""]);
            seen += &format!("{line}\n");
            if line.contains(wanted) {
                return seen;
            }
        }
    }

    fn signal(&self, name: &str) {
        let id = self.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Waits for the end of the process.
    pub fn ended(&mut self) -> ExitStatus {
        self.process.child.wait().unwrap()
    }
}

impl Process {
    /// Reads `file` until there is a line in it that has `wanted` in it.
    pub fn reads(&mut self, file: &Path, wanted: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            let whole_lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            match whole_lines.map(str::trim_end).find(|line| line.contains(wanted)) {
                Some(line) => return line.to_owned(),
                None => assert!(Instant::now() < deadline, "no '{wanted}' in:\n{text}"),
            }
            assert!(self.child.try_wait().unwrap().is_none(), "the gateway has ended");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

impl Start {
    pub fn new() -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("tower-lua-gateway-{}-{count}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        let mut command = Command::new(gateway_path());
        // A database that no flag names is made where the gateway starts.
        command.current_dir(&directory);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("KONG_") {
                command.env_remove(name);
            }
        }
        command.env("KONG_PROXY_LISTEN", "127.0.0.1:0").env("KONG_ADMIN_LISTEN", "127.0.0.1:0");
        command.env("KONG_ADMIN_GUI_LISTEN", "off");
        Self { command, directory }
    }

    pub fn of_file(kong_yml: &str) -> Self {
        let mut start = Self::new();
        let file = start.file("kong.yml", kong_yml);
        start.command.arg("--declarative-config").arg(file);
        start
    }

    pub fn arg(mut self, argument: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Writes a file for the gateway to read, and tells where it is.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Starts it in a directory that stays.
    pub fn of_directory(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// Starts it, and waits until it serves.
    pub fn serving(self) -> Gateway {
        let mut process = self.spawned();
        let log = lines_of(process.child.stderr.take().unwrap());
        let listens = |what: &str| {
            let line = wait_for(&log, what);
            let (_, after) = line.split_once(what).unwrap();
            // In JSON, the message goes on after its end.
            let addr = after.trim_start().split(['"', ' ']).next().unwrap();
            addr.parse().unwrap()
        };
        let (proxy, admin) = (listens("proxy listens on"), listens("admin listens on"));
        Gateway { process, log, proxy, admin }
    }

    /// Starts it.
    pub fn spawned(mut self) -> Process {
        let child = self.command.spawn().expect("the example is built along with the tests");
        Process { child, directory: std::mem::take(&mut self.directory) }
    }

    /// Starts it where it ends by itself, and tells its exit code and what it says.
    pub fn ending(self) -> (i32, String) {
        let mut process = self.spawned();
        let said = lines_of(process.child.stderr.take().unwrap());
        let printed = lines_of(process.child.stdout.take().unwrap());
        let mut lines = Vec::new();
        for stream in [said, printed] {
            while let Ok(line) = stream.recv_timeout(PATIENCE) {
                assert!(!line.contains("proxy listens on"), "the gateway serves");
                lines.push(line);
            }
        }
        (process.child.wait().unwrap().code().unwrap(), lines.join("\n"))
    }
}

impl Drop for Start {
    fn drop(&mut self) {
        if self.directory != Path::new("") {
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }
}

/// The program. Tests are in `deps`, and cargo puts the examples that it builds for them beside it.
pub fn gateway_path() -> PathBuf {
    let profile = std::env::current_exe().unwrap();
    let profile = profile.parent().and_then(Path::parent).unwrap();
    profile.join("examples").join("gateway")
}

/// An urlencoded form.
pub fn form(pairs: &[(&str, &str)]) -> String {
    let encode = |text: &str| -> String {
        let encoded = text.bytes().map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        });
        encoded.collect()
    };
    let pairs = pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// The lines of a stream, read in the background so that its writer never waits.
fn lines_of(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            // What nobody waits for is read all the same.
            let _ = sender.send(line);
        }
    });
    lines
}

fn wait_for(log: &Receiver<String>, wanted: &str) -> String {
    wait_for_any(log, &[wanted])
}

fn wait_for_any(log: &Receiver<String>, wanted: &[&str]) -> String {
    let mut seen = String::new();
    loop {
        match log.recv_timeout(PATIENCE) {
            Ok(line) if wanted.iter().any(|wanted| line.contains(wanted)) => return line,
            Ok(line) => seen += &format!("{line}\n"),
            Err(RecvTimeoutError::Timeout) => panic!("no {wanted:?} in the log:\n{seen}"),
            Err(RecvTimeoutError::Disconnected) => {
                panic!("the gateway ended before {wanted:?}:\n{seen}")
            }
        }
    }
}
