//! One reading of a payment at Stripe, in the ledger's words.

use super::{Error, Payments};
use crate::domain::attempt::MethodKind;
use crate::domain::bank::Reason;
use crate::domain::decline::Decline;
use crate::domain::payment::{IntentSeen, IntentStatus, Part};
use crate::domain::{Currency, Money, SalesforceId};
use crate::stripe::{Charge, PaymentIntent, Priority};

/// One reading, in the ledger's words.
pub(super) struct Read {
    pub(super) stripe_id: String,
    pub(super) charge_id: Option<String>,
    pub(super) metadata: std::collections::HashMap<String, String>,
    pub(super) account: Option<SalesforceId>,
    pub(super) customer: Option<String>,
    pub(super) kind: MethodKind,
    pub(super) asked: Money,
    pub(super) seen: IntentSeen,
    pub(super) status: String,
    pub(super) method_detail: Option<String>,
    pub(super) descriptor: Option<String>,
    pub(super) failure: Option<String>,
    pub(super) decline_code: Option<String>,
    pub(super) decline_key: Option<String>,
    pub(super) created_s: i64,
    pub(super) received_s: Option<i64>,
    pub(super) has_intent: bool,
    /// The method at Stripe.
    pub(super) method: Option<String>,
    /// A debit by Stripe's older path.
    pub(super) legacy: bool,
    pub(super) aside: Aside,
}

/// What decides nothing about the invoice, and what people want to read.
#[derive(Clone, Debug)]
pub(super) struct Aside {
    /// Asked back by the customer's bank, and not decided.
    pub(super) disputed: Money,
    /// When money went back last, in seconds since 1970.
    pub(super) returned_s: Option<i64>,
    /// Why a bank took back what it had paid.
    pub(super) returned_for: Option<String>,
}

impl Payments {
    pub(super) async fn read_of_intent(
        &self,
        intent: &PaymentIntent,
        account: Option<SalesforceId>,
        priority: Priority,
    ) -> Result<Option<Read>, Error> {
        let Some(status) = IntentStatus::from_stripe(&intent.status) else {
            tracing::error!(intent.id = %intent.id, status = %intent.status, "Stripe names a status that we don't know");
            return Ok(None);
        };
        let currency = currency(&intent.id, &intent.currency)?;
        let charge = match (intent.charge(), intent.charge_id()) {
            (Some(charge), _) => Some(charge.clone()),
            (None, Some(id)) => Some(self.stripe().charge(id, priority).await?),
            (None, None) => None,
        };
        let none = Aside { disputed: Money::zero(currency), returned_s: None, returned_for: None };
        let (part, aside) = match (&charge, status) {
            (Some(charge), IntentStatus::Succeeded) => {
                let received = Money::from_stripe(intent.amount_received, currency)?;
                let (part, aside) = self.part(charge, currency, true, priority).await?;
                (Part { received, ..part }, aside)
            }
            (None, IntentStatus::Succeeded) => {
                (Part::received(Money::from_stripe(intent.amount_received, currency)?), none)
            }
            _ => (Part::received(Money::zero(currency)), none),
        };
        let kind = match &charge {
            Some(charge) => kind_of(charge),
            None if intent.payment_method_types.iter().any(|kind| kind == "us_bank_account")
                && !intent.payment_method_types.iter().any(|kind| kind == "card") =>
            {
                MethodKind::BankAccount
            }
            None => MethodKind::Card,
        };
        let method = intent.payment_method.as_ref().map(|method| method.id().to_owned());
        // The bank by the name that its customer chose it by.
        let bank = match &method {
            Some(method) if kind == MethodKind::BankAccount => self.store().bank(method).await?,
            _ => None,
        };
        let error = intent.last_payment_error.as_ref();
        let failed_charge = error.and_then(|error| error.charge.clone());
        Ok(Some(Read {
            stripe_id: intent.id.clone(),
            charge_id: intent.charge_id().map(str::to_owned),
            metadata: intent.metadata.clone(),
            account,
            customer: intent.customer_id().map(str::to_owned),
            kind,
            asked: Money::from_stripe(intent.amount, currency)?,
            seen: IntentSeen { status, part, declined: error.is_some() },
            status: intent.status.clone(),
            method_detail: bank.map(|bank| bank.words()).or_else(|| {
                charge.as_ref().and_then(|charge| charge.payment_method_details.as_ref()).map(|it| it.words())
            }),
            descriptor: charge.as_ref().and_then(|charge| charge.calculated_statement_descriptor.clone()),
            failure: error.map(|error| failure_words(kind, error.code.as_deref(), error.decline_code.as_deref())),
            decline_code: error.and_then(|error| error.decline_code.clone().or_else(|| error.code.clone())),
            decline_key: failed_charge
                .or_else(|| error.map(|_| format!("{}:{}", intent.id, intent.charge_id().unwrap_or("none")))),
            created_s: intent.created,
            received_s: charge.as_ref().filter(|_| status == IntentStatus::Succeeded).map(Charge::received_s),
            has_intent: true,
            method,
            legacy: charge.as_ref().is_some_and(is_legacy),
            aside,
        }))
    }

    /// What came by a charge and what went back. Lists are read only where the charge says that there is something.
    pub(super) async fn part(
        &self,
        charge: &Charge,
        currency: Currency,
        succeeded: bool,
        priority: Priority,
    ) -> Result<(Part, Aside), Error> {
        let zero = Money::zero(currency);
        let mut aside = Aside { disputed: zero, returned_s: None, returned_for: None };
        if !succeeded {
            return Ok((Part::received(zero), aside));
        }
        let captured = if charge.amount_captured > 0 { charge.amount_captured } else { charge.amount };
        let mut part = Part::received(Money::from_stripe(captured, currency)?);
        if charge.amount_refunded > 0 {
            for refund in self.stripe().refunds_of_charge(&charge.id, priority).await? {
                if refund.succeeded() {
                    part.refunded = part.refunded.plus(Money::from_stripe(refund.amount, currency)?)?;
                    aside.returned_s = aside.returned_s.max(Some(refund.created));
                }
            }
        }
        if charge.disputed {
            for dispute in self.stripe().disputes_of_charge(&charge.id, priority).await? {
                // A dispute may be in the bank's own currency; then the whole charge is what it is about.
                let same = dispute.currency.eq_ignore_ascii_case(currency.code());
                let amount = Money::from_stripe(if same { dispute.amount } else { charge.amount }, currency)?;
                if dispute.lost() {
                    part.lost = part.lost.plus(amount)?;
                    aside.returned_s = aside.returned_s.max(Some(dispute.created));
                    aside.returned_for = Some(dispute.reason.clone());
                } else if dispute.undecided() {
                    aside.disputed = aside.disputed.plus(amount)?;
                }
            }
        }
        Ok((part, aside))
    }
}

/// Whether a debit went by Stripe's older path, which knows no mandate of ours.
pub(super) fn is_legacy(charge: &Charge) -> bool {
    charge.payment_method_details.as_ref().is_some_and(|details| details.kind == "ach_debit")
}

pub(super) fn kind_of(charge: &Charge) -> MethodKind {
    charge
        .payment_method_details
        .as_ref()
        .and_then(|details| MethodKind::from_stripe(&details.kind))
        .unwrap_or(MethodKind::Card)
}

pub(super) fn failure_words(kind: MethodKind, code: Option<&str>, decline_code: Option<&str>) -> String {
    if kind == MethodKind::BankAccount {
        let code = decline_code.filter(|code| !code.is_empty()).or(code).unwrap_or_default();
        return Reason::from_code(code).for_clerk().to_owned();
    }
    Decline::from_codes(code, decline_code, None).for_clerk().to_owned()
}

pub(super) fn currency(stripe_id: &str, code: &str) -> Result<Currency, Error> {
    Currency::from_code(code)
        .map_err(|error| Error::Unbookable { stripe_id: stripe_id.to_owned(), why: error.to_string() })
}
