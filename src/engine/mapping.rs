//! Which object is the invoice: read from the org at the start and every quarter of an hour, kept in the database for a start
//! without the org.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::house::House;
use crate::domain::invoice_mapping::{InvoiceMapping, MappingError};
use crate::salesforce;
use crate::store;

/// The mapping is an administrator's work: seldom changed, and worth few calls.
const EVERY: Duration = Duration::from_secs(15 * 60);
/// Where the database keeps the one that was read last.
const NAME: &str = "invoice_mapping";

/// The mapping as it is known now. Cheap to clone.
#[derive(Clone, Default)]
pub struct KnownMapping(Arc<RwLock<Arc<InvoiceMapping>>>);

/// Why the mapping could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Salesforce(#[from] salesforce::Error),
    #[error(transparent)]
    Mapping(#[from] MappingError),
    #[error("the custom metadata type Invoice Mapping has no record called Default")]
    NoRecord,
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl KnownMapping {
    /// The names to work with.
    pub fn get(&self) -> Arc<InvoiceMapping> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on these. Answers whether they are others than before.
    pub fn set(&self, mapping: InvoiceMapping) -> bool {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = **known != mapping;
        *known = Arc::new(mapping);
        is_new
    }
}

/// Reads it from the org.
pub async fn read(salesforce: &salesforce::Client) -> Result<InvoiceMapping, Error> {
    let rows = salesforce.query(&InvoiceMapping::query()).await?;
    Ok(InvoiceMapping::from_record(rows.first().ok_or(Error::NoRecord)?)?)
}

/// Before anything is done: the org's, else the one that was read last.
pub async fn start(house: &House, patience: Duration) -> Result<(), Error> {
    let mut tx = house.store.reading().await?;
    let kept = tx.meta(NAME).await?.and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
    drop(tx);
    if let Some(kept) = kept.and_then(|record| InvoiceMapping::from_record(&record).ok()) {
        house.invoices.set(kept);
    }
    match tokio::time::timeout(patience, refresh(house)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Error::Store(error))) => Err(error.into()),
        Ok(Err(error)) => {
            tracing::warn!(%error, object = %house.invoices.get().object, "the invoice mapping could not be read; the last one is used");
            Ok(())
        }
        Err(_) => {
            tracing::warn!(object = %house.invoices.get().object, "Salesforce gave no answer about the invoice mapping; the last one is used");
            Ok(())
        }
    }
}

/// Looks again until the house stops.
pub async fn run(house: House) {
    loop {
        tokio::select! {
            () = house.stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        if let Err(error) = refresh(&house).await {
            tracing::warn!(%error, "the invoice mapping could not be read; the last one is used");
        }
    }
}

async fn refresh(house: &House) -> Result<(), Error> {
    let mapping = read(&house.salesforce).await?;
    let text = serde_json::to_string(&mapping).map_err(|error| MappingError::Unreadable(error.to_string()))?;
    let object = mapping.object.clone();
    if house.invoices.set(mapping) {
        tracing::info!(%object, "the invoice mapping has changed");
        house.outbox_filled.notify_one();
    }
    let mut tx = house.store.begin().await?;
    tx.set_meta(NAME, &text).await?;
    Ok(tx.commit().await?)
}
