//! A clerk with a company on the phone: takes down its bank account, has it verified, and days later enters what the
//! customer reads on the statement.

use std::time::{Duration, Instant};

use rand::Rng;
use serde_json::json;
use uuid::Uuid;

use super::customer::{Customer, Outcome, heading, input};
use super::{Error, until};

/// Stripe's test accounts of which all pass the deposits; their debits settle, fail, or come back after they settled.
const NUMBERS: &[&str] = &["000123456789", "000123456789", "000555555559", "000222222227", "000111111113"];
const PATIENCE: Duration = Duration::from_secs(240);

/// An account that waits for its deposits, and the clerk's page on which they are told.
pub struct Verifying {
    clerk: Customer,
    /// The page's address.
    page: String,
    /// Two amounts instead of a code.
    amounts: bool,
}

impl std::fmt::Debug for Verifying {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.page)
    }
}

impl Customer {
    /// Takes down an account for all or part of what `invoice` owes.
    pub(super) async fn taken_down(mut self, invoice: &str) -> Result<Outcome, Error> {
        let number = NUMBERS[self.dice.random_range(0..NUMBERS.len())];
        let part = self.dice.random_bool(0.5);
        let amounts = self.dice.random_bool(0.3);
        let start = Instant::now();
        let mut desk = None;
        let mut last = "the page refused for now".to_owned();
        while start.elapsed() < PATIENCE {
            match self.by_numbers(invoice, &mut desk, number, part, amounts).await {
                Ok(Some(page)) => return Ok(Outcome::Verifying(Box::new(Verifying { clerk: self, page, amounts }))),
                Ok(None) => {}
                Err(error) => last = error.to_string(),
            }
            self.pause().await;
        }
        Ok(Outcome::GaveUp(format!("{invoice} on the phone: {last}")))
    }

    /// `None` asks for another try. The page that was opened once is kept: its address gets in once.
    async fn by_numbers(
        &mut self,
        invoice: &str,
        desk: &mut Option<String>,
        number: &str,
        part: bool,
        amounts: bool,
    ) -> Result<Option<String>, Error> {
        let desk = match desk {
            Some(desk) => desk.clone(),
            None => {
                let address = self.take_payment(invoice).await?;
                desk.insert(self.enter(&address).await?).clone()
            }
        };
        let method = self.typed_in(number, amounts).await?;
        let form = self.page(&format!("{desk}/account")).await?;
        let csrf = input(&form, "csrf")?;
        // The least that any invoice of the run is for.
        let fields = [
            ("csrf", csrf.as_str()),
            ("method", &method),
            ("choice", if part { "part" } else { "full" }),
            ("amount", if part { "5.00" } else { "" }),
        ];
        let Some(review) = self.led_to(&format!("{desk}/account"), &fields).await? else { return Ok(None) };
        let shown = self.page(&review).await?;
        let (csrf, minor, hash) = (input(&shown, "csrf")?, input(&shown, "minor")?, input(&shown, "text_hash")?);
        let (press, typed) = (Uuid::new_v4().to_string(), input(&shown, "part").unwrap_or_default());
        let mut fields = vec![("csrf", csrf.as_str()), ("press", &press), ("minor", &minor), ("text_hash", &hash)];
        if !typed.is_empty() {
            fields.push(("part", &typed));
        }
        let agree = review.split('?').next().unwrap_or(&review).to_owned();
        let Some(page) = self.insist_on(&agree, &fields).await? else { return Ok(None) };
        self.reads(&page, "The account is being verified").await.map(|()| Some(page))
    }

    async fn take_payment(&self, invoice: &str) -> Result<String, Error> {
        let opened = self.world.press("TakePaymentController", "open", &json!({"invoiceId": invoice})).await?;
        let text = opened.to_string();
        let address = text.find("http").and_then(|begin| text[begin..].split('"').next());
        address
            .map(str::to_owned)
            .ok_or_else(|| Error::Unreadable { what: "Take Payment".to_owned(), why: text.clone() })
    }

    /// What Stripe's script does in the clerk's browser.
    async fn typed_in(&self, number: &str, savings: bool) -> Result<String, Error> {
        let form = [
            ("type", "us_bank_account"),
            ("us_bank_account[routing_number]", "110000000"),
            ("us_bank_account[account_number]", number),
            ("us_bank_account[account_holder_type]", "company"),
            ("us_bank_account[account_type]", if savings { "savings" } else { "checking" }),
            ("billing_details[name]", "Load Customer, Inc."),
        ];
        let stripe = &self.world.endpoints.stripe;
        let request = self.world.http.post(format!("{}/v1/payment_methods", stripe.api_url)).form(&form);
        let made = self.world.json("createPaymentMethod", request.bearer_auth(&stripe.publishable_key)).await?;
        Ok(made["id"].as_str().unwrap_or_default().to_owned())
    }

    /// Posts a form; where it led, as a whole address, or `None` where the page refused in words.
    async fn led_to(&self, url: &str, fields: &[(&str, &str)]) -> Result<Option<String>, Error> {
        let request = self.world.http.post(url).header("cookie", &self.cookie).form(fields);
        let unreachable = |source| Error::Unreachable { what: url.to_owned(), source };
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status().as_u16();
        let place = answer.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
        match (status, place) {
            (303, Some(place)) => Ok(Some(format!("{}{place}", self.world.endpoints.page_url))),
            (500.., _) => Err(Error::Refused { what: url.to_owned(), status, body: String::new() }),
            _ => Ok(None),
        }
    }

    /// The same press again until there is an answer.
    async fn insist_on(&mut self, url: &str, fields: &[(&str, &str)]) -> Result<Option<String>, Error> {
        let start = Instant::now();
        loop {
            match self.led_to(url, fields).await {
                Err(error) if start.elapsed() > PATIENCE => return Err(error),
                Err(_) => self.pause().await,
                told => return told,
            }
        }
    }

    async fn reads(&self, page: &str, words: &str) -> Result<(), Error> {
        until(&format!("the clerk's page to say {words:?}"), 120, || async {
            let text = self.page(page).await?;
            Ok(if text.contains(words) { Ok(()) } else { Err(heading(&text)) })
        })
        .await
    }
}

impl Verifying {
    /// The customer calls back and reads out the deposits: once a wrong value, then the right one.
    pub(super) async fn tell(mut self) -> Result<(), Error> {
        let wrong: &[(&str, &str)] =
            if self.amounts { &[("first", "0.01"), ("second", "0.02")] } else { &[("code", "SM00ZZ")] };
        let right: &[(&str, &str)] =
            if self.amounts { &[("first", "0.32"), ("second", "0.45")] } else { &[("code", "SM11AA")] };
        if self.clerk.dice.random_bool(0.3) {
            self.enter(wrong).await?;
        }
        let start = Instant::now();
        while self.enter(right).await?.is_none() && start.elapsed() < PATIENCE {
            self.clerk.pause().await;
        }
        // The days that follow are the debit's.
        self.clerk.reads(&self.page, "is on its way").await
    }

    /// One press, the same one until it is answered: it is one try at Stripe.
    async fn enter(&mut self, values: &[(&str, &str)]) -> Result<Option<String>, Error> {
        let start = Instant::now();
        let shown = loop {
            match self.clerk.page(&self.page).await {
                Err(error) if start.elapsed() > PATIENCE => return Err(error),
                Err(_) => self.clerk.pause().await,
                Ok(shown) => break shown,
            }
        };
        // What is verified already asks for nothing more.
        let Ok(press) = input(&shown, "press") else { return Ok(Some(self.page.clone())) };
        let csrf = input(&shown, "csrf")?;
        let mut fields = vec![("csrf", csrf.as_str()), ("press", &press)];
        fields.extend_from_slice(values);
        let page = self.page.clone();
        self.clerk.insist_on(&page, &fields).await
    }
}
