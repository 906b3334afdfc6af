//! A clerk with a customer on the phone: takes down the bank account, has it verified, and days later enters what the customer
//! reads on the statement. A private person authorises the debit on the mailed page, and enters it there.

use std::time::{Duration, Instant};

use rand::Rng;
use serde_json::json;
use uuid::Uuid;

use super::bank::BROWSER;
use super::customer::{Customer, Outcome, heading, input};
use super::{Error, until};

/// Stripe's test accounts of which all pass the deposits; their debits settle, fail, or come back after they settled.
const NUMBERS: &[&str] = &["000123456789", "000123456789", "000555555559", "000222222227", "000111111113"];
const PATIENCE: Duration = Duration::from_secs(240);

/// What is taken down.
#[derive(Clone, Copy)]
struct Account {
    number: &'static str,
    private: bool,
    /// A part of what is owed, not all of it.
    part: bool,
    /// Two amounts instead of a code.
    amounts: bool,
}

/// An account that waits for its deposits, and the page on which they are told: the clerk's, or the mailed one.
pub struct Verifying {
    teller: Customer,
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
    /// Takes down an account for all or part of what the invoice of this name owes.
    pub(super) async fn taken_down(mut self, invoice: &str, name: &str) -> Result<Outcome, Error> {
        let account = Account {
            number: NUMBERS[self.dice.random_range(0..NUMBERS.len())],
            private: self.dice.random_bool(0.5),
            part: self.dice.random_bool(0.5),
            amounts: self.dice.random_bool(0.3),
        };
        let start = Instant::now();
        let mut desk = None;
        let mut last = "the page refused for now".to_owned();
        while start.elapsed() < PATIENCE {
            match self.by_numbers(invoice, name, &mut desk, account).await {
                Ok(Some(page)) => {
                    let amounts = account.amounts;
                    return Ok(Outcome::Verifying(Box::new(Verifying { teller: self, page, amounts })));
                }
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
        name: &str,
        desk: &mut Option<(String, String)>,
        account: Account,
    ) -> Result<Option<String>, Error> {
        let desk = match desk {
            Some((desk, cookie)) => {
                // The customer's window may have been the last one.
                self.cookie.clone_from(cookie);
                desk.clone()
            }
            None => {
                let address = self.take_payment(invoice).await?;
                let place = self.enter(&address).await?;
                desk.insert((place, self.cookie.clone())).0.clone()
            }
        };
        let method = self.typed_in(account).await?;
        let form = self.page(&format!("{desk}/account")).await?;
        let csrf = input(&form, "csrf")?;
        // The least that any invoice of the run is for.
        let fields = [
            ("csrf", csrf.as_str()),
            ("method", &method),
            ("choice", if account.part { "part" } else { "full" }),
            ("amount", if account.part { "5.00" } else { "" }),
        ];
        let Some(review) = self.led_to(&format!("{desk}/account"), &fields).await? else { return Ok(None) };
        let shown = self.page(&review).await?;
        let (csrf, minor) = (input(&shown, "csrf")?, input(&shown, "minor")?);
        // A company's word is for the text that was read out, a private person gets it by mail.
        let agrees = if account.private { "mail_to" } else { "text_hash" };
        let (how, press) = (input(&shown, agrees)?, Uuid::new_v4().to_string());
        let typed = input(&shown, "part").unwrap_or_default();
        let mut fields = vec![("csrf", csrf.as_str()), ("press", &press), ("minor", &minor), (agrees, &how)];
        if !typed.is_empty() {
            fields.push(("part", &typed));
        }
        let agree = review.split('?').next().unwrap_or(&review).to_owned();
        let Some(page) = self.insist_on(&agree, &fields).await? else { return Ok(None) };
        if account.private {
            self.reads(&page, "Waiting for the customer").await?;
            return self.authorises(&how, name).await;
        }
        self.reads(&page, "The account is being verified").await.map(|()| Some(page))
    }

    /// The customer follows the mail. Answers the page on which the deposits are told.
    async fn authorises(&mut self, address: &str, name: &str) -> Result<Option<String>, Error> {
        let mail = self.world.mail_to(address, &format!("for {name}"), 240).await?;
        let prefix = format!("{}/m/", self.world.endpoints.page_url);
        let text = mail["text"].as_str().unwrap_or_default();
        let Some(link) = text.split_whitespace().find(|word| word.starts_with(&prefix)) else {
            return Err(Error::Unreadable { what: "the mail".to_owned(), why: format!("no page in {text:?}") });
        };
        let start = Instant::now();
        let page = loop {
            match self.enter(link).await {
                Err(error) if start.elapsed() > PATIENCE => return Err(error),
                Err(_) => self.pause().await,
                Ok(page) => break page,
            }
        };
        let shown = self.page(&page).await?;
        if shown.contains("id=\"authorise\"") {
            let (csrf, hash) = (input(&shown, "csrf")?, input(&shown, "text_hash")?);
            let fields = [("csrf", csrf.as_str()), ("text_hash", hash.as_str())];
            if self.insist_on(&format!("{page}/agree"), &fields).await?.is_none() {
                return Ok(None);
            }
        }
        self.reads(&page, "Verify your bank account").await.map(|()| Some(page))
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
    async fn typed_in(&self, account: Account) -> Result<String, Error> {
        let form = [
            ("type", "us_bank_account"),
            ("us_bank_account[routing_number]", "110000000"),
            ("us_bank_account[account_number]", account.number),
            ("us_bank_account[account_holder_type]", if account.private { "individual" } else { "company" }),
            ("us_bank_account[account_type]", if account.amounts { "savings" } else { "checking" }),
            ("billing_details[name]", "Load Customer, Inc."),
        ];
        let stripe = &self.world.endpoints.stripe;
        let request = self.world.http.post(format!("{}/v1/payment_methods", stripe.api_url)).form(&form);
        let made = self.world.json("createPaymentMethod", request.bearer_auth(&stripe.publishable_key)).await?;
        Ok(made["id"].as_str().unwrap_or_default().to_owned())
    }

    /// Posts a form; where it led, as a whole address, or `None` where the page refused in words.
    async fn led_to(&self, url: &str, fields: &[(&str, &str)]) -> Result<Option<String>, Error> {
        let request =
            self.world.http.post(url).header("cookie", &self.cookie).header("user-agent", BROWSER).form(fields);
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
        if self.teller.dice.random_bool(0.3) {
            self.enter(wrong).await?;
        }
        let start = Instant::now();
        while self.enter(right).await?.is_none() && start.elapsed() < PATIENCE {
            self.teller.pause().await;
        }
        // The days that follow are the debit's.
        self.teller.reads(&self.page, "is on its way").await
    }

    /// One press, the same one until it is answered: it is one try at Stripe.
    async fn enter(&mut self, values: &[(&str, &str)]) -> Result<Option<String>, Error> {
        let start = Instant::now();
        let shown = loop {
            match self.teller.page(&self.page).await {
                Err(error) if start.elapsed() > PATIENCE => return Err(error),
                Err(_) => self.teller.pause().await,
                Ok(shown) => break shown,
            }
        };
        // What is verified already asks for nothing more.
        let Ok(press) = input(&shown, "press") else { return Ok(Some(self.page.clone())) };
        let csrf = input(&shown, "csrf")?;
        let mut fields = vec![("csrf", csrf.as_str()), ("press", &press)];
        fields.extend_from_slice(values);
        let page = self.page.clone();
        self.teller.insist_on(&page, &fields).await
    }
}
