//! Reads again what can be replaced while it is served, when it changes or at SIGHUP, and says what is about to be over.

use std::time::{Duration, Instant, SystemTime};

use tokio::signal::unix::Signal;

use crate::server::{Certificates, Expiry};
use crate::{Failure, Work};

/// How often it is looked whether the files of certificates have changed.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// How long before its end a certificate is told to need another one. Those that are renewed by themselves are by then: at a third
/// of their time left, which of 90 days is 30.
pub const EXPIRY_WARNING: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// How often that is said again.
const WARNING_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// Follows the files of certificates. Without any there is nothing to read, and SIGHUP is only noted: it must never end a server.
pub(super) struct Follow {
    signals: Signal,
    certificates: Option<Certificates>,
    /// Whether all files are to be read, and it is to be told what came of it.
    is_asked: bool,
    warned: Option<Instant>,
}

impl Follow {
    pub(super) fn new(signals: Signal, certificates: Option<Certificates>) -> Follow {
        Follow { signals, certificates, is_asked: false, warned: None }
    }

    /// Says which certificates are over, or soon will be, once a day.
    fn warn(&mut self, certificates: &Certificates) {
        if self.warned.is_some_and(|warned| warned.elapsed() < WARNING_INTERVAL) {
            return;
        }
        self.warned = Some(Instant::now());
        let now = SystemTime::now();
        for Expiry { name, file, not_after } in certificates.expiries() {
            let file = file.display();
            match not_after.duration_since(now) {
                Ok(left) if left > EXPIRY_WARNING => {}
                Ok(left) => {
                    let days = left.as_secs() / (24 * 60 * 60);
                    tracing::warn!(name, %file, days, "a certificate is over in {days} days; renew it");
                }
                Err(_) => tracing::error!(name, %file, "a certificate is over: clients refuse it; renew it"),
            }
        }
    }
}

impl Work for Follow {
    async fn due(&mut self) {
        let look = async {
            match (&self.certificates, self.warned) {
                (None, _) => std::future::pending().await,
                // What is about to be over is said at the start.
                (Some(_), None) => {}
                (Some(_), Some(_)) => tokio::time::sleep(LOOK_INTERVAL).await,
            }
        };
        tokio::select! {
            biased;
            _ = self.signals.recv() => self.is_asked = true,
            () = look => {}
        }
    }

    async fn round(&mut self) -> Result<(), Failure> {
        let is_asked = std::mem::take(&mut self.is_asked);
        let Some(certificates) = self.certificates.clone() else {
            tracing::info!("SIGHUP: there is no certificate to read again; other settings are read at the start alone");
            return Ok(());
        };
        let reading = certificates.clone();
        let read = move || if is_asked { reading.reload() } else { reading.refresh() };
        let found = tokio::task::spawn_blocking(read).await?;
        for file in &found.replaced {
            tracing::info!(file = %file.display(), "a certificate was reloaded");
        }
        for error in &found.failed {
            let error: &(dyn std::error::Error + 'static) = error;
            tracing::error!(error, "a certificate was not reloaded; the one before stays");
        }
        if !found.replaced.is_empty() {
            self.warned = None;
        }
        self.warn(&certificates);
        Ok(())
    }
}
