//! A mail server for the sandbox: takes whatever is handed to it, keeps it, and shows it.
//!
//! It speaks SMTP as a real server would (EHLO with PIPELINING, 8BITMIME, SIZE, AUTH PLAIN and LOGIN) and delivers
//! nothing anywhere. An address that begins with `nobody@` or `unknown@` is refused for good, one that begins with
//! `full@` for now; the fault `refused_mail` answers 451 to any, and `lost_mail_reply` hangs up on a letter that was taken.

mod api;
mod reader;
mod session;
mod shelf;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::faults::Faults;

pub use api::router;
pub use reader::{Attached, Opened};
pub use shelf::{Mail, Mailbox};

/// Where the server listens and what it keeps.
#[derive(Clone, Debug)]
pub struct Options {
    pub listen: SocketAddr,
    /// Mails are kept here as `.eml` files and found again at the next start. `None`: in memory only.
    pub dir: Option<PathBuf>,
    /// The largest mail that is taken, in bytes.
    pub largest: usize,
    /// A mail that is not signed for by this user and password is refused. `None`: anybody may send.
    pub sign_in: Option<(String, String)>,
}

impl Default for Options {
    fn default() -> Options {
        Options { listen: ([127, 0, 0, 1], 0).into(), dir: None, largest: 10 * 1024 * 1024, sign_in: None }
    }
}

/// A running mail server. It stops when this is dropped.
pub struct Served {
    pub smtp_addr: SocketAddr,
    pub handle: Arc<Mailbox>,
    _task: AbortOnDropHandle<()>,
}

/// Starts the server.
pub async fn serve(faults: Arc<Faults>, options: Options) -> std::io::Result<Served> {
    let mailbox = Arc::new(Mailbox::open(options.dir.clone())?);
    let listener = TcpListener::bind(options.listen).await?;
    let smtp_addr = listener.local_addr()?;
    let (handle, options) = (mailbox.clone(), Arc::new(options));
    let task = tokio::spawn(async move {
        let mut sessions = tokio::task::JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let (faults, mailbox, options) = (faults.clone(), mailbox.clone(), options.clone());
                        sessions.spawn(async move {
                            if let Err(error) = session::talk(stream, &faults, &mailbox, &options).await {
                                tracing::debug!(%error, "a mail client hung up");
                            }
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the mailbox could not take a connection");
                        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    }
                },
                Some(_) = sessions.join_next() => {}
            }
        }
    });
    Ok(Served { smtp_addr, handle, _task: AbortOnDropHandle::new(task) })
}

#[cfg(test)]
mod tests;
