//! What every mailer and every chat must do.

use parstock_app::ports::{Chat, Mail, Mailer, SendError};
use parstock_domain::ids::OrgId;
use uuid::Uuid;

/// A mail is taken with all its parts, and one that can't travel is refused. `taken` answers what was taken so far.
///
/// # Panics
/// When a promise is broken.
pub async fn mailer(mailer: &impl Mailer, taken: impl AsyncFn() -> Vec<Mail>) {
    assert_eq!(taken().await, [], "nothing was sent yet");
    let mail = Mail {
        to: vec!["orders@example.com".into(), "zoe@example.com".into()],
        subject: "Two orders to decide: Señor Hüte & Co".into(),
        html: "<p>5 × “A” <img src=\"cid:chart\"></p>".into(),
        text: "5 × “A”\n.\nend".into(),
        pictures: vec![("chart".into(), vec![0x89, b'P', b'N', b'G', 0, 13, 10, 26])],
        message_id: "digest.2026-11-22@parstock".into(),
    };
    mailer.send(&mail).await.unwrap();
    assert_eq!(taken().await, std::slice::from_ref(&mail));
    mailer.send(&mail).await.unwrap();
    let repeated = taken().await;
    // one mail or two: a repeat is the caller's business, who knows it by its id
    assert!(!repeated.is_empty() && repeated.iter().all(|one| *one == mail), "{repeated:?}");
    let other = Mail {
        subject: "Nothing to decide".into(),
        pictures: Vec::new(),
        message_id: "digest.2026-11-23@parstock".into(),
        ..mail.clone()
    };
    mailer.send(&other).await.unwrap();
    let both = taken().await;
    assert!(both.contains(&mail) && both.contains(&other), "{both:?}");
    let nobody = Mail { to: Vec::new(), ..other.clone() };
    let two_lines = Mail { subject: "Stock\r\nBcc: eve@example.com".into(), ..other };
    for wrong in [nobody, two_lines] {
        let answer = mailer.send(&wrong).await;
        assert!(matches!(answer, Err(SendError::Refused(_))), "{wrong:?}: {answer:?}");
    }
    assert_eq!(taken().await.len(), both.len(), "what is refused isn't taken");
}

/// Messages are taken whole, each once and in their order. `taken` answers what was taken so far.
///
/// # Panics
/// When a promise is broken.
pub async fn chat(chat: &impl Chat, taken: impl AsyncFn() -> Vec<String>) {
    let org = OrgId(Uuid::from_u128(1));
    assert_eq!(taken().await, [""; 0], "nothing was posted yet");
    let long = format!(r#"{{"text":"{}"}}"#, "5 × “A” ".repeat(5_000));
    let messages = [r#"{"text":"3 < 5 & “so on”\n*end*"}"#, long.as_str()];
    for message in messages {
        chat.post(org, message).await.unwrap();
    }
    assert_eq!(taken().await, messages);
}
