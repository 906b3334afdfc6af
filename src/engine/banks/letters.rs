//! Letters about bank payments go out.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};

use super::ladder::Facts;
use crate::domain::LinkId;
use crate::domain::bank::Letter as Kind;
use crate::domain::link::LinkKind;
use crate::engine::links::{Error, Links, mailed_instead};
use crate::engine::payments::{Error as PaymentsError, PageLetter, Sum};
use crate::engine::receipts::{money_words, time_words};
use crate::engine::retry;
use crate::mail::{self, Content, Letter, Recipient};
use crate::store::bank_letters::BankLetter;

/// What the bank usually takes.
const USUAL_DAYS: u32 = 4;

impl Links {
    /// Mails what is due. Answers how many letters were taken.
    pub async fn send_bank_letters(&self) -> Result<usize, Error> {
        const AT_ONCE: i64 = 8;
        const SENDER_DIED_MS: i64 = 180_000;
        let store = self.payments().store();
        let now_ms = self.payments().now_ms();
        let due = store.take_bank_letters(&self.payments().sidecar(), AT_ONCE, now_ms, now_ms + SENDER_DIED_MS).await?;
        for letter in &due {
            if let Err(error) = self.send_bank_letter(letter).await {
                let wait = retry::delay(letter.attempts + 1, Duration::from_secs(5), Duration::from_secs(900));
                tracing::warn!(letter.kind, %error, wait_ms = wait.as_millis(), "a letter about a bank payment is tried again");
                let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(900_000);
                store.bank_letter_again(&letter.message_id, self.payments().now_ms() + wait_ms).await?;
            }
        }
        Ok(due.len())
    }

    async fn send_bank_letter(&self, due: &BankLetter) -> Result<(), Error> {
        let store = self.payments().store();
        if let Some(kind) = PageLetter::from_name(&due.kind) {
            return self.send_page_letter(due, kind).await;
        }
        let facts: Facts = serde_json::from_str(&due.facts)
            .map_err(|error| PaymentsError::Unbookable { stripe_id: due.stripe_id.clone(), why: error.to_string() })?;
        let Some(kind) = Kind::from_name(&due.kind) else {
            tracing::error!(letter.kind = due.kind, "a letter of a kind that this version doesn't know is left out");
            return Ok(store.bank_letter_mailed(&due.message_id, self.payments().now_ms()).await?);
        };
        let under = match LinkId::parse(&facts.link_id) {
            Ok(id) => store.link(&id).await?,
            Err(_) => None,
        };
        let charge = match &under {
            Some(link) if link.kind == LinkKind::Charge && kind != Kind::Started => self.charged_in_vain(link).await?,
            _ => None,
        };
        let mut refused = false;
        if !store.record_mail(&due.message_id, "bank", self.payments().now_ms()).await? {
            // Of a copied link we hold no token.
            let link = match &charge {
                Some(charge) => Some(charge.link.id.clone()),
                None => under.filter(|link| link.kind == LinkKind::Mailed).map(|link| link.id),
            };
            match self.mailer().send(&self.bank_letter(due, kind, facts, link)).await {
                Ok(()) => store.mail_sent(&due.message_id, self.payments().now_ms()).await?,
                Err(mail::Error::RefusedAddress { answer }) => {
                    refused = true;
                    tracing::warn!(
                        letter.kind = due.kind,
                        answer,
                        "the address of a letter about a bank payment was refused"
                    );
                }
                Err(error) => return Err(error.into()),
            }
        }
        if let Some(charge) = charge.filter(|_| !refused) {
            let told = mailed_instead("The bank didn't pay the debit.", &due.mail_to);
            self.tell_sent(&charge.request, &charge.link, &charge.invoice, &told).await?;
        }
        Ok(store.bank_letter_mailed(&due.message_id, self.payments().now_ms()).await?)
    }

    fn bank_letter(&self, due: &BankLetter, kind: Kind, facts: Facts, link: Option<LinkId>) -> Letter {
        let words = |sum: &Sum| sum.money().map(money_words).unwrap_or_default();
        let at = Timestamp::from_millisecond(facts.at_ms).unwrap_or_default();
        let invoice =
            mail::Invoice { number: facts.invoice_number.clone(), what_for: facts.what_for.clone(), due: facts.due };
        let (amount, left) = (words(&facts.amount), words(&facts.left));
        let content = match kind {
            Kind::Started => Content::BankPaymentStarted {
                invoice,
                amount,
                bank: facts.bank.clone(),
                expected_by: Some(business_days_after(at.to_zoned_datetime(self.zone().clone()).date(), USUAL_DAYS)),
                mandate: facts.mandate.as_ref().map(|text| {
                    let given = facts.given_ms.map(|ms| time_words(ms, self.zone())).unwrap_or_default();
                    let routing = facts.routing.as_ref().map(|number| format!("; routing number {number}"));
                    format!("{text} Given on {given}{}.", routing.unwrap_or_default())
                }),
                pdf: None,
            },
            Kind::Failed | Kind::Returned => Content::BankPaymentReturned {
                invoice,
                amount,
                bank: facts.bank.clone(),
                reason: facts.reason.clone(),
                left,
                link: link.as_ref().map(|link| mail::Link { url: self.url(link), works_until: None }),
            },
        };
        Letter {
            to: Recipient {
                name: Some(facts.customer_name.clone()).filter(|name| !name.is_empty()),
                address: due.mail_to.clone(),
            },
            message_id: due.message_id.clone(),
            in_reply_to: link
                .map(|link| crate::engine::links::message_id(link.as_str(), &self.payments().settings().mail_domain)),
            at,
            content,
            test: facts.test,
        }
    }
}

/// Days on which banks work; their holidays are not counted, which is why it says "expected".
fn business_days_after(mut day: Date, days: u32) -> Date {
    let mut left = days;
    while left > 0 {
        let Ok(next) = day.tomorrow() else { return day };
        day = next;
        if !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
            left -= 1;
        }
    }
    day
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn weekends_are_no_business_days() {
        assert_eq!(business_days_after(date(2026, 11, 23), 4), date(2026, 11, 27), "Monday to Friday");
        assert_eq!(business_days_after(date(2026, 11, 27), 4), date(2026, 12, 3), "Friday to Thursday");
        assert_eq!(business_days_after(date(2026, 11, 28), 4), date(2026, 12, 3), "Saturday to Thursday");
    }
}
