//! What systemd is told.

use std::path::PathBuf;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

/// Ready to work.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// On the way out.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// One line for `systemctl status`.
pub fn status(text: &str) {
    tell(&[NotifyState::Status(text)]);
}

/// The folder that the service manager gave us to keep state in.
pub fn state_folder() -> Option<PathBuf> {
    let folders = std::env::var_os("STATE_DIRECTORY")?;
    std::env::split_paths(&folders).next().filter(|folder| folder.is_dir())
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(false, state) {
        tracing::debug!(%error, "systemd could not be told");
    }
}

/// Says that we are alive, twice as often as systemd asks for, for as long as the runtime still turns.
pub async fn watchdog(stop: CancellationToken) {
    let Some(every) = watchdog_interval() else { return };
    loop {
        tell(&[NotifyState::Watchdog]);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every / 2) => {}
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the service manager's own variables, which are no settings")]
fn watchdog_interval() -> Option<Duration> {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    // Meant for another process of the unit, if a pid is named that is not ours.
    if number("WATCHDOG_PID").is_some_and(|pid| pid != u64::from(std::process::id())) {
        return None;
    }
    number("WATCHDOG_USEC").filter(|usec| *usec > 0).map(Duration::from_micros)
}
