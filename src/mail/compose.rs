//! From a letter to the bytes on the wire: headers and MIME parts.

use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};
use sha2::{Digest, Sha256};

use super::letter::{Content, Letter};
use super::mailer::Sender;
use super::page::one_line;
use super::{Error, html, plain, words};

/// Builds the message. The same letter gives the same bytes, so a repeat is the same mail.
pub(super) fn message(letter: &Letter, sender: &Sender) -> Result<Message, Error> {
    let page = words::page(letter, sender);
    let to: Address = letter
        .to
        .address
        .trim()
        .parse()
        .map_err(|_| Error::RefusedAddress { answer: "it is not written like an e-mail address".to_owned() })?;
    let name = letter.to.name.as_deref().map(one_line).filter(|name| !name.is_empty());
    let seconds = u64::try_from(letter.at.as_second()).unwrap_or_default();
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    let mut builder = Message::builder()
        .message_id(Some(bracketed(&letter.message_id)?))
        .from(sender.from.clone())
        .to(Mailbox::new(name, to))
        .subject(page.subject.to_text())
        .date(at)
        .header(AutoSubmitted)
        .header(AutoResponseSuppress)
        .header(ContentLanguage);
    if let Some(reply_to) = &sender.reply_to {
        builder = builder.reply_to(reply_to.clone());
    }
    if let Some(before) = &letter.in_reply_to {
        let before = bracketed(before)?;
        builder = builder.in_reply_to(before.clone()).references(before);
    }
    if let Content::Reminder { unsubscribe: Some(url), .. } = &letter.content {
        builder = builder.header(ListUnsubscribe(format!("<{}>", one_line(url)))).header(ListUnsubscribePost);
    }
    let boundary = |part: &str| hex::encode(&Sha256::digest(format!("{part}\n{}", letter.message_id))[..15]);
    let body = MultiPart::alternative()
        .boundary(boundary("alternative"))
        .singlepart(SinglePart::plain(plain::write(&page)))
        .singlepart(SinglePart::html(html::write(&page)));
    let body = match letter.content.attachment() {
        None => body,
        Some(file) => {
            let kind = ContentType::parse("application/pdf").map_err(|error| Error::settings(error.to_string()))?;
            let file = Attachment::new(one_line(&file.name)).body(file.pdf.clone(), kind);
            MultiPart::mixed().boundary(boundary("mixed")).multipart(body).singlepart(file)
        }
    };
    builder.multipart(body).map_err(|error| Error::settings(error.to_string()))
}

/// An id of our own making; anything that could end the header line is a mistake of ours.
fn bracketed(id: &str) -> Result<String, Error> {
    let bare = id.trim_start_matches('<').trim_end_matches('>');
    let clean = bare.chars().all(|sign| sign.is_ascii_graphic() && !"<>\"\\(),:;".contains(sign));
    match clean && bare.matches('@').count() == 1 {
        true => Ok(format!("<{bare}>")),
        false => Err(Error::settings(format!("{bare:?} is no Message-ID: expected name@host in ASCII"))),
    }
}

/// A header with one fixed value.
macro_rules! fixed {
    ($kind:ident, $name:literal, $value:expr, $why:literal) => {
        #[doc = $why]
        #[derive(Clone)]
        struct $kind;
        impl Header for $kind {
            fn name() -> HeaderName {
                HeaderName::new_from_ascii_str($name)
            }
            fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
                Ok($kind)
            }
            fn display(&self) -> HeaderValue {
                HeaderValue::new(Self::name(), $value.to_owned())
            }
        }
    };
}

fixed!(AutoSubmitted, "Auto-Submitted", "auto-generated", "RFC 3834: no vacation notes to us.");
fixed!(AutoResponseSuppress, "X-Auto-Response-Suppress", "OOF, AutoReply", "The same for Exchange.");
fixed!(ContentLanguage, "Content-Language", words::LANG, "Which language the letter is in.");
fixed!(ListUnsubscribePost, "List-Unsubscribe-Post", "List-Unsubscribe=One-Click", "RFC 8058.");

/// RFC 2369. On reminders only: nobody can unsubscribe from a receipt.
#[derive(Clone)]
struct ListUnsubscribe(String);

impl Header for ListUnsubscribe {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe")
    }
    fn parse(value: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(ListUnsubscribe(value.to_owned()))
    }
    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}

#[cfg(all(test, feature = "sandbox"))]
#[path = "compose_tests.rs"]
mod tests;
