//! The receipt: one PDF, tagged for screen readers (PDF/UA-1), the same bytes each time it is asked for.
//!
//! Rendering takes some milliseconds of pure CPU and blocks: call [`render`] inside `tokio::task::spawn_blocking`.

mod content;
mod draw;
mod error;
mod faces;
mod figures;
mod file_name;
mod layout;
mod logo;
mod model;
#[cfg(test)]
mod sample;
mod sheet;
mod text;
mod wording;

pub use error::Error;
pub use figures::format_amount;
pub use file_name::file_name;
pub use layout::render;
pub use logo::Logo;
pub use model::{Amount, Company, Customer, Earlier, Invoice, Kind, Method, Receipt, TaxShare};
