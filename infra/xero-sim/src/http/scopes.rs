//! Which scopes a call needs, for the addresses beside the documents.

use crate::oauth;
use crate::settings::Switches;

/// Whether scopes allow a call.
pub(super) fn allow(scopes: &[String], segments: &[&str], writes: bool, switches: &Switches) -> bool {
    let enough: &[&str] = match segments {
        [_, _, "Attachments", ..] => &["accounting.attachments"],
        ["TaxRates" | "TrackingCategories" | "Currencies" | "BrandingThemes", ..] => &["accounting.settings"],
        ["Payments" | "Prepayments" | "Overpayments", ..] => {
            &["accounting.payments", "accounting.transactions"]
        }
        ["ManualJournals", ..] => &["accounting.manualjournals", "accounting.transactions"],
        ["Reports", name] => {
            let report = format!("accounting.reports.{}", name.to_ascii_lowercase());
            return scopes.iter().any(|scope| {
                let base = scope.strip_suffix(".read").unwrap_or(scope);
                base == report || base == "accounting.reports"
            });
        }
        ["Items", ..] if writes && !switches.items_written_with_invoices_scope => &["accounting.settings"],
        [endpoint, ..] => return oauth::allows(scopes, endpoint, writes),
        [] => return false,
    };
    scopes.iter().any(|scope| match scope.strip_suffix(".read") {
        Some(base) => !writes && enough.contains(&base),
        None => enough.contains(&scope.as_str()),
    })
}
