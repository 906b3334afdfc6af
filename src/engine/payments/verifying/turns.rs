//! One at a time: who carries a verification on in this sidecar. Between sidecars the database decides.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

const STRIPES: usize = 64;

/// A stripe stands for all verifications that fall on it, so none has to be remembered.
pub(in crate::engine::payments) struct Turns(Vec<Arc<Mutex<()>>>);

impl Default for Turns {
    fn default() -> Self {
        Self((0..STRIPES).map(|_| Arc::default()).collect())
    }
}

impl Turns {
    /// Waits until nobody else carries this one on.
    pub(super) async fn lock(&self, id: &str) -> OwnedMutexGuard<()> {
        let place = id.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        Arc::clone(&self.0[place % STRIPES]).lock_owned().await
    }
}
