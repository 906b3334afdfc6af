//! The mandate: what a customer agrees to before a bank account is debited, word for word.

use sha2::{Digest, Sha256};

/// Changes with every change of the wording, so that what somebody agreed to can be told years later.
pub const VERSION: &str = "web-2";
/// The first wording: every later debit was to be ordered by the customer.
const ORDERED_ONLY: &str = "web-1";
/// What a clerk reads out to a company's customer on the phone.
pub const PHONE_VERSION: &str = "phone-1";
/// What a private person reads on the mailed page.
pub const PAGE_VERSION: &str = "page-1";
/// How long the evidence is kept after the last debit under it, in milliseconds: two years.
pub const KEPT_MS: i64 = 2 * 366 * 24 * 3_600_000;

/// What the text names.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    pub company: &'a str,
    /// How to take it back: telephone, e-mail.
    pub contact: &'a str,
    pub holder: Option<&'a str>,
    pub bank: &'a str,
    pub last4: &'a str,
    /// Written out, as "$25.00 USD".
    pub amount: &'a str,
    pub invoice: &'a str,
    /// Later payments too, each ordered by the customer.
    pub standing: bool,
}

/// The text. The same terms give the same bytes.
pub fn text(terms: &Terms<'_>) -> String {
    let Terms { company, contact, holder, bank, last4, amount, invoice, standing } = terms;
    let of = holder.map(|holder| format!(" of {holder}")).unwrap_or_default();
    let later = if *standing {
        format!(
            " I also authorise {company} to debit this account for later payments to {company}, when I order one or when an \
             invoice of mine is due, until I take this authorisation back."
        )
    } else {
        " This authorisation is for this one payment.".to_owned()
    };
    format!(
        "I authorise {company} to debit {amount} from the account{of} at {bank} ending {last4}, by an electronic debit (ACH), \
         for invoice {invoice}, on or after today.{later} I can take it back by telling {company} ({contact}); it then ends \
         within 30 days, and a debit that the bank is already working on may still be carried out. If a debit is sent back by \
         the bank, {company} may ask me to pay in another way."
    )
}

/// What a clerk reads out to somebody who may sign for a company, and what is kept of it. It is for one debit, after the
/// account was verified. The same terms give the same bytes.
pub fn phone_text(terms: &Terms<'_>, routing: Option<&str>) -> String {
    let Terms { company, contact, holder, bank, last4, amount, invoice, .. } = terms;
    let holder = holder.unwrap_or("the account holder");
    let routing = routing.map(|number| format!(", routing number {number}")).unwrap_or_default();
    format!(
        "You authorise {company}, for {holder}, to debit {amount} from the account at {bank} ending {last4}{routing}, once, by an \
         electronic debit (ACH, as a company), for invoice {invoice}. First small deposits are made to the account and taken \
         back, to verify it; the debit is made on or after the day on which it is verified. You can take this authorisation \
         back before that by telling {company} ({contact}). You confirm that the account is a company's and that you may \
         authorise debits of it."
    )
}

/// What a private person reads on the mailed page and accepts there: one debit, after the account was verified. `date` is
/// the day on which it is read, written out. The same terms on the same day give the same bytes.
pub fn page_text(terms: &Terms<'_>, routing: Option<&str>, date: &str) -> String {
    let Terms { company, contact, holder, bank, last4, amount, invoice, .. } = terms;
    let of = holder.map(|holder| format!(" of {holder}")).unwrap_or_default();
    let routing = routing.map(|number| format!(", routing number {number}")).unwrap_or_default();
    format!(
        "On {date} I authorise {company} to debit {amount} from the account{of} at {bank} ending {last4}{routing}, once, by an \
         electronic debit (ACH), for invoice {invoice}. First small deposits are made to the account and taken back, to verify \
         it; the debit is made on or after the day on which it is verified. I can take this authorisation back before that by \
         telling {company} ({contact}); a debit that the bank is already working on may still be carried out. If the debit is sent \
         back by the bank, {company} may ask me to pay in another way. I confirm that the account is mine and that I may \
         authorise debits of it."
    )
}

/// Whether a standing mandate of this wording lets the company debit while the customer is away.
pub fn covers_absence(version: &str) -> bool {
    version != ORDERED_ONLY
}

/// The hex SHA-256 of the text: what the page hands back, so that nobody agrees to another text than was shown.
pub fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(standing: bool) -> Terms<'static> {
        Terms {
            company: "Acme",
            contact: "+1 503 555 0100",
            holder: Some("Jane Doe"),
            bank: "First Bank",
            last4: "6789",
            amount: "$25.00 USD",
            invoice: "INV-1",
            standing,
        }
    }

    #[test]
    fn it_names_who_what_account_how_much_how_long_and_the_way_out() {
        let text = text(&terms(false));
        for part in
            ["Acme", "Jane Doe", "First Bank", "6789", "$25.00 USD", "INV-1", "this one payment", "+1 503 555 0100"]
        {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    }

    #[test]
    fn the_mailed_page_names_the_day_the_account_and_one_debit() {
        let text = page_text(&terms(false), Some("110000000"), "28 November 2026");
        for part in [
            "28 November 2026",
            "Acme",
            "Jane Doe",
            "First Bank",
            "6789",
            "110000000",
            "$25.00 USD",
            "INV-1",
            "once",
            "take this authorisation back",
            "+1 503 555 0100",
        ] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        assert_ne!(hash(&text), hash(&page_text(&terms(false), Some("110000000"), "29 November 2026")));
    }

    #[test]
    fn a_standing_authorisation_is_another_text() {
        let (once, standing) = (text(&terms(false)), text(&terms(true)));
        assert!(standing.contains("later payments") && !once.contains("later payments"));
        assert_ne!(hash(&once), hash(&standing));
        assert_eq!(hash(&once), hash(&text(&terms(false))));
    }
}
