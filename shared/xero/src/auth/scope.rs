//! Which scopes a token lacks.

/// Without this scope there is no refresh token, and a consent ends with its first access token.
pub const OFFLINE_ACCESS: &str = "offline_access";

/// The scopes before those of March 2026, each with what it covers. Apps made since can't have them, and they end on 13
/// September 2027. Source: developer.xero.com, *Scopes*.
const BROAD: [(&str, &[&str]); 2] = [
    (
        "accounting.transactions",
        &[
            "accounting.invoices",
            "accounting.payments",
            "accounting.banktransactions",
            "accounting.manualjournals",
        ],
    ),
    (
        "accounting.reports",
        &[
            "accounting.reports.balancesheet",
            "accounting.reports.trialbalance",
            "accounting.reports.profitandloss",
            "accounting.reports.banksummary",
        ],
    ),
];

/// Those of `needed` that a token with the scopes `granted` lacks, in their order.
///
/// What may be written may be read. `offline_access` counts as granted, since a token set without it has no refresh token,
/// which is noticed when it is made. A token of which Xero did not say what it allows lacks nothing that is known.
#[must_use]
pub fn missing_scopes<'a>(granted: &[String], needed: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let has = |scope: &str| granted.iter().any(|one| covers(one, scope));
    needed
        .into_iter()
        .filter(|scope| !granted.is_empty() && *scope != OFFLINE_ACCESS && !has(scope))
        .collect()
}

fn covers(granted: &str, needed: &str) -> bool {
    let base = |scope: &str| scope.strip_suffix(".read").unwrap_or(scope).to_owned();
    let enough = needed.ends_with(".read") || !granted.ends_with(".read");
    let broad = || {
        BROAD
            .iter()
            .any(|(broad, covered)| *broad == base(granted) && covered.contains(&base(needed).as_str()))
    };
    enough && (base(granted) == base(needed) || broad())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_and_what_is_covered_is_not() {
        let granted = |scopes: &[&str]| scopes.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>();
        let needed = [
            "accounting.invoices",
            "accounting.payments.read",
            "accounting.settings",
            "accounting.reports.balancesheet.read",
            OFFLINE_ACCESS,
        ];
        for (has, lacks) in [
            (&["accounting.invoices", "accounting.payments"][..], &needed[2..4]),
            (&["accounting.invoices.read", "accounting.settings"], &[needed[0], needed[1], needed[3]]),
            (&["accounting.transactions", "accounting.reports.read", "accounting.settings"], &[]),
            (&["accounting.transactions.read"], &[needed[0], needed[2], needed[3]]),
            (&[], &[]),
        ] {
            assert_eq!(missing_scopes(&granted(has), needed), lacks, "{has:?}");
        }
    }
}
