//! Recording how a real organisation answers, with everything personal replaced, and holding the simulator
//! against the recording.

pub mod http;
pub mod redact;
pub mod script;
pub mod shape;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use jiff::civil::Date;
use parstock_xero_sim::demo::DemoCompany;
use parstock_xero_sim::{Settings, World};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::demo::FIRST_DAY;
use crate::driver::locked;
use crate::error::LocalError;
use crate::start;
use script::{Keep, Method, PROBES, READS, Step};
use shape::{Difference, Shape};

/// Between two calls, so that a recording stays below 60 calls a minute. Over a connection that parstock keeps each call is also
/// taken from its budget.
pub const PAUSE: Duration = Duration::from_millis(1_500);
/// The seed of the company that the simulator answers with.
const SEED: u64 = 7;
/// The file that says what a recording is of.
const ABOUT: &str = "about.json";
/// Headers that a recording keeps, where Xero sends them.
const HEADERS: [&str; 6] = [
    "content-type",
    "retry-after",
    "x-daylimit-remaining",
    "x-minlimit-remaining",
    "x-appminlimit-remaining",
    "x-rate-limit-problem",
];

/// How an answer is got: from Xero or from the simulator.
pub trait Caller: Send {
    /// Calls, and returns whatever status, headers and body come.
    ///
    /// # Errors
    /// When there is no answer at all.
    fn call(
        &mut self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> impl Future<Output = Result<RawAnswer, LocalError>> + Send;
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct RawAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Its headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Its body; null where it is no JSON.
    pub body: Value,
}

/// What a recording is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The day.
    pub recorded_on: Date,
    /// Whether the organisation is a demo company.
    pub demo_company: bool,
    /// Its country.
    pub country: String,
    /// Steps that were left out, because what they name was not to be had.
    #[serde(default)]
    pub left_out: Vec<String>,
}

/// A step's answer as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// The step's name.
    pub step: String,
    /// The HTTP status.
    pub status: u16,
    /// Which of the headers of interest came.
    pub headers: Vec<String>,
    /// What answers an open question: our own probe's values, nobody's data.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shown: BTreeMap<String, Value>,
    /// The body with everything personal replaced.
    pub body: Value,
}

/// Plays steps against a Xero, one after another, and hands each answer to `each`. A step whose values an
/// earlier one could not give is left out.
///
/// # Errors
/// When Xero gives no answer, or `each` fails.
async fn play(
    caller: &mut impl Caller,
    steps: &[Step],
    known: &mut BTreeMap<&'static str, String>,
    pause: Duration,
    mut each: impl FnMut(&Step, RawAnswer) -> Result<(), LocalError> + Send,
) -> Result<Vec<&'static str>, LocalError> {
    let mut left_out = Vec::new();
    for step in steps {
        let (Some(path), Some(body)) = (filled(step.path, known), filled(step.body, known)) else {
            left_out.push(step.name);
            continue;
        };
        let body = (!body.is_empty()).then(|| body.replace('\'', "\""));
        let answer = caller.call(step.method, &path, body).await?;
        if answer.status == 429 || answer.status >= 500 {
            return Err(LocalError::Outside(format!(
                "Xero answered {} to {}, which says nothing about its rules: record again later, into a new folder",
                answer.status, step.name
            )));
        }
        for keep in step.keep {
            let (name, value) = kept(keep, &answer.body);
            if let Some(value) = value {
                known.insert(name, value);
            }
        }
        each(step, answer)?;
        tokio::time::sleep(pause).await;
    }
    Ok(left_out)
}

/// The text with its `{names}` replaced; `None` when one is not known.
fn filled(text: &str, known: &BTreeMap<&'static str, String>) -> Option<String> {
    let mut text = text.to_owned();
    for (name, value) in known {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    let names_another = text.split('{').skip(1).any(|rest| {
        rest.split('}')
            .next()
            .is_some_and(|word| !word.is_empty() && word.chars().all(|letter| letter.is_ascii_lowercase()))
    });
    (!names_another).then_some(text)
}

fn kept(keep: &Keep, answer: &Value) -> (&'static str, Option<String>) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match keep {
        Keep::At(name, pointer) => (name, answer.pointer(pointer).and_then(text)),
        Keep::Where { name, list, is: (field, wanted), take } => {
            let elements = answer.pointer(list).and_then(Value::as_array);
            let found = elements
                .into_iter()
                .flatten()
                .find(|element| element.get(field).and_then(Value::as_str) == Some(wanted));
            (name, found.and_then(|element| element.get(take)).and_then(text))
        }
    }
}

fn as_recorded(step: &Step, answer: &RawAnswer) -> Recorded {
    let shown = step
        .shows
        .iter()
        .filter_map(|pointer| Some(((*pointer).to_owned(), answer.body.pointer(pointer)?.clone())))
        .collect();
    Recorded {
        step: step.name.to_owned(),
        status: answer.status,
        headers: HEADERS
            .iter()
            .filter(|name| answer.headers.contains_key(**name))
            .map(|name| (*name).to_owned())
            .collect(),
        shown,
        body: redact::redacted(&answer.body),
    }
}

/// Records an organisation's answers into a folder that is empty or new. `probes` writes into the organisation,
/// which must be a demo company.
///
/// # Errors
/// [`LocalError::Input`] for a folder with something in it, and for probes in a real company.
pub async fn record(
    caller: &mut impl Caller,
    out: &Path,
    probes: bool,
    run: &str,
    today: Date,
    pause: Duration,
) -> Result<About, LocalError> {
    fs::create_dir_all(out).map_err(LocalError::outside)?;
    if fs::read_dir(out).map_err(LocalError::outside)?.next().is_some() {
        let what = format!("{} is not empty: name a new folder with --out", out.display());
        return Err(LocalError::Input(what));
    }
    let mut known = BTreeMap::from([("run", run.to_owned()), ("today", today.to_string())]);
    let mut about =
        About { recorded_on: today, demo_company: false, country: String::new(), left_out: Vec::new() };
    let keep = |step: &Step, answer: &RawAnswer| {
        let recorded = serde_json::to_string_pretty(&as_recorded(step, answer))?;
        fs::write(out.join(format!("{}.json", step.name)), recorded).map_err(LocalError::outside)
    };
    let mut left_out = play(caller, READS, &mut known, pause, |step, answer| {
        if let Some(organisation) = answer.body.pointer("/Organisations/0").filter(|_| step.name == "organisation")
        {
            about.demo_company = organisation.get("IsDemoCompany") == Some(&Value::Bool(true));
            about.country = organisation.get("CountryCode").and_then(Value::as_str).unwrap_or_default().to_owned();
        }
        if step.name == "organisation" && answer.status != 200 {
            return Err(LocalError::Outside(format!(
                "Xero answered {} when asked for the organisation: check the connection with `parstock health`",
                answer.status
            )));
        }
        keep(step, &answer)
    })
    .await?;
    if probes {
        if !about.demo_company {
            return Err(LocalError::Input(
                "the organisation is no demo company, so nothing is written to it: run without --probes, or connect the demo company"
                    .to_owned(),
            ));
        }
        left_out.extend(play(caller, PROBES, &mut known, pause, |step, answer| keep(step, &answer)).await?);
    }
    about.left_out = left_out.into_iter().map(str::to_owned).collect();
    fs::write(out.join(ABOUT), serde_json::to_string_pretty(&about)?).map_err(LocalError::outside)?;
    Ok(about)
}

/// What holding the simulator against a recording found.
#[derive(Debug, Default)]
pub struct Checked {
    /// Steps compared.
    pub steps: usize,
    /// Steps that Xero refused to the connection, so that nothing is known of their answers.
    pub refused: Vec<String>,
    /// Where the simulator is wrong, by step.
    pub wrong: Vec<String>,
    /// Fields that Xero gives and the simulator doesn't, by step.
    pub missing: Vec<String>,
    /// Open questions with Xero's answer and the simulator's.
    pub answers: Vec<String>,
}

/// Plays the same steps against a simulator that `caller` reaches, and compares.
///
/// # Errors
/// [`LocalError::Input`] for a folder that holds no recording.
pub async fn check(caller: &mut impl Caller, recording: &Path) -> Result<Checked, LocalError> {
    let about = fs::read_to_string(recording.join(ABOUT)).map_err(|error| {
        LocalError::Input(format!(
            "{} holds no whole recording ({error}): make one with `parstock xero record`",
            recording.display()
        ))
    })?;
    let about: About = serde_json::from_str(&about)
        .map_err(|error| LocalError::Input(format!("{ABOUT} of the recording can't be read: {error}")))?;
    let mut known = BTreeMap::from([("run", "PS-CHECK".to_owned()), ("today", FIRST_DAY.to_string())]);
    let mut checked = Checked::default();
    let steps: Vec<Step> = READS.iter().chain(PROBES).copied().collect();
    let recorded_of = |step: &Step| -> Result<Option<Recorded>, LocalError> {
        let file = recording.join(format!("{}.json", step.name));
        let Ok(text) = fs::read_to_string(&file) else { return Ok(None) };
        let recorded = serde_json::from_str(&text).map_err(|error| {
            LocalError::Input(format!("{} of the recording can't be read: {error}", file.display()))
        })?;
        Ok(Some(recorded))
    };
    play(caller, &steps, &mut known, Duration::ZERO, |step, answer| {
        if let Some(recorded) = recorded_of(step)? {
            compare(step, &recorded, &as_recorded(step, &answer), &mut checked);
        }
        Ok(())
    })
    .await?;
    if checked.steps == 0 {
        return Err(LocalError::Input(format!(
            "the recording of {} holds none of the steps that this version asks for: record anew",
            about.recorded_on
        )));
    }
    Ok(checked)
}

fn compare(step: &Step, recorded: &Recorded, simulated: &Recorded, checked: &mut Checked) {
    let name = step.name;
    checked.steps += 1;
    if let Some(question) = step.question {
        let said = |answer: &Recorded| {
            let field = |pointer: &str| pointer.rsplit('/').next().unwrap_or_default().to_owned();
            let shown: Vec<String> =
                answer.shown.iter().map(|(pointer, value)| format!("{} {value}", field(pointer))).collect();
            if shown.is_empty() { format!("status {}", answer.status) } else { shown.join(", ") }
        };
        checked.answers.push(format!(
            "{question} Xero: {}; the simulator: {}",
            said(recorded),
            said(simulated)
        ));
    }
    if matches!(recorded.status, 401 | 403) && simulated.status == 200 {
        checked
            .refused
            .push(format!("{name}: Xero answered {}: the connection lacks its scope", recorded.status));
        return;
    }
    if recorded.status != simulated.status {
        checked
            .wrong
            .push(format!("{name}: Xero answered {}, the simulator {}", recorded.status, simulated.status));
        // the bodies of different outcomes have nothing in common
        return;
    }
    for header in recorded.headers.iter().filter(|header| !simulated.headers.contains(header)) {
        checked.wrong.push(format!("{name}: Xero sent the header {header}, the simulator doesn't"));
    }
    for difference in shape::differences(&Shape::of(&recorded.body), &Shape::of(&simulated.body)) {
        match difference {
            Difference::Form { path, recorded, simulated } => checked
                .wrong
                .push(format!("{name}: {path} is {recorded} in Xero, {simulated} in the simulator")),
            Difference::Unknown(path) => {
                checked.wrong.push(format!("{name}: {path} is in the simulator's answer only"));
            }
            Difference::Missing(path) => checked.missing.push(format!("{name}: {path}")),
        }
    }
}

/// A simulator with the demo company's history, and the address of its API.
///
/// # Errors
/// When it can't be started.
pub async fn simulator() -> Result<(std::sync::Arc<std::sync::Mutex<World>>, String), LocalError> {
    let company = DemoCompany::new(SEED, FIRST_DAY);
    let world = start::world(None, SEED, Settings::development(SEED))?;
    locked(&world).apply_history(company.history())?;
    let clock = std::sync::Arc::new(crate::clock::LocalClock::Wall);
    let base = start::serve_world(std::sync::Arc::clone(&world), clock).await?;
    Ok((world, base))
}
