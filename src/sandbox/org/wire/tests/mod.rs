//! The org's REST side as clients see it: over TLS, against a small org of its own.

mod clients;
mod door;
mod faults;
mod house;
mod records;
