//! The page as a person uses it, in Chromium. Pictures of it are in `target/screenshots` afterwards.

use http::Method;
use serde_json::json;

use crate::page::{page_of, with_page};
use crate::support::{Browser, Gateway, Start, echo_upstream, with_plugins};

/// The text of a function.
const CODE: &str = "textarea.text";

const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";
const TAB: &str = "\u{e004}";
const END: &str = "\u{e010}";
const DOWN: &str = "\u{e015}";
const RIGHT: &str = "\u{e014}";
const CONTROL: &str = "\u{e009}";
/// Lets go of keys that are held.
const NULL: &str = "\u{e000}";

/// A gateway with the service `shop`, and its page; nothing where there is no browser.
async fn opened() -> Option<(Gateway, Browser)> {
    let gateway = with_page().arg("--debug").serving();
    let browser = Browser::open(&format!("http://{}/", page_of(&gateway))).await?;
    browser.until("return document.querySelector('[role=treeitem]')").await;
    Some((gateway, browser))
}

/// The same with a function on it, which is shown.
async fn opened_at(function: &str) -> Option<(Gateway, Browser)> {
    let (gateway, browser) = opened().await?;
    let upstream = echo_upstream().await;
    let service = json!({ "name": "shop", "url": format!("http://{upstream}") });
    gateway.post("/services", &service).await;
    gateway.post("/services/shop/routes", &json!({ "name": "all", "paths": ["/"] })).await;
    let plugin = json!({ "name": "pre-function", "config": { "access": [function] } });
    let made = gateway.post("/services/shop/plugins", &plugin).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let id = made.json()["id"].as_str().unwrap().to_owned();
    browser.script(&format!("location.hash = '#/plugins/{id}/access/1'; location.reload()")).await;
    browser.until("return document.querySelector('textarea.text')?.value").await;
    Some((gateway, browser))
}

/// Puts a text in place of a function, as one pastes it.
async fn write(browser: &Browser, function: &str) {
    let text = json!(function);
    browser.click(CODE).await;
    let paste = format!(
        "document.querySelector('{CODE}').select(); document.execCommand('insertText', false, {text})"
    );
    browser.script(&paste).await;
}

async fn code(browser: &Browser) -> String {
    let text = browser.script(&format!("return document.querySelector('{CODE}').value")).await;
    text.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_function_is_made_broken_mended_tried_and_in_force() {
    let Some((gateway, browser)) = opened().await else { return };
    let upstream = echo_upstream().await;

    browser.click("#add-service").await;
    browser.types("dialog input[name=name]", "shop").await;
    browser.types("dialog input[name=url]", &format!("http://{upstream}")).await;
    browser.click("dialog .primary").await;
    browser.shows("h1", "shop").await;
    browser.click("#add-route").await;
    browser.types("dialog input[name=paths]", "/shop").await;
    browser.click("dialog .primary").await;
    browser.shows("h1", "/shop").await;
    browser.click("#add-function").await;
    browser.click("dialog .primary").await;
    browser.shows("h1", "pre-function").await;
    browser.shows("[role=treeitem] [role=treeitem] [role=treeitem]", "access").await;
    browser.shows(".summary", "No findings").await;

    write(&browser, "kong.response.set_heder('X-Shop', 'open')").await;
    browser.shows(".findings", "kong.response.set_header").await;
    browser.shows(".summary", "1 error").await;
    browser.until("return document.querySelector('.gutter .error')").await;
    browser.until("return document.querySelector('.paint .mark.error')").await;
    browser.shows(".described", "there is no `kong.response.set_heder`").await;

    write(&browser, "kong.response.set_header('X-Shop', 'open'").await;
    browser.shows(".findings", "')' expected").await;
    browser.shows(".described", "')' expected").await;
    browser.click("#save").await;
    browser.shows("#wrong", "line 1: ')' expected").await;
    browser.screenshot("refused").await;
    assert_eq!(gateway.get("/shop").send().await.header("x-shop"), "");

    browser.click(CODE).await;
    browser.types(CODE, &format!("{END})")).await;
    browser.shows(".summary", "No findings").await;

    browser.types(CODE, &format!("{CONTROL}{ENTER}{NULL}")).await;
    browser.shows(".side .summary", "200").await;
    browser.shows(".side .calls", "kong.response.set_header(\"X-Shop\", \"open\")").await;
    browser.shows(".side .added", "response header x-shop: open").await;
    browser.shows(".side .added", "x-forwarded-path: /shop").await;
    browser.screenshot("tried").await;
    assert_eq!(gateway.get("/shop").send().await.header("x-shop"), "");

    browser.types(CODE, &format!("{CONTROL}s{NULL}")).await;
    browser.shows(".state", "saved").await;
    browser.shows("#said", "in force").await;
    let reply = gateway.get("/shop").send().await;
    assert_eq!((reply.status.as_u16(), reply.header("x-shop")), (200, "open"));
    assert_eq!(browser.complaints().await, [""; 0]);
}

#[tokio::test]
async fn names_are_offered_as_one_types() {
    let Some((_gateway, browser)) = opened_at("-- nothing").await else { return };
    write(&browser, "local client = require('resty.ht").await;
    browser.shows(".popup [aria-selected=true]", "resty.http").await;
    browser.types(CODE, &format!("{ENTER}').new(){ENTER}local res = client:request_u")).await;
    browser.shows(".popup [aria-selected=true]", "request_uri").await;
    browser.shows(".popup .about", "resty.http.response").await;
    let active = format!("return document.querySelector('{CODE}').ariaActiveDescendantElement?.id");
    browser.until(&active).await;
    browser.screenshot("names").await;
    browser
        .types(CODE, &format!("{TAB}'http://a'{RIGHT}{ENTER}if res then{ENTER}kong.log(res.stat"))
        .await;
    browser.shows(".popup [aria-selected=true]", "status").await;
    browser.types(CODE, &format!("{ENTER}){ENTER}end{ENTER}kong.req")).await;
    browser.shows(".popup [aria-selected=true]", "request").await;
    browser.types(CODE, ESCAPE).await;
    browser.until("return document.querySelector('.popup').hidden").await;
    let expected = "local client = require('resty.http').new()\n\
                    local res = client:request_uri('http://a')\n\
                    if res then\n  kong.log(res.status)\nend\nkong.req";
    assert_eq!(code(&browser).await, expected);
}

#[tokio::test]
async fn the_keyboard_is_enough() {
    let Some((_gateway, browser)) = opened_at("local a = 1\nlocal b = kong.nothing()").await else {
        return;
    };
    browser.shows(".summary", "1 error").await;
    // Tab indents, unless Escape says that it is to leave.
    browser.click(CODE).await;
    browser.script(&format!("document.querySelector('{CODE}').setSelectionRange(0, 0)")).await;
    browser.types(CODE, TAB).await;
    assert!(code(&browser).await.starts_with("  local a"));
    browser.press(&[ESCAPE, TAB]).await;
    browser.until("return document.activeElement.id === 'save'").await;
    // F8 goes to what is wrong.
    browser.types(CODE, "\u{e038}").await;
    let line = format!(
        "const text = document.querySelector('{CODE}');
         return text.value.slice(0, text.selectionStart).split('\\n').length === 2"
    );
    browser.until(&line).await;
    // The tree is one stop, with arrows inside.
    browser.script("document.querySelector('[role=treeitem][tabindex=\"0\"]').focus()").await;
    browser.press(&["\u{e011}", DOWN]).await;
    browser.until("return document.activeElement.dataset.path?.startsWith('services/')").await;
    browser.press(&[ENTER]).await;
    browser.shows("h1", "shop").await;
    let levels = "return [...document.querySelectorAll('[role=treeitem]')]
        .every(item => item.ariaLevel && item.querySelector('.name').innerText)";
    assert_eq!(browser.script(levels).await, true);
    let nameless = "return [...document.querySelectorAll('button, input, select, textarea')]
        .filter(one => !one.labels?.length && !one.ariaLabel && !one.innerText.trim())
        .map(one => one.outerHTML)";
    assert_eq!(browser.script(nameless).await, json!([]));
}

#[tokio::test]
async fn what_has_failed_is_shown_where_it_did() {
    let fails = "local user = nil\nkong.response.set_header('X-User', user.name)";
    let Some((gateway, browser)) = opened_at(fails).await else { return };
    browser.click_on("[role=tab]", "Failures").await;
    browser.shows(".side", "Nothing has failed").await;
    let failed = gateway.get("/").send().await;
    assert_eq!(failed.status, 500);
    browser.shows(".side .failure .message", "attempt to index local 'user'").await;
    browser.shows(".side .failure .id", failed.header("x-kong-request-id")).await;
    browser.click(".side .failure summary").await;
    browser.shows(".side .failure pre", "stack traceback").await;
    browser.shows("#tree-pane .badge", "fails").await;
    browser.screenshot("failure").await;
    browser.click_on(".side .failure button", "access 1, line 2").await;
    let line = format!(
        "const text = document.querySelector('{CODE}');
         return text.value.slice(0, text.selectionStart).split('\\n').length === 2"
    );
    browser.until(&line).await;
}

#[tokio::test]
async fn calls_and_what_they_take_are_drawn() {
    let fails = "if kong.request.get_query_arg('bad') then error('on purpose') end";
    let Some((gateway, browser)) = opened_at(fails).await else { return };
    browser.click_on("[role=tab]", "Figures").await;
    browser.shows(".side .figures", "Nothing has been called yet").await;
    for (path, status) in [("/", 200), ("/?bad=1", 500), ("/", 200)] {
        assert_eq!(gateway.get(path).send().await.status, status);
    }
    browser.shows(".side .chart", "Calls\n3").await;
    browser.shows(".side .chart.bad", "Errors\n1").await;
    browser.shows(".side .chart.bad", "runtime 1").await;
    browser.until("return document.querySelectorAll('.side .chart polyline').length === 5").await;
    let told =
        "return [...document.querySelectorAll('.side .chart svg')].map(one => one.ariaLabel)";
    let told = browser.script(told).await.to_string();
    for label in ["Calls: now ", "Errors: now ", "p50: now ", "p99: now ", "CPU: now "] {
        assert!(told.contains(label), "{told}");
    }
    browser.screenshot("figures").await;
    // The overview has those of all functions.
    browser.script("location.hash = '#/'").await;
    browser.shows("main .figure h3 a", "pre-function · access 1").await;
    browser.shows("main .failure .message", "on purpose").await;
    browser.screenshot("overview").await;
}

#[tokio::test]
async fn what_a_function_was_comes_back() {
    let first = "kong.response.set_header('X-Shop', 'first')";
    let Some((gateway, browser)) = opened_at(first).await else { return };
    browser.click_on("[role=tab]", "History").await;
    browser.types(".side [autocomplete=name]", &format!("Ada{TAB}")).await;
    write(&browser, "kong.response.set_header('X-Shop', 'second')").await;
    browser.click("#save").await;
    browser.shows(".versions", "Version 2").await;
    browser.shows(".versions", "Ada").await;
    browser.click(".versions [data-version='2'] summary").await;
    browser.shows(".versions .added", "second").await;
    browser.shows(".versions .removed", "first").await;
    browser.screenshot("history").await;
    assert_eq!(gateway.get("/").send().await.header("x-shop"), "second");
    write(&browser, "kong.log('third')").await;
    browser.click(".versions [data-version='1'] .rollback").await;
    browser.shows("dialog", "in force again? What is not saved is lost.").await;
    browser.click("dialog .primary").await;
    browser.shows("#said", "Version 1 is in force again").await;
    assert_eq!(code(&browser).await, first);
    assert_eq!(gateway.get("/").send().await.header("x-shop"), "first");
    // What was unfolded stays so in the list that is drawn anew.
    browser
        .until("return document.querySelector(\".versions [data-version='2'] .rollback\")")
        .await;
    browser.shows(".versions [data-version='2'] .added", "second").await;
}

#[tokio::test]
async fn some_requests_get_what_is_written_before_all_do() {
    let Some((gateway, browser)) = opened_at("kong.response.set_header('X-Shop', 'old')").await
    else {
        return;
    };
    write(&browser, "kong.response.set_header('X-Shop', 'new')").await;
    browser.click_on("[role=tab]", "History").await;
    browser.click_on(".canary summary", "on some requests").await;
    browser.script("document.querySelector('.canary [name=percent]').value = 100").await;
    browser.click(".canary form button").await;
    browser.shows(".canary", "100 % of requests").await;
    assert_eq!(gateway.get("/").send().await.header("x-shop"), "new");
    browser.click_on(".canary button", "Promote").await;
    browser
        .until("return document.querySelector('dialog h2').innerText.endsWith('the canary?')")
        .await;
    browser.click("dialog .primary").await;
    browser.shows(".versions", "Version 2").await;
    browser.shows(".state", "saved").await;
    let plugin = gateway.admin("/plugins").send().await.json()["data"][0].clone();
    assert_eq!(plugin["config"]["access"][0], "kong.response.set_header('X-Shop', 'new')");
}

#[tokio::test]
async fn what_others_have_saved_meanwhile_is_asked_about() {
    let Some((gateway, browser)) = opened_at("kong.log('a')").await else { return };
    let plugin = gateway.admin("/plugins").send().await.json()["data"][0].clone();
    let path = format!("/plugins/{}", plugin["id"].as_str().unwrap());
    let theirs = json!({ "config": { "access": ["kong.log('theirs')"] } });
    assert_eq!(gateway.send(Method::PATCH, &path, &theirs).await.status, 200);
    write(&browser, "kong.log('mine')").await;
    browser.click("#save").await;
    browser.shows("dialog", "Somebody else has changed").await;
    browser.click_on("dialog button", "Cancel").await;
    browser.shows(".state", "not saved").await;
    let access = async || gateway.admin(&path).send().await.json()["config"]["access"][0].clone();
    assert_eq!(access().await, "kong.log('theirs')");
    browser.click("#save").await;
    browser.click("dialog .danger").await;
    browser.shows("#said", "in force").await;
    assert_eq!(access().await, "kong.log('mine')");
}

#[tokio::test]
async fn what_others_have_switched_off_is_shown_when_one_comes_back() {
    let Some((gateway, browser)) = opened_at("kong.log('a')").await else { return };
    let plugin = gateway.admin("/plugins").send().await.json()["data"][0].clone();
    let path = format!("/plugins/{}", plugin["id"].as_str().unwrap());
    browser.until("return document.querySelector('#enabled').checked").await;
    gateway.send(Method::PATCH, &path, &json!({ "enabled": false })).await;
    browser.script("window.dispatchEvent(new Event('focus'))").await;
    browser.until("return !document.querySelector('#enabled').checked").await;
}

#[tokio::test]
async fn an_address_that_cannot_be_read_names_nothing() {
    let Some((_gateway, browser)) = opened_at("kong.log('a')").await else { return };
    browser.script("location.hash = '#/%'").await;
    browser.until("return !document.querySelector('textarea.text')").await;
    assert_eq!(browser.complaints().await, [""; 0]);
}

#[tokio::test]
async fn the_key_of_the_admin_api_is_asked_for_once() {
    let gateway = with_page().env("KONG_ADMIN_KEY", "secret").serving();
    let url = format!("http://{}/", page_of(&gateway));
    let Some(browser) = Browser::open(&url).await else { return };
    for (key, answer) in [("wrong", "dialog"), ("secret", "[role=treeitem]")] {
        browser.types("dialog input", key).await;
        browser.click("dialog .primary").await;
        browser.until(&format!("return document.querySelector('{answer}')")).await;
    }
    browser.script("location.reload()").await;
    browser.until("return document.querySelector('[role=treeitem]')").await;
    assert_eq!(browser.script("return document.querySelectorAll('dialog').length").await, 0);
}

#[tokio::test]
async fn what_comes_of_a_file_is_looked_at_and_not_changed() {
    let functions = json!({ "access": ["kong.request.get_heder('a')", "@second.lua"] });
    let file = with_plugins(echo_upstream().await, &[("pre-function", functions)]);
    let start = Start::of_file(&file).env("KONG_ADMIN_GUI_LISTEN", "127.0.0.1:0");
    start.file("second.lua", "kong.log('second')");
    let gateway = start.serving();
    let url = format!("http://{}/", page_of(&gateway));
    let Some(browser) = Browser::open(&url).await else { return };
    browser.shows("#notice", "reads its configuration from a file").await;
    let plugin = gateway.admin("/plugins").send().await.json()["data"][0].clone();
    let id = plugin["id"].as_str().unwrap();
    browser.script(&format!("location.hash = '#/plugins/{id}'")).await;
    browser.shows(".findings", "kong.request.get_header").await;
    write(&browser, "return 1").await;
    browser.shows(".summary", "No findings").await;
    assert_eq!(browser.script("return document.querySelector('#save').disabled").await, true);
    browser.shows(".state", "read from a file: nothing can be saved here").await;
    browser.script(&format!("location.hash = '#/plugins/{id}/access/2'")).await;
    browser.shows(".state", "read from second.lua: nothing can be saved here").await;
}

#[tokio::test]
async fn no_text_of_others_becomes_markup() {
    const EVIL: &str = "<img src=x onerror=document.title='evil'>";
    let function = format!("-- {EVIL}\nkong.nothing(\"{EVIL}\")");
    let Some((gateway, browser)) = opened_at(&function).await else { return };
    gateway.post("/services/shop/routes", &json!({ "paths": [format!("/{EVIL}")] })).await;
    browser.script("location.reload()").await;
    browser.shows(".name", EVIL).await;
    browser.shows(".paint", EVIL).await;
    assert_eq!(browser.script("return document.querySelectorAll('[src=x]').length").await, 0);
    // What would make markup of a text is not to be had, and nothing from elsewhere is loaded.
    let refused = browser
        .script("try { document.body.innerHTML = '<b>a</b>'; return false } catch { return true }")
        .await;
    assert_eq!(refused, true);
    let asked =
        format!("return fetch('http://{}/').then(() => 'told', () => 'refused')", gateway.admin);
    assert_eq!(browser.script(&asked).await, "refused");
    let inline = "const script = document.createElement('script');
        try { script.textContent = 'document.title = \"evil\"'; } catch { return true }
        document.body.append(script); return document.title !== 'evil'";
    assert_eq!(browser.script(inline).await, true);
    assert_ne!(browser.script("return document.title").await, "evil");
}

#[tokio::test]
async fn it_is_to_be_read_on_narrow_and_wide_screens_in_the_dark_and_in_the_light() {
    let function = include_str!("../../examples/gateway/custom-auth.lua");
    let Some((_gateway, browser)) = opened_at(function).await else { return };
    for (width, height) in [(360, 780), (768, 1024), (1440, 900), (2200, 1200)] {
        for scheme in ["light", "dark"] {
            browser.looks(width, height, scheme).await;
            browser.screenshot(&format!("function-{width}-{scheme}")).await;
            let wide = "return document.documentElement.scrollWidth <= innerWidth
                && document.querySelector('main').scrollWidth <= document.querySelector('main').clientWidth";
            assert_eq!(browser.script(wide).await, true, "{width}");
            assert_eq!(browser.script(CONTRAST).await, json!([]), "{width} {scheme}");
        }
    }
    browser.looks(360, 780, "dark").await;
    browser.click("#menu").await;
    browser.shows("#tree-pane .name", "shop").await;
    browser.screenshot("menu-360-dark").await;
    browser.click_on("#tree-pane .name", "shop").await;
    browser.shows("h1", "shop").await;
    browser.until("return !document.querySelector('#tree-pane').checkVisibility()").await;
    browser.screenshot("service-360-dark").await;
}

/// Texts that stand out less from what is behind them than WCAG's level AA wants.
const CONTRAST: &str = r"
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const channels = (color) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = (color) => {
        const [r, g, b] = channels(color).map((value) => {
            const part = value / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
        for (let one = element; one; one = one.parentElement) {
            const color = getComputedStyle(one).backgroundColor;
            if (channels(color)[3] > 250) return color;
        }
        return 'white';
    };
    const faint = [];
    for (const element of document.body.querySelectorAll('*')) {
        const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (!hasText || !element.checkVisibility() || element.closest(':disabled, .hidden, svg, noscript')) continue;
        const [front, back] = [light(getComputedStyle(element).color), light(behind(element))];
        const contrast = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
        if (contrast < 4.5) faint.push(`${contrast.toFixed(2)} ${element.outerHTML.slice(0, 80)}`);
    }
    return faint;
";
