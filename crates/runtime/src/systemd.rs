//! What systemd wants to know of a service of `Type=notify`. Does nothing where systemd did not start the process.

use sd_notify::NotifyState;

/// Says that requests are answered now.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Says that the process is draining.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "systemd could not be told");
    }
}
