//! Banks that leave, at Stripe and then at Plaid; letters; evidence that has been kept for long enough.

use std::time::Duration;

use crate::domain::bank::BankState;
use crate::engine::clock::wall_ms;
use crate::engine::links::Links;
use crate::engine::payments::{Error, Payments};
use crate::plaid::Event;
use crate::plaid::webhook::ItemNews;
use crate::stripe::{self, Priority};

const DAY_MS: i64 = 24 * 3_600_000;
const ROUND: Duration = Duration::from_millis(500);
const CHORES_EVERY: Duration = Duration::from_secs(30);

/// Works until the house stops.
pub async fn run(links: Links) {
    let stop = links.payments().house().stop.clone();
    let letters = async {
        loop {
            match links.send_bank_letters().await {
                Ok(0) => tokio::time::sleep(ROUND).await,
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(%error, "letters about bank payments could not be sent");
                    tokio::time::sleep(ROUND * 4).await;
                }
            }
        }
    };
    let chores = async {
        loop {
            if let Err(error) = links.payments().bank_chores().await {
                tracing::warn!(%error, "banks that leave could not be removed yet");
            }
            tokio::time::sleep(CHORES_EVERY).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = async { tokio::join!(letters, chores); } => {}
    }
}

impl Payments {
    /// Takes away what leaves: first at Stripe, so that it can't be debited any more, then the login at Plaid.
    pub async fn bank_chores(&self) -> Result<(), Error> {
        let now_ms = self.now_ms();
        self.store().forget_mandates(wall_ms()).await?;
        // What nobody asked to keep goes a day after its debit settled or failed.
        for bank in self.store().banks_to_remove(now_ms - DAY_MS, 20).await? {
            let left = if bank.id.starts_with("pm_") {
                let key = format!("detach:{}", bank.id);
                match self.stripe().detach_payment_method(&bank.id, &key, Priority::Background).await {
                    // Refused where it is detached already.
                    Ok(_) | Err(stripe::Error::Refused { .. } | stripe::Error::Missing { .. }) => Ok(()),
                    Err(error) => Err(error),
                }
            } else {
                self.stripe().delete_source(&bank.customer, &bank.id, Priority::Background).await
            };
            match left {
                Ok(()) => self.store().bank_gone(&bank.id, self.now_ms()).await?,
                Err(error) => tracing::warn!(bank.id = %bank.id, %error, "a bank could not be removed at Stripe yet"),
            }
        }
        let Some(banks) = self.banks() else { return Ok(()) };
        for choice in self.store().logins_to_end(now_ms - DAY_MS, now_ms, 20).await? {
            let ended = match banks.seal.open(&choice.access_token, &choice.id) {
                Ok(access) => banks.plaid.remove_item(&access).await,
                Err(error) => {
                    tracing::warn!(choice.id = %choice.id, %error, "a bank login can't be ended by us; remove it in the Plaid Dashboard");
                    Ok(())
                }
            };
            match ended {
                Ok(()) => self.store().login_ended(&choice.id).await?,
                Err(error) => {
                    tracing::warn!(choice.id = %choice.id, %error, "a bank login could not be ended yet");
                    self.store().login_again(&choice.id, self.now_ms() + DAY_MS / 24).await?;
                }
            }
        }
        Ok(())
    }

    /// The customer removes a stored bank.
    pub async fn remove_bank(&self, bank: &str) -> Result<(), Error> {
        self.store().bank_leaves(bank, self.now_ms()).await?;
        self.bank_chores().await
    }

    /// A webhook of Plaid, its signature checked: a hint about one login.
    pub async fn bank_news(&self, event: &Event) -> Result<(), Error> {
        let Some(item) = event.item_id.as_deref() else { return Ok(()) };
        let (state, reason) = match event.news() {
            ItemNews::LoginRequired => (BankState::NeedsLogin, Some("ITEM_LOGIN_REQUIRED")),
            ItemNews::LoginRepaired => (BankState::Ready, None),
            ItemNews::Revoked => (BankState::Blocked, Some("tokenized_account_number_deactivated")),
            ItemNews::Nothing => return Ok(()),
        };
        let touched = self.store().note_item(item, state, reason, self.now_ms()).await?;
        tracing::info!(touched, state = state.name(), "news of a bank login");
        Ok(())
    }
}
