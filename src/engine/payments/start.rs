//! From the press of Pay to an intent at Stripe.

use secrecy::SecretString;

use super::{Error, Freshness, Invoice, InvoiceStatus, OrgError, Payments, lock_name, standing};
use crate::domain::attempt::MethodKind;
use crate::domain::link::{LinkKind, LinkUse};
use crate::domain::payable::{NotPayable, admit};
use crate::domain::{LinkId, Money};
use crate::engine::banks::{BankOrder, BankRefused};
use crate::store::Tx;
use crate::store::attempts::{Attempt, AttemptState, CHARGE};
use crate::store::effects::{SPENT, numbered};
use crate::store::links::Link;
use crate::store::mandates::Mandate;
use crate::stripe::{self, NewIntent, Priority};

/// How far before an attempt its intent is looked for: our clock may run ahead of Stripe's, by a day if it was set back.
const LOOK_BACK_S: i64 = 25 * 3_600;

/// For so long a payment of the same amount on the same invoice looks like a mistake.
const DUPLICATE_MS: i64 = 10 * 60 * 1_000;

/// How much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    Full,
    Part(Money),
}

/// With what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    NewCard,
    /// A stored card; the caller has seen the one-time code, or is a clerk.
    Stored(String),
    /// A card that a clerk's browser gave to Stripe a moment ago.
    Typed(String),
    /// A bank account, with what was agreed to.
    Bank(BankOrder),
}

impl Method {
    fn kind(&self) -> MethodKind {
        match self {
            Self::NewCard | Self::Stored(_) | Self::Typed(_) => MethodKind::Card,
            Self::Bank(_) => MethodKind::BankAccount,
        }
    }

    fn id(&self) -> Option<&str> {
        match self {
            Self::NewCard => None,
            Self::Stored(method) | Self::Typed(method) => Some(method),
            Self::Bank(order) => Some(&order.bank),
        }
    }
}

/// What the payer asked for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The form's own id: one press is one attempt, however often it arrives.
    pub press: String,
    pub link: LinkId,
    pub choice: Choice,
    /// What the page said was left to pay.
    pub shown: Money,
    pub method: Method,
    /// The box for storing the card.
    pub save: bool,
    /// The attempt that this page holds already.
    pub continues: Option<String>,
    /// "Use this window instead".
    pub take_over: bool,
    /// The payer was told of a payment of the same amount, and means this one too.
    pub again: bool,
}

impl Wish {
    /// "All of it" is what the page said.
    fn amount(&self) -> Money {
        match self.choice {
            Choice::Full => self.shown,
            Choice::Part(amount) => amount,
        }
    }
}

/// An attempt whose intent is at Stripe.
#[derive(Debug)]
pub struct Started {
    pub attempt: Attempt,
    pub intent: String,
    /// For a new card: the browser confirms with it. None where the server confirms.
    pub client_secret: Option<SecretString>,
}

/// Why no attempt was begun. In none of these was anything charged by this press.
#[derive(Debug)]
pub enum Refused {
    /// The first sweep is not through yet.
    NotYet,
    UnknownLink,
    Link(LinkUse),
    /// Salesforce doesn't answer and there is no copy young enough.
    CannotCheck,
    Withdrawn,
    NothingToPay,
    /// What is left is not what the page showed.
    Changed {
        left: Money,
    },
    Amount(NotPayable),
    /// Another attempt holds the room.
    UnderWay {
        amount: Money,
        started_ms: i64,
        attempt: String,
    },
    /// The same amount came in on this invoice a moment ago: the payer is asked first.
    Duplicate {
        amount: Money,
        at_ms: i64,
        method: Option<String>,
    },
    /// The stored card is not (or no longer) this customer's.
    UnknownMethod,
    /// Not a card that was typed on this page just now, or clerks type none here.
    NotTyped,
    /// Stripe can't be reached, and nothing of this attempt can be confirmed by anybody.
    StripeDown,
    /// The bank account can't be debited so.
    Bank(BankRefused),
    /// Stripe refused the attempt as such; the operator has to look.
    StripeRefused {
        code: String,
    },
}

enum Taken {
    New(Box<Attempt>),
    Again(Box<Attempt>),
    Refused(Refused),
    /// These hold the room and may be asked to give it up.
    InTheWay(Vec<Attempt>, Refused),
}

impl Payments {
    /// Begins to pay, or goes on with what the same press or page began.
    pub async fn start(&self, wish: &Wish) -> Result<Result<Started, Refused>, Error> {
        if !self.is_open() {
            return Ok(Err(Refused::NotYet));
        }
        let Some(link) = self.store().link(&wish.link).await? else { return Ok(Err(Refused::UnknownLink)) };
        // A press of that form says that nobody is there to be asked; a page has no such press.
        if wish.press.starts_with(CHARGE) != (link.kind == LinkKind::Charge) {
            return Ok(Err(Refused::UnknownLink));
        }
        match link.usable(crate::engine::clock::wall_ms()) {
            LinkUse::Pays => {}
            other => return Ok(Err(Refused::Link(other))),
        }
        let known = match self.known_invoice(&link.invoice).await {
            Ok(known) => known,
            Err(Error::Org(OrgError::TooSlow { .. } | OrgError::Failed(_))) => return Ok(Err(Refused::CannotCheck)),
            Err(error) => return Err(error),
        };
        if let Freshness::Copy { age_ms } = known.freshness {
            tracing::info!(link.id = %link.id, age_ms, "a payment is begun on a copy of the invoice");
        }
        let invoice = known.invoice;
        if invoice.status != InvoiceStatus::Open {
            return Ok(Err(Refused::Withdrawn));
        }
        let customer = match self.customer_of(&invoice).await {
            Ok(customer) => customer,
            Err(Error::Stripe(error)) => return Ok(Err(refused(&error))),
            Err(error) => return Err(error),
        };
        if let Method::Stored(method) = &wish.method {
            match self.stripe().payment_method(method, Priority::Customer).await {
                Ok(found) if found.belongs_to(&customer) && found.kind == "card" => {}
                Ok(_) | Err(stripe::Error::Missing { .. }) => return Ok(Err(Refused::UnknownMethod)),
                Err(error) => return Ok(Err(refused(&error))),
            }
        }
        if let Method::Typed(method) = &wish.method
            && let Err(no) = self.typed_card(&link, method, Some(&wish.press)).await?
        {
            return Ok(Err(no));
        }
        if let Method::Bank(order) = &wish.method
            && link.kind == LinkKind::Agent
            && let Err(no) = self.bank_on_the_phone(&customer, &order.bank).await?
        {
            return Ok(Err(Refused::Bank(no)));
        }
        let mandate = match &wish.method {
            Method::Bank(order) => match self.bank_order(&invoice, &customer, order, wish.amount()).await? {
                Ok(mandate) => mandate,
                Err(no) => return Ok(Err(Refused::Bank(no))),
            },
            Method::NewCard | Method::Stored(_) | Method::Typed(_) => None,
        };
        let mandate = mandate.as_ref();
        let attempt = match self.take_room(wish, &link, &invoice, &customer, mandate).await? {
            Taken::New(attempt) | Taken::Again(attempt) => attempt,
            Taken::Refused(refusal) => return Ok(Err(refusal)),
            Taken::InTheWay(others, refusal) => {
                for other in others {
                    self.release(&other).await?;
                }
                match self.take_room(wish, &link, &invoice, &customer, mandate).await? {
                    Taken::New(attempt) | Taken::Again(attempt) => attempt,
                    Taken::Refused(refusal) => return Ok(Err(refusal)),
                    Taken::InTheWay(..) => return Ok(Err(refusal)),
                }
            }
        };
        self.bring_to_stripe(*attempt, link.kind, &invoice, &wish.method).await
    }

    /// Decides and takes the room in one transaction, with the invoice locked.
    async fn take_room(
        &self,
        wish: &Wish,
        link: &Link,
        invoice: &Invoice,
        customer: &str,
        mandate: Option<&Mandate>,
    ) -> Result<Taken, Error> {
        let now_ms = self.now_ms();
        let mut tx = self.store().begin().await?;
        tx.lock(&lock_name(&invoice.id)).await?;
        if let Some(again) = tx.attempt_by_press(&wish.press).await? {
            // The same press, again: a double click, a reload, a lost reply. It goes on where it stands.
            return Ok(if again.link == link.id.as_str() && again.state.reserves() {
                Taken::Again(Box::new(again))
            } else {
                Taken::Refused(Refused::Changed { left: standing(&mut tx, invoice).await?.payable()? })
            });
        }
        if let Method::Typed(method) = &wish.method
            && tx.press_of_method(method).await?.is_some()
        {
            // Two presses at once: the card was typed for one of them.
            return Ok(Taken::Refused(Refused::NotTyped));
        }
        let stands = standing(&mut tx, invoice).await?;
        let open = tx.open_attempts_of(&invoice.id).await?;
        let held = open.iter().find(|one| Some(&one.id) == wish.continues.as_ref() && one.link == link.id.as_str());
        let payable = stands.payable()?;
        // What the page showed didn't count its own attempt as taken, so neither does the comparison.
        let own = held.map_or(Money::zero(payable.currency()), |held| held.amount);
        let left = if own.currency() == payable.currency() { payable.plus(own)? } else { payable };
        let balance = stands.balance()?;
        let offered = stands.offered()?;
        if balance.is_zero() {
            return Ok(Taken::Refused(Refused::NothingToPay));
        }
        let amount = wish.amount();
        if amount.currency() != balance.currency() {
            return Ok(Taken::Refused(Refused::Changed { left: balance }));
        }
        if let Some(held) = held
            && held.amount == amount
            && held.save == wish.save
            && held.method.is_none()
            && wish.method == Method::NewCard
            && held.state != AttemptState::Processing
        {
            tx.touch_attempt(&held.id, now_ms).await?;
            let held = held.clone();
            tx.commit().await?;
            return Ok(Taken::Again(Box::new(held)));
        }
        if let Err(no) = admit(payable, amount) {
            // It may fit once others give way, or the page's own earlier attempt does.
            // A page that is older than what is on its way offered all of the balance; it is told of that payment.
            let fits = admit(offered, amount).is_ok() || (wish.shown == balance && admit(balance, amount).is_ok());
            if fits && !open.is_empty() {
                let in_the_way = |one: &&Attempt| {
                    wish.take_over || (Some(&one.id) == wish.continues.as_ref() && one.link == link.id.as_str())
                };
                let others: Vec<Attempt> = open.iter().filter(in_the_way).cloned().collect();
                let first = open.iter().find(|one| Some(&one.id) != wish.continues.as_ref()).unwrap_or(&open[0]);
                let refusal =
                    Refused::UnderWay { amount: first.amount, started_ms: first.started_ms, attempt: first.id.clone() };
                return Ok(if others.is_empty() { Taken::Refused(refusal) } else { Taken::InTheWay(others, refusal) });
            }
            if wish.shown != offered && wish.shown != left {
                return Ok(Taken::Refused(Refused::Changed { left: offered }));
            }
            // In the figures that the page showed: what its own earlier attempt holds was not deducted there.
            let no = admit(offered, amount).err().unwrap_or(no);
            return Ok(Taken::Refused(Refused::Amount(no)));
        }
        // "All of it" is what the page said; if that is no longer all, the payer looks first.
        if wish.choice == Choice::Full && amount != payable && amount != left && amount != offered {
            return Ok(Taken::Refused(Refused::Changed { left: offered }));
        }
        // Who chose all that is left was shown what had been paid.
        if !wish.again
            && matches!(wish.choice, Choice::Part(_))
            && let Some(duplicate) = duplicate(&mut tx, invoice, &open, amount, now_ms).await?
        {
            return Ok(Taken::Refused(duplicate));
        }
        let attempt = Attempt {
            id: uuid::Uuid::new_v4().to_string(),
            press: wish.press.clone(),
            invoice: invoice.id.clone(),
            account: invoice.account.clone(),
            link: link.id.as_str().to_owned(),
            kind: wish.method.kind(),
            amount,
            save: wish.save,
            method: wish.method.id().map(str::to_owned),
            customer: customer.to_owned(),
            intent: None,
            state: AttemptState::Open,
            seen: None,
            secret_left: false,
            confirm_sent: false,
            confirms: 0,
            decline_code: None,
            started_ms: now_ms,
            touched_ms: now_ms,
        };
        tx.insert_attempt(&attempt).await?;
        if wish.save && wish.method == Method::NewCard {
            let text = crate::domain::consent::card_text(&self.settings().company);
            tx.insert_consent(&attempt.id, &text, crate::engine::clock::wall_ms()).await?;
        }
        if let Some(mandate) = mandate {
            tx.insert_mandate(&Mandate { attempt_id: attempt.id.clone(), ..mandate.clone() }).await?;
        }
        tx.commit().await?;
        Ok(Taken::New(Box::new(attempt)))
    }

    /// Makes the intent unconfirmed, stores its id, and only then lets anything out by which it could be confirmed.
    async fn bring_to_stripe(
        &self,
        attempt: Attempt,
        under: LinkKind,
        invoice: &Invoice,
        method: &Method,
    ) -> Result<Result<Started, Refused>, Error> {
        let intent = match self.intent_of(&attempt, under, invoice).await {
            Ok(intent) => intent,
            Err(Error::Stripe(error)) => {
                tracing::warn!(attempt.id = %attempt.id, error = %error, "no intent could be made; the attempt is closed");
                let mut tx = self.store().begin().await?;
                let closed = tx.close_attempt(&attempt.id).await?;
                tx.commit().await?;
                // An attempt that was further already is not closed, and its outcome is not told by this error.
                return if closed { Ok(Err(refused(&error))) } else { Err(error.into()) };
            }
            Err(error) => return Err(error),
        };
        let now_ms = self.now_ms();
        let mut tx = self.store().begin().await?;
        let alive = tx.attempt_has_intent(&attempt.id, &intent.id, now_ms).await?;
        let secret_may_leave = alive && *method == Method::NewCard && tx.secret_leaves(&attempt.id, now_ms).await?;
        tx.commit().await?;
        if !alive {
            self.cancel(&attempt.id, &intent.id).await?;
            return Ok(Err(Refused::Changed { left: attempt.amount }));
        }
        let client_secret = if secret_may_leave { intent.client_secret } else { None };
        Ok(Ok(Started { attempt, intent: intent.id, client_secret }))
    }

    pub(super) async fn intent_of(
        &self,
        attempt: &Attempt,
        under: LinkKind,
        invoice: &Invoice,
    ) -> Result<stripe::PaymentIntent, Error> {
        if let Some(intent) = &attempt.intent {
            return Ok(self.stripe().intent(intent, Priority::Customer).await?);
        }
        let number = invoice.number.as_str();
        let metadata = [
            ("sf_org_id", self.settings().org.as_str()),
            ("sf_account_id", attempt.account.as_str()),
            ("sf_invoice_id", attempt.invoice.as_str()),
            ("sf_invoice_number", number),
            ("q_attempt_id", attempt.id.as_str()),
            (super::answers::name_of(under), attempt.link.as_str()),
        ];
        let description = format!("Invoice {number}");
        let method_type = attempt.kind.at_stripe();
        let suffix = self.settings().statement_descriptor_suffix.as_deref();
        let body = NewIntent {
            amount: attempt.amount.to_stripe()?,
            currency: attempt.amount.currency().code(),
            customer: &attempt.customer,
            method_type,
            payment_method: attempt.method.as_deref(),
            save: attempt.save,
            description: &description,
            statement_descriptor_suffix: suffix.filter(|_| attempt.kind == MethodKind::Card),
            metadata: &metadata,
        }
        .body();
        let intent = self.made_intent(attempt, &body).await?;
        let types = &intent.payment_method_types;
        if !types.is_empty() && !types.iter().any(|kind| kind == method_type) {
            let why = format!("Stripe dropped {method_type} from the intent: switch it on in the Stripe Dashboard");
            return Err(Error::Unbookable { stripe_id: intent.id, why });
        }
        Ok(intent)
    }

    /// The attempt's one intent. A key that is spent on a failure is followed by a numbered one, after looking at what is there.
    async fn made_intent(&self, attempt: &Attempt, body: &str) -> Result<stripe::PaymentIntent, Error> {
        for number in 0.. {
            let key = numbered(format!("pi:{}", attempt.id), number);
            let effect = self.store().effect_begin(&key, "POST", "/v1/payment_intents", body, self.now_ms()).await?;
            if effect.answer.as_deref() == Some(SPENT) {
                continue;
            }
            // Stripe may have forgotten the key, or have made the intent before it failed.
            let made =
                if effect.is_stale(self.now_ms()) || number > 0 { self.find_intent(attempt).await? } else { None };
            let made = match made {
                Some(found) => Ok(found),
                None => self.stripe().create_intent(&key, &effect.body, Priority::Customer).await,
            };
            match made {
                Ok(intent) => {
                    self.store().effect_done(&key, &intent.id, self.now_ms()).await?;
                    return Ok(intent);
                }
                Err(error) => {
                    if error.is_kept() {
                        self.store().effect_done(&key, SPENT, self.now_ms()).await?;
                    }
                    return Err(error.into());
                }
            }
        }
        Err(stripe::Error::Busy { call: "POST /v1/payment_intents" }.into())
    }

    async fn find_intent(&self, attempt: &Attempt) -> Result<Option<stripe::PaymentIntent>, Error> {
        let since = stripe::Created::since(attempt.started_ms / 1000 - LOOK_BACK_S);
        let found = self.stripe().intents_of(&attempt.customer, since, Priority::Customer).await?;
        Ok(found.into_iter().find(|intent| intent.metadata.get("q_attempt_id") == Some(&attempt.id)))
    }
}

/// A payment of the same amount on the same invoice, minutes old: somebody went Back, or two people pay.
async fn duplicate(
    tx: &mut Tx,
    invoice: &Invoice,
    open: &[Attempt],
    amount: Money,
    now_ms: i64,
) -> Result<Option<Refused>, Error> {
    let wall_ms = crate::engine::clock::wall_ms();
    let under_way = |one: &&Attempt| {
        one.state == AttemptState::Processing && one.amount == amount && one.started_ms > now_ms - DUPLICATE_MS
    };
    if let Some(one) = open.iter().find(under_way) {
        let at_ms = wall_ms - (now_ms - one.started_ms);
        return Ok(Some(Refused::Duplicate { amount, at_ms, method: None }));
    }
    for payment in tx.payments_of(&invoice.id).await?.into_iter().rev() {
        let at_ms = payment.received_s.unwrap_or_default().saturating_mul(1_000);
        if payment.asked == amount && at_ms > wall_ms - DUPLICATE_MS && !payment.part().kept()?.is_zero() {
            return Ok(Some(Refused::Duplicate { amount, at_ms, method: payment.method_detail }));
        }
    }
    Ok(None)
}

pub(super) fn refused(error: &stripe::Error) -> Refused {
    match error.code() {
        Some(code) => Refused::StripeRefused { code: code.to_owned() },
        None => Refused::StripeDown,
    }
}
