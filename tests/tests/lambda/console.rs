//! The console's binary: signing in by mail, and connecting an organisation.

use parstock_app::load;
use parstock_app::records::{Key, Owner, Pointer};
use parstock_domain::audit::Statement;
use parstock_domain::ids::OrgId;
use serde_json::{Value, json};

use super::command::file;
use super::{CREDENTIALS, OWNER, Stack, answered, movements, request};
use crate::runtime::Function;
use crate::shop::Shop;

/// A console and what a browser keeps of it.
struct Browser {
    console: Function,
    cookie: Option<String>,
}

fn header(answer: &Value, name: &str) -> String {
    let of = |headers: &str| answer[headers][name].as_str().map(str::to_owned);
    of("headers").or_else(|| of("multiValueHeaders")).unwrap_or_default()
}

/// The value of a page's hidden field.
fn field(html: &str, name: &str) -> String {
    let (_, rest) = html.split_once(&format!(r#"name="{name}" value=""#)).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

impl Browser {
    async fn open(stack: &Stack) -> Self {
        Self { console: stack.start("parstock-console").await, cookie: None }
    }

    async fn send(&mut self, method: &str, at: &str, form: Option<String>) -> Value {
        let (path, query) = at.split_once('?').unwrap_or((at, ""));
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        headers.extend(self.cookie.as_deref().map(|cookie| ("cookie", cookie)));
        let body = json!({"rawQueryString": query, "body": form.unwrap_or_default()});
        self.console.invoke(request(method, path, &headers, Some(body))).await
    }

    async fn get(&mut self, at: &str) -> (u64, String) {
        answered(&self.send("GET", at, None).await)
    }

    async fn post(&mut self, at: &str, form: &[(&str, &str)]) -> Value {
        let form: Vec<String> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.send("POST", at, Some(form.join("&"))).await
    }

    /// Asks for a link. Answers the page that follows.
    async fn ask(&mut self, address: &str, next: &str) -> (u64, String) {
        let (status, html) = self.get(&format!("/sign-in?next={next}")).await;
        assert_eq!(status, 200);
        let (csrf, next) = (field(&html, "csrf"), field(&html, "next"));
        let form = [("address", address), ("csrf", csrf.as_str()), ("next", next.as_str())];
        answered(&self.post("/sign-in", &form).await)
    }

    /// Signs in as the owner, by the last mail.
    async fn sign_in(&mut self, stack: &Stack) {
        self.ask("owner@example.com", "/connections").await;
        let link = link(stack);
        let (_, html) = self.get(&link).await;
        let form = [("token", field(&html, "token")), ("csrf", field(&html, "csrf"))];
        let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
        let answer = self.post("/sign-in/link", &form).await;
        assert_eq!((answered(&answer).0, header(&answer, "location")), (303, "/connections".to_owned()));
        self.take_cookie(&answer);
    }

    fn take_cookie(&mut self, answer: &Value) {
        let cookie = answer["cookies"][0].as_str().map(str::to_owned);
        let cookie = cookie.unwrap_or_else(|| header(answer, "set-cookie"));
        assert!(cookie.contains("; Secure") && cookie.contains("; HttpOnly"), "{cookie}");
        assert!(cookie.starts_with("__Host-parstock_session="), "{cookie}");
        self.cookie = Some(cookie.split(';').next().unwrap().to_owned());
    }

    /// Presses *Connect* of `main` and lets the person decide on Xero's page. Answers where Xero leads then.
    async fn goes_to_xero_and_back(&mut self, stack: &Stack, decision: &str) -> String {
        self.connect(stack, "main", decision).await
    }

    async fn connect(&mut self, stack: &Stack, connection: &str, decision: &str) -> String {
        let (status, html) = self.get("/connections").await;
        assert_eq!(status, 200, "{html}");
        let csrf = field(&html, "csrf");
        let answer = self.post(&format!("/connections/{connection}/connect"), &[("csrf", &csrf)]).await;
        assert_eq!(answered(&answer).0, 303, "{answer}");
        let page = header(&answer, "location");
        let back = stack.shop.consent(&page, decision).await;
        back.strip_prefix("https://stock.example.com").unwrap().to_owned()
    }

    /// Presses the button of the callback page.
    async fn keep(&mut self, html: &str) -> (u64, String) {
        let form = ["csrf", "state", "code"].map(|name| (name, field(html, name)));
        let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
        answered(&self.post("/connections/callback", &form).await)
    }
}

/// The path of the link in the last mail.
fn link(stack: &Stack) -> String {
    // as it travels: quoted-printable, with soft line breaks
    let mail = stack.aws.mails().pop().unwrap().replace("=\r\n", "").replace("=3D", "=");
    let (_, rest) = mail.split_once("https://stock.example.com/sign-in/link?token=").unwrap();
    let token: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
    assert_eq!(token.len(), 64, "{mail}");
    format!("/sign-in/link?token={token}")
}

#[tokio::test]
async fn the_console_shows_nothing_before_a_sign_in_and_guards_its_pages() {
    let stack = Stack::open().await;
    let mut processor = stack.start("parstock-processor").await;
    let org = stack.connect(&mut processor).await;
    let mut browser = Browser::open(&stack).await;

    let page = browser.send("GET", &format!("/o/{org}/positions"), None).await;
    let next = format!("%2Fo%2F{org}%2Fpositions");
    assert_eq!((answered(&page).0, header(&page, "location")), (303, format!("/sign-in?next={next}")));
    assert!(!page.to_string().contains("TEA"));
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/connections"),
        ("GET", "/connections/callback?code=1&state=2"),
        ("GET", "/connections/main/disconnect"),
        ("POST", "/connections/main/connect"),
        ("POST", "/connections/main/disconnect"),
    ] {
        let answer = browser.send(method, path, Some("csrf=x".to_owned())).await;
        let to = header(&answer, "location");
        assert_eq!(
            (answered(&answer).0, to.split('?').next().unwrap()),
            (303, "/sign-in"),
            "{method} {path}"
        );
    }

    let form = browser.send("GET", "/sign-in", None).await;
    assert_eq!(answered(&form).0, 200);
    for (name, value) in [
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(header(&form, name), value, "{name}");
    }
    assert!(header(&form, "content-security-policy").contains("default-src 'none'"));

    // the same answer whether an address may sign in or not, and one mail
    let (status, strangers) = browser.ask("eve@example.com", &next).await;
    assert_eq!((status, stack.aws.mails().len()), (200, 0));
    assert_eq!(browser.ask("Owner@example.com", &next).await, (200, strangers));
    assert_eq!(stack.aws.mails().len(), 1);

    // opening the link, as a scanner of mails does, uses nothing up and signs in nobody
    let link = link(&stack);
    let (_, html) = browser.get(&link).await;
    let opened = browser.send("GET", &link, None).await;
    assert_eq!(answered(&opened), (200, html.clone()));
    assert!(
        html.contains("owner@example.com") && !opened.to_string().contains("parstock_session="),
        "{html}"
    );
    let (token, csrf) = (field(&html, "token"), field(&html, "csrf"));
    let confirm = [("token", token.as_str()), ("csrf", csrf.as_str())];
    let forged = browser.post("/sign-in/link", &[("token", &token), ("csrf", "x")]).await;
    assert_eq!(answered(&forged).0, 403);
    let signed_in = browser.post("/sign-in/link", &confirm).await;
    let to = format!("/o/{org}/positions");
    assert_eq!((answered(&signed_in).0, header(&signed_in, "location")), (303, to.clone()), "{signed_in}");
    let again = browser.post("/sign-in/link", &confirm).await;
    assert!(answered(&again).0 == 410 && again.to_string().contains("has been used"), "{again}");
    assert!(!again.to_string().contains("parstock_session="));
    assert_eq!(browser.get(&link).await.0, 410);

    browser.take_cookie(&signed_in);
    let (status, html) = browser.get(&to).await;
    assert!(status == 200 && html.contains("TEA"), "{html}");
    // a day that has been, and one that is none
    let (status, html) = browser.get(&format!("{to}?at=2026-06-01")).await;
    assert!(status == 200 && html.contains("Positions at the end of") && html.contains("TEA"), "{html}");
    let (status, html) = browser.get(&format!("{to}?at=yesterday")).await;
    assert!(status == 400 && html.contains("`yesterday` is not a day such as 2026-06-01"), "{html}");
    let csrf = field(&browser.get(&to).await.1, "csrf");
    let out = browser.post("/sign-out", &[("csrf", &csrf)]).await;
    assert!(answered(&out).0 == 303 && out.to_string().contains("Max-Age=0"), "{out}");
    let said = browser.console.said();
    assert!(!said.contains("example.com") && !said.contains(&token), "{said}");
}

#[tokio::test]
async fn a_person_connects_from_the_console_looks_and_disconnects() {
    let stack = Stack::unconnected(Shop::open().await).await;
    // nothing is connected yet, which is no failure
    stack.start("parstock-poller").await.invoke(json!({"source": "aws.scheduler"})).await;
    let mut browser = Browser::open(&stack).await;
    browser.sign_in(&stack).await;
    let start = browser.send("GET", "/", None).await;
    assert_eq!(header(&start, "location"), "/connections");
    let list = browser.send("GET", "/connections", None).await;
    assert!(answered(&list).1.contains("Not connected."), "{list}");
    let policy = header(&list, "content-security-policy");
    assert!(policy.contains(&format!("form-action 'self' {};", stack.shop.address)), "{policy}");

    // cancelled in Xero, another's state, no token of the form
    let back = browser.goes_to_xero_and_back(&stack, "cancel").await;
    let (status, html) = browser.get(&back).await;
    assert!(status == 400 && html.contains("not allowed at Xero"), "{html}");
    let back = browser.goes_to_xero_and_back(&stack, "allow").await;
    let (status, html) = browser.get(&back.replace(".main.", ".other.")).await;
    assert!(status == 400 && html.contains("another attempt"), "{html}");
    let refused = browser.post("/connections/main/connect", &[("csrf", "x")]).await;
    assert_eq!(answered(&refused).0, 403);
    assert_eq!(browser.get("/connections/other/disconnect").await.0, 404);

    // the callback page shows and keeps nothing, its button does
    let (status, html) = browser.get(&back).await;
    assert!(status == 200 && html.contains("Connect main"), "{html}");
    assert!(!stack.aws.has_secret(CREDENTIALS));
    let (status, list) = browser.keep(&html).await;
    assert!(status == 200 && list.contains("Corner Shop is connected."), "{list}");
    assert!(list.contains("Connected by consent.") && !list.contains("lacks"), "{list}");
    let (status, again) = browser.keep(&html).await;
    assert!(status == 400 && again.contains("did not take the code"), "{again}");

    // whose tenant it is, is known at once, and the history is read
    let org = stack.org().await;
    let tenant = Key::Tenant(stack.shop.tenant());
    let pointer = load::one::<Pointer<OrgId>>(&stack.aws.store(), Owner::Stack, tenant).await.unwrap();
    assert_eq!(pointer.unwrap().content.to, org);
    let mut processor = stack.start("parstock-processor").await;
    stack.work(&mut processor).await;
    let (status, html) = browser.get(&format!("/o/{org}/positions")).await;
    assert!(status == 200 && html.contains("TEA") && html.contains("/connections"), "{html}");
    assert_eq!(movements(&stack.aws.store(), org, "BAG").await.len(), 0);

    // somebody ends it in Xero: a person is told once, not at every poll
    stack.shop.disconnect_app();
    for _ in 0..3 {
        stack.start("parstock-poller").await.invoke(json!({"source": "aws.scheduler"})).await;
        stack.work(&mut processor).await;
    }
    let said = processor.said();
    assert_eq!(said.matches("a person has to act").count(), 1, "{said}");
    // and consents again
    let back = browser.goes_to_xero_and_back(&stack, "allow").await;
    let (_, html) = browser.get(&back).await;
    assert_eq!(browser.keep(&html).await.0, 200);

    let (status, html) = browser.get("/connections/main/disconnect").await;
    assert!(status == 200 && html.contains("Disconnect main?") && stack.aws.has_secret(CREDENTIALS));
    let csrf = field(&html, "csrf");
    let (status, list) = answered(&browser.post("/connections/main/disconnect", &[("csrf", &csrf)]).await);
    assert!(status == 200 && list.contains("the consent is revoked"), "{list}");
    assert!(list.contains("Not connected.") && !stack.aws.has_secret(CREDENTIALS), "{list}");
    assert!(!stack.aws.has_secret("parstock/shop/connections/main/token"));
    let said = stack.audited(org).await;
    let of_connections = |one: &&Statement| ["keep consent", "end connection"].contains(&one.what.as_str());
    let said: Vec<_> =
        said.iter().filter(of_connections).map(|one| (one.what.as_str(), one.who.as_str())).collect();
    assert_eq!(
        said,
        [("keep consent", OWNER), ("keep consent", OWNER), ("end connection", OWNER)],
        "who connected and who disconnected is in the audit trail"
    );
}

#[tokio::test]
async fn a_wrong_app_and_a_missing_one_are_said_before_anything_is_kept() {
    let stack = Stack::unconnected(Shop::open().await).await;
    let mut browser = Browser::open(&stack).await;
    browser.sign_in(&stack).await;
    let back = browser.goes_to_xero_and_back(&stack, "allow").await;
    let (_, html) = browser.get(&back).await;
    let id = stack.shop.settings().client_id;
    stack.aws.keep_secret("parstock/shop/xero-app", &json!({"client_id": id, "client_secret": "canary"}));
    let (status, told) = browser.keep(&html).await;
    assert!(status == 400 && told.contains("client secret is wrong") && !told.contains("canary"), "{told}");
    for (secret, says) in [(Some(json!("canary")), "Nothing can be made of"), (None, "There is nothing in")] {
        match secret {
            Some(secret) => stack.aws.keep_secret("parstock/shop/xero-app", &secret),
            None => stack.aws.forget_secret("parstock/shop/xero-app"),
        }
        let (status, html) = browser.get("/connections").await;
        assert!(status == 200 && html.contains(says) && html.contains("disabled"), "{html}");
        assert!(!html.contains("canary"), "{html}");
    }
    assert!(!stack.aws.has_secret(CREDENTIALS));
}

#[tokio::test]
async fn one_of_several_organisations_is_chosen_and_none_has_two_connections() {
    let stack = Stack::unconnected(Shop::beside(&["Other Shop"]).await).await;
    let console = stack.start_with("parstock-console", &[("PARSTOCK_CONNECTIONS", "main,second")]).await;
    let mut browser = Browser { console, cookie: None };
    browser.sign_in(&stack).await;

    // what is needed to see whose books they are is not allowed
    stack.shop.consents_without(&["accounting.settings"]);
    let back = browser.goes_to_xero_and_back(&stack, "").await;
    let (_, html) = browser.get(&back).await;
    let (_, html) = browser.keep(&html).await;
    let csrf = field(&html, "csrf");
    let form = |tenant: usize| [("csrf", csrf.clone()), ("tenant", stack.shop.tenants[tenant].to_string())];
    let chosen = form(1);
    let chosen = chosen.each_ref().map(|(name, value)| (*name, value.as_str()));
    let (status, told) = answered(&browser.post("/connections/main/choose", &chosen).await);
    assert!(status == 400 && told.contains("does not allow") && !stack.aws.has_secret(CREDENTIALS), "{told}");

    // one scope less is said, and does not stand in the way
    stack.shop.consents_without(&["accounting.contacts"]);
    let back = browser.goes_to_xero_and_back(&stack, "").await;
    let (_, html) = browser.get(&back).await;
    let (status, html) = browser.keep(&html).await;
    assert!(status == 200 && html.contains("Corner Shop") && html.contains("Other Shop"), "{html}");
    assert!(!stack.aws.has_secret(CREDENTIALS));
    let stranger = [("csrf", csrf.as_str()), ("tenant", "00000000-0000-0000-0000-000000000009")];
    assert_eq!(answered(&browser.post("/connections/main/choose", &stranger).await).0, 400);
    let (status, html) = answered(&browser.post("/connections/main/choose", &chosen).await);
    assert!(status == 200 && html.contains("Other Shop is connected."), "{html}");
    assert!(html.contains("The consent lacks") && html.contains("accounting.contacts"), "{html}");
    assert_eq!(answered(&browser.post("/connections/main/choose", &chosen).await).0, 409);

    // allowing all of it mends that, by the tenant that is known
    stack.shop.consents_without(&[]);
    let back = browser.goes_to_xero_and_back(&stack, "").await;
    let (_, html) = browser.get(&back).await;
    let (status, html) = browser.keep(&html).await;
    assert!(status == 200 && html.contains("Other Shop is connected.") && !html.contains("lacks"), "{html}");

    // the same organisation under a second name
    let back = browser.connect(&stack, "second", "").await;
    let (_, html) = browser.get(&back).await;
    let (status, html) = browser.keep(&html).await;
    assert!(status == 200 && html.contains("Corner Shop") && !html.contains("Other Shop"), "{html}");
    let (status, html) = answered(&browser.post("/connections/second/choose", &chosen).await);
    assert!(status == 409 && html.contains("Other Shop is connected as main already"), "{html}");
    let chosen = form(0);
    let chosen = chosen.each_ref().map(|(name, value)| (*name, value.as_str()));
    let (status, html) = answered(&browser.post("/connections/second/choose", &chosen).await);
    assert!(status == 200 && html.contains("Corner Shop is connected."), "{html}");
    // a lost secret, and another organisation's consent for it
    stack.aws.forget_secret("parstock/shop/connections/second/credentials");
    let back = browser.connect(&stack, "second", "").await;
    let (_, html) = browser.get(&back).await;
    browser.keep(&html).await;
    let chosen = form(1);
    let chosen = chosen.each_ref().map(|(name, value)| (*name, value.as_str()));
    let (status, html) = answered(&browser.post("/connections/second/choose", &chosen).await);
    assert!(status == 409 && html.contains("second has the books of Corner Shop"), "{html}");
}

#[tokio::test]
async fn stock_is_adjusted_by_a_form_and_what_stands_against_it_is_said() {
    let stack = Stack::described().await;
    let mut processor = stack.start("parstock-processor").await;
    let org = stack.connect(&mut processor).await;
    let folder = tempfile::tempdir().unwrap();
    let counts = "item,location,as_of,quantity,unit_cost\nBAG,,2026-01-01,40,1\n";
    let imported = stack.ask(&["stock", "import", &file(folder.path(), "counts.csv", counts)]).await;
    assert_eq!(imported.code, 0, "{imported:?}");
    stack.work(&mut processor).await;
    let mut browser = Browser::open(&stack).await;
    browser.sign_in(&stack).await;
    let page = format!("/o/{org}/adjustments");
    let (status, html) = browser.get(&page).await;
    assert!(status == 200 && html.contains("None yet."), "{html}");
    let csrf = field(&html, "csrf");
    let form = |csrf: &str, item: &str, quantity: &str| {
        [("csrf", csrf), ("item", item), ("on", "2026-01-02"), ("quantity", quantity), ("reason", "damaged")]
            .map(|(name, value)| (name, value.to_owned()))
    };
    let mut send = async |csrf: &str, item: &str, quantity: &str| {
        let form = form(csrf, item, quantity);
        let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
        answered(&browser.post(&page, &form).await)
    };
    assert_eq!(send("x", "BAG", "-3").await.0, 403);
    for (item, quantity, says) in
        [("BAG", "3", "went out"), ("BAG", "-41", "40 of"), ("TEA", "-1", "observe")]
    {
        let (status, html) = send(&csrf, item, quantity).await;
        assert!(status == 409 && html.contains(says), "{html}");
        assert!(
            html.contains(&format!(
                r#"name="item" required maxlength="30" autocomplete="off" value="{item}""#
            ))
        );
    }
    assert_eq!(send(&csrf, "BAG", "-3").await.0, 303);
    stack.work(&mut processor).await;
    let (_, html) = browser.get(&page).await;
    assert!(html.contains("ADJ-") && html.contains("BAG, damaged") && html.contains(">booked<"), "{html}");
    let positions = stack.ask(&["positions", "BAG", "--json"]).await.json();
    assert_eq!(positions[0]["on_hand"], "37", "{positions}");
    let number = html.split_once("ADJ-").unwrap().1.get(..14).unwrap();
    let again =
        browser.post(&format!("{page}/ADJ-{number}/reject"), &[("csrf", &csrf), ("reason", "x")]).await;
    let (status, html) = answered(&again);
    assert!(status == 409 && html.contains("does not wait for a decision"), "{html}");
}
