//! Card numbers where none belongs. A customer may paste one into the amount; it must not reach a handler, the database or
//! a log, so the whole post is refused before anybody reads it.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

use super::pay::attempt::refusal_json;
use super::pay::{say, wants_json};
use super::state::App;
use super::states;

/// What a form of ours may weigh.
const MOST: usize = 16 * 1024;

/// Refuses a post that holds a card number. What it held is told to nobody.
pub async fn none_here(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, MOST).await else { return say(&app, &states::too_much(), None) };
    if holds_card_number(&bytes) {
        tracing::warn!("a post with a card number in it was refused unread");
        let said = states::card_number();
        return if wants_json(&parts.headers) { refusal_json(&said, None) } else { say(&app, &said, None) };
    }
    next.run(Request::from_parts(parts, Body::from(bytes))).await
}

/// Whether a field of a posted form is a card number: 13 to 19 digits with the check digit of ISO/IEC 7812, which begin as
/// cards do. Whole fields only: a token may hold as many digits by chance. Milliseconds since 1970 begin with 1.
fn holds_card_number(body: &[u8]) -> bool {
    form_urlencoded::parse(body).any(|(_, value)| is_card_number(&value))
}

fn is_card_number(text: &str) -> bool {
    let mut digits = Vec::new();
    for one in text.chars() {
        match one.to_digit(10) {
            Some(digit) => digits.push(digit),
            None if one.is_whitespace() || matches!(one, '-' | '\u{2010}' | '\u{2011}' | '.') => {}
            None => return false,
        }
        if digits.len() > 19 {
            return false;
        }
    }
    digits.len() >= 13 && matches!(digits[0], 2..=6) && passes_luhn(&digits)
}

fn passes_luhn(digits: &[u32]) -> bool {
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| if place % 2 == 1 { doubled(*digit) } else { *digit })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_a_card_number_is_seen_however_it_is_written() {
        for body in [
            "amount=4242424242424242",
            "csrf=x&amount=4242+4242+4242+4242&press=y",
            "amount=4242-4242-4242-4242",
            "amount=%204242%C2%A042424242%204242",
            "code=378282246310005",
            "note=6011111111111117",
            "anything=5555555555554444",
        ] {
            assert!(holds_card_number(body.as_bytes()), "{body}");
        }
    }

    #[test]
    fn what_is_no_card_number_passes() {
        for body in [
            "amount=4242424242424241", // the check digit is wrong
            "amount=1%2C234.56&shown=123456",
            "at=1795802388260", // milliseconds
            "csrf=4242424242424242abcdef0000",
            "press=4242424242424242-4242", // 20 digits
            "method=pm_4242424242424242",
            "code=123456",
            "",
        ] {
            assert!(!holds_card_number(body.as_bytes()), "{body}");
        }
    }
}
