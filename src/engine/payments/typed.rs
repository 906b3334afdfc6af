//! A card that a clerk typed into Stripe's fields: what the page hands over is the id of what Stripe made of it, and it is looked
//! at again before anything is charged.

use super::start::refused;
use super::{Error, Payments, Refused};
use crate::domain::link::LinkKind;
use crate::store::links::Link;
use crate::stripe::{self, PaymentMethod, Priority};

/// How much older than the page a card may be, by Stripe's clock and ours.
const SLACK_MS: i64 = 60 * 60 * 1000;

impl Payments {
    /// The card, if clerks type cards here, and it is nobody's, used for nothing yet, and made since the page was opened. The press
    /// that uses it may come again.
    pub async fn typed_card(
        &self,
        link: &Link,
        method: &str,
        press: Option<&str>,
    ) -> Result<Result<PaymentMethod, Refused>, Error> {
        if !self.settings().desk.take_cards || link.kind != LinkKind::Agent || !method.starts_with("pm_") {
            return Ok(Err(Refused::NotTyped));
        }
        let used = self.store().press_of_method(method).await?;
        if used.is_some() && used.as_deref() != press {
            return Ok(Err(Refused::NotTyped));
        }
        let found = match self.stripe().payment_method(method, Priority::Customer).await {
            Ok(found) => found,
            Err(stripe::Error::Missing { .. } | stripe::Error::Refused { .. }) => return Ok(Err(Refused::NotTyped)),
            Err(error) => return Ok(Err(refused(&error))),
        };
        Ok(if is_fresh(&found, method, link.made_ms) { Ok(found) } else { Err(Refused::NotTyped) })
    }
}

/// Stripe answers a test token with a method of its own, under another id.
fn is_fresh(found: &PaymentMethod, method: &str, page_made_ms: i64) -> bool {
    found.id == method
        && found.kind == "card"
        && found.customer.is_none()
        && found.created.saturating_mul(1000) >= page_made_ms.saturating_sub(SLACK_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE_MS: i64 = 1_795_800_000_000;

    fn made(json: &str) -> PaymentMethod {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn only_a_card_of_nobody_that_was_made_for_this_page_is_fresh() {
        let card = made(r#"{"id": "pm_1", "type": "card", "customer": null, "created": 1795800060}"#);
        assert!(is_fresh(&card, "pm_1", PAGE_MS));
        assert!(!is_fresh(&card, "pm_card_visa", PAGE_MS), "a test token is no id");
        assert!(!is_fresh(&card, "pm_1", PAGE_MS + SLACK_MS + 60_001), "made before the page");
        let bank = made(r#"{"id": "pm_1", "type": "us_bank_account", "created": 1795800060}"#);
        assert!(!is_fresh(&bank, "pm_1", PAGE_MS));
        let theirs = made(r#"{"id": "pm_1", "type": "card", "customer": "cus_1", "created": 1795800060}"#);
        assert!(!is_fresh(&theirs, "pm_1", PAGE_MS));
    }
}
