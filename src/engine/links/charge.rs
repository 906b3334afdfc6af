//! What a customer stored is charged while the customer is away, because somebody in the org, or a Flow, asked for it.
//!
//! The money rules are those of every payment: room first, the intent unconfirmed, its id stored, and only then the confirm. Other
//! attempts are left alone. A try that goes on after a crash first reads what became of the last one. The room stands under
//! the request's id; what the bank declines, or wants its customer for, gives it back, and the customer gets a link.

use std::time::Duration;

use serde_json::Value;

use super::request::{Request, answer, invoice_of, notice, over};
use super::send::mailed_instead;
use super::{Error, Links, PaymentsError, message_id};
use crate::domain::decline::Decline;
use crate::domain::link::{LinkKind, LinkState, keyed};
use crate::domain::{LinkId, Money, RequestId, SalesforceId};
use crate::engine::banks::{Agreed, BankOrder, BankRefused};
use crate::engine::clock::wall_ms;
use crate::engine::payments::{Choice, Invoice, Method, Outcome, Refused, Wish};
use crate::engine::receipts::money_words;
use crate::store::attempts::{Attempt, AttemptState, CHARGE};
use crate::store::links::Link;
use crate::store::receipts::MailTrace;

const BEGUN: &str = "The charge is being made.";
const NOT_YET: &str = "The charge can't be begun now; it is tried again by itself.";
const UNKNOWN: &str = "Whether the charge was made is not known yet; it is looked at again by itself.";
const TOO_LATE: &str = "The charge was not begun within its time, so nothing was charged. Ask for it again.";
const ASK_AGAIN: &str = "Send a payment link instead.";

/// What is to be charged, as read back.
struct Order {
    method: String,
    name: String,
    is_bank: bool,
    amount: Money,
}

/// A debit that the bank didn't pay, days later, and the link that its customer gets instead.
pub(in crate::engine) struct InVain {
    pub request: Request,
    pub invoice: Invoice,
    pub link: Link,
}

impl Links {
    /// Charges, and answers the request with what came of it.
    pub async fn charge(&self, request: &Request) -> Result<(), Error> {
        if over(request) {
            return Ok(());
        }
        let invoice = self.payments.read_invoice(&invoice_of(request)?, Duration::from_secs(20)).await?;
        let (press, before) = self.last_try(request, &invoice).await?;
        // One that was begun runs to its end; one that was not is not begun late.
        if before.is_none() && request.expires_ms.is_some_and(|at| at < wall_ms()) {
            return self.expire(request).await;
        }
        let link = self.room_of(request, &invoice).await?;
        // A database that was restored may know the payment by the sweep alone.
        if self.payments.answer_charge(&invoice.id, &request.id).await? {
            return Ok(());
        }
        if let Some(attempt) = &before {
            match self.outcome_of(attempt).await? {
                Some((attempt, outcome)) => return self.tell_charge(request, &invoice, &attempt, outcome).await,
                // Adopted by the sweep: its press is lost, and with it the right to confirm it. Another try takes its place.
                None if attempt.press != press => {
                    self.end(attempt).await?;
                    return Err(Error::NotNow(NOT_YET));
                }
                None => {}
            }
        }
        let order = match self.order_of(request, &invoice).await? {
            Ok(order) => order,
            Err(why) => return self.give_up(request, before.as_ref(), &why).await,
        };
        let started = match self.payments.start(&wish(press, &link, &order)).await? {
            Ok(started) => started,
            Err(no) => match why_not(&no) {
                Some(why) => return self.give_up(request, before.as_ref(), &why).await,
                None => return Err(Error::NotNow(NOT_YET)),
            },
        };
        if self.payments.confirm_stored(&started).await?.is_some() {
            // The debit was refused as such, and its attempt has ended.
            return self.link_instead(request, &invoice, &format!("{} can't be debited.", order.name)).await;
        }
        match self.outcome_of(&started.attempt).await? {
            Some((attempt, outcome)) => self.tell_charge(request, &invoice, &attempt, outcome).await,
            None => Err(Error::NotNow(UNKNOWN)),
        }
    }

    /// The press of the try that counts, and its attempt. One whose attempt was closed before anybody could confirm it is followed
    /// by another.
    async fn last_try(&self, request: &Request, invoice: &Invoice) -> Result<(String, Option<Attempt>), Error> {
        let mut tx = self.payments.store().reading().await?;
        let open = tx.open_attempts_of(&invoice.id).await?;
        let mut number = 0;
        loop {
            let press = format!("{CHARGE}{}:{number}", request.id);
            match tx.attempt_by_press(&press).await? {
                Some(attempt) if attempt.state == AttemptState::Closed => number += 1,
                None => return Ok((press, open.into_iter().find(|one| one.link == request.id.as_str()))),
                found => return Ok((press, found)),
            }
        }
    }

    /// What became of an attempt, read at Stripe now. None where it can still be confirmed, by us alone.
    async fn outcome_of(&self, attempt: &Attempt) -> Result<Option<(Attempt, Outcome)>, Error> {
        let Some(reading) = self.payments.check(&attempt.id).await? else { return Ok(None) };
        match reading.outcome {
            Outcome::Open => Ok(None),
            Outcome::Unknown => Err(Error::NotNow(UNKNOWN)),
            outcome => Ok(Some((reading.attempt, outcome))),
        }
    }

    async fn order_of(&self, request: &Request, invoice: &Invoice) -> Result<Result<Order, String>, Error> {
        let Some(id) = &request.method else {
            return Ok(Err("The stored payment method is no longer there.".into()));
        };
        let Some(amount) = &request.amount else { return Ok(Err("The request names no amount.".into())) };
        let amount = match Money::from_salesforce(amount, invoice.total.currency()) {
            Ok(amount) if !amount.is_zero() => amount,
            Ok(_) => return Ok(Err("The amount must be more than nothing.".into())),
            Err(error) => return Ok(Err(format!("The amount can't be charged: {error}."))),
        };
        let known = self.payments.store().reading().await?.stored_method(id).await?;
        let told: Option<Value> = known.filter(|known| known.gone == 0).and_then(|known| {
            let told = known.told?;
            serde_json::from_str(&told).ok()
        });
        let Some(told) = told else { return Ok(Err(format!("The stored payment method is removed. {ASK_AGAIN}"))) };
        let name = told["Name"].as_str().unwrap_or("The stored payment method").to_owned();
        if told["Account__c"] != invoice.account.as_str() {
            return Ok(Err("The stored payment method is another account's.".into()));
        }
        if told["Later_Charges__c"] != true {
            return Ok(Err(format!("The customer did not agree to be charged later with {name}. {ASK_AGAIN}")));
        }
        match told["Recorded_State__c"].as_str() {
            Some("Ready") => {}
            Some("Blocked") => return Ok(Err(format!("{name} can't be charged: it is blocked. {ASK_AGAIN}"))),
            Some("Needs Login") => {
                return Ok(Err(format!("{name} can't be charged: its bank wants a new login. {ASK_AGAIN}")));
            }
            _ => return Ok(Err(format!("{name} can't be charged: it has no authorisation in force. {ASK_AGAIN}"))),
        }
        if has_expired(&told, wall_ms()) {
            return Ok(Err(format!("{name} can't be charged: it has expired. {ASK_AGAIN}")));
        }
        Ok(Ok(Order { method: id.clone(), name, is_bank: told["Kind__c"] == "Bank Account", amount }))
    }

    /// What the charge holds its room under: the request's id, with the record to answer. Its token is nobody's.
    async fn room_of(&self, request: &Request, invoice: &Invoice) -> Result<Link, Error> {
        let id = link_id(request, request.id.as_str())?;
        let mut tx = self.payments.store().begin().await?;
        if let Some(link) = tx.link(&id).await? {
            return Ok(link);
        }
        let now_ms = wall_ms();
        let link = Link {
            token_hash: self.sign("charge", id.as_str()),
            id,
            kind: LinkKind::Charge,
            invoice: invoice.id.clone(),
            sent_to: None,
            note: None,
            state: LinkState::Open,
            made_ms: now_ms,
            changed_ms: now_ms,
            expires_ms: None,
            locked_until_ms: None,
        };
        tx.record_link_once(&link).await?;
        tx.record_desk_request_once(&link.id, request.record.as_str(), now_ms).await?;
        // From now on it is not the org's to expire. Whatever comes of it is merged into this write, if it comes soon.
        let write = answer(request, "Working", BEGUN).of(&format!("{}:{}", request.command(), request.id));
        tx.write_out(&write, self.payments.now_ms()).await?;
        tx.commit().await?;
        self.payments.outbox_filled();
        Ok(link)
    }

    async fn tell_charge(
        &self,
        request: &Request,
        invoice: &Invoice,
        attempt: &Attempt,
        outcome: Outcome,
    ) -> Result<(), Error> {
        let why = match &outcome {
            Outcome::Paid { .. } | Outcome::Processing => {
                self.payments.answer_charge(&invoice.id, &request.id).await?;
                return Ok(());
            }
            Outcome::Declined(Decline::Authentication) | Outcome::NeedsAction { .. } => ASKS_CUSTOMER,
            Outcome::Declined(decline) => decline.for_clerk(),
            // By ourselves a moment ago, or with the invoice.
            Outcome::Canceled => attempt.decline_code.as_deref().map_or("The charge was not made.", declined_for),
            Outcome::Open | Outcome::Unknown => return Err(Error::NotNow(UNKNOWN)),
        };
        if outcome != Outcome::Canceled {
            // Its room is the link's from now on. What a cancel found instead is told by the next reading.
            self.end(attempt).await?;
        }
        self.link_instead(request, invoice, why).await
    }

    /// The customer pays by a mailed link.
    async fn link_instead(&self, request: &Request, invoice: &Invoice, why: &str) -> Result<(), Error> {
        let message = message_id(request.id.as_str(), &self.payments.settings().mail_domain);
        let trace = self.payments.store().mail_trace(&message).await?;
        let Some(address) = request.email.clone().or_else(|| invoice.email.clone()) else {
            let told = format!("{why} There is no e-mail address to send a payment link to: fill Billing Email.");
            return self.refuse(request, &told).await;
        };
        if trace == MailTrace::None
            && let Some(unpayable) = self.unpayable(invoice).await?
        {
            return self.refuse(request, &format!("{why} {unpayable}")).await;
        }
        let link = self.customers_link(&request.id, invoice, &address).await?;
        match trace {
            MailTrace::HandedOver => self.tell_sent(request, &link, invoice, &mailed_instead(why, &address)).await,
            MailTrace::None | MailTrace::InDoubt => {
                self.mail(request, &link, invoice, &address, trace, Some(why)).await
            }
        }
    }

    /// What a letter about a charge's debit needs. None where nothing is left to pay by a link, or nobody to answer.
    pub(in crate::engine) async fn charged_in_vain(&self, room: &Link) -> Result<Option<InVain>, Error> {
        let Some(asked) = self.payments.store().desk_request(&room.id).await? else { return Ok(None) };
        let Ok(record) = SalesforceId::parse(&asked.record_id) else { return Ok(None) };
        let request = match self.request(&record).await {
            Ok(request) => request,
            Err(Error::Gone { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let invoice = self.payments.read_invoice(&room.invoice, Duration::from_secs(20)).await?;
        let Some(address) = request.email.clone().or_else(|| invoice.email.clone()) else { return Ok(None) };
        if self.unpayable(&invoice).await?.is_some() {
            return Ok(None);
        }
        let link = self.customers_link(&request.id, &invoice, &address).await?;
        Ok(Some(InVain { request, invoice, link }))
    }

    /// The link that takes a charge's place: the one that the customer has, else a new one, the same at each try.
    pub(super) async fn customers_link(
        &self,
        charge: &RequestId,
        invoice: &Invoice,
        address: &str,
    ) -> Result<Link, Error> {
        let mut bytes = [0; 16];
        for (byte, made) in bytes.iter_mut().zip(keyed(self.key(), "instead", charge.as_str())) {
            *byte = made;
        }
        let id = uuid::Builder::from_random_bytes(bytes).into_uuid().to_string();
        let id = LinkId::parse(&id)
            .map_err(|error| Error::Request { record: charge.to_string(), why: error.to_string() })?;
        self.link_for(None, None, invoice, id, address).await
    }

    /// Nothing is charged, for this reason. An attempt that nobody has confirmed ends first.
    async fn give_up(&self, request: &Request, attempt: Option<&Attempt>, why: &str) -> Result<(), Error> {
        if let Some(attempt) = attempt {
            self.end(attempt).await?;
        }
        self.refuse(request, why).await
    }

    /// The attempt gives its room back, or what is true of it is found by the next try.
    pub(super) async fn end(&self, attempt: &Attempt) -> Result<(), Error> {
        self.payments.release(attempt).await?;
        match self.payments.store().attempt(&attempt.id).await?.map(|attempt| attempt.state) {
            Some(AttemptState::Canceled | AttemptState::Closed) => Ok(()),
            _ => Err(Error::NotNow(UNKNOWN)),
        }
    }

    async fn expire(&self, request: &Request) -> Result<(), Error> {
        let now_ms = self.payments.now_ms();
        let mut tx = self.payments.store().begin().await.map_err(PaymentsError::from)?;
        tx.write_out(&answer(request, "Expired", TOO_LATE).telling(notice(request, "refused")), now_ms).await?;
        tx.commit().await?;
        self.payments.outbox_filled();
        Ok(())
    }
}

const ASKS_CUSTOMER: &str = "The bank wants its customer to confirm the charge.";

fn link_id(request: &Request, id: &str) -> Result<LinkId, Error> {
    LinkId::parse(id).map_err(|error| Error::Request { record: request.record.to_string(), why: error.to_string() })
}

fn declined_for(code: &str) -> &'static str {
    match Decline::from_codes(Some(code), Some(code), None) {
        Decline::Authentication => ASKS_CUSTOMER,
        decline => decline.for_clerk(),
    }
}

/// A card works through the last day of its month, wherever that day ends last.
fn has_expired(told: &Value, now_ms: i64) -> bool {
    let (Some(year), Some(month)) = (told["Expiry_Year__c"].as_i64(), told["Expiry_Month__c"].as_i64()) else {
        return false;
    };
    let Ok(now) = jiff::Timestamp::from_millisecond(now_ms) else { return false };
    let today = now.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    (year, month) < (i64::from(today.year()), i64::from(today.month()))
}

fn wish(press: String, link: &Link, order: &Order) -> Wish {
    let method = if order.is_bank {
        Method::Bank(BankOrder {
            bank: order.method.clone(),
            session_hash: String::new(),
            verified: true,
            // Nobody agrees to a new text here: without a mandate in force the order is refused.
            agreed: Some(Agreed { text_hash: String::new(), address: String::new(), user_agent: String::new() }),
        })
    } else {
        Method::Stored(order.method.clone())
    };
    Wish {
        press,
        link: link.id.clone(),
        choice: Choice::Part(order.amount),
        shown: order.amount,
        method,
        save: false,
        continues: None,
        take_over: false,
        again: false,
    }
}

/// Why nothing is charged, for whoever asked; None where it is tried again.
fn why_not(no: &Refused) -> Option<String> {
    Some(match no {
        Refused::NotYet | Refused::CannotCheck | Refused::StripeDown => return None,
        Refused::UnknownLink | Refused::Link(_) => "The charge was stopped.".into(),
        Refused::Withdrawn => "The invoice can't be paid: it is a draft or cancelled.".into(),
        Refused::NothingToPay => "Nothing is left to pay on this invoice.".into(),
        Refused::Changed { left } => {
            format!("{} is left to pay, so this amount was not charged.", words(*left))
        }
        Refused::Amount(_) => "The amount is more than may be paid now, or leaves a rest too small to pay.".into(),
        Refused::UnderWay { amount, .. } => {
            format!("A payment of {} is under way, and this charge doesn't fit beside it.", words(*amount))
        }
        Refused::Duplicate { amount, .. } => format!(
            "{} was paid on this invoice a moment ago. If this is meant too, ask again in ten minutes.",
            words(*amount)
        ),
        Refused::UnknownMethod | Refused::NotTyped => {
            format!("Stripe no longer has the stored payment method. {ASK_AGAIN}")
        }
        Refused::Bank(BankRefused::Agree) => format!("The bank account has no authorisation in force. {ASK_AGAIN}"),
        Refused::Bank(BankRefused::Currency) => "Bank accounts are debited in US dollars only.".into(),
        Refused::Bank(_) => format!("The bank account can't be debited now. {ASK_AGAIN}"),
        Refused::StripeRefused { code } => format!("Stripe refused the charge ({code}). {ASK_AGAIN}"),
    })
}

/// A field of a record is searched and filtered by what people type.
fn words(amount: Money) -> String {
    money_words(amount).replace('\u{a0}', " ")
}
