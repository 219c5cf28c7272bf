//! Many elements in a few calls, each saved or refused by itself.

use reqwest::Method;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{
    Clock, IdempotencyKey, RESPONSE_BYTES_MAX, Session,
    refusal::{Remark, messages},
    request::{Call, JSON, Sent, read_body},
};
use crate::{
    auth::TokenStore,
    error::{Error, InputError, json_error},
    limits::CallBudget,
    model::{Resource, read_page},
};

/// The elements of one call: about the most that Xero advises. Source: developer.xero.com, *Best practices*.
pub const BATCH_ELEMENTS_MAX: usize = 50;
/// The longest body of one call of several elements, in bytes: what Xero advises. Source: developer.xero.com, *Best
/// practices*.
pub const BATCH_BYTES_MAX: usize = 3_500_000;
/// The longest body at all, in bytes: beyond it Xero refuses a call.
pub const ELEMENT_BYTES_MAX: usize = 10_000_000;

/// What became of one element of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteOutcome<T> {
    /// Xero saved it.
    Saved {
        /// As Xero has it now.
        resource: T,
        /// What Xero remarks, in its words.
        warnings: Vec<String>,
    },
    /// Xero refused it and saved nothing of it.
    Refused {
        /// Why, in Xero's words, for the person who asked. [`RefusalReason`](crate::RefusalReason) sorts them.
        errors: Vec<String>,
    },
}

impl<T> WriteOutcome<T> {
    /// Whether Xero refused it because its number exists already (`Order number must be unique`). After an unknown
    /// outcome that means the first try succeeded.
    #[must_use]
    pub fn number_is_taken(&self) -> bool {
        match self {
            Self::Saved { .. } => false,
            Self::Refused { errors } => {
                errors.iter().any(|error| error.to_lowercase().contains("must be unique"))
            }
        }
    }
}

/// What became of a write of several elements.
#[derive(Debug)]
#[must_use = "an element may have been refused"]
pub struct Batch<T> {
    /// The outcomes in the order of the elements. If the write was stopped these are fewer than the elements.
    pub outcomes: Vec<WriteOutcome<T>>,
    /// Why the elements behind those of `outcomes` have no outcome. They may have been saved only if this is
    /// [`Error::Unknown`], and then at most the next [`BATCH_ELEMENTS_MAX`].
    pub stopped: Option<Error>,
}

impl<T> Batch<T> {
    const fn empty() -> Self {
        Self { outcomes: Vec::new(), stopped: None }
    }
}

/// Where a write goes.
pub(super) struct Target<'a> {
    pub(super) method: Method,
    pub(super) path: &'a [&'a str],
    pub(super) counted_as: &'static str,
    /// Whether the path takes `unitdp`.
    pub(super) four_decimals: bool,
}

impl<T: TokenStore, B: CallBudget, C: Clock> Session<T, B, C> {
    /// Writes elements in as few calls as Xero takes, one after another, each with a key of its own.
    ///
    /// An error means that nothing was saved, or with [`Error::Unknown`] that it is not known of the first call's
    /// elements.
    pub(super) async fn write_all<R: Resource + DeserializeOwned>(
        &mut self,
        target: Target<'_>,
        elements: &[impl Serialize],
        key: &IdempotencyKey,
    ) -> Result<Batch<R>, Error> {
        let mut bodies = Vec::new();
        // All of them before the first is sent, so that what can't be sent stops nothing half way.
        for (place, chunk) in chunks(elements, R::NAME)?.into_iter().enumerate() {
            bodies.push((key.part(place)?, chunk.elements, chunk.body));
        }
        let mut batch = Batch::empty();
        let mut query = vec![("summarizeErrors", "false")];
        if target.four_decimals {
            query.push(super::FOUR_DECIMALS);
        }
        for (key, expected, body) in bodies {
            let call = Call {
                method: target.method.clone(),
                counted_as: target.counted_as,
                path: target.path,
                query: &query,
                modified_since: None,
                accept: JSON,
                file_form: None,
                write: Some(Sent { key: &key, content_type: JSON, body }),
            };
            let answer = self.written(call).await;
            let outcomes = answer.and_then(|body| read_outcomes(&body, R::NAME, expected));
            match self.done(outcomes).await {
                Ok(outcomes) => batch.outcomes.extend(outcomes),
                Err(error) if batch.outcomes.is_empty() => return Err(error),
                Err(error) => {
                    batch.stopped = Some(error);
                    break;
                }
            }
        }
        Ok(batch)
    }

    /// Sends a write and reads its answer; an answer that gets lost leaves the outcome unknown.
    pub(super) async fn written(&mut self, call: Call<'_>) -> Result<Vec<u8>, Error> {
        let mut response = self.send(call).await?;
        let body = read_body(&mut response, RESPONSE_BYTES_MAX).await;
        self.done(body.map_err(|error| Error::Unknown { why: error.to_string() })).await
    }
}

/// The body of one call.
struct Chunk {
    elements: usize,
    body: Vec<u8>,
}

impl Chunk {
    fn new(name: &str) -> Self {
        Self { elements: 0, body: format!(r#"{{"{name}":["#).into_bytes() }
    }

    fn push(&mut self, element: &[u8]) {
        if self.elements > 0 {
            self.body.push(b',');
        }
        self.body.extend_from_slice(element);
        self.elements += 1;
    }

    fn close(mut self) -> Self {
        self.body.extend_from_slice(b"]}");
        self
    }
}

/// The bytes of a body around its elements, more than enough.
const AROUND: usize = 64;

fn chunks(elements: &[impl Serialize], name: &'static str) -> Result<Vec<Chunk>, Error> {
    let mut chunks = Vec::new();
    let mut open = Chunk::new(name);
    for element in elements {
        let element = json(element, name)?;
        if element.len() + AROUND > ELEMENT_BYTES_MAX {
            let bytes = element.len();
            return Err(InputError::TooLarge { what: name, bytes, limit: ELEMENT_BYTES_MAX }.into());
        }
        let full =
            open.elements >= BATCH_ELEMENTS_MAX || open.body.len() + element.len() + AROUND > BATCH_BYTES_MAX;
        if open.elements > 0 && full {
            chunks.push(std::mem::replace(&mut open, Chunk::new(name)).close());
        }
        open.push(&element);
    }
    if open.elements > 0 {
        chunks.push(open.close());
    }
    Ok(chunks)
}

pub(super) fn json(body: &impl Serialize, resource: &'static str) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(body)
        .map_err(|_| Error::Input(InputError::Characters { what: resource, why: "it is no JSON" }))
}

/// Reads the answer to a write of `expected` elements under `summarizeErrors=false`, element by element. Whatever
/// can't be read may have been saved, so it leaves the outcome unknown.
fn read_outcomes<R: DeserializeOwned>(
    body: &[u8],
    name: &'static str,
    expected: usize,
) -> Result<Vec<WriteOutcome<R>>, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Verdict {
        status_attribute_string: Option<String>,
        validation_errors: Option<Vec<Remark>>,
        warnings: Option<Vec<Remark>>,
    }
    let unread =
        |error: serde_json::Error| Error::Unknown { why: format!("its answer: {}", json_error(&error)) };
    let page = read_page::<&RawValue>(body, name).map_err(unread)?;
    if page.resources.len() != expected {
        let why = format!("its answer tells of {} elements instead of {expected}", page.resources.len());
        return Err(Error::Unknown { why });
    }
    let read = |element: &RawValue| {
        let verdict: Verdict = serde_json::from_str(element.get()).map_err(unread)?;
        let errors = messages(verdict.validation_errors);
        let warnings = messages(verdict.warnings);
        if verdict.status_attribute_string.as_deref() == Some("ERROR") && errors.is_empty() {
            // Xero's warnings are the only reason it may give then.
            let unexplained = || vec!["Xero gave no reason".to_owned()];
            let errors = if warnings.is_empty() { unexplained() } else { warnings };
            return Ok(WriteOutcome::Refused { errors });
        }
        if !errors.is_empty() {
            return Ok(WriteOutcome::Refused { errors });
        }
        let resource = serde_json::from_str(element.get()).map_err(unread)?;
        Ok(WriteOutcome::Saved { resource, warnings })
    };
    page.resources.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(lengths: &[usize]) -> Vec<usize> {
        let elements: Vec<String> = lengths.iter().map(|length| "x".repeat(*length)).collect();
        chunks(&elements, "Items").unwrap().iter().map(|chunk| chunk.elements).collect()
    }

    #[test]
    fn a_batch_is_cut_by_number_and_by_size() {
        assert_eq!(sizes(&[]), Vec::<usize>::new());
        assert_eq!(sizes(&[1; 50]), [50]);
        assert_eq!(sizes(&[1; 101]), [50, 50, 1]);
        let third = BATCH_BYTES_MAX / 3;
        assert_eq!(sizes(&[third; 5]), [2, 2, 1]);
        // One that is larger than what is advised goes alone; beyond the limit none goes.
        assert_eq!(sizes(&[1, BATCH_BYTES_MAX + 1, 1]), [1, 1, 1]);
        assert!(chunks(&["x".repeat(ELEMENT_BYTES_MAX)], "Items").is_err());
    }

    #[test]
    fn each_body_is_whole_json() {
        let elements: Vec<u32> = (0..60).collect();
        let all = chunks(&elements, "Items").unwrap();
        let read = |chunk: &Chunk| serde_json::from_slice::<serde_json::Value>(&chunk.body).unwrap();
        let back: Vec<u64> = all
            .iter()
            .flat_map(|chunk| read(chunk)["Items"].as_array().unwrap().clone())
            .map(|element| element.as_u64().unwrap())
            .collect();
        assert_eq!(back, (0..60).collect::<Vec<u64>>());
        assert!(all.iter().all(|chunk| chunk.body.len() <= BATCH_BYTES_MAX));
    }
}
