//! What the API answers, before it becomes HTTP.

use crate::json::Json;
use crate::limits::Limited;

/// Number and name of Xero's validation errors.
const VALIDATION: (usize, &str) = (10, "ValidationException");
const QUERY: (usize, &str) = (16, "QueryParseException");

/// What becomes of an answer on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Arrives,
    ArrivesSlowly,
    NeverArrives,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// A file in place of the body.
    pub(crate) file: Option<Vec<u8>>,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) fate: Fate,
}

impl Reply {
    pub(crate) fn json(status: u16, body: String) -> Reply {
        let content_type = "application/json; charset=utf-8";
        Reply { status, body, file: None, content_type, headers: Vec::new(), fate: Fate::Arrives }
    }

    pub(crate) fn plain(status: u16, body: &str) -> Reply {
        Reply { content_type: "text/plain; charset=utf-8", ..Reply::json(status, body.to_owned()) }
    }

    pub(crate) fn pdf(body: String) -> Reply {
        Reply { content_type: "application/pdf", ..Reply::json(200, body) }
    }

    pub(crate) fn file(content_type: &'static str, content: Vec<u8>) -> Reply {
        Reply { content_type, file: Some(content), ..Reply::json(200, String::new()) }
    }

    /// 400 without elements.
    pub(crate) fn refused(message: &str) -> Reply {
        Reply::error(VALIDATION, message)
    }

    /// 400 for a query that can't be read.
    pub(crate) fn bad_query(message: &str) -> Reply {
        Reply::error(QUERY, message)
    }

    fn error((number, kind): (usize, &str), message: &str) -> Reply {
        let mut json = Json::new();
        json.object(|error| {
            error.count("ErrorNumber", number);
            error.text("Type", kind);
            error.text("Message", message);
        });
        Reply::json(400, json.into_string())
    }

    /// 400 that names the elements refused.
    pub(crate) fn elements_refused(fill: impl FnOnce(&mut Json)) -> Reply {
        let mut json = Json::new();
        json.object(|error| {
            error.count("ErrorNumber", VALIDATION.0);
            error.text("Type", VALIDATION.1);
            error.text("Message", "A validation exception occurred");
            error.array("Elements", fill);
        });
        Reply::json(400, json.into_string())
    }

    /// 401 or 403 in the form of Xero's gateway.
    pub(crate) fn denied(status: u16, title: &str, detail: &str) -> Reply {
        Reply::json(
            status,
            format!(
                r#"{{"Type":null,"Title":"{title}","Status":{status},"Detail":"{detail}","Instance":"00000000-0000-0000-0000-000000000000"}}"#
            ),
        )
    }

    pub(crate) fn not_found() -> Reply {
        Reply::plain(404, "The resource you're looking for cannot be found")
    }

    pub(crate) fn limited(limited: Limited) -> Reply {
        let mut reply = Reply::plain(429, "");
        reply.headers.push(("X-Rate-Limit-Problem", limited.problem.to_owned()));
        if let Some(seconds) = limited.retry_after {
            reply.headers.push(("Retry-After", seconds.to_string()));
        }
        reply
    }
}
