//! What is secret stays so. A process of its own, since the log is shared by all of it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "client/support.rs"]
#[expect(dead_code, reason = "this test needs a part of it")]
mod support;

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use jiff::civil::date;
use parstock_xero::{
    IdempotencyKey, Priority, StoredToken, TokenStore,
    model::{NewPurchaseOrder, PurchaseOrderStatus},
};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{Fake, SECRET, TOKEN, answer, ok};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Every error and every value is shown, and everything is logged at the finest level, that of the HTTP libraries
/// included.
#[tokio::test(flavor = "current_thread")]
async fn no_secret_is_ever_shown() {
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let key = IdempotencyKey::new("proposal-1").unwrap();
    let order = NewPurchaseOrder {
        purchase_order_number: "PS-1".to_owned(),
        contact_id: uuid::Uuid::from_u128(5),
        status: PurchaseOrderStatus::Draft,
        date: date(2026, 3, 1),
        delivery_date: None,
        line_amount_types: None,
        reference: None,
        currency_code: None,
        delivery_instructions: None,
        line_items: Vec::new(),
    };
    let mut shown = String::new();
    for status in [200, 302, 400, 401, 403, 404, 429, 500] {
        // A server that throws the secrets back.
        let body = format!(r#"{{"Title":"x","Detail":"y","Accounts":"{TOKEN}{SECRET}"}}"#);
        let fake = Fake::start(move |_, _| answer(status, &[("X-Rate-Limit-Problem", TOKEN)], &body)).await;
        let tokens = Arc::default();
        let client = fake.client_sharing(Arc::clone(&tokens), Arc::default(), Arc::default());
        let mut session = client.session(Priority::Webhook, 2).await.unwrap();
        let read = session.accounts().await.unwrap_err();
        let write = session.create_purchase_orders(std::slice::from_ref(&order), &key).await.unwrap_err();
        let stored: Option<StoredToken> = tokens.load().await.unwrap();
        shown += &format!(
            "{read} {read:?} {write} {write:?} {session:?} {client:?} {stored:?} {:?}",
            fake.config()
        );
        session.finish().await.unwrap();
    }
    let refusing = Fake::start_with_identity(
        |_, _| ok(""),
        |_| answer(400, &[], &format!(r#"{{"error":"{SECRET}","error_description":"{SECRET}"}}"#)),
    );
    let fake = refusing.await;
    let client = fake.client();
    let error = client.session(Priority::Webhook, 1).await.unwrap().accounts().await.unwrap_err();
    shown += &format!("{error} {error:?}");

    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("called"), "the log is empty");
    // Basic authorisation carries the secret as base64 of `client-id:secret`.
    for secret in [SECRET, TOKEN, "Y2xpZW50LWlkOmNhbmFyeS1jbGllbnQtc2VjcmV0"] {
        assert!(!shown.contains(secret), "{secret} is shown");
        assert!(!logged.contains(secret), "{secret} is logged");
    }
}
