//! `parstock digest [DAY]`: what the digest of a day told.

use clap::Args;
use jiff::civil::Date;
use parstock_domain::ids::OrgId;
use serde_json::{Value, json};

use super::Common;
use crate::ask::{Answer, Ask, console};
use crate::error::LocalError;
use crate::place::Place;

/// Shows a digest.
#[derive(Args, Clone, Debug)]
pub struct Digest {
    /// The day, such as 2026-06-01; the latest digest without one
    pub day: Option<String>,
    /// Where to look and how to answer.
    #[command(flatten)]
    pub common: Common,
}

impl Digest {
    pub(super) fn ask(&self) -> Ask {
        Ask::Digest { day: self.day.clone() }
    }
}

/// Answers it.
pub(crate) async fn answer(place: &impl Place, org: OrgId, day: Option<&str>) -> Result<Answer, LocalError> {
    let day = day.map(parse_day).transpose()?;
    let page = console(place, org).await?.digest(day).await?;
    let Some(content) = page.content else {
        let previous = page.previous.map_or_else(
            || "there is none before it".to_owned(),
            |day| format!("the latest before it is of {day}"),
        );
        return Err(LocalError::Input(format!("there is no digest of {}: {previous}", page.day)));
    };
    let rendered = content.render().map_err(LocalError::outside)?;
    let json: Value = serde_json::to_value(&content)?;
    Ok(Answer::new(
        json!({ "subject": rendered.subject, "content": json }),
        format!("{}\n\n{}", rendered.subject, rendered.text),
    ))
}

/// A day as people write it.
pub(super) fn parse_day(text: &str) -> Result<Date, LocalError> {
    text.parse().map_err(|_| LocalError::Input(format!("`{text}` is not a day such as 2026-06-01")))
}
