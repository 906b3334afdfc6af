//! Take Payment: a page for one clerk, one invoice and one hour, behind a token that gets in once.

use super::request::{Request, answer, invoice_of, notice, over};
use super::{Error, Links, PaymentsError};
use crate::domain::LinkId;
use crate::domain::link::{LinkKind, LinkState};
use crate::engine::clock::wall_ms;
use crate::store::links::Link;

/// As long as a telephone call may take.
const PAGE_LIFE_MS: i64 = 60 * 60 * 1000;
/// What the package says too; a request without a time gets no more.
const TOKEN_LIFE_MS: i64 = 5 * 60 * 1000;

impl Links {
    /// Registers the page by the hash that the request holds. The request is answered by what is paid on it.
    pub async fn take(&self, request: &Request) -> Result<(), Error> {
        if over(request) {
            return Ok(());
        }
        let wrong = |why: String| Error::Request { record: request.record.to_string(), why };
        let invoice = invoice_of(request)?;
        let hash = request.token_hash.clone().filter(|hash| hash.len() == 64);
        let hash = hash.ok_or_else(|| wrong("it holds no token hash".into()))?;
        let id = LinkId::parse(request.id.as_str()).map_err(|error| wrong(error.to_string()))?;
        let now_ms = wall_ms();
        let until_ms = request.expires_ms.unwrap_or(i64::MAX).min(now_ms + TOKEN_LIFE_MS);
        let store = self.payments.store();
        if store.link(&id).await?.is_some() {
            return Ok(()); // the page was opened before its event came
        }
        let mut tx = store.begin().await?;
        let (state, sentence) = if until_ms <= now_ms {
            ("Expired", "The page was not opened within five minutes. Press Take Payment again.")
        } else {
            let link = Link {
                id: id.clone(),
                token_hash: hash,
                kind: LinkKind::Agent,
                invoice,
                sent_to: None,
                note: None,
                state: LinkState::Open,
                made_ms: now_ms,
                changed_ms: now_ms,
                expires_ms: Some(now_ms + PAGE_LIFE_MS),
                locked_until_ms: None,
            };
            tx.record_link_once(&link).await?;
            tx.record_desk_request_once(&id, request.record.as_str(), until_ms).await?;
            ("Working", "The payment page is ready.")
        };
        let mut write = answer(request, state, sentence).of(&format!("take:{id}"));
        if state == "Expired" {
            write = write.telling(notice(request, "failed"));
        }
        tx.write_out(&write, self.payments.now_ms()).await.map_err(PaymentsError::from)?;
        tx.commit().await?;
        self.payments.outbox_filled();
        Ok(())
    }

    /// Uses an agent's token up. Answers whether it still got in.
    pub async fn enter_desk(&self, link: &LinkId) -> Result<bool, Error> {
        let mut tx = self.payments.store().begin().await?;
        let entered = tx.use_desk_token(link, wall_ms()).await?;
        tx.commit().await?;
        Ok(entered)
    }
}
