//! A fresh link for one that ran out or was replaced: asked for on its page, and mailed to where the company sent the last
//! one. The page never takes an address, and never says whether there is one.

use jiff::Timestamp;

use super::{Error, Links, PaymentsError};
use crate::domain::link::{LinkKind, LinkState, LinkUse, token, token_hash};
use crate::domain::{Command, CommandId, CommandKind, LinkId};
use crate::engine::clock::wall_ms;
use crate::engine::payments::{Invoice, OrgError, link_state, link_write, standing, time_text};
use crate::store::links::Link;
use crate::store::outbox::Notice;

/// Begins the id of the command; the id of the link that is made if one is, and of the one whose page asked, follow.
const RENEW: &str = "renew:";
/// Between two mails about one invoice, and how many a day: somebody else's mailbox is not filled from here.
const PAUSE_MS: i64 = 5 * 60 * 1000;
const A_DAY: i64 = 5;
const DAY_MS: i64 = 24 * 3_600 * 1000;
/// A fresh link works as long as the old one was meant to, but long enough to be found in a mailbox.
const SHORTEST_LIFE_MS: i64 = DAY_MS;

impl Link {
    /// Whether its page may offer to mail another one. Where a copied link went is known to the company alone.
    pub fn is_renewable(&self, now_ms: i64) -> bool {
        let ended = matches!(self.usable(now_ms), LinkUse::Expired { .. } | LinkUse::Replaced);
        self.kind == LinkKind::Mailed && ended
    }
}

impl Links {
    /// Puts the wish into the queue, unless there were too many. Nothing of what comes of it is told to whoever asked.
    pub async fn ask_renewal(&self, link: &Link) -> Result<(), Error> {
        if !link.is_renewable(wall_ms()) {
            return Ok(());
        }
        let now_ms = self.payments.now_ms();
        let id = format!("{RENEW}{}:{}", uuid::Uuid::new_v4(), link.id);
        let command = Command {
            id: CommandId::parse(&id).map_err(|error| Error::Request { record: id.clone(), why: error.to_string() })?,
            kind: CommandKind::RenewLink,
            record: link.invoice.clone(),
            lane: link.invoice.clone(),
        };
        let mut tx = self.payments.store().begin().await?;
        tx.lock(&format!("links:{}", link.invoice)).await?;
        let came = tx.renewals_since(&link.invoice, now_ms - DAY_MS).await?;
        let today = i64::try_from(came.len()).unwrap_or(i64::MAX);
        if today >= A_DAY || came.iter().any(|at| *at > now_ms - PAUSE_MS) {
            tracing::info!(link.id = %link.id, today, "no further link is mailed for this invoice yet");
            return Ok(());
        }
        tx.enqueue(&[command], now_ms).await?;
        tx.commit().await?;
        self.payments.house().commands_came.notify_waiters();
        Ok(())
    }

    /// Mails a link where the invoice still owes: the newest one if it works, else a fresh one in its place.
    pub async fn renew(&self, command: &Command) -> Result<(), Error> {
        let ids = command.id.as_str().strip_prefix(RENEW).and_then(|ids| ids.split_once(':'));
        let Some((fresh, asked)) = ids.and_then(|(fresh, asked)| Some((id(fresh)?, id(asked)?))) else {
            return Ok(());
        };
        let invoice = match self.payments.read_invoice(&command.record, std::time::Duration::from_secs(20)).await {
            Ok(invoice) => invoice,
            Err(PaymentsError::Org(OrgError::Missing { .. })) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        if let Some(why) = self.unpayable(&invoice).await? {
            tracing::info!(link.id = %asked, why, "no fresh link is mailed");
            return Ok(());
        }
        let Some(link) = self.newest(&asked, fresh.clone(), &invoice).await? else {
            tracing::info!(link.id = %asked, "no fresh link is mailed: the company has ended the last one");
            return Ok(());
        };
        let Some(address) = link.sent_to.clone() else { return Ok(()) };
        // By this command's own id: the same letter after a crash, another one when asked again.
        let message = super::message_id(fresh.as_str(), &self.payments.settings().mail_domain);
        let store = self.payments.store();
        if !store.record_mail(&message, "request", self.payments.now_ms()).await? {
            let note = link.note.as_deref();
            let letter = self.letter_about(note, &invoice, &link, &address, message.clone(), Timestamp::now()).await?;
            self.mailer.send(&letter).await?;
            store.mail_sent(&message, self.payments.now_ms()).await?;
        }
        let notice = Notice {
            record_id: link.invoice.as_str().to_owned(),
            request_id: link.id.as_str().to_owned(),
            state: "sent".into(),
        };
        let mut tx = store.begin().await?;
        // The customer or the clerk may have been quicker than this sentence.
        let link = tx.link(&link.id).await?.unwrap_or(link);
        let nothing_left = standing(&mut tx, &invoice).await?.balance().map_err(PaymentsError::from)?.is_zero();
        let mut write = link_write(&link, link_state(&link, nothing_left, wall_ms())).telling(notice);
        if let Some(at) = time_text(wall_ms().div_euclid(1000)) {
            write = write.with("Sent_At__c", at);
        }
        tx.write_out(&write.of(command.id.as_str()), self.payments.now_ms()).await?;
        tx.commit().await?;
        self.payments.outbox_filled();
        Ok(())
    }

    /// The link to mail. One that another address took the place of never brings its own address back: the company meant
    /// that. `None` where the company has switched the last one off.
    async fn newest(&self, asked: &LinkId, fresh: LinkId, invoice: &Invoice) -> Result<Option<Link>, Error> {
        let now_ms = wall_ms();
        let mut tx = self.payments.store().begin().await?;
        tx.lock(&format!("links:{}", invoice.id)).await?;
        if let Some(link) = tx.link(&fresh).await? {
            // This very command ran before; the clerk may have switched the link off since.
            return Ok(Some(link).filter(|link| link.state == LinkState::Open));
        }
        let asked = tx.link(asked).await?.filter(|link| link.invoice == invoice.id && link.kind == LinkKind::Mailed);
        if asked.is_none_or(|link| link.state == LinkState::Revoked) {
            return Ok(None);
        }
        let mailed = |link: &Link| link.kind == LinkKind::Mailed;
        let Some(last) = tx.open_links_of(&invoice.id).await?.into_iter().rfind(mailed) else { return Ok(None) };
        if !matches!(last.usable(now_ms), LinkUse::Expired { .. }) {
            return Ok(Some(last));
        }
        tx.end_link(&last.id, LinkState::Replaced, now_ms).await?;
        tx.write_out(&link_write(&last, "Replaced"), self.payments.now_ms()).await?;
        let life_ms = last.expires_ms.map(|until| until.saturating_sub(last.made_ms).max(SHORTEST_LIFE_MS));
        let link = Link {
            token_hash: token_hash(&token(self.key(), &fresh)),
            id: fresh,
            made_ms: now_ms,
            changed_ms: now_ms,
            expires_ms: life_ms.map(|life_ms| now_ms.saturating_add(life_ms)),
            locked_until_ms: None,
            ..last
        };
        tx.record_link_once(&link).await?;
        tx.commit().await?;
        Ok(Some(link))
    }
}

fn id(text: &str) -> Option<LinkId> {
    LinkId::parse(text).ok()
}
