//! The program as a process, and the simulated Xero that it talks to, by the machine's clock.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it stands")]
#![expect(clippy::disallowed_methods, reason = "a process runs by the machine's clock")]

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Everything that is waited for comes long before this, on a busy machine too.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// Serves on a port of this machine, on a thread and a runtime of its own; answers the address.
pub fn serve(app: axum::Router) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, app).await.unwrap();
        });
    });
    base
}

/// `parstock` with nothing of the test's own environment that could lead it to Xero.
pub fn parstock(arguments: &[&str], data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parstock"));
    command.args(arguments).arg("--data").arg(data).stdin(Stdio::null());
    for name in [
        "XERO_CLIENT_ID",
        "XERO_CLIENT_SECRET",
        "XERO_WEBHOOK_KEY",
        "XERO_API_URL",
        "XERO_IDENTITY_URL",
        "XERO_LOGIN_URL",
        "XERO_CONNECTIONS_URL",
        "XERO_SCOPES",
        "XERO_TENANT_ID",
        "SLACK_WEBHOOK_URL",
    ] {
        command.env_remove(name);
    }
    command
}

/// A command that says something on standard error while it runs.
pub struct Running {
    pub child: Child,
    said: Arc<Mutex<Vec<String>>>,
}

impl Running {
    /// Its results are kept for its end, or dropped with `Stdio::null()` where it runs for long.
    pub fn start(mut command: Command, results: Stdio) -> Self {
        let mut child = command.stdout(results).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let (talk, hears) = (child.stderr.take().unwrap(), Arc::clone(&said));
        std::thread::spawn(move || {
            for line in BufReader::new(talk).lines().map_while(Result::ok) {
                hears.lock().unwrap().push(line);
            }
        });
        Self { child, said }
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn all(&self) -> String {
        self.said.lock().unwrap().join("\n")
    }

    /// The first line that holds `what`, once it is said.
    pub fn says(&self, what: &str) -> String {
        until(&format!("it says {what:?}"), || {
            let said = self.said.lock().unwrap();
            said.iter().find(|line| line.contains(what)).cloned().ok_or_else(|| said.join("\n"))
        })
    }

    /// Its exit code and its results, once it has ended.
    pub fn ends(mut self) -> (i32, String, String) {
        let code = self.waited();
        let mut out = String::new();
        if let Some(mut results) = self.child.stdout.take() {
            results.read_to_string(&mut out).unwrap();
        }
        // the thread that listens may be a moment behind
        std::thread::sleep(Duration::from_millis(50));
        (code, out, self.all())
    }

    /// Its exit code, once it has ended.
    pub fn waited(&mut self) -> i32 {
        let Self { child, said } = self;
        let status =
            until("it ends", || child.try_wait().unwrap().ok_or_else(|| said.lock().unwrap().join("\n")));
        status.code().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that ends by itself: its exit code, results and talk.
pub fn ended(command: Command) -> (i32, String, String) {
    Running::start(command, Stdio::piped()).ends()
}

/// Waits until `look` has an answer; else tells what it saw last.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let began = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) => {
                if began.elapsed() >= DEADLINE {
                    panic!("waited in vain until {what}; last:\n{seen}");
                }
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
