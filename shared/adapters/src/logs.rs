//! What the functions write to their logs: each event as one line of JSON with the fields of [`Line`] and no others,
//! and each figure in CloudWatch's embedded metric format, which makes a metric of the line
//! (docs.aws.amazon.com, *Embedded metric format specification*).

use std::fmt::{self, Debug};
use std::io::Write;
use std::panic;

use jiff::Timestamp;
use parstock_app::figures::{self, Figure};
use parstock_app::ports::Clock;
use serde::Serialize;
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::WallClock;

/// The namespace of the figures in CloudWatch.
pub const NAMESPACE: &str = "parstock";
/// Their one dimension.
pub const DIMENSION: &str = "stack";
/// What the targets of our own events begin with.
const OURS: &str = "parstock";
/// The span in which the Lambda runtime runs an invocation, and its field with the invocation's id.
const INVOCATION: (&str, &str) = ("Lambda runtime invoke", "requestId");
/// Characters of a text at most: what went wrong may be told at length.
const TEXT_CHARS_MAX: usize = 500;

/// Starts the log of a function, for the rest of its process.
pub fn start(function: &'static str, stack: &str) {
    let lines = Lines {
        function,
        stack: stack.to_owned(),
        clock: WallClock,
        write: |line: &str| {
            // a log that nobody takes is no reason to stop
            let _ = writeln!(std::io::stdout(), "{line}");
        },
    };
    let subscriber = tracing_subscriber::registry().with(LevelFilter::INFO).with(lines);
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        return;
    }
    // what a panic says may hold anything, where it was may not
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(error_kind = "panic", why = place, "a panic");
    }));
}

/// One line of the log. The fields of events that are not here are left out.
#[derive(Debug, Default, Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'static str,
    function: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    what: String,
    #[serde(flatten)]
    said: Said,
}

/// What an event says besides.
#[derive(Debug, Default, Serialize)]
struct Said {
    #[serde(skip_serializing_if = "Option::is_none")]
    org_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// Collects an event's fields.
#[derive(Default)]
struct Fields {
    message: String,
    figure: String,
    value: u64,
    request_id: Option<String>,
    said: Said,
}

impl Fields {
    fn text(&mut self, field: &Field, text: String) {
        let text = if text.chars().nth(TEXT_CHARS_MAX).is_some() {
            text.chars().take(TEXT_CHARS_MAX).collect()
        } else {
            text
        };
        match field.name() {
            "message" => self.message = text,
            "figure" => self.figure = text,
            "org_id" => self.said.org_id = Some(text),
            "kind" => self.said.kind = Some(text),
            "id" => self.said.id = Some(text),
            "error_kind" => self.said.error_kind = Some(text),
            "why" => self.said.why = Some(text),
            name if name == INVOCATION.1 => self.request_id = Some(text),
            _ => {}
        }
    }
}

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "value" => self.value = value,
            "count" => self.said.count = Some(value),
            "duration_ms" => self.said.duration_ms = Some(value),
            _ => {}
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.record_u64(field, u64::try_from(value).unwrap_or(0));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, format!("{value:?}"));
    }
}

/// The id of the invocation, kept with its span.
struct RequestId(String);

/// Writes the lines.
struct Lines<C, W> {
    function: &'static str,
    stack: String,
    clock: C,
    write: W,
}

impl<C: Clock, W: Fn(&str)> Lines<C, W> {
    fn figure(&self, name: &str, value: u64, now: Timestamp) -> Option<Value> {
        let figure = Figure::ALL.into_iter().find(|figure| figure.name() == name)?;
        let mut line = json!({
            "_aws": {
                "Timestamp": now.as_millisecond(),
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": [[DIMENSION]],
                    "Metrics": [{"Name": name, "Unit": figure.unit()}],
                }],
            },
            DIMENSION: self.stack,
        });
        line.as_object_mut()?.insert(name.to_owned(), value.into());
        Some(line)
    }
}

impl<S, C, W> Layer<S> for Lines<C, W>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    C: Clock + 'static,
    W: Fn(&str) + 'static,
{
    /// Of others only what went wrong is told: what else they say may be about anything.
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        if metadata.is_span() {
            metadata.name() == INVOCATION.0
        } else {
            metadata.target().starts_with(OURS) || *metadata.level() == Level::ERROR
        }
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let (Some(span), Some(request_id)) = (context.span(id), fields.request_id) {
            span.extensions_mut().insert(RequestId(request_id));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let (now, metadata) = (self.clock.now(), event.metadata());
        if metadata.target() == figures::TARGET {
            if let Some(line) = self.figure(&fields.figure, fields.value, now) {
                (self.write)(&line.to_string());
            }
            return;
        }
        let request_id = context
            .event_scope(event)
            .into_iter()
            .flatten()
            .find_map(|span| span.extensions().get::<RequestId>().map(|RequestId(id)| id.clone()));
        let line = Line {
            timestamp: format!("{now:.3}"),
            level: metadata.level().as_str(),
            function: self.function,
            request_id,
            what: fields.message,
            said: if metadata.target().starts_with(OURS) { fields.said } else { Said::default() },
        };
        if let Ok(line) = serde_json::to_string(&line) {
            (self.write)(&line);
        }
    }
}

impl<C, W> Debug for Lines<C, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").field("function", &self.function).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use parstock_app::figures::announce;

    use super::*;

    struct Then;

    impl Clock for Then {
        fn now(&self) -> Timestamp {
            "2026-11-22T08:00:00.25Z".parse().unwrap()
        }
    }

    /// What is written while `say` runs.
    fn written(say: impl FnOnce()) -> Vec<Value> {
        let lines = Arc::<Mutex<Vec<Value>>>::default();
        let kept = Arc::clone(&lines);
        let write = move |line: &str| kept.lock().unwrap().push(serde_json::from_str(line).unwrap());
        let lines_of = Lines { function: "poller", stack: "shop".to_owned(), clock: Then, write };
        let subscriber = tracing_subscriber::registry().with(LevelFilter::INFO).with(lines_of);
        tracing::subscriber::with_default(subscriber, say);
        Arc::into_inner(lines).map_or_else(Vec::new, |lines| lines.into_inner().unwrap())
    }

    #[test]
    fn an_event_is_one_line_with_the_known_fields_alone() {
        let lines = written(|| {
            let invocation = tracing::info_span!("Lambda runtime invoke", requestId = "request-1");
            let _inside = invocation.enter();
            let (contact, why) = ("Mill & Sons", "x".repeat(TEXT_CHARS_MAX + 1));
            tracing::warn!(org_id = %7, count = 3, duration_ms = 12u64, why, contact, "a thing happened");
            tracing::debug!("too small to tell");
        });
        let expected = json!({
            "timestamp": "2026-11-22T08:00:00.250Z", "level": "WARN", "function": "poller", "request_id": "request-1",
            "what": "a thing happened", "org_id": "7", "count": 3, "duration_ms": 12, "why": "x".repeat(TEXT_CHARS_MAX),
        });
        assert_eq!(lines, [expected]);
    }

    #[test]
    fn of_others_only_errors_are_told_and_only_their_words() {
        let lines = written(|| {
            tracing::warn!(target: "hyper", why = "a header", "a warning");
            tracing::error!(target: "hyper", why = "a header", "an error");
        });
        assert_eq!((lines.len(), &lines[0]["what"], lines[0].get("why")), (1, &json!("an error"), None));
    }

    #[test]
    fn a_figure_is_written_as_cloudwatch_reads_it() {
        for figure in Figure::ALL {
            let lines = written(|| announce(figure, 42));
            let expected = json!({
                "_aws": {"Timestamp": 1_795_334_400_250_u64, "CloudWatchMetrics": [{
                    "Namespace": "parstock", "Dimensions": [["stack"]],
                    "Metrics": [{"Name": figure.name(), "Unit": figure.unit()}],
                }]},
                "stack": "shop",
                figure.name(): 42,
            });
            assert_eq!(lines, [expected]);
        }
    }
}
