//! SIGHUP: reads again what can be replaced while it is served.

use tokio::signal::unix::Signal;

use crate::server::Certificates;
use crate::{Failure, Work};

/// Reads the certificate again on every SIGHUP. Without one there is nothing to read, and the signal is only noted: it must
/// never end a server.
pub(super) struct Hangup {
    pub(super) signals: Signal,
    pub(super) certificates: Option<Certificates>,
}

impl Work for Hangup {
    async fn due(&mut self) {
        self.signals.recv().await;
    }

    async fn round(&mut self) -> Result<(), Failure> {
        let Some(certificates) = &self.certificates else {
            tracing::info!("SIGHUP: there is no certificate to read again; other settings are read at the start alone");
            return Ok(());
        };
        match certificates.reload() {
            Ok(()) => tracing::info!("the certificate was reloaded"),
            Err(error) => {
                let error: &(dyn std::error::Error + 'static) = &error;
                tracing::error!(error, "the certificate was not reloaded; the old one stays");
            }
        }
        Ok(())
    }
}
