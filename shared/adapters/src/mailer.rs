//! Mail: by SES, or as files to look at.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Destination, EmailContent, RawMessage};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::Blob;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use mail_builder::MessageBuilder;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::MimePart;
use parstock_app::ports::{Clock, Mail, Mailer, SendError};

use crate::aws::never_sent;

/// The longest mail that is sent, in bytes. SES takes 40 MB; many mailboxes take 10.
pub const MAIL_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Recipients of one mail (SES: 50).
pub const RECIPIENTS_MAX: usize = 50;
/// The longest subject, in characters.
pub const SUBJECT_CHARS_MAX: usize = 200;
/// SES puts its own id into `Message-ID`, so ours also goes under this name, by which a repeat can be told.
/// Source: *Amazon SES header fields*.
const OWN_ID_HEADER: &str = "X-Parstock-Message-ID";

/// The mail's bytes as they travel: `multipart/alternative` of the text and of the HTML with its pictures.
///
/// # Errors
/// [`SendError::Refused`] for whatever could become another header or part, and beyond the limits.
pub fn compose(mail: &Mail, from: &str, now: Timestamp) -> Result<Vec<u8>, SendError> {
    check(mail, from)?;
    let mut related = vec![MimePart::new("text/html", mail.html.as_str())];
    related.extend(
        mail.pictures
            .iter()
            .map(|(name, png)| MimePart::new("image/png", png.as_slice()).inline().cid(name.as_str())),
    );
    let bytes = MessageBuilder::new()
        .from(from)
        .to(mail.to.iter().map(String::as_str).collect::<Vec<_>>())
        .subject(mail.subject.as_str())
        .message_id(mail.message_id.as_str())
        .date(now.as_second())
        .header(OWN_ID_HEADER, Raw::new(mail.message_id.as_str()))
        // Out-of-office answers to a machine help nobody (RFC 3834).
        .header("Auto-Submitted", Raw::new("auto-generated"))
        .body(MimePart::new(
            "multipart/alternative",
            vec![
                MimePart::new("text/plain", mail.text.as_str()),
                MimePart::new("multipart/related", related),
            ],
        ))
        .write_to_vec()
        .map_err(|error| SendError::Refused(format!("the mail could not be put together: {error}")))?;
    if bytes.len() > MAIL_BYTES_MAX {
        return Err(SendError::Refused(format!(
            "the mail has {} bytes and may have {MAIL_BYTES_MAX}",
            bytes.len()
        )));
    }
    Ok(bytes)
}

fn check(mail: &Mail, from: &str) -> Result<(), SendError> {
    let refuse = |why: &str| Err(SendError::Refused(why.to_owned()));
    if mail.to.is_empty() || mail.to.len() > RECIPIENTS_MAX {
        return refuse("a mail needs 1 to 50 recipients");
    }
    // The addresses themselves are personal, so the error does not repeat them.
    if let Some(at) = mail.to.iter().position(|address| !is_address(address)) {
        return refuse(&format!(
            "recipient {} is not a mail address such as name@example.com",
            at.saturating_add(1)
        ));
    }
    if !is_address(from) {
        return refuse("the sender is not a mail address such as name@example.com");
    }
    if mail.subject.chars().any(char::is_control) {
        return refuse("the subject must be one line");
    }
    if mail.subject.chars().count() > SUBJECT_CHARS_MAX {
        return refuse("the subject is longer than 200 characters");
    }
    if !is_address(&mail.message_id) {
        return refuse("the message id must have the form left@right, without blanks and brackets");
    }
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'@'))
    };
    if !mail.pictures.iter().all(|(name, _)| is_name(name)) {
        return refuse("the name of a picture may have letters, digits and -_.@ only");
    }
    Ok(())
}

/// A plain address: visible ASCII on both sides of one `@`, and nothing that has a meaning in a header.
pub(crate) fn is_address(text: &str) -> bool {
    let plain = |side: &str| {
        !side.is_empty()
            && side.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>(),;:\"[]\\".contains(&byte))
    };
    text.split_once('@').is_some_and(|(left, right)| plain(left) && plain(right) && !right.contains('@'))
}

/// Amazon SES.
#[derive(Debug)]
pub struct SesMailer<K> {
    client: Client,
    from: String,
    clock: Arc<K>,
}

impl<K: Clock> SesMailer<K> {
    /// Sends from the address `from`, which SES must know. No call is repeated by itself: after a lost answer a
    /// repeat would be a second mail, and that is for the caller to decide.
    pub fn new(config: &SdkConfig, from: String, clock: Arc<K>) -> Self {
        let config =
            aws_sdk_sesv2::config::Builder::from(config).retry_config(RetryConfig::disabled()).build();
        Self { client: Client::from_conf(config), from, clock }
    }
}

impl<K: Clock> Mailer for SesMailer<K> {
    async fn send(&self, mail: &Mail) -> Result<(), SendError> {
        let bytes = compose(mail, &self.from, self.clock.now())?;
        let raw = RawMessage::builder().data(Blob::new(bytes)).build();
        let raw = raw.map_err(|error| SendError::Refused(error.to_string()))?;
        let destination = Destination::builder().set_to_addresses(Some(mail.to.clone())).build();
        let sent = self
            .client
            .send_email()
            .from_email_address(&self.from)
            .destination(destination)
            .content(EmailContent::builder().raw(raw).build())
            .send()
            .await;
        sent.map(drop).map_err(|error| outcome(&error))
    }
}

/// What an error means. SES repeats addresses in its words, so only its error codes are told.
fn outcome<R>(error: &SdkError<SendEmailError, R>) -> SendError {
    let Some(service) = error.as_service_error() else {
        return if never_sent(error) {
            SendError::Retry("SES could not be reached".to_owned())
        } else {
            SendError::Unknown("SES did not answer".to_owned())
        };
    };
    let refused = |why: &str| SendError::Refused(why.to_owned());
    match service {
        SendEmailError::TooManyRequestsException(_) | SendEmailError::LimitExceededException(_) => {
            SendError::Retry("SES takes no more mails at the moment".to_owned())
        }
        SendEmailError::MailFromDomainNotVerifiedException(_) => {
            refused("SES does not know the sender's domain: verify it in the SES console")
        }
        SendEmailError::MessageRejected(_) => refused(
            "SES rejected the mail: in its sandbox every recipient must be verified, else see the SES console",
        ),
        SendEmailError::AccountSuspendedException(_) | SendEmailError::SendingPausedException(_) => {
            refused("SES has stopped this account from sending: see the SES console")
        }
        SendEmailError::BadRequestException(_) | SendEmailError::NotFoundException(_) => {
            refused("SES refused the request: check the sender's address and the region")
        }
        _ => SendError::Unknown("SES failed while it had the mail".to_owned()),
    }
}

/// Mails as files in a folder: `.eml` as it would travel, `.html` and `.txt` to look at.
///
/// A repeat with the same message id takes the place of the first.
#[derive(Debug)]
pub struct FileMailer<K> {
    folder: PathBuf,
    from: String,
    clock: Arc<K>,
}

impl<K: Clock> FileMailer<K> {
    /// Writes into `folder`, which is made with the first mail.
    pub fn new(folder: PathBuf, from: String, clock: Arc<K>) -> Self {
        Self { folder, from, clock }
    }

    /// Where the HTML of the mail with this message id is.
    pub fn html_path(&self, message_id: &str) -> PathBuf {
        self.folder.join(file_name(message_id, "html"))
    }

    fn write(&self, mail: &Mail, bytes: &[u8]) -> std::io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let write = |extension: &str, content: &[u8]| {
            replace(&self.folder, &file_name(&mail.message_id, extension), content)
        };
        write("txt", mail.text.as_bytes())?;
        write("html", with_pictures(mail).as_bytes())?;
        write("eml", bytes)
    }
}

impl<K: Clock> Mailer for FileMailer<K> {
    async fn send(&self, mail: &Mail) -> Result<(), SendError> {
        let bytes = compose(mail, &self.from, self.clock.now())?;
        self.write(mail, &bytes)
            .map_err(|error| SendError::Retry(format!("{} can't be written: {error}", self.folder.display())))
    }
}

/// Puts a file in place as a whole.
fn replace(folder: &Path, name: &str, content: &[u8]) -> std::io::Result<()> {
    let unfinished = folder.join(format!(".{name}.new"));
    fs::write(&unfinished, content)?;
    fs::rename(unfinished, folder.join(name))
}

fn file_name(message_id: &str, extension: &str) -> String {
    let kept =
        |letter: char| if letter.is_ascii_alphanumeric() || "-_".contains(letter) { letter } else { '_' };
    format!("{}.{extension}", message_id.chars().map(kept).collect::<String>())
}

/// The HTML with its pictures inside, so that a browser shows what a mail program would.
fn with_pictures(mail: &Mail) -> String {
    mail.pictures.iter().fold(mail.html.clone(), |html, (name, png)| {
        html.replace(&format!("\"cid:{name}\""), &format!("\"data:image/png;base64,{}\"", BASE64.encode(png)))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use parstock_tests::conformance;

    use super::*;
    use crate::test_http::{Canned, aws_config};
    use crate::test_mail;

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            "2026-11-22T12:00:00Z".parse().unwrap()
        }
    }

    fn mail() -> Mail {
        Mail {
            to: vec!["ann@example.com".into(), "bob@example.com".into()],
            subject: "3 to decide — Müller & Co".into(),
            html: "<p>Hällo</p><img src=\"cid:chart-1\">".into(),
            text: "Hällo".into(),
            pictures: vec![("chart-1".into(), b"\x89PNG pixels".to_vec())],
            message_id: "digest.2026-11-22@parstock.example".into(),
        }
    }

    #[test]
    fn a_mail_has_both_texts_its_pictures_and_its_own_id() {
        let eml = String::from_utf8(compose(&mail(), "stock@example.com", Noon.now()).unwrap()).unwrap();
        for expected in [
            "From: <stock@example.com>",
            "<ann@example.com>",
            "<bob@example.com>",
            "Message-ID: <digest.2026-11-22@parstock.example>",
            "X-Parstock-Message-ID: digest.2026-11-22@parstock.example",
            "Date: Sun, 22 Nov 2026 12:00:00 +0000",
            "multipart/alternative",
            "multipart/related",
            "Content-ID: <chart-1>",
            "image/png",
            "text/plain",
            "text/html",
        ] {
            assert!(eml.contains(expected), "`{expected}` is missing in\n{eml}");
        }
        assert!(eml.find("text/plain") < eml.find("text/html"), "the richest alternative comes last");
        assert!(eml.is_ascii(), "everything else is encoded");
    }

    #[test]
    fn what_could_become_a_header_is_refused() {
        type Spoil = fn(&mut Mail);
        let cases: [(&str, Spoil); 9] = [
            ("a second header", |m| m.subject = "Stock\r\nBcc: eve@example.com".into()),
            ("a lone line feed", |m| m.subject = "Stock\nBcc: eve@example.com".into()),
            ("a subject without end", |m| m.subject = "a".repeat(SUBJECT_CHARS_MAX + 1)),
            ("no recipient", |m| m.to.clear()),
            ("two recipients in one", |m| m.to = vec!["ann@example.com, eve@example.com".into()]),
            ("a header in the address", |m| m.to = vec!["ann@example.com\r\nBcc: eve@example.com".into()]),
            ("too many recipients", |m| m.to = vec!["ann@example.com".into(); RECIPIENTS_MAX + 1]),
            ("brackets in the message id", |m| m.message_id = "<a@b>".into()),
            ("a header in a picture's name", |m| m.pictures = vec![("a>\r\nX: y".into(), Vec::new())]),
        ];
        for (name, spoil) in cases {
            let mut mail = mail();
            spoil(&mut mail);
            let refused = compose(&mail, "stock@example.com", Noon.now());
            assert!(
                matches!(&refused, Err(SendError::Refused(why)) if !why.contains("example.com, ")),
                "{name}: {refused:?}"
            );
        }
        assert!(compose(&mail(), "Stock <stock@example.com>", Noon.now()).is_err(), "a sender with a name");
        let mut large = mail();
        large.pictures = vec![("p".into(), vec![0; MAIL_BYTES_MAX])];
        assert!(matches!(compose(&large, "stock@example.com", Noon.now()), Err(SendError::Refused(_))));
    }

    #[tokio::test]
    async fn the_mails_by_ses_conform() {
        let taken = Arc::<Mutex<Vec<Mail>>>::default();
        let ses = Arc::clone(&taken);
        let http = Canned::playing(move |seen| {
            assert!(seen.target.ends_with("/v2/email/outbound-emails"), "{}", seen.target);
            let request: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
            let raw = BASE64.decode(request["Content"]["Raw"]["Data"].as_str().unwrap()).unwrap();
            let mail = test_mail::read(&String::from_utf8(raw).unwrap());
            // SES delivers to these, whatever the mail says
            assert_eq!(request["Destination"]["ToAddresses"], serde_json::json!(mail.to));
            ses.lock().unwrap().push(mail);
            Some((200, r#"{"MessageId":"m"}"#.to_owned()))
        });
        let mailer = SesMailer::new(&aws_config(&http), "stock@example.com".into(), Arc::new(Noon));
        conformance::send::mailer(&mailer, async || taken.lock().unwrap().clone()).await;
    }

    #[tokio::test]
    async fn the_mails_in_files_conform() {
        let folder = tempfile::tempdir().unwrap();
        let mailer = FileMailer::new(folder.path().to_owned(), "stock@example.com".into(), Arc::new(Noon));
        conformance::send::mailer(&mailer, async || {
            let files = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
            let mails = files.filter(|path| path.extension().is_some_and(|extension| extension == "eml"));
            mails.map(|path| test_mail::read(&fs::read_to_string(path).unwrap())).collect()
        })
        .await;
    }

    #[tokio::test]
    async fn files_show_the_mail_and_a_repeat_leaves_no_second() {
        let folder = tempfile::tempdir().unwrap();
        let mailer = FileMailer::new(folder.path().join("mails"), "stock@example.com".into(), Arc::new(Noon));
        mailer.send(&mail()).await.unwrap();
        mailer.send(&mail()).await.unwrap();
        let html = fs::read_to_string(mailer.html_path(&mail().message_id)).unwrap();
        assert_eq!(
            html,
            "<p>Hällo</p><img src=\"data:image/png;base64,iVBORyBwaXhlbHM=\">"
                .replace("iVBORyBwaXhlbHM=", &BASE64.encode(b"\x89PNG pixels"))
        );
        let mut names: Vec<String> = fs::read_dir(folder.path().join("mails"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let stem = "digest_2026-11-22_parstock_example";
        assert_eq!(names, [format!("{stem}.eml"), format!("{stem}.html"), format!("{stem}.txt")]);
    }
}
