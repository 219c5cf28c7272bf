//! What every mailer and every chat must do.

use parstock_app::ports::{Chat, Mail, Mailer};
use parstock_domain::ids::OrgId;
use uuid::Uuid;

/// A mail is taken once per call, with all its parts. `taken` answers what was taken so far.
///
/// # Panics
/// When a promise is broken.
pub async fn mailer(mailer: &impl Mailer, taken: impl AsyncFn() -> Vec<Mail>) {
    assert_eq!(taken().await, [], "nothing was sent yet");
    let mail = Mail {
        to: vec!["orders@example.com".into(), "zoë@example.com".into()],
        subject: "Two orders to decide: Señor Hüte & Co".into(),
        html: "<p>5 × “A” <img src=\"cid:chart\"></p>".into(),
        text: "5 × “A”\n.\nend".into(),
        pictures: vec![("chart".into(), vec![0x89, b'P', b'N', b'G', 0, 13, 10, 26])],
        message_id: "digest.2026-11-22@parstock".into(),
    };
    mailer.send(&mail).await.unwrap();
    assert_eq!(taken().await, std::slice::from_ref(&mail));
    mailer.send(&mail).await.unwrap();
    assert_eq!(taken().await.len(), 2, "a repeat is the caller's business");
}

/// A message is taken, and no failure where nothing is set up.
///
/// # Panics
/// When a promise is broken.
pub async fn chat(chat: &impl Chat) {
    let org = OrgId(Uuid::from_u128(1));
    chat.post(org, r#"{"text":"3 < 5 & “so on”"}"#).await.unwrap();
}
