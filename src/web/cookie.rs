//! The cookie behind Continue, and the token that every POST carries.

use axum::http::{HeaderMap, HeaderValue, header};
use rand::Rng;
use sha2::{Digest, Sha256};

use super::state::App;
use crate::domain::LinkId;
use crate::engine::clock::wall_ms;
use crate::store::Error;

/// How long a browser stays signed in to one link.
const LIFE_MS: i64 = 12 * 3_600_000;

/// Who is there: one browser on one link.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub session_hash: String,
    /// Stored methods may be shown.
    pub verified: bool,
    pub csrf: String,
}

fn name(link: &LinkId) -> String {
    let short: String = link.as_str().chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    format!("quittance_{short}")
}

/// Opens a session and answers the cookie that holds it, for the pages below a path. Lax, since a Strict one is not sent on the way back from a
/// bank's page.
pub async fn sign_in(app: &App, link: &LinkId, below: &str) -> Result<HeaderValue, Error> {
    sign_in_at(app, link, &format!("{below}/{link}")).await
}

/// The same for the pages below this very path.
pub async fn sign_in_at(app: &App, link: &LinkId, path: &str) -> Result<HeaderValue, Error> {
    let secret = hex::encode(rand::rng().random::<[u8; 32]>());
    let now_ms = wall_ms();
    app.payments().store().open_session(&hash(&secret), link, now_ms, now_ms + LIFE_MS).await?;
    let cookie =
        format!("{}={secret}; Path={path}; Max-Age={}; HttpOnly; Secure; SameSite=Lax", name(link), LIFE_MS / 1000);
    HeaderValue::from_str(&cookie).map_err(|_| Error::Unreadable { what: "a link id", found: link.to_string() })
}

/// The visitor of a link, if the browser has its cookie.
pub async fn visitor(app: &App, link: &LinkId, headers: &HeaderMap) -> Result<Option<Visitor>, Error> {
    let wanted = name(link);
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    for (name, secret) in pairs {
        if name != wanted || secret.len() != 64 {
            continue;
        }
        let session_hash = hash(secret);
        let now_ms = wall_ms();
        if let Some(session) = app.payments().store().session(&session_hash, now_ms).await?
            && session.link == *link
        {
            let csrf = app.links.sign("csrf", &session_hash);
            let verified = session.verified_until_ms.is_some_and(|until| until > now_ms);
            return Ok(Some(Visitor { session_hash, verified, csrf }));
        }
    }
    Ok(None)
}

impl Visitor {
    /// Whether a POST came from our own page.
    pub fn wrote(&self, csrf: &str) -> bool {
        same(&self.csrf, csrf)
    }
}

/// The token on the page before Continue, where there is no session yet.
pub fn continue_csrf(app: &App, token_hash: &str) -> String {
    app.links.sign("continue", token_hash)
}

pub fn same(one: &str, other: &str) -> bool {
    subtle::ConstantTimeEq::ct_eq(one.as_bytes(), other.as_bytes()).into()
}

fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}
