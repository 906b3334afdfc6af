//! The confirm of what is charged from the server: stored cards, cards that a clerk typed, banks.

use super::{Error, Payments, Started};
use crate::domain::LinkId;
use crate::domain::attempt::MethodKind;
use crate::domain::link::LinkKind;
use crate::engine::banks::BankRefused;
use crate::store::attempts::Attempt;
use crate::store::outbox::Write;
use crate::stripe::{self, Form, Priority};

/// One Payment Error for the whole account, however many clerks meet it.
const NO_MOTO: &str = "desk:moto";

/// Why Stripe took no confirm as such. The attempt has given its room back, and nothing was charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotConfirmed {
    Bank(BankRefused),
    /// Stripe takes no phone orders from this account; the admin is told.
    Moto,
}

impl Payments {
    /// Confirms by id from the server. The mark that a confirm was sent is durable before it goes. Answers why the order was
    /// refused as such; everything else is told by the reading that follows.
    pub async fn confirm_stored(&self, started: &Started) -> Result<Option<NotConfirmed>, Error> {
        let attempt = &started.attempt;
        let Some(method) = attempt.method.as_deref() else { return Ok(None) };
        let is_bank = attempt.kind == MethodKind::BankAccount;
        let by_clerk = self.by_clerk(attempt).await?;
        let read = self.stripe().intent(&started.intent, Priority::Customer).await?;
        if !matches!(read.status.as_str(), "requires_payment_method" | "requires_confirmation") {
            return Ok(None); // confirmed already by the same press
        }
        if (attempt.is_charge() || by_clerk) && read.status == "requires_payment_method" {
            return Ok(None); // declined: the same press asks the bank once
        }
        let mut tx = self.store().begin().await?;
        let number = tx.confirm_leaves(&attempt.id, self.now_ms()).await?;
        tx.commit().await?;
        let Some(number) = number else { return Ok(None) };
        let moto = by_clerk && !is_bank && self.settings().desk.moto;
        let form = Form::new().with("payment_method", method);
        let form = match (is_bank, attempt.is_charge()) {
            // The standing mandate covers it; Stripe has it from the first debit.
            (true, _) => self.mandate_data(attempt, form).await?,
            (false, true) => form.with("off_session", "true"),
            (false, false) => form.with("return_url", self.way_back(attempt)),
        };
        let form = if moto { form.with("payment_method_options[card][moto]", "true") } else { form };
        let body = form.with("expand[]", "latest_charge").into_body();
        let key = format!("confirm:{}:{number}", attempt.id);
        let path = format!("/v1/payment_intents/{}/confirm", started.intent);
        let effect = self.store().effect_begin(&key, "POST", &path, &body, self.now_ms()).await?;
        match self.stripe().confirm_intent(&started.intent, &key, &effect.body, Priority::Customer).await {
            Ok(intent) => {
                self.store().effect_done(&key, &intent.status, self.now_ms()).await?;
                Ok(None)
            }
            Err(stripe::Error::Refused { code, message, .. })
                if is_bank && code != "payment_intent_unexpected_state" && code != "lock_timeout" =>
            {
                Ok(Some(NotConfirmed::Bank(self.debit_refused(attempt, &code, &message).await?)))
            }
            Err(stripe::Error::Refused { code, param, message, .. })
                if moto && is_about_moto(param.as_deref(), &message) =>
            {
                self.moto_refused(attempt, &format!("{message} ({code})")).await?;
                Ok(Some(NotConfirmed::Moto))
            }
            // Declined, or moved on meanwhile: the reading that follows tells.
            Err(stripe::Error::Declined { .. } | stripe::Error::Refused { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn way_back(&self, attempt: &Attempt) -> String {
        format!("{}/pay/{}/attempts/{}/return", self.settings().public_url, attempt.link, attempt.id)
    }

    /// Whether the press was a clerk's, with the customer on the phone.
    async fn by_clerk(&self, attempt: &Attempt) -> Result<bool, Error> {
        let Ok(link) = LinkId::parse(&attempt.link) else { return Ok(false) };
        Ok(self.store().link(&link).await?.is_some_and(|link| link.kind == LinkKind::Agent))
    }

    /// To charge it unflagged would be to call a phone order something else, so the attempt ends.
    async fn moto_refused(&self, attempt: &Attempt, why: &str) -> Result<(), Error> {
        tracing::error!(why, "Stripe takes no phone orders (MOTO) from this account");
        self.release(attempt).await?;
        let sentence =
            format!("A card could not be charged on the phone: Stripe takes no phone orders (MOTO) yet. {why}");
        let remedy = "Ask Stripe's support to switch on MOTO for the account, or have the operator set desk.moto = false: cards \
            whose bank asks for 3-D Secure then become a link to the customer.";
        let mut tx = self.store().begin().await?;
        tx.write_out(&Write::payment_error(NO_MOTO, "moto_not_enabled", &sentence, remedy), self.now_ms()).await?;
        tx.commit().await?;
        self.outbox_filled();
        Ok(())
    }
}

/// Until it is switched on, the parameter is an unknown one.
fn is_about_moto(param: Option<&str>, message: &str) -> bool {
    param.is_some_and(|param| param.contains("moto")) || message.to_lowercase().contains("moto")
}

#[cfg(test)]
mod tests {
    use super::is_about_moto;

    #[test]
    fn a_refusal_of_the_flag_is_told_from_a_refusal_of_the_card() {
        let unknown = "Received unknown parameter: payment_method_options[card][moto]";
        assert!(is_about_moto(Some("payment_method_options[card][moto]"), ""));
        assert!(is_about_moto(None, unknown));
        assert!(is_about_moto(None, "This account may not use MOTO."));
        assert!(!is_about_moto(Some("payment_method"), "No such PaymentMethod: 'pm_1'"));
    }
}
