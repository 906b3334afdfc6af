//! Style and script, under names that hold their hash, and the logo.

use std::sync::LazyLock;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::state::App;

const CSS: &str = include_str!("assets/page.css");
const PAY_JS: &str = include_str!("assets/pay.js");
const BANK_JS: &str = include_str!("assets/bank.js");
const BANK_RETURN_JS: &str = include_str!("assets/bank_return.js");
const ACCOUNT_JS: &str = include_str!("assets/account.js");
const CARD_JS: &str = include_str!("assets/card.js");
const STATUS_JS: &str = include_str!("assets/status.js");
const FOLLOW_JS: &str = include_str!("assets/follow.js");

/// A file and the name that it is served under.
#[derive(Clone, Debug)]
pub struct Sheet {
    pub path: String,
    text: String,
}

fn hashed(stem: &str, extension: &str, text: String) -> Sheet {
    let hash = hex::encode(Sha256::digest(text.as_bytes()));
    Sheet { path: format!("/assets/{stem}.{}.{extension}", &hash[..12]), text }
}

/// The stylesheet with the company's colour. A colour too pale or too dark for text on it gets ink that can be read.
pub fn sheet(color: Option<[u8; 3]>) -> Sheet {
    let text = match color {
        None => CSS.to_owned(),
        Some([red, green, blue]) => {
            let ink = if luminance([red, green, blue]) > 0.179 { "#000" } else { "#fff" };
            format!("{CSS}\n:root{{--brand:#{red:02x}{green:02x}{blue:02x};--on-brand:{ink}}}\n")
        }
    };
    hashed("page", "css", text)
}

/// WCAG's relative luminance.
fn luminance(color: [u8; 3]) -> f64 {
    let part = |value: u8| {
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(color[0]) + 0.7152 * part(color[1]) + 0.0722 * part(color[2])
}

pub static PAY: LazyLock<Sheet> = LazyLock::new(|| hashed("pay", "js", PAY_JS.to_owned()));
pub static BANK: LazyLock<Sheet> = LazyLock::new(|| hashed("bank", "js", BANK_JS.to_owned()));
pub static BANK_RETURN: LazyLock<Sheet> = LazyLock::new(|| hashed("bank-return", "js", BANK_RETURN_JS.to_owned()));
pub static ACCOUNT: LazyLock<Sheet> = LazyLock::new(|| hashed("account", "js", ACCOUNT_JS.to_owned()));
pub static CARD: LazyLock<Sheet> = LazyLock::new(|| hashed("card", "js", CARD_JS.to_owned()));
pub static STATUS: LazyLock<Sheet> = LazyLock::new(|| hashed("status", "js", STATUS_JS.to_owned()));
pub static FOLLOW: LazyLock<Sheet> = LazyLock::new(|| hashed("follow", "js", FOLLOW_JS.to_owned()));

/// GET /assets/{name}
pub async fn asset(State(app): State<App>, Path(name): Path<String>) -> Response {
    let path = format!("/assets/{name}");
    let forever = (header::CACHE_CONTROL, "public, max-age=31536000, immutable");
    for (sheet, kind) in [
        (&app.css, "text/css; charset=utf-8"),
        (&*PAY, "text/javascript; charset=utf-8"),
        (&*STATUS, "text/javascript; charset=utf-8"),
        (&*FOLLOW, "text/javascript; charset=utf-8"),
        (&*BANK, "text/javascript; charset=utf-8"),
        (&*CARD, "text/javascript; charset=utf-8"),
        (&*ACCOUNT, "text/javascript; charset=utf-8"),
        (&*BANK_RETURN, "text/javascript; charset=utf-8"),
    ] {
        if sheet.path == path {
            return ([(header::CONTENT_TYPE, kind), forever], sheet.text.clone()).into_response();
        }
    }
    match (name.as_str(), &app.settings.company.logo) {
        ("logo", Some(bytes)) => {
            let kind = if bytes.starts_with(b"\x89PNG") { "image/png" } else { "image/jpeg" };
            ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=3600")], bytes.clone())
                .into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_bytes_stay_small() {
        let all = [CSS, PAY_JS, STATUS_JS, FOLLOW_JS, BANK_JS, BANK_RETURN_JS, ACCOUNT_JS, CARD_JS]
            .iter()
            .map(|text| text.len())
            .sum::<usize>();
        // Of all pages together; none loads more than two thirds of it.
        assert!(all < 44_000, "{all}");
    }

    #[test]
    fn text_on_the_companys_colour_can_be_read() {
        assert!(sheet(Some([255, 240, 100])).text.contains("--on-brand:#000"));
        assert!(sheet(Some([10, 30, 90])).text.contains("--on-brand:#fff"));
    }
}
