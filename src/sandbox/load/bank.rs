//! The same customer at the bank: signs in in Plaid Link, authorises a debit, and sometimes pays the rest from the bank
//! that is stored now, after the code from the mail.

use std::time::{Duration, Instant};

use rand::Rng;
use serde_json::{Value, json};
use uuid::Uuid;

use super::customer::{Customer, Form, Outcome, heading, input};
use super::{Error, until};

/// The endings of Stripe's test accounts and what their debits do: settle, fail, or come back after they settled.
const ENDINGS: &[&str] = &["6789", "6789", "6789", "5559", "2227", "1113"];
const PATIENCE: Duration = Duration::from_secs(240);

/// One press of "Authorise and pay", which may have to be sent again.
struct Review {
    url: String,
    csrf: String,
    minor: String,
    text_hash: String,
    part: Option<String>,
    press: Uuid,
}

impl Customer {
    /// Pays all or part by a new bank, and half of those who paid a part pay the rest from it.
    pub(super) async fn pay_by_bank(&mut self, link: &str, invoice: &str) -> Result<Outcome, Error> {
        let ending = ENDINGS[self.dice.random_range(0..ENDINGS.len())];
        let part = self.dice.random_bool(0.5);
        let again = self.dice.random_bool(0.5);
        let start = Instant::now();
        let mut last = "the page refused for now".to_owned();
        while start.elapsed() < PATIENCE {
            match self.by_new_bank(link, ending, part).await {
                Ok(Some(Outcome::OnItsWay)) if part && again => {
                    return self.pay_the_rest(link, invoice).await;
                }
                Ok(Some(outcome)) => return Ok(outcome),
                Ok(None) => {}
                Err(error) => last = error.to_string(),
            }
            self.pause().await;
        }
        Ok(Outcome::GaveUp(format!("{link} by bank: {last}")))
    }

    /// `None` asks for another try from the mailed link on.
    async fn by_new_bank(&mut self, link: &str, ending: &str, part: bool) -> Result<Option<Outcome>, Error> {
        let Some(form) = self.open(link).await? else {
            // A press whose answer was lost: the page says that a payment is on its way.
            return Ok(Some(Outcome::OnItsWay));
        };
        let opened = self.post_twice(&format!("{}/bank/link", form.path), &[("csrf", form.csrf.as_str())]).await?;
        let Some(token) = opened["linkToken"].as_str() else { return Ok(None) };
        let (public_token, account) = self.sign_in(token, ending).await?;
        let amount = half(&form).filter(|_| part);
        let chosen = [
            ("csrf", form.csrf.as_str()),
            ("public_token", &public_token),
            ("account", &account),
            ("save_bank", "yes"),
            ("choice", if amount.is_some() { "part" } else { "full" }),
            ("amount", amount.as_deref().unwrap_or_default()),
        ];
        let told = self.post_twice(&format!("{}/bank/chosen", form.path), &chosen).await?;
        let Some(place) = told["url"].as_str() else { return Ok(None) };
        self.authorise(place, amount).await
    }

    /// What the customer does in Plaid's window: the bank, the sign-in, the account.
    async fn sign_in(&self, link_token: &str, ending: &str) -> Result<(String, String), Error> {
        let session = self.at_link("open", &json!({"token": link_token})).await?;
        let id = session["link_session_id"].as_str().unwrap_or_default();
        let given = json!({"institution_id": "ins_109508", "username": "user_ach", "password": "pass_good"});
        let signed_in = self.at_link(&format!("{id}/sign_in"), &given).await?;
        let accounts = signed_in["accounts"].as_array().into_iter().flatten();
        let account = accounts.filter(|account| account["mask"] == ending).find_map(|one| one["account_id"].as_str());
        let account = account.unwrap_or_default().to_owned();
        let done = self.at_link(&format!("{id}/finish"), &json!({"account_ids": [account]})).await?;
        Ok((done["public_token"].as_str().unwrap_or_default().to_owned(), account))
    }

    async fn at_link(&self, path: &str, body: &Value) -> Result<Value, Error> {
        let url = format!("{}/link/session/{path}", self.world.endpoints.plaid.api_url);
        self.world.json("Plaid Link", self.world.http.post(url).json(body)).await
    }

    /// Reads the authorisation and presses the button, the same press again where no answer came.
    async fn authorise(&mut self, place: &str, part: Option<String>) -> Result<Option<Outcome>, Error> {
        let url = format!("{}{place}", self.world.endpoints.page_url);
        let page = self.world.send("the review", self.world.http.get(&url).header("cookie", &self.cookie)).await?;
        let review = Review {
            url: url.split('?').next().unwrap_or(&url).to_owned(),
            csrf: input(&page, "csrf")?,
            minor: input(&page, "minor")?,
            text_hash: input(&page, "text_hash")?,
            part,
            press: Uuid::new_v4(),
        };
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            match self.press_authorise(&review).await {
                Ok(Some(attempt)) => return self.on_its_way(&attempt).await,
                // Refused in words; the page offers everything again.
                Ok(None) => return Ok(None),
                Err(_) => self.pause().await,
            }
        }
        Ok(Some(Outcome::GaveUp(format!("{}: the press got no answer", review.url))))
    }

    /// Where the press led; `None` where the page refused.
    async fn press_authorise(&self, review: &Review) -> Result<Option<String>, Error> {
        let press = review.press.to_string();
        let fields = [
            ("csrf", review.csrf.as_str()),
            ("press", &press),
            ("minor", &review.minor),
            ("text_hash", &review.text_hash),
            ("part", review.part.as_deref().unwrap_or_default()),
            ("take_over", "yes"),
            ("again", "yes"),
        ];
        let request = self.world.http.post(&review.url).header("cookie", &self.cookie).form(&fields);
        let request = request.header("user-agent", BROWSER);
        let what = || "Authorise and pay".to_owned();
        let answer = request.send().await.map_err(|source| Error::Unreachable { what: what(), source })?;
        let status = answer.status().as_u16();
        let place = answer.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
        match (status, place) {
            (303, Some(place)) if place.contains("/attempts/") => Ok(Some(place)),
            (500.., _) => Err(Error::Refused { what: what(), status, body: String::new() }),
            _ => Ok(None),
        }
    }

    /// Reads the page that says what became of it until it knows; `None` where nothing was begun and the page offers to
    /// pay again.
    async fn on_its_way(&self, attempt: &str) -> Result<Option<Outcome>, Error> {
        let url = format!("{}{attempt}", self.world.endpoints.page_url);
        let found = until("the page to say that the bank payment is on its way", 120, || async {
            let page = self.world.http.get(&url).header("cookie", &self.cookie);
            let page = self.world.send("the status", page).await?;
            Ok(match page.contains("is on its way") {
                true => Ok(Some(Outcome::OnItsWay)),
                false if page.contains("This payment was not finished") => Ok(None),
                false => Err(heading(&page)),
            })
        });
        Ok(found.await.unwrap_or_else(|error| Some(Outcome::GaveUp(error.to_string()))))
    }

    /// The rest, from the stored bank: the code, the bank among the methods, and no new authorisation while one holds.
    async fn pay_the_rest(&mut self, link: &str, invoice: &str) -> Result<Outcome, Error> {
        let start = Instant::now();
        let mut last = "the page refused for now".to_owned();
        let mut visit = None;
        while start.elapsed() < PATIENCE {
            match self.by_stored_bank(link, invoice, &mut visit).await {
                Ok(Some(outcome)) => return Ok(outcome),
                Ok(None) => {}
                Err(error) => last = error.to_string(),
            }
            self.pause().await;
        }
        Ok(Outcome::GaveUp(format!("{link} by stored bank: {last}")))
    }

    /// The mailed link is opened once: each opening is a visit of its own, which would need a code of its own.
    async fn by_stored_bank(
        &mut self,
        link: &str,
        invoice: &str,
        visit: &mut Option<String>,
    ) -> Result<Option<Outcome>, Error> {
        let path = match visit {
            Some(path) => path.clone(),
            None => visit.insert(self.enter(link).await?).clone(),
        };
        let Some((form, mut page)) = self.form(&path).await? else { return Ok(Some(Outcome::OnItsWay)) };
        // What an earlier code opened stays open: another one would only use up the hour's allowance.
        if !page.contains(STORED_BANK) {
            let code = self.code(&form, invoice).await?;
            let verify = [("csrf", form.csrf.as_str()), ("code", &code)];
            self.post_form(&format!("{}/verify", form.path), &verify).await?;
            page = self.page(&path).await?;
        }
        let Some(begin) = page.find(STORED_BANK) else { return Ok(None) };
        let method = page[begin + "value=\"".len()..].split('"').next().unwrap_or_default().to_owned();
        let press = Uuid::new_v4().to_string();
        let (csrf, shown, currency) = (input(&page, "csrf")?, input(&page, "shown")?, input(&page, "currency")?);
        let fields = [
            ("csrf", csrf.as_str()),
            ("press", &press),
            ("shown", &shown),
            ("currency", &currency),
            ("continues", ""),
            ("choice", "full"),
            ("amount", ""),
            ("method", &method),
        ];
        let told = self.post_twice(&format!("{}/attempts", form.path), &fields).await?;
        let Some(place) = told["url"].as_str().map(str::to_owned) else { return Ok(None) };
        self.authorise(&place, None).await
    }

    /// The newest code that came after it was asked for. It goes to the address on record, not to where the link went.
    async fn code(&self, form: &Form, invoice: &str) -> Result<String, Error> {
        let codes = || async {
            let mails = self.world.mails().await?;
            let subjects = mails.iter().filter_map(|mail| mail["subject"].as_str());
            let mine = subjects.filter(|subject| subject.contains(" code for ") && subject.contains(invoice));
            Ok::<_, Error>(mine.map(str::to_owned).collect::<Vec<_>>())
        };
        let before = codes().await?.len();
        self.post_form(&format!("{}/code", form.path), &[("csrf", form.csrf.as_str())]).await?;
        let subject = until("the mail with the code", 60, || async {
            let now = codes().await?;
            Ok(now.get(before..).and_then(<[String]>::last).cloned().ok_or_else(|| format!("{before} codes")))
        })
        .await?;
        let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|one| one.is_ascii_digit());
        Ok(subject.split(' ').find(is_code).unwrap_or_default().to_owned())
    }

    async fn post_form(&self, url: &str, fields: &[(&str, &str)]) -> Result<(), Error> {
        let request = self.world.http.post(url).header("cookie", &self.cookie).form(fields);
        let sent = request.send().await;
        sent.map(|_| ()).map_err(|source| Error::Unreachable { what: url.to_owned(), source })
    }
}

/// How the form names a bank account that is stored.
const STORED_BANK: &str = "value=\"bank:ba_";

/// By which the auditor knows the evidence of a press again.
pub(super) const BROWSER: &str = "load-customer";

/// Half of what is left, in whole dollars.
fn half(form: &Form) -> Option<String> {
    let shown: i64 = form.shown.parse().unwrap_or_default();
    (shown >= 400).then(|| format!("{}.00", shown / 200))
}
