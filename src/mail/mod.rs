//! Outgoing mail: letters that a customer would trust, handed to one SMTP server.
//!
//! A [`Letter`] says what is written and to whom; [`Mailer::send`] hands it over. The caller chooses the Message-ID,
//! stores it before sending, and gives the same one for the same letter, so that a repeat can be told as one.

mod compose;
mod error;
mod html;
mod letter;
mod mailer;
mod page;
mod plain;
mod words;

pub use error::Error;
pub use letter::{Attachment, Contact, Content, Invoice, Letter, Link, Recipient};
pub use mailer::{Mailer, Sender};
