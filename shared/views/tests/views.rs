//! What leaves for people: held by snapshots, and tried with texts that would like to be more than text.
#![expect(clippy::unwrap_used, reason = "a test may end at once when what it needs is missing")]

mod sample;

use std::collections::BTreeSet;

use parstock_domain::governance::{Phase, ProposalState};
use parstock_views::digest::{DecideNow, DigestContent, HistoryLoad, Occasion};
use parstock_views::pages;
use sample::as_written;

#[test]
fn the_digest_of_a_full_morning() {
    let rendered = sample::digest(&as_written).render().unwrap();
    insta::assert_snapshot!("digest_subject", rendered.subject);
    insta::assert_snapshot!("digest_text", rendered.text);
    insta::assert_snapshot!("digest_html", rendered.html);
    insta::assert_snapshot!("digest_slack", pretty(&rendered.slack));
}

#[test]
fn the_digest_of_a_calm_morning() {
    let rendered = sample::calm(&as_written).render().unwrap();
    assert_eq!(rendered.subject, "All clear - Tue 24 Nov - Harbour Homewares");
    assert_eq!(rendered.pictures, vec![]);
    insta::assert_snapshot!("calm_text", rendered.text);
}

#[test]
fn the_digest_after_a_week_without_news() {
    let rendered = sample::all_clear(&as_written).render().unwrap();
    assert_eq!(rendered.subject, "All clear for 7 days - Tue 24 Nov - Harbour Homewares");
    let sentence = "Nothing has changed since the digest of Tue 17 Nov";
    for told in [&rendered.text, &rendered.html, &rendered.slack] {
        assert!(told.contains(sentence), "{told}");
    }
    let mut content = sample::all_clear(&as_written);
    content.watching.out_of_stock = 2;
    assert_eq!(content.headline(), "Nothing new for 7 days, 2 out of stock");
    content.occasion = Occasion::Nothing { since: content.day };
    assert!(content.render().unwrap().text.contains("Not sent: nothing has changed since the digest of"));
}

#[test]
fn a_digest_of_an_older_day_is_shown_without_what_it_did_not_keep() {
    let content = sample::digest(&as_written);
    let mut stored = serde_json::to_value(&content).unwrap();
    stored.as_object_mut().unwrap().remove("occasion");
    for line in stored.pointer_mut("/decide/shown/0/lines").unwrap().as_array_mut().unwrap() {
        for field in ["committed", "unit_price", "figures"] {
            line.as_object_mut().unwrap().remove(field);
        }
    }
    let shown: DigestContent = serde_json::from_value(stored).unwrap();
    assert_eq!(shown.occasion, Occasion::News);
    assert!(shown.render().unwrap().text.contains("     Order 60 = $900.00\n     0 on hand, -4 available,"));
}

#[test]
fn the_list_of_late_orders_names_them_and_counts_them() {
    let mut page = sample::positions(&as_written);
    (page.query.late, page.query.search, page.found) = (true, String::new(), 3);
    let page = page.render().unwrap();
    assert!(page.contains("3 items on 2 late orders"), "{page}");
    assert!(page.contains("0 + 12 late<br>PO-0117"), "{page}");
    let digest = sample::digest(&as_written).render().unwrap();
    assert!(digest.text.contains("1 order late: http://127.0.0.1:8090/positions?late=yes"));
}

#[test]
fn the_digest_of_a_troubled_morning() {
    let rendered = sample::troubled(&as_written).render().unwrap();
    insta::assert_snapshot!("troubled_text", rendered.text);
    insta::assert_snapshot!("troubled_slack", pretty(&rendered.slack));
}

#[test]
fn the_alert() {
    let rendered = sample::alert(&as_written).render().unwrap();
    insta::assert_snapshot!("alert_subject", rendered.subject);
    insta::assert_snapshot!("alert_text", rendered.text);
    insta::assert_snapshot!("alert_html", rendered.html);
    insta::assert_snapshot!("alert_slack", pretty(&rendered.slack));
}

#[test]
fn nothing_is_called_clear_that_is_not() {
    let headline = |change: fn(&mut DigestContent)| {
        let mut content = sample::calm(&as_written);
        change(&mut content);
        content.headline()
    };
    assert_eq!(headline(|content| content.watching.out_of_stock = 2), "Nothing to decide, 2 out of stock");
    assert_eq!(headline(|content| content.trust.needs_person.push("x".into())), "A person is needed");
    assert_eq!(
        headline(|content| content.trust.history = HistoryLoad::Opening { documents: 1 }),
        "History is being read"
    );
}

#[test]
fn a_digest_is_the_same_when_it_is_shown_again() {
    let content = sample::digest(&as_written);
    let stored = serde_json::to_string(&content).unwrap();
    let again: DigestContent = serde_json::from_str(&stored).unwrap();
    assert_eq!(again, content);
    assert_eq!(again.render().unwrap(), content.render().unwrap());
}

#[test]
fn what_a_digest_cuts_is_still_counted() {
    let mut all = Vec::new();
    for number in 0..8 {
        let mut decision = sample::digest(&as_written).decide.shown.remove(0);
        decision.proposal = sample::proposal_id(number);
        decision.line_count = 9;
        decision.lines = std::iter::repeat_n(decision.lines[0].clone(), 9).collect();
        all.push(decision);
    }
    let mut content = sample::digest(&as_written);
    content.decide = DecideNow::of(all).unwrap();
    assert_eq!((content.decide.shown.len(), content.decide.count), (5, 8));
    assert_eq!(content.headline(), "8 decisions, $9,632 to order");
    let rendered = content.render().unwrap();
    assert_eq!(rendered.pictures.len(), 5);
    assert_eq!(rendered.text.matches("and 5 more lines").count(), 5);
    assert!(rendered.text.contains("3 more proposals: http://127.0.0.1:8090/proposals"));
}

#[test]
fn every_picture_of_the_mail_is_there_and_nothing_comes_from_elsewhere() {
    let rendered = sample::digest(&as_written).render().unwrap();
    let named: Vec<_> =
        rendered.html.split("\"cid:").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let there: Vec<_> = rendered.pictures.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(named, there);
    assert_eq!(rendered.html.matches("src=").count(), there.len());
    assert_eq!(rendered.html.matches("alt=\"Last 90 days").count(), there.len());
    for (name, bytes) in &rendered.pictures {
        assert!(bytes.len() < 6 * 1024, "{name} has {} bytes", bytes.len());
    }
}

#[test]
fn only_an_open_or_failed_proposal_can_be_decided_and_only_in_assist_approved() {
    let render = |phase, status| sample::proposal(&as_written, phase, status).render().unwrap();
    for status in sample::states(&as_written) {
        let open = matches!(status, ProposalState::Open | ProposalState::Failed { .. });
        let page = render(Phase::Assist, status);
        assert_eq!(page.contains("/approve\""), open);
        assert_eq!(page.contains("/reject\""), open);
        assert!(!page.contains("type=\"submit\" disabled"));
    }
    let page = render(Phase::Observe, ProposalState::Open);
    assert!(page.contains("<button type=\"submit\" disabled"));
    assert!(page.contains("/reject\""));
    let contents = sample::proposal(&as_written, Phase::Assist, ProposalState::Open).proposal.contents();
    let page = render(Phase::Assist, ProposalState::Open);
    assert_eq!(page.matches(&format!("name=\"contents\" value=\"{contents}\"")).count(), 2);
    assert_eq!(page.matches("name=\"csrf\" value=\"c5f1a0\"").count(), 3);
}

#[test]
fn each_input_has_a_label_and_each_page_one_heading() {
    for (name, page) in sample::pages(&as_written) {
        assert_eq!(page.matches("<h1>").count(), 1, "{name}");
        for tag in tags(&page) {
            let hidden = tag.attribute("type") == Some("hidden");
            if matches!(tag.name.as_str(), "input" | "textarea") && !hidden {
                let id = tag.attribute("id").unwrap();
                assert!(page.contains(&format!("<label for=\"{id}\">")), "{name}: {id}");
            }
            assert!(tag.attribute("style").is_none(), "{name}: the policy forbids inline styles");
            assert_ne!(tag.name, "script", "{name}");
        }
    }
    assert!(!pages::content_security_policy().contains("unsafe"));
}

/// Texts that would like to be markup, an attribute, a header, a formula, a command, or read backwards.
const PAYLOADS: [&str; 60] = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<ScRiPt/src=//example.com/x.js>",
    "<svg onload=alert(1)>",
    "<svg/onload=alert(1)//",
    "\"><img src=x onerror=alert(1)>",
    "'><img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)",
    "' onmouseover='alert(1)",
    "` onmouseover=`alert(1)",
    "\" style=\"background:url(//example.com)",
    "\"></a><a href=\"javascript:alert(1)\">x",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</td></tr></table><form action=//example.com><input name=csrf>",
    "</option></select><button formaction=//example.com>",
    "<!--",
    "--><script>alert(1)</script>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<base href=//example.com>",
    "<meta http-equiv=refresh content=0;url=//example.com>",
    "<iframe srcdoc=\"<script>alert(1)</script>\">",
    "<img src=cid:stock-1.png>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;",
    "&quot; onload=&quot;alert(1)",
    "{{ 7 * 7 }}",
    "{% include \"base.html\" %}",
    "${7*7}",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "a\r\nBcc: everyone@example.com",
    "a\nSubject: other",
    "a\r\n\r\n<html>body</html>",
    "a%0d%0aBcc: everyone@example.com",
    "a\u{85}Bcc: everyone@example.com",
    "a\u{2028}Bcc: everyone@example.com",
    "=?utf-8?q?=0d=0aBcc:_everyone?=",
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\0=1+1",
    "=HYPERLINK(\"http://example.com\",\"x\")",
    "<!channel> look",
    "<!everyone>",
    "<@U12345678>",
    "<#C12345678>",
    "<http://example.com|the console>",
    "&lt;!channel&gt;",
    "order \u{202e}0001\u{202c} now",
    "\u{2067}\u{200f}</b>\u{2069}",
    "a\u{0}b\u{7}c\u{1b}[2Jd",
    "\u{feff}\u{200b}<\u{200b}script>",
];

#[test]
fn no_payload_is_active_in_any_page_or_mail() {
    // one word everywhere, since names that are equal fall together in a list of figures
    let baseline: Vec<_> = markup(&|_| "word".to_owned());
    for payload in PAYLOADS {
        for ((name, plain), (_, html)) in baseline.iter().zip(markup(&|_| payload.to_owned())) {
            assert!(shape(plain) == shape(&html), "{name} with {payload:?} has other tags: {html}");
            assert_eq!(hidden(&html), None, "{name} with {payload:?}");
            for tag in tags(&html) {
                for place in ["href", "action"] {
                    let address = tag.attribute(place).unwrap_or("/");
                    let ours = address.starts_with('/') && !address.starts_with("//")
                        || address.starts_with("http://127.0.0.1:8090/")
                        || address == "#content";
                    assert!(ours, "{name} with {payload:?}: {address}");
                }
            }
        }
    }
}

#[test]
fn no_payload_leaves_its_line_in_subjects_and_plain_text() {
    let baseline = lines(&|_| "word".to_owned());
    for payload in PAYLOADS {
        let say = |_: &str| payload.to_owned();
        for (plain, text) in baseline.iter().zip(lines(&say)) {
            assert_eq!(plain.lines().count(), text.lines().count(), "{payload:?}: {text}");
            assert_eq!(hidden(&text), None, "{payload:?}");
        }
        for subject in subjects(&say) {
            assert!(!subject.contains(['\r', '\n']), "{payload:?}");
            assert_eq!(hidden(&subject), None, "{payload:?}");
            // a MIME encoded word would be decoded by readers
            assert!(!subject.starts_with("=?"), "{payload:?}");
        }
    }
}

#[test]
fn no_payload_is_a_command_in_slack() {
    let baseline: Vec<usize> = slack(&as_written).iter().map(|message| commands(message).len()).collect();
    for payload in PAYLOADS {
        let messages = slack(&|_| payload.to_owned());
        for (message, links) in messages.iter().zip(&baseline) {
            let found = commands(message);
            assert_eq!(found.len(), *links, "{payload:?}");
            for command in found {
                assert!(command.starts_with("http://127.0.0.1:8090/"), "{payload:?}: {command}");
            }
            assert_eq!(hidden(message), None, "{payload:?}");
        }
    }
}

/// Every HTML text, by name.
fn markup(say: sample::Say) -> Vec<(String, String)> {
    let mut all = sample::pages(say);
    all.push(("digest mail".into(), uncharted(sample::digest(say)).render().unwrap().html));
    all.push(("troubled digest mail".into(), uncharted(sample::troubled(say)).render().unwrap().html));
    all.push(("alert mail".into(), sample::alert(say).render().unwrap().html));
    all.push(("sign-in mail".into(), sample::sign_in_mail(say).render().unwrap().html));
    all
}

/// Without its charts: they hold no text from outside, and to draw them thousands of times takes minutes.
fn uncharted(mut content: DigestContent) -> DigestContent {
    for line in content.decide.shown.iter_mut().flat_map(|decision| &mut decision.lines) {
        line.chart = None;
    }
    content
}

fn lines(say: sample::Say) -> Vec<String> {
    vec![
        uncharted(sample::digest(say)).render().unwrap().text,
        uncharted(sample::troubled(say)).render().unwrap().text,
        sample::alert(say).render().unwrap().text,
        sample::sign_in_mail(say).render().unwrap().text,
    ]
}

fn subjects(say: sample::Say) -> Vec<String> {
    vec![sample::digest(say).subject(), sample::alert(say).render().unwrap().subject]
}

fn slack(say: sample::Say) -> Vec<String> {
    vec![
        uncharted(sample::digest(say)).render().unwrap().slack,
        uncharted(sample::troubled(say)).render().unwrap().slack,
        sample::alert(say).render().unwrap().slack,
    ]
}

/// The first character that shows nothing and changes how others are read.
fn hidden(text: &str) -> Option<char> {
    text.chars().find(|c| {
        c.is_control() && *c != '\n'
            || matches!(*c, '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}

/// What stands between `<` and `>` in the mrkdwn texts of a Slack message.
fn commands(message: &str) -> Vec<String> {
    fn texts(value: &serde_json::Value, into: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(map) => {
                if map.get("type").and_then(|kind| kind.as_str()) == Some("mrkdwn") {
                    into.push(map.get("text").unwrap().as_str().unwrap().to_owned());
                }
                map.values().for_each(|value| texts(value, into));
            }
            serde_json::Value::Array(values) => values.iter().for_each(|value| texts(value, into)),
            _ => {}
        }
    }
    let message: serde_json::Value = serde_json::from_str(message).unwrap();
    let mut all = vec![message.get("text").unwrap().as_str().unwrap().to_owned()];
    texts(&message, &mut all);
    all.iter()
        .flat_map(|text| text.split('<').skip(1).map(|rest| rest.split('>').next().unwrap().to_owned()))
        .collect()
}

struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
    }
}

/// The tags of a page as a browser would find them; comments and the style sheet count too.
fn tags(html: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let name: String = rest.chars().take_while(|c| !c.is_whitespace() && *c != '>').collect();
        rest = &rest[name.len()..];
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start();
            if rest.is_empty() || rest.starts_with('>') {
                break;
            }
            let attribute: String =
                rest.chars().take_while(|c| !c.is_whitespace() && !"=>".contains(*c)).collect();
            rest = &rest[attribute.len()..];
            let mut value = String::new();
            if let Some(quoted) = rest.strip_prefix("=\"") {
                value = quoted.split('"').next().unwrap().to_owned();
                rest = &quoted[value.len() + 1..];
            } else if let Some(bare) = rest.strip_prefix('=') {
                value = bare.chars().take_while(|c| !c.is_whitespace() && *c != '>').collect();
                rest = &bare[value.len()..];
            }
            attributes.push((attribute, value));
        }
        tags.push(Tag { name, attributes });
    }
    tags
}

/// The tags with the names of their attributes, in their order: what a payload must not change.
fn shape(html: &str) -> Vec<String> {
    tags(html)
        .into_iter()
        .map(|tag| {
            let names: Vec<_> = tag.attributes.into_iter().map(|(name, _)| name).collect();
            format!("{} {}", tag.name, names.join(" "))
        })
        .collect()
}

/// JSON on many lines, so that a snapshot's difference can be read.
fn pretty(json: &str) -> String {
    let lines: BTreeSet<&str> = BTreeSet::from(["{\"type\"", "\"text\":"]);
    let mut out = json.to_owned();
    for start in lines {
        out = out.replace(start, &format!("\n{start}"));
    }
    out
}
