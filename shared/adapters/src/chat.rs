//! Slack: by incoming webhook, or as a file to look at.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parstock_app::ports::{Chat, SendError};
use parstock_domain::ids::OrgId;
use reqwest::{Client, StatusCode, Url, header, redirect};
use secrecy::ExposeSecret;
use tokio::sync::OnceCell;

use crate::vault::{Freshness, Vault, VaultError, names};

/// The longest message that is posted, in bytes; Slack's fifty blocks of text fit several times.
pub const CHAT_BYTES_MAX: usize = 512 * 1024;
/// How long reaching Slack may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one post may take.
const POST_TIMEOUT: Duration = Duration::from_secs(15);
/// The only host that is ever posted to.
const SLACK_HOST: &str = "hooks.slack.com";

/// Slack, at the webhook address that the vault holds for an org.
#[derive(Debug)]
pub struct SlackChat<V> {
    /// Built at the first post: reading the machine's certificates takes milliseconds, and most processes never post.
    http: OnceCell<Client>,
    vault: Arc<V>,
}

impl<V: Vault> SlackChat<V> {
    /// Posts to the addresses in `vault`.
    pub fn new(vault: Arc<V>) -> Self {
        Self { http: OnceCell::new(), vault }
    }

    async fn http(&self) -> Result<&Client, SendError> {
        // A redirect could lead anywhere, and a repeat would be a second message.
        let build = async || {
            Client::builder()
                .redirect(redirect::Policy::none())
                .retry(reqwest::retry::never())
                .connect_timeout(CONNECT_TIMEOUT)
                .timeout(POST_TIMEOUT)
                .build()
        };
        self.http.get_or_try_init(build).await.map_err(|error| SendError::Retry(error.to_string()))
    }
}

impl<V: Vault> Chat for SlackChat<V> {
    async fn post(&self, org: OrgId, message: &str) -> Result<(), SendError> {
        let address =
            self.vault.get(&names::slack(org), Freshness::Recent).await.map_err(|error| match error {
                VaultError::Unavailable { .. } => SendError::Retry(error.to_string()),
                VaultError::NeedsPerson(why) => SendError::Refused(why),
            })?;
        match address {
            Some(address) => deliver(self.http().await?, slack_address(address.expose_secret())?, message).await,
            None => Err(SendError::Refused(
                "Slack is switched on and no address is kept for it: give parstock the address of an incoming webhook \
                 (SLACK_WEBHOOK_URL at the start; on AWS the secret `orgs/<organisation>/slack`), or set `slack` to false"
                    .to_owned(),
            )),
        }
    }
}

/// The address of an incoming webhook, if it is exactly one of Slack's: whoever may set it must not make parstock
/// post elsewhere. The address is a secret, so the error does not repeat it.
fn slack_address(text: &str) -> Result<Url, SendError> {
    let wrong = || {
        SendError::Refused(format!(
            "the Slack address must have the form https://{SLACK_HOST}/services/…: copy it from Slack's page of the \
             incoming webhook"
        ))
    };
    let url = Url::parse(text.trim()).map_err(|_| wrong())?;
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let path: Vec<&str> = url.path_segments().map(Iterator::collect).unwrap_or_default();
    let fits = url.scheme() == "https"
        && url.host_str() == Some(SLACK_HOST)
        && url.port().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && matches!(path.as_slice(), ["services", rest @ ..] if rest.len() == 3 && rest.iter().all(|part| plain(part)));
    if fits { Ok(url) } else { Err(wrong()) }
}

async fn deliver(http: &Client, address: Url, message: &str) -> Result<(), SendError> {
    if message.len() > CHAT_BYTES_MAX {
        return Err(SendError::Refused(format!(
            "the Slack message has {} bytes and may have {CHAT_BYTES_MAX}",
            message.len()
        )));
    }
    let request =
        http.post(address).header(header::CONTENT_TYPE, "application/json").body(message.to_owned());
    let status = match request.send().await {
        Ok(answer) => answer.status(),
        // Errors of the client repeat the address, so only their kind is told.
        Err(error) if error.is_connect() => {
            return Err(SendError::Retry("Slack could not be reached".to_owned()));
        }
        Err(_) => return Err(SendError::Unknown("Slack did not answer".to_owned())),
    };
    match status {
        _ if status.is_success() => Ok(()),
        StatusCode::TOO_MANY_REQUESTS => {
            Err(SendError::Retry("Slack takes no more messages at the moment".to_owned()))
        }
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::GONE => Err(SendError::Refused(format!(
            "Slack no longer takes messages at this address (HTTP {}): make a new incoming webhook",
            status.as_u16()
        ))),
        _ if status.is_server_error() => {
            Err(SendError::Unknown(format!("Slack answered HTTP {}", status.as_u16())))
        }
        _ => Err(SendError::Refused(format!("Slack answered HTTP {}", status.as_u16()))),
    }
}

/// Messages as lines of one file per org in a folder.
#[derive(Debug)]
pub struct FileChat {
    folder: PathBuf,
}

impl FileChat {
    /// Writes into `folder`, which is made with the first message.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }
}

impl Chat for FileChat {
    async fn post(&self, org: OrgId, message: &str) -> Result<(), SendError> {
        let path = self.folder.join(format!("{org}.jsonl"));
        // One message is one line: between JSON's tokens a line break means nothing.
        let line = message.replace(['\n', '\r'], " ");
        fs::create_dir_all(&self.folder)
            .and_then(|()| OpenOptions::new().create(true).append(true).open(&path))
            .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()))
            .map_err(|error| SendError::Retry(format!("{} can't be written: {error}", path.display())))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use parstock_tests::conformance;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use uuid::Uuid;

    use super::*;
    use crate::vault::EncryptedFileVault;

    #[test]
    fn only_slacks_own_webhook_addresses_are_posted_to() {
        assert!(slack_address("https://hooks.slack.com/services/T0AB/B0CD/x1Y2z3").is_ok());
        assert!(slack_address(" https://HOOKS.slack.com/services/T0AB/B0CD/x1Y2z3\n").is_ok());
        for wrong in [
            "",
            "hooks.slack.com/services/T/B/x",
            "http://hooks.slack.com/services/T/B/x",
            "https://hooks.slack.com.evil.example/services/T/B/x",
            "https://evil.example/services/T/B/x",
            "https://hooks.slack.com@evil.example/services/T/B/x",
            "https://user:pass@hooks.slack.com/services/T/B/x",
            "https://hooks.slack.com:8443/services/T/B/x",
            "https://hooks.slack.com./services/T/B/x",
            "https://hooks.slack.com/services/T/B/x?to=evil",
            "https://hooks.slack.com/services/T/B/x#f",
            "https://hooks.slack.com/services/../workflows/B/x",
            "https://hooks.slack.com/services/T/B/",
            "https://hooks.slack.com/services/T/B/x/y",
            "https://hooks.slack.com/services/T/B/%2e%2e",
            "https://hooks.slack.com/",
            "https://127.0.0.1/services/T/B/x",
            "https://[::1]/services/T/B/x",
            "https://[::ffff:169.254.169.254]/services/T/B/x",
            "https://169.254.169.254/latest/meta-data",
            "file:///services/T/B/x",
            "javascript:alert(1)",
        ] {
            let error = slack_address(wrong).unwrap_err().to_string();
            assert!(!error.contains("T/B"), "the address shows in {error}");
        }
    }

    /// Serves one request with a status and gives back what was asked.
    async fn answering(status: &'static str) -> (Url, tokio::task::JoinHandle<String>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap()).parse().unwrap();
        let served = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 4096];
            let length = socket.read(&mut asked).await.unwrap();
            socket.write_all(format!("HTTP/1.1 {status}\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
            String::from_utf8_lossy(&asked[..length]).into_owned()
        });
        (url, served)
    }

    /// [`SlackChat`] with another address than Slack's, which it would not post to.
    struct ToThisMachine {
        slack: SlackChat<EncryptedFileVault>,
        address: Url,
    }

    impl Chat for ToThisMachine {
        async fn post(&self, _: OrgId, message: &str) -> Result<(), SendError> {
            deliver(self.slack.http().await?, self.address.clone(), message).await
        }
    }

    /// Takes messages as Slack's webhook does. Answers where, and what was taken.
    async fn webhook() -> (Url, Arc<Mutex<Vec<String>>>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap()).parse().unwrap();
        let taken = Arc::<Mutex<Vec<String>>>::default();
        let keep = Arc::clone(&taken);
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let (mut asked, mut bytes) = (Vec::new(), [0; 4_096]);
                let body = loop {
                    let read = socket.read(&mut bytes).await.unwrap();
                    asked.extend_from_slice(&bytes[..read]);
                    let text = String::from_utf8_lossy(&asked);
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    let length = head.lines().find_map(|line| {
                        line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned)
                    });
                    if asked.len() >= head.len() + 4 + length.unwrap().parse::<usize>().unwrap() {
                        break body.to_owned();
                    }
                };
                keep.lock().unwrap().push(body);
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
                socket.write_all(answer).await.unwrap();
            }
        });
        (url, taken)
    }

    #[tokio::test]
    async fn slack_conforms() {
        let folder = tempfile::tempdir().unwrap();
        let slack = SlackChat::new(Arc::new(EncryptedFileVault::open(folder.path()).unwrap()));
        let (address, taken) = webhook().await;
        let chat = ToThisMachine { slack, address };
        conformance::send::chat(&chat, async || taken.lock().unwrap().clone()).await;
    }

    #[tokio::test]
    async fn each_answer_tells_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let chat = SlackChat::new(Arc::new(EncryptedFileVault::open(folder.path()).unwrap()));
        let cases = [
            ("200 OK", "sent"),
            ("302 Found", "refused"),
            ("400 Bad Request", "refused"),
            ("404 Not Found", "refused"),
            ("429 Too Many Requests", "retry"),
            ("503 Service Unavailable", "unknown"),
        ];
        for (status, expected) in cases {
            let (url, served) = answering(status).await;
            let outcome = match deliver(chat.http().await.unwrap(), url, r#"{"text":"3 to decide"}"#).await {
                Ok(()) => "sent",
                Err(SendError::Refused(_)) => "refused",
                Err(SendError::Retry(_)) => "retry",
                Err(SendError::Unknown(_)) => "unknown",
            };
            assert_eq!(outcome, expected, "{status}");
            let asked = served.await.unwrap();
            assert!(asked.starts_with("POST /hook ") && asked.contains("application/json"), "{asked}");
        }
        let nobody = "http://127.0.0.1:1/hook".parse().unwrap();
        let unreachable = deliver(chat.http().await.unwrap(), nobody, "{}").await.unwrap_err();
        assert_eq!(unreachable, SendError::Retry("Slack could not be reached".into()));
    }

    #[tokio::test]
    async fn without_an_address_or_with_a_wrong_one_a_message_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Arc::new(EncryptedFileVault::open(folder.path()).unwrap());
        let chat = SlackChat::new(Arc::clone(&vault));
        let org = OrgId(Uuid::from_u128(1));
        let error = chat.post(org, "{}").await.unwrap_err();
        assert!(matches!(&error, SendError::Refused(why) if why.contains("no address")), "{error}");
        vault.put(&names::slack(org), "https://evil.example/canary-77".into()).await.unwrap();
        let error = chat.post(org, "{}").await.unwrap_err();
        assert!(matches!(&error, SendError::Refused(why) if !why.contains("canary-77")), "{error}");
    }

    #[tokio::test]
    async fn files_hold_one_message_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let chat = FileChat::new(folder.path().join("slack"));
        let org = OrgId(Uuid::from_u128(1));
        chat.post(org, "{\n\"text\":\"a\"}").await.unwrap();
        chat.post(org, r#"{"text":"b"}"#).await.unwrap();
        let lines = fs::read_to_string(folder.path().join("slack").join(format!("{org}.jsonl"))).unwrap();
        assert_eq!(lines.lines().count(), 2);
        assert!(lines.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    }
}
