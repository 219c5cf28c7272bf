//! Keeps what is asked and answered, so that it can be held against Xero's specification afterwards.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Error, Write};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use http::request::Parts;
use serde::Serialize;

use crate::http::reply::{Fate, Reply};

/// Names a folder. If it is set, every exchange of this process is added to a file there, one line of JSON each.
const VARIABLE: &str = "XERO_SIM_EXCHANGES";

/// One line.
#[derive(Serialize)]
struct Exchange<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    headers: BTreeMap<&'a str, &'a str>,
    body: &'a str,
    /// Nothing where the answer never arrives.
    answer: Option<Answer<'a>>,
}

#[derive(Serialize)]
struct Answer<'a> {
    status: u16,
    is_json: bool,
    body: &'a str,
}

/// Adds an exchange to the file, if the environment asks for one. Tokens are left out.
///
/// # Errors
/// The file can't be written.
pub(crate) fn exchange(parts: &Parts, body: &[u8], reply: &Reply) -> Result<(), Error> {
    static FILE: OnceLock<Option<Mutex<File>>> = OnceLock::new();
    let Some(file) = (match FILE.get() {
        Some(file) => file,
        None => {
            let opened = open()?;
            FILE.get_or_init(|| opened)
        }
    }) else {
        return Ok(());
    };
    let headers = parts.headers.iter().filter(|(name, _)| *name != http::header::AUTHORIZATION);
    let answer = Answer {
        status: reply.status,
        is_json: reply.content_type.starts_with("application/json"),
        body: &reply.body,
    };
    let exchange = Exchange {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect(),
        body: &String::from_utf8_lossy(body),
        answer: (reply.fate != Fate::NeverArrives).then_some(answer),
    };
    let mut line = serde_json::to_vec(&exchange)?;
    line.push(b'\n');
    file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line)
}

/// The file of this process; a later process of the same number adds to it.
#[expect(
    clippy::disallowed_methods,
    reason = "only the test run of the specification sets it, for all processes"
)]
fn open() -> Result<Option<Mutex<File>>, Error> {
    let Ok(folder) = std::env::var(VARIABLE) else { return Ok(None) };
    let path = Path::new(&folder).join(format!("{}.jsonl", std::process::id()));
    Ok(Some(Mutex::new(OpenOptions::new().create(true).append(true).open(path)?)))
}
