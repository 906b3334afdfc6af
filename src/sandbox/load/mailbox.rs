//! The mailbox as a customer reads it.

use serde_json::Value;

use super::{Error, World, until};

impl World {
    pub async fn mails(&self) -> Result<Vec<Value>, Error> {
        let url = format!("{}/api/messages", self.endpoints.smtp.mailbox_url);
        let answer = self.json("the mailbox", self.http.get(url)).await?;
        Ok(answer.as_array().cloned().unwrap_or_default())
    }

    /// One mail whole: headers, text, HTML, attachments.
    pub async fn mail(&self, id: &str) -> Result<Value, Error> {
        let url = format!("{}/api/messages/{id}", self.endpoints.smtp.mailbox_url);
        self.json("the mail", self.http.get(url)).await
    }

    /// Waits for a mail to `address` whose subject contains `subject`, and returns it whole.
    pub async fn mail_to(&self, address: &str, subject: &str, seconds: u64) -> Result<Value, Error> {
        let found = until(&format!("a mail to {address} about {subject:?}"), seconds, || async {
            let mails = self.mails().await?;
            let hit = mails.iter().rev().find(|mail| {
                mail["to"].to_string().contains(address)
                    && mail["subject"].as_str().is_some_and(|text| text.contains(subject))
            });
            Ok(hit.cloned().ok_or_else(|| format!("{} mails", mails.len())))
        })
        .await?;
        self.mail(found["id"].as_str().unwrap_or_default()).await
    }

    /// The payment link in a mail's text part.
    pub fn link_in(&self, mail: &Value) -> Result<String, Error> {
        let text = mail["text"].as_str().unwrap_or_default();
        let prefix = format!("{}/p/", self.endpoints.page_url);
        text.split_whitespace().find(|word| word.starts_with(&prefix)).map(str::to_owned).ok_or_else(|| {
            Error::Unreadable { what: "the mail".to_owned(), why: format!("no link beginning {prefix} in {text:?}") }
        })
    }
}
