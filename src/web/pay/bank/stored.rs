//! Banks that the customer has stored.

use super::super::super::cookie::Visitor;
use super::super::super::state::App;
use super::BANK;
use crate::domain::bank::BankState;
use crate::engine::payments::{Error, Invoice};
use crate::store::banks::Bank;
use crate::store::links::Link;

/// The stored banks that this visitor may see, with what each is good for.
pub async fn stored_banks(app: &App, visitor: &Visitor, invoice: &Invoice) -> Result<Vec<Bank>, Error> {
    if !visitor.verified || app.payments().banks().is_none() {
        return Ok(Vec::new());
    }
    let Some(customer) = app.payments().customer_id(invoice).await? else { return Ok(Vec::new()) };
    let banks = app.payments().store().banks_of(&customer).await?;
    Ok(banks.into_iter().filter(|bank| bank.save && bank.state != BankState::Leaving).collect())
}

pub async fn own_bank(app: &App, visitor: &Visitor, link: &Link, id: &str) -> Result<Option<Bank>, Error> {
    let invoice = app.payments().known_invoice(&link.invoice).await?.invoice;
    let id = id.strip_prefix(BANK).unwrap_or(id);
    Ok(stored_banks(app, visitor, &invoice).await?.into_iter().find(|bank| bank.id == id))
}
