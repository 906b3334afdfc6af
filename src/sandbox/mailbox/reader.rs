//! A mail opened for reading.

use mail_parser::{MessageParser, MimeHeaders, PartType};
use serde::Serialize;

use super::Mail;

/// A mail taken apart.
#[derive(Clone, Debug, Serialize)]
pub struct Opened {
    #[serde(serialize_with = "as_text")]
    pub id: u64,
    pub received_at: jiff::Timestamp,
    /// Who handed it over, as said in MAIL FROM.
    pub envelope_from: String,
    /// Whom it was handed over for, as said in RCPT TO.
    pub envelope_to: Vec<String>,
    pub subject: String,
    pub from: String,
    pub to: Vec<String>,
    pub message_id: Option<String>,
    /// All headers in their order, decoded where they are texts.
    pub headers: Vec<(String, String)>,
    pub text: Option<String>,
    pub html: Option<String>,
    pub attachments: Vec<Attached>,
    pub size: usize,
}

/// One attached file.
#[derive(Clone, Debug, Serialize)]
pub struct Attached {
    pub name: String,
    pub content_type: String,
    pub size: usize,
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

impl Mail {
    /// Takes the mail apart. What is no mail at all is shown as text.
    pub fn open(&self) -> Opened {
        let mut opened = Opened {
            id: self.id,
            received_at: self.received_at,
            envelope_from: self.from.clone(),
            envelope_to: self.to.clone(),
            subject: String::new(),
            from: self.from.clone(),
            to: self.to.clone(),
            message_id: None,
            headers: Vec::new(),
            text: None,
            html: None,
            attachments: Vec::new(),
            size: self.raw.len(),
        };
        let Some(mail) = MessageParser::default().parse(&self.raw) else {
            opened.text = Some(String::from_utf8_lossy(&self.raw).into_owned());
            return opened;
        };
        opened.subject = mail.subject().unwrap_or_default().to_owned();
        opened.message_id = mail.message_id().map(str::to_owned);
        let people = |list: Option<&mail_parser::Address<'_>>| -> Vec<String> {
            let addresses = list.into_iter().flat_map(|list| list.iter());
            addresses
                .filter_map(|person| {
                    let address = person.address()?;
                    Some(person.name().map_or(address.to_owned(), |name| format!("{name} <{address}>")))
                })
                .collect()
        };
        if let Some(from) = people(mail.from()).into_iter().next() {
            opened.from = from;
        }
        let to = people(mail.to());
        if !to.is_empty() {
            opened.to = to;
        }
        let text_of = |name: &str, raw: &str| match name.to_ascii_lowercase().as_str() {
            "subject" => opened.subject.clone(),
            _ => raw.split_whitespace().collect::<Vec<_>>().join(" "),
        };
        opened.headers = mail.headers_raw().map(|(name, raw)| (name.to_owned(), text_of(name, raw))).collect();
        opened.text = mail.text_part(0).and_then(|part| match &part.body {
            PartType::Text(text) => Some(text.to_string()),
            _ => None,
        });
        opened.html = mail.html_part(0).and_then(|part| match &part.body {
            PartType::Html(html) => Some(html.to_string()),
            _ => None,
        });
        opened.attachments = mail
            .attachments()
            .enumerate()
            .map(|(nth, part)| {
                let kind = part.content_type().map_or("application/octet-stream".to_owned(), |kind| {
                    kind.subtype().map_or(kind.ctype().to_owned(), |subtype| format!("{}/{subtype}", kind.ctype()))
                });
                Attached {
                    name: part.attachment_name().map_or(format!("attachment-{}", nth + 1), str::to_owned),
                    content_type: kind,
                    size: part.contents().len(),
                    bytes: part.contents().to_vec(),
                }
            })
            .collect();
        opened
    }
}

/// An id is a text for whoever reads the JSON: nobody should reckon with it.
pub(super) fn as_text<S: serde::Serializer>(id: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}
