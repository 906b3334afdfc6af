//! How requests and answers look on the wire.

pub mod expand;
pub mod form;
pub mod pages;
pub mod params;
pub mod query;
