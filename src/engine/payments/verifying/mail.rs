//! The letters that bring a customer to the page: to authorise the debit, or to tell the deposits.

use super::{lock_name, told};
use crate::domain::verification::{AGREE_MS, Mail, Stage};
use crate::engine::clock::wall_ms;
use crate::engine::payments::{Error, Payments};
use crate::store::bank_letters::BankLetter;
use crate::store::verifications::Verification;

/// What the page is mailed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum PageLetter {
    Authorise,
    Deposits,
}

impl PageLetter {
    /// As stored, and as a part of the Message-ID.
    pub fn name(self) -> &'static str {
        match self {
            Self::Authorise => "authorise",
            Self::Deposits => "deposits",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Authorise, Self::Deposits].into_iter().find(|kind| kind.name() == name)
    }

    /// The one of a verification that waits for its customer.
    pub fn of(stage: Stage) -> Option<Self> {
        match stage {
            Stage::Agreeing => Some(Self::Authorise),
            Stage::Waiting => Some(Self::Deposits),
            _ => None,
        }
    }
}

/// The letter as it lies in the database before it goes; `wish` tells one that was asked for again from the first. Nothing
/// where nobody is to be mailed.
pub(in crate::engine) fn page_letter(
    one: &Verification,
    kind: PageLetter,
    wish: &str,
    domain: &str,
    now_ms: i64,
) -> Option<BankLetter> {
    let at_ms = wall_ms();
    let until_ms = at_ms + (one.made_ms + AGREE_MS - now_ms);
    Some(BankLetter {
        message_id: format!("<{wish}.{}@{domain}>", kind.name()),
        kind: kind.name().to_owned(),
        stripe_id: one.id.clone(),
        facts: serde_json::json!({ "at_ms": at_ms, "until_ms": until_ms }).to_string(),
        mail_to: one.mail_to.clone()?,
        attempts: 0,
    })
}

impl Payments {
    /// What became of the letter that went to this address. An older letter's end says nothing about a newer address.
    pub(in crate::engine) async fn note_mail(&self, id: &str, mail_to: &str, mail: Mail) -> Result<(), Error> {
        self.change(id, |one| {
            if one.mail_to.as_deref() == Some(mail_to) {
                one.mail = Some(mail);
            }
        })
        .await
    }

    /// Mails the page once more, to this address of now. The same press again mails nothing more, and a letter that still
    /// waits is not joined by another. Answers false where there is nothing to do on the page any more.
    pub(in crate::engine) async fn mail_page_again(
        &self,
        id: &str,
        press: &str,
        mail_to: &str,
        token_hash: String,
    ) -> Result<bool, Error> {
        let now_ms = self.now_ms();
        let mut tx = self.store().begin().await?;
        tx.lock(&lock_name(id)).await?;
        let Some(before) = tx.verification(id).await? else { return Ok(false) };
        let Some(kind) = PageLetter::of(before.stage) else { return Ok(false) };
        let mut one = before.clone();
        one.mail_to = Some(mail_to.to_owned());
        one.token_hash = Some(token_hash);
        if !tx.bank_letter_waits(kind.name(), id, mail_to, now_ms).await? {
            let Some(letter) = page_letter(&one, kind, press, &self.settings().mail_domain, now_ms) else {
                return Ok(false);
            };
            if !tx.insert_bank_letter(&letter, now_ms).await? {
                return Ok(true);
            }
            one.mail = Some(Mail::Sending);
        }
        tx.set_verification(&one, now_ms).await?;
        if told::sentence(&one) != told::sentence(&before) {
            tx.write_out(&told::write(&one), now_ms).await?;
        }
        tx.commit().await?;
        self.outbox_filled();
        Ok(true)
    }
}
