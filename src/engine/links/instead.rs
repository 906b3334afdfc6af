//! What a clerk can't take on the phone: the customer gets a link, by a press on the clerk's page or because the card's bank wants
//! to hear from its customer. It is asked for in the queue before anything else, so a daemon that dies over it mails it all the same.

use std::time::Duration;

use super::request::{Request, invoice_of};
use super::{Error, Links, message_id};
use crate::domain::decline::Decline;
use crate::domain::{Command, CommandId, CommandKind, SalesforceId};
use crate::engine::payments::{Outcome, Reading};
use crate::store::links::Link;
use crate::store::receipts::MailTrace;

/// Why there is a link instead. It begins the id of the command; the request's follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instead {
    /// The clerk pressed.
    Pressed,
    /// 3-D Secure.
    BankAsks,
}

impl Instead {
    fn prefix(self) -> &'static str {
        match self {
            Self::Pressed => "instead:",
            Self::BankAsks => "asks:",
        }
    }

    fn of(command: &Command) -> Self {
        if command.id.as_str().starts_with(Self::BankAsks.prefix()) { Self::BankAsks } else { Self::Pressed }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Pressed => "The customer pays alone.",
            Self::BankAsks => "The card's bank wants its customer to confirm the payment, so nothing was charged.",
        }
    }
}

/// Whether an attempt can only go on with the customer there.
pub fn waits_for_customer(reading: &Reading) -> bool {
    matches!(reading.outcome, Outcome::NeedsAction { .. } | Outcome::Declined(Decline::Authentication))
}

impl Links {
    /// Puts the wish into the queue. However often it comes from one page, one letter goes out.
    pub async fn ask_instead(&self, page: &Link, why: Instead) -> Result<(), Error> {
        let wrong = |why: String| Error::Request { record: page.id.to_string(), why };
        let Some(asked) = self.payments.store().desk_request(&page.id).await? else {
            return Err(wrong("it is no clerk's page".into()));
        };
        let id = format!("{}{}", why.prefix(), page.id);
        let command = Command {
            id: CommandId::parse(&id).map_err(|error| wrong(error.to_string()))?,
            kind: CommandKind::LinkInstead,
            record: SalesforceId::parse(&asked.record_id).map_err(|error| wrong(error.to_string()))?,
            lane: page.invoice.clone(),
        };
        let mut tx = self.payments.store().begin().await?;
        tx.enqueue(&[command], self.payments.now_ms()).await?;
        tx.commit().await?;
        self.payments.house().commands_came.notify_waiters();
        Ok(())
    }

    /// Whether a page asked for it before.
    pub async fn asked_instead(&self, page: &Link) -> Result<bool, Error> {
        let mut tx = self.payments.store().reading().await?;
        for why in [Instead::Pressed, Instead::BankAsks] {
            if tx.knows_command(&format!("{}{}", why.prefix(), page.id)).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What waits for the customer ends, so that its room is the link's, and the link goes out under the request's own Message-ID.
    pub async fn mail_instead(&self, request: &Request, command: &Command) -> Result<(), Error> {
        let invoice = self.payments.read_invoice(&invoice_of(request)?, Duration::from_secs(20)).await?;
        for attempt in self.payments.store().open_attempts_of(&invoice.id).await? {
            if attempt.link == request.id.as_str()
                && self.payments.check(&attempt.id).await?.as_ref().is_some_and(waits_for_customer)
            {
                self.end(&attempt).await?;
            }
        }
        let why = Instead::of(command).sentence();
        let Some(address) = request.email.clone().or_else(|| invoice.email.clone()) else {
            let told = format!("{why} There is no e-mail address to send a payment link to: fill Billing Email.");
            return self.refuse(request, &told).await;
        };
        let message = message_id(request.id.as_str(), &self.payments.settings().mail_domain);
        let trace = self.payments.store().mail_trace(&message).await?;
        if trace == MailTrace::None
            && let Some(unpayable) = self.unpayable(&invoice).await?
        {
            // Paid meanwhile, on the clerk's page perhaps, and that is what the request says.
            tracing::info!(request.id = %request.id, unpayable, "no link is mailed instead");
            return Ok(());
        }
        let link = self.customers_link(&request.id, &invoice, &address).await?;
        match trace {
            MailTrace::HandedOver => {
                self.tell_sent(request, &link, &invoice, &super::mailed_instead(why, &address)).await
            }
            MailTrace::None | MailTrace::InDoubt => {
                self.mail(request, &link, &invoice, &address, trace, Some(why)).await
            }
        }
    }
}
