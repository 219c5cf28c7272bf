//! Writes a bill as it should be written: checked first, looked for before it is sent, read element by element, and
//! deleted at the end so that nothing stays. Then it prints what that cost in calls.
//!
//! `XERO_CLIENT_ID` and `XERO_CLIENT_SECRET` name the custom connection; `XERO_API_URL` and `XERO_IDENTITY_URL` may name
//! another Xero, such as that of the example `simulator`, `XERO_TENANT_ID` the tenant that one may want. Use a demo company
//! otherwise.

use parstock_xero::{
    API_URL, Client, ContactsQuery, Error, IDENTITY_URL, IdempotencyKey, MemoryBudget, MemoryTokenStore,
    Priority, RefusalReason, SystemClock, WriteOutcome, XeroConfig, http_client,
    model::{BillUpdate, InvoiceStatus, NewBill, NewLineItem, NewStatus},
};
use secrecy::SecretString;

/// Our own number, by which the bill is found again.
const NUMBER: &str = "EXAMPLE-1";

#[expect(clippy::disallowed_methods, reason = "an example has no other configuration")]
fn setting(name: &str) -> Result<String, std::env::VarError> {
    std::env::var(name)
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "an example speaks on standard output")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let api_url = setting("XERO_API_URL").unwrap_or_else(|_| API_URL.to_owned());
    let identity_url = setting("XERO_IDENTITY_URL").unwrap_or_else(|_| IDENTITY_URL.to_owned());
    let mut config =
        XeroConfig::new(setting("XERO_CLIENT_ID")?, SecretString::from(setting("XERO_CLIENT_SECRET")?))?
            .with_api_url(&api_url)?
            .with_identity_url(&identity_url)?
            .with_scopes(["accounting.settings", "accounting.contacts", "accounting.invoices"]);
    if let Ok(tenant) = setting("XERO_TENANT_ID") {
        config = config.with_tenant(tenant.parse()?);
    }
    let http = http_client(&[&api_url, &identity_url])?;
    let client = Client::new(config, http, MemoryTokenStore::default(), MemoryBudget::default(), SystemClock);

    let mut session = client.session(Priority::Person, 7).await?;
    let rules = session.write_rules().await?;
    let contacts = session
        .contacts(ContactsQuery { modified_since: None, page: 1, include_archived: false })
        .await?
        .resources;
    let supplier = contacts.first().ok_or("the organisation has no contact")?;
    let expense = rules.accounts.iter().find(|account| account.kind.as_deref() == Some("EXPENSE"));
    let bill = NewBill {
        invoice_number: NUMBER.to_owned(),
        contact_id: supplier.contact_id,
        status: NewStatus::Draft,
        date: jiff::civil::date(2026, 3, 2),
        due_date: None,
        line_amount_types: None,
        currency_code: None,
        currency_rate: None,
        url: None,
        line_items: vec![NewLineItem {
            description: Some("An example".to_owned()),
            quantity: Some("3".parse()?),
            unit_amount: Some("0.3333".parse()?),
            account_code: expense.and_then(|account| account.code.clone()),
            ..NewLineItem::default()
        }],
    };
    rules.check_bill(&bill)?;

    let known = session.invoices_by_number(&[NUMBER]).await?.resources;
    // Each bill has a key of its own: within six minutes the same key would give the answer of the bill before.
    let key = IdempotencyKey::new(format!("{NUMBER}-{}", known.len()))?;
    let standing = known.into_iter().find(|bill| bill.status == Some(InvoiceStatus::Draft));
    let bill = match standing {
        Some(bill) => bill,
        None => {
            let batch = session.create_bills(&[bill], &key).await;
            let outcome = match batch {
                // It may have been written: the next run looks for it.
                Err(Error::Unknown { why }) => return Err(format!("run this again: {why}").into()),
                batch => batch?.outcomes.into_iter().next(),
            };
            match outcome.ok_or("Xero said nothing")? {
                WriteOutcome::Saved { resource, .. } => resource,
                WriteOutcome::Refused { errors } => {
                    let remedy = errors.first().map_or("", |words| RefusalReason::of(words).remedy());
                    return Err(format!("{}. {remedy}", errors.join("; ")).into());
                }
            }
        }
    };
    println!("{} stands as {:?} with a total of {:?}", NUMBER, bill.status, bill.total);
    let gone = BillUpdate::status(bill.invoice_id, InvoiceStatus::Deleted);
    let batch =
        session.update_bills(&[gone], &IdempotencyKey::new(format!("{}-away", bill.invoice_id))?).await?;
    println!("and is gone again: {}", matches!(batch.outcomes.as_slice(), [WriteOutcome::Saved { .. }]));
    session.finish().await?;
    for (kind, calls) in client.call_counts() {
        println!("{calls} × {} {}", kind.method, kind.resource);
    }
    Ok(())
}
