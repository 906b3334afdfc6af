//! What a customer agrees to by storing a card, word for word.

/// The text beside the box. The same words are kept with the card, so what is shown and what is kept can't differ.
pub fn card_text(company: &str) -> String {
    format!(
        "Store this card with Stripe for my later payments to {company}. I agree that {company} may also charge it for later \
         invoices of mine when they are due, until I remove it. It is shown only after a code sent to the e-mail address on \
         record, and can be removed on this page."
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_names_who_may_charge_what_and_the_way_out() {
        let text = super::card_text("Acme");
        for part in ["Acme may also charge", "later invoices", "until I remove it", "removed on this page"] {
            assert!(text.contains(part), "{part}");
        }
    }
}
