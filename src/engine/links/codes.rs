//! One-time codes, mailed to the address on record.

use std::time::Duration;

use jiff::Timestamp;

use super::send::letter_invoice;
use super::{Error, Links};
use crate::domain::LinkId;
use crate::engine::clock::wall_ms;
use crate::engine::receipts::time_words;
use crate::mail::{Content, Letter, Recipient};
use crate::store::links::Link;

impl Links {
    /// Mails a one-time code to the account's address as read at this moment; never to one typed for a send. Answers
    /// nothing about whether there is one.
    pub async fn send_code(&self, link: &Link) -> Result<(), Error> {
        const CODE_LIFE_MS: i64 = 15 * 60 * 1000;
        let invoice = self.payments.read_invoice(&link.invoice, Duration::from_secs(5)).await?;
        let Some(address) = invoice.account_email.clone() else { return Ok(()) };
        let code = six_digits();
        let now_ms = wall_ms();
        let code_id = uuid::Uuid::new_v4().to_string();
        let hash = self.code_hash(&link.id, &code);
        if !self.payments.store().record_code(&code_id, &link.id, &hash, now_ms, now_ms + CODE_LIFE_MS).await? {
            return Ok(());
        }
        let settings = self.payments.settings();
        let message_id = format!("<{code_id}.code@{}>", settings.mail_domain);
        self.payments.store().record_mail(&message_id, "code", self.payments.now_ms()).await?;
        let host = settings.public_url.split("//").nth(1).unwrap_or_default().split('/').next().unwrap_or_default();
        let letter = Letter {
            to: Recipient { name: Some(invoice.account_name.clone()).filter(|name| !name.is_empty()), address },
            message_id: message_id.clone(),
            in_reply_to: None,
            at: Timestamp::now(),
            content: Content::Code {
                invoice: letter_invoice(&invoice),
                code,
                until: time_words(now_ms + CODE_LIFE_MS, &self.zone),
                page_host: host.to_owned(),
            },
            test: settings.test,
        };
        self.mailer.send(&letter).await?;
        Ok(self.payments.store().mail_sent(&message_id, self.payments.now_ms()).await?)
    }

    /// A code as stored: keyed, with the link's id.
    pub fn code_hash(&self, link: &LinkId, code: &str) -> String {
        self.sign("code", &format!("{link}:{code}"))
    }
}

/// Six digits, all equally likely.
fn six_digits() -> String {
    use rand::Rng;
    format!("{:06}", rand::rng().random_range(0..1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_six_digits() {
        for _ in 0..100 {
            let code = six_digits();
            assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
        }
    }
}
