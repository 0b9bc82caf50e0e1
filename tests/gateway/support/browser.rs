//! Chromium, driven over `WebDriver` by its own driver.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::client::Call;
use super::gateway::gateway_path;

/// A window of a browser. It is closed when the test ends.
pub struct Browser {
    driver: Child,
    addr: SocketAddr,
    session: String,
    _turn: SemaphorePermit<'static>,
}

/// A browser takes much of a small machine, and other tests wait for it as well.
static TURNS: Semaphore = Semaphore::const_new(2);

/// How long something may take to be shown.
const PATIENCE: Duration = Duration::from_secs(60);

/// The name that an element has in answers.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

impl Browser {
    /// A window at `url`; `None`, and a line that says so, where there is no Chromium or no driver.
    pub async fn open(url: &str) -> Option<Self> {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        if !is_there("chromedriver") || !(is_there("chromium") || is_there("google-chrome")) {
            eprintln!("skipped: chromium and chromedriver are not installed");
            return None;
        }
        let turn = TURNS.acquire().await.unwrap();
        let mut driver = command.spawn().unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.unwrap();
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse().ok()
        });
        let addr = SocketAddr::from(([127, 0, 0, 1], port.unwrap()));
        let mut browser = Self { driver, addr, session: String::new(), _turn: turn };
        // What stands in the pipe ends with the driver.
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--remote-debugging-pipe",
        ];
        let options = json!({ "args": arguments });
        let log = json!({ "browser": "ALL" });
        let wanted = json!({ "goog:chromeOptions": options, "goog:loggingPrefs": log });
        let wanted = json!({ "capabilities": { "alwaysMatch": wanted } });
        let made = browser.insist(Method::POST, "/session", &wanted).await;
        browser.session = format!("/session/{}", made["sessionId"].as_str().unwrap());
        browser.command("url", &json!({ "url": url })).await;
        browser.looks(1440, 900, "light").await;
        Some(browser)
    }

    /// What a script of the page's own returns.
    pub async fn script(&self, script: &str) -> Value {
        self.insist(Method::POST, &self.execute(), &call_of(script)).await
    }

    /// Waits until a script returns something that is true. A script that fails, for the page is loaded
    /// just then, is tried again.
    pub async fn until(&self, script: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.answer(script).await;
            match &answer {
                Err(_) | Ok(Value::Null | Value::Bool(false)) if Instant::now() > deadline => {
                    self.screenshot("failed").await;
                    let text = self.script("return document.body.innerText").await;
                    let text = text.as_str().unwrap_or_default();
                    panic!("never: {script}, but {answer:?}; the page says: {text}");
                }
                Err(_) | Ok(Value::Null | Value::Bool(false)) => {}
                Ok(value) => return value.clone(),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the element of a selector has `wanted` in its text.
    pub async fn shows(&self, selector: &str, wanted: &str) {
        let [selector, wanted] = [selector, wanted].map(|text| Value::from(text).to_string());
        let texts = format!("[...document.querySelectorAll({selector})].map(one => one.innerText)");
        self.until(&format!("return {texts}.some(text => text.includes({wanted}))")).await;
    }

    /// Clicks on an element when it can be.
    pub async fn click(&self, selector: &str) {
        self.act(&visible(selector, ""), "click", &json!({})).await;
    }

    /// Clicks on the element of a selector whose text is `text`.
    pub async fn click_on(&self, selector: &str, text: &str) {
        let text = Value::from(text).to_string();
        let find = visible(selector, &format!(" && one.innerText.includes({text})"));
        self.act(&find, "click", &json!({})).await;
    }

    /// Types into an element, as a person does.
    pub async fn types(&self, selector: &str, keys: &str) {
        self.act(&visible(selector, ""), "value", &json!({ "text": keys })).await;
    }

    /// Presses keys one after the other, wherever the focus is.
    pub async fn press(&self, keys: &[&str]) {
        let keys = keys.iter().flat_map(|key| {
            [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })]
        });
        let keys: Vec<_> = keys.collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": keys });
        self.command("actions", &json!({ "actions": [keyboard] })).await;
    }

    /// Makes the window so wide and so high, and says which colours the person likes.
    pub async fn looks(&self, width: u32, height: u32, scheme: &str) {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", &size).await;
        let scheme = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": [scheme] })).await;
    }

    /// Puts a picture of the window into `target/screenshots`.
    pub async fn screenshot(&self, name: &str) {
        let picture = self.get("screenshot").await;
        let bytes = STANDARD.decode(picture.as_str().unwrap()).unwrap();
        let target = gateway_path().ancestors().nth(3).unwrap().to_owned();
        let folder: PathBuf = target.join("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }

    /// What the browser has complained of, but for answers that are refusals.
    pub async fn complaints(&self) -> Vec<String> {
        let entries = self.command("se/log", &json!({ "type": "browser" })).await;
        let messages = entries.as_array().unwrap().iter().filter(|entry| {
            let is_answer = entry["source"] == "network";
            ["SEVERE", "WARNING"].contains(&entry["level"].as_str().unwrap()) && !is_answer
        });
        messages.map(|entry| entry["message"].as_str().unwrap().to_owned()).collect()
    }

    /// Does something with the element that a script finds. The page may draw that anew, or move it, just
    /// then: a person would look for it again.
    async fn act(&self, find: &str, action: &str, arguments: &Value) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let element = self.until(find).await;
            let element = element[ELEMENT].as_str().unwrap();
            let path = format!("{}/element/{element}/{action}", self.session);
            match self.ask(Method::POST, &path, arguments).await {
                Ok(_) => return,
                Err(error) if Instant::now() > deadline => panic!("{error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    async fn answer(&self, script: &str) -> Result<Value, String> {
        self.ask(Method::POST, &self.execute(), &call_of(script)).await
    }

    fn execute(&self) -> String {
        format!("{}/execute/sync", self.session)
    }

    async fn devtools(&self, name: &str, parameters: &Value) {
        self.command("goog/cdp/execute", &json!({ "cmd": name, "params": parameters })).await;
    }

    async fn command(&self, name: &str, arguments: &Value) -> Value {
        let path = format!("{}/{name}", self.session);
        self.insist(Method::POST, &path, arguments).await
    }

    async fn get(&self, name: &str) -> Value {
        let path = format!("{}/{name}", self.session);
        self.insist(Method::GET, &path, &Value::Null).await
    }

    /// Asks for what may be asked for again. Beside many tests Chromium does not always start within the time
    /// that its driver gives it, and not each answer of the driver's comes whole.
    async fn insist(&self, method: Method, path: &str, body: &Value) -> Value {
        for _ in 0..2 {
            if let Ok(value) = self.ask(method.clone(), path, body).await {
                return value;
            }
        }
        self.ask(method, path, body).await.unwrap_or_else(|error| panic!("{error}"))
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> Result<Value, String> {
        let has_body = !body.is_null();
        let call = Call::new(self.addr, method, path).header("content-type", "application/json");
        let call = if has_body { call.body(body.to_string()) } else { call };
        let reply = call.try_send().await.map_err(|error| format!("{path}: {error}"))?;
        let value = reply.json()["value"].clone();
        if reply.status == 200 { Ok(value) } else { Err(format!("{path}: {}", value["message"])) }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let quit = || {
            let mut stream = TcpStream::connect(self.addr)?;
            let head = format!("DELETE {} HTTP/1.0\r\nHost: {}\r\n\r\n", self.session, self.addr);
            stream.write_all(head.as_bytes())?;
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            stream.read_to_end(&mut Vec::new())
        };
        if !self.session.is_empty() {
            let _ = quit();
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn call_of(script: &str) -> Value {
    json!({ "script": script, "args": [] })
}

/// A script that finds an element that is to be seen and used.
fn visible(selector: &str, and: &str) -> String {
    let selector = Value::from(selector).to_string();
    format!(
        "return [...document.querySelectorAll({selector})]
            .find(one => one.checkVisibility() && !one.disabled{and})"
    )
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|said| said.status.success())
}
