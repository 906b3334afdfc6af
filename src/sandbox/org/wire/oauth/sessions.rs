//! Sessions: a token, whom it stands for, and when it ends.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::sandbox::faults::Faults;
use crate::sandbox::org::host::User;

/// One user's session.
#[derive(Clone)]
pub struct Session {
    pub token: String,
    pub user: User,
    /// Cancelled when the session ends before its time: live event streams end with it.
    pub ended: CancellationToken,
    last_used: Timestamp,
    /// Made by the sandbox itself, for tools: no fault and no time ends it.
    lasting: bool,
}

impl Session {
    /// Whether the sandbox made it for a tool of its own.
    pub fn is_lasting(&self) -> bool {
        self.lasting
    }
}

/// Every open session, by token.
pub struct Sessions {
    open: Mutex<BTreeMap<String, Session>>,
    organization: String,
    /// Inactivity after which a session is over.
    lifetime: Mutex<SignedDuration>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    faults: Arc<Faults>,
}

impl Sessions {
    pub fn new(
        organization: &str,
        lifetime: SignedDuration,
        clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
        faults: Arc<Faults>,
    ) -> Sessions {
        let (open, lifetime) = (Mutex::default(), Mutex::new(lifetime));
        Sessions { open, organization: organization.to_owned(), lifetime, clock, faults }
    }

    /// A session as OAuth gives it.
    pub fn start(&self, user: User) -> Session {
        self.insert(user, false)
    }

    /// A session for a tool: it lasts as long as the sandbox.
    pub fn start_lasting(&self, user: User) -> Session {
        self.insert(user, true)
    }

    fn insert(&self, user: User, lasting: bool) -> Session {
        // The classic form: fifteen characters of the org's id, an exclamation mark, something opaque.
        let opaque = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 48]>());
        let organization = self.organization.get(..15).unwrap_or(&self.organization);
        let session = Session {
            token: format!("{organization}!{opaque}"),
            user,
            ended: CancellationToken::new(),
            last_used: (self.clock)(),
            lasting,
        };
        self.open().insert(session.token.clone(), session.clone());
        session
    }

    /// The session of a token, if it is still good; using it keeps it alive.
    pub fn find(&self, token: &str) -> Option<Session> {
        let now = (self.clock)();
        let lifetime = *self.lifetime.lock().unwrap_or_else(PoisonError::into_inner);
        let mut open = self.open();
        let session = open.get_mut(token)?;
        if !session.lasting && session.last_used + lifetime <= now {
            // A live event stream outlasts the session's time; only new calls fail.
            open.remove(token);
            return None;
        }
        if !session.lasting && self.faults.strikes("expired_token") {
            session.ended.cancel();
            open.remove(token);
            return None;
        }
        session.last_used = now;
        Some(session.clone())
    }

    /// Ends a session; false if there is none.
    pub fn revoke(&self, token: &str) -> bool {
        match self.open().remove(token) {
            Some(session) => {
                session.ended.cancel();
                true
            }
            None => false,
        }
    }

    /// Ends every session that OAuth gave, as a release upgrade does.
    pub fn revoke_all(&self) {
        self.open().retain(|_, session| {
            if !session.lasting {
                session.ended.cancel();
            }
            session.lasting
        });
    }

    /// For tests of expiry: what the org's session timeout is from now on.
    pub fn set_lifetime(&self, lifetime: SignedDuration) {
        *self.lifetime.lock().unwrap_or_else(PoisonError::into_inner) = lifetime;
    }

    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The org's id, 18 characters.
    pub fn organization(&self) -> &str {
        &self.organization
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<String, Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
