//! The loops that follow hints, sweep, and free idle room.

use std::time::Duration;

use super::Payments;
use crate::engine::receipts::Receipts;

const IDLE_EVERY: Duration = Duration::from_secs(60);
/// Without a nudge: hints of other sidecars, and those that wait for another try.
const ROUND: Duration = Duration::from_secs(1);

/// Works until the house stops: the first sweep, which opens Pay, then hints, receipts, sweeps and idle attempts.
pub async fn run(payments: Payments, receipts: Receipts) {
    let stop = payments.house().stop.clone();
    let work = async { tokio::join!(sweep(&payments), hints(&payments), send(&payments, &receipts), idle(&payments)) };
    tokio::select! {
        () = stop.cancelled() => {}
        _ = work => {}
    }
}

async fn sweep(payments: &Payments) {
    let mut wait = Duration::from_secs(1);
    while let Err(error) = payments.sweep_at_start().await {
        tracing::error!(%error, wait_ms = wait.as_millis(), "the first sweep of Stripe failed; Pay stays closed until it runs through");
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(60));
    }
    loop {
        tokio::time::sleep(payments.settings().sweep_every).await;
        let swept = payments.sweep_events().await;
        if let Err(error) = &swept {
            tracing::warn!(%error, "a sweep failed; the next one looks back farther");
        }
        // Once a night, and after an outage, the objects themselves.
        let listed = match payments.listing_is_due().await {
            Ok(due) if due || swept.is_err() => payments.sweep_objects().await.map(|_| ()),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = listed {
            tracing::warn!(%error, "the payments at Stripe could not be listed");
        }
        let month_ms = 35 * 86_400_000;
        if let Err(error) = payments.store().forget_events(payments.now_ms() - month_ms).await {
            tracing::warn!(%error, "old webhook events could not be forgotten");
        }
        if let Err(error) = payments.store().forget_ownerless(payments.now_ms() - month_ms).await {
            tracing::warn!(%error, "old payments of nobody could not be forgotten");
        }
        if let Err(error) = payments.store().forget_visits(crate::engine::clock::wall_ms()).await {
            tracing::warn!(%error, "old sessions, codes and declines could not be forgotten");
        }
    }
}

async fn hints(payments: &Payments) {
    loop {
        match payments.follow_hints().await {
            Ok(0) => {
                let _ = tokio::time::timeout(ROUND, payments.nudged()).await;
            }
            // A bank debit that failed gives its room back at once.
            Ok(_) => {
                if let Err(error) = payments.release_idle().await {
                    tracing::warn!(%error, "idle attempts could not be released");
                }
            }
            Err(error) => {
                tracing::error!(%error, "hints could not be followed");
                tokio::time::sleep(ROUND).await;
            }
        }
    }
}

async fn send(payments: &Payments, receipts: &Receipts) {
    loop {
        match receipts.follow().await {
            Ok(0) => tokio::time::sleep(ROUND / 2).await,
            Ok(_) => payments.outbox_filled(),
            Err(error) => {
                tracing::error!(%error, "receipts could not be sent");
                tokio::time::sleep(ROUND).await;
            }
        }
    }
}

async fn idle(payments: &Payments) {
    loop {
        if let Err(error) = payments.release_idle().await {
            tracing::warn!(%error, "idle attempts could not be released");
        }
        if let Err(error) = payments.end_expired_links().await {
            tracing::warn!(%error, "links that ran out could not be ended yet");
        }
        if let Err(error) = payments.end_not_accepted().await {
            tracing::warn!(%error, "authorisations that nobody accepted could not be ended yet");
        }
        if let Err(error) = payments.tell_unlocked_links().await {
            tracing::warn!(%error, "the org could not be told yet of links that pay again");
        }
        tokio::time::sleep(IDLE_EVERY).await;
    }
}
