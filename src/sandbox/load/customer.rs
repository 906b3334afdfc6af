//! A customer: gets a link by mail, opens the page, presses Pay, presses again when nothing seems to happen, and
//! believes only what the page says.

use std::time::Duration;

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use uuid::Uuid;

use super::phone::Verifying;
use super::{Error, World, until};

/// How a walk ended, as the customer saw it.
#[derive(Debug)]
pub enum Outcome {
    Paid,
    Declined,
    /// A bank payment has started; the money comes days later.
    OnItsWay,
    /// A bank account was taken down on the phone; its deposits come days later.
    Verifying(Box<Verifying>),
    /// The page never said; why.
    GaveUp(String),
}

pub struct Customer {
    pub(super) world: World,
    pub(super) dice: StdRng,
    pub(super) cookie: String,
    /// How many in a hundred pay by bank.
    banks: u32,
    /// The declined attempt that this customer's first window still shows.
    declined: Option<Begun>,
}

/// An attempt as the page's script holds it.
#[derive(Clone)]
struct Begun {
    /// The session of the window: another one, on a phone say, has its own.
    cookie: String,
    secret: String,
    status: String,
    csrf: String,
}

/// The pay page's form as the browser would post it.
pub(super) struct Form {
    pub path: String,
    pub csrf: String,
    press: String,
    pub shown: String,
    currency: String,
}

impl Customer {
    pub fn new(world: World, seed: u64, banks: u32) -> Customer {
        Customer { world, dice: StdRng::seed_from_u64(seed), cookie: String::new(), banks, declined: None }
    }

    /// A clerk invoices `account` and sends the link; this customer pays all or part, by bank or by card, one time in
    /// eight with a card that is declined. A fifth of those who pay by bank do it on the phone.
    pub async fn be_sent_and_pay(mut self, account: &str, number: usize) -> Result<Outcome, Error> {
        let cents: i64 = self.dice.random_range(1_000..90_000);
        let tag: u32 = self.dice.random();
        let name = format!("L-{number:05}-{tag:08x}");
        let email = format!("payer-{number}-{tag:08x}@customers.example");
        let total: Value = serde_json::from_str(&format!("{}.{:02}", cents / 100, cents % 100)).unwrap_or(Value::Null);
        let fields = json!({"Name": name, "Account__c": account, "Currency_Code__c": "USD", "Status__c": "Open", "Total__c": total, "Due_Date__c": "2027-06-30"});
        let invoice = self
            .insist("the invoice", |world| {
                let fields = fields.clone();
                async move { world.insert("Invoice__c", &fields).await }
            })
            .await?;
        let by_bank = self.dice.random_range(0..100) < self.banks;
        if by_bank && self.dice.random_range(0..5) == 0 {
            return self.taken_down(&invoice, &name).await;
        }
        let press = json!({"invoiceId": invoice, "email": email, "note": null, "expiresOn": null});
        self.insist("Send Payment Link", |world| {
            let press = press.clone();
            async move { world.press("SendPaymentLinkController", "send", &press).await }
        })
        .await?;
        let mail = self.world.mail_to(&email, &name, 240).await?;
        let link = self.world.link_in(&mail)?;
        if by_bank {
            return self.pay_by_bank(&link, &name).await;
        }
        self.pay(&link).await
    }

    /// Opens the link and pays; keeps trying for some minutes while the page or the daemon is away.
    pub async fn pay(&mut self, link: &str) -> Result<Outcome, Error> {
        let bad_card = self.dice.random_range(0..8) == 0;
        let part = self.dice.random_bool(0.3);
        let double_click = self.dice.random_bool(0.2);
        let mut last = String::new();
        let start = std::time::Instant::now();
        while start.elapsed() < Duration::from_secs(240) {
            let form = match self.open(link).await {
                Ok(Some(form)) => form,
                Ok(None) => return Ok(Outcome::GaveUp(format!("{link}: nothing left to pay"))),
                Err(error) => {
                    last = error.to_string();
                    self.pause().await;
                    continue;
                }
            };
            match self.press(&form, part, bad_card, double_click).await {
                Ok(Some(Outcome::Declined)) => return self.try_again_in_two_windows(link).await,
                Ok(Some(outcome)) => return Ok(outcome),
                Ok(None) => last = "the page refused for now".to_owned(),
                Err(error) => last = error.to_string(),
            }
            self.pause().await;
        }
        Ok(Outcome::GaveUp(format!("{link}: {last}")))
    }

    /// After a decline, half of them try again at once in another window, and then once more in the first one, whose
    /// script still holds the declined intent: whichever counts, it must be one.
    async fn try_again_in_two_windows(&mut self, link: &str) -> Result<Outcome, Error> {
        let Some(first) = self.declined.take().filter(|_| self.dice.random_bool(0.5)) else {
            return Ok(Outcome::Declined);
        };
        let take_over = self.dice.random_bool(0.5);
        let second = match self.open(link).await {
            Ok(Some(form)) => self.begin(&form, "", take_over, false).await.unwrap_or(None),
            // The page is away, or says that a payment is under way: the first window is left.
            Ok(None) | Err(_) => None,
        };
        if let Some(second) = &second {
            self.confirm(&second.secret, false).await;
        }
        self.confirm(&first.secret, false).await;
        let mut outcome = Outcome::Declined;
        for window in second.iter().chain([&first]) {
            if let Some(told @ (Outcome::Paid | Outcome::GaveUp(_))) = self.told(window, false).await? {
                outcome = told;
            }
        }
        Ok(outcome)
    }

    /// GET, Continue, and the page with the form; `None` where nothing is left to pay.
    pub(super) async fn open(&mut self, link: &str) -> Result<Option<Form>, Error> {
        let path = self.enter(link).await?;
        Ok(self.form(&path).await?.map(|(form, _)| form))
    }

    /// Through the mailed link to its page, whose address it is; each time a visit of its own, with a cookie of its own.
    pub(super) async fn enter(&mut self, link: &str) -> Result<String, Error> {
        let first = self.world.send("the mailed link", self.world.http.get(link)).await?;
        let csrf = input(&first, "csrf")?;
        let go_on = self.world.http.post(link).form(&[("csrf", csrf.as_str())]).send().await;
        let answer = go_on.map_err(|source| Error::Unreachable { what: "Continue".to_owned(), source })?;
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (Some(cookie), Some(place)) = (header("set-cookie"), header("location")) else {
            return Err(Error::Refused {
                what: "Continue".to_owned(),
                status: answer.status().as_u16(),
                body: String::new(),
            });
        };
        self.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Ok(format!("{}{place}", self.world.endpoints.page_url))
    }

    /// The page's form, and the page; `None` where it offers nothing to pay.
    pub(super) async fn form(&self, path: &str) -> Result<Option<(Form, String)>, Error> {
        let page = self.page(path).await?;
        if !page.contains("id=\"pay-button\"") {
            return Ok(None);
        }
        let form = Form {
            path: path.to_owned(),
            csrf: input(&page, "csrf")?,
            press: Uuid::new_v4().to_string(),
            shown: input(&page, "shown")?,
            currency: input(&page, "currency")?,
        };
        Ok(Some((form, page)))
    }

    pub(super) async fn page(&self, path: &str) -> Result<String, Error> {
        self.world.send("the page", self.world.http.get(path).header("cookie", &self.cookie)).await
    }

    /// `None` asks for another try with a fresh page.
    async fn press(
        &mut self,
        form: &Form,
        part: bool,
        bad_card: bool,
        double_click: bool,
    ) -> Result<Option<Outcome>, Error> {
        let shown: i64 = form.shown.parse().unwrap_or_default();
        let amount = if part && shown >= 400 { format!("{}.00", shown / 200) } else { String::new() };
        let Some(begun) = self.begin(form, &amount, true, double_click).await? else { return Ok(None) };
        self.confirm(&begun.secret, bad_card).await;
        let told = self.told(&begun, bad_card).await?;
        if matches!(told, Some(Outcome::Declined)) {
            self.declined = Some(begun);
        }
        Ok(told)
    }

    /// Presses Pay; `None` where the page refuses. A blank `amount` is all of it.
    async fn begin(
        &self,
        form: &Form,
        amount: &str,
        take_over: bool,
        double_click: bool,
    ) -> Result<Option<Begun>, Error> {
        let fields = [
            ("csrf", form.csrf.as_str()),
            ("press", form.press.as_str()),
            ("shown", form.shown.as_str()),
            ("currency", form.currency.as_str()),
            ("continues", ""),
            ("choice", if amount.is_empty() { "full" } else { "part" }),
            ("amount", amount),
            ("method", "new"),
            ("take_over", if take_over { "yes" } else { "" }),
        ];
        let attempts = format!("{}/attempts", form.path);
        // The same press again after a lost answer, as the page's script does; and a double click, as people do.
        let times = if double_click { 2 } else { 1 };
        let mut begun = Value::Null;
        for _ in 0..times {
            begun = self.post_twice(&attempts, &fields).await?;
        }
        if begun["state"] != "confirm" {
            return Ok(None);
        }
        Ok(Some(Begun {
            cookie: self.cookie.clone(),
            secret: begun["clientSecret"].as_str().unwrap_or_default().to_owned(),
            status: format!("{}{}", self.world.endpoints.page_url, begun["statusUrl"].as_str().unwrap_or_default()),
            csrf: form.csrf.clone(),
        }))
    }

    pub(super) async fn post_twice(&self, url: &str, fields: &[(&str, &str)]) -> Result<Value, Error> {
        for try_again in [true, false] {
            let request = self
                .world
                .http
                .post(url)
                .header("accept", "application/json")
                .header("cookie", &self.cookie)
                .form(fields);
            match self.world.json("Pay", request).await {
                // A refusal is an answer too, with its words in JSON.
                Err(Error::Refused { body, .. }) if serde_json::from_str::<Value>(&body).is_ok() => {
                    return Ok(serde_json::from_str(&body).unwrap_or_default());
                }
                Err(Error::Unreachable { .. }) if try_again => tokio::time::sleep(Duration::from_millis(400)).await,
                other => return other,
            }
        }
        Ok(Value::Null)
    }

    /// What Stripe's script does: the card goes from this browser to Stripe. Its answer decides nothing.
    async fn confirm(&self, client_secret: &str, bad_card: bool) {
        let Some((intent, _)) = client_secret.split_once("_secret_") else { return };
        let stripe = &self.world.endpoints.stripe;
        let url = format!("{}/v1/payment_intents/{intent}/confirm", stripe.api_url);
        let method = if bad_card { "pm_card_chargeDeclined" } else { "pm_card_visa" };
        for _ in 0..6 {
            let form = [("client_secret", client_secret), ("payment_method", method)];
            let sent = self.world.http.post(&url).bearer_auth(&stripe.publishable_key).form(&form).send().await;
            if sent.is_ok_and(|answer| !matches!(answer.status().as_u16(), 429 | 500..)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// Asks the page until it knows.
    async fn told(&self, begun: &Begun, bad_card: bool) -> Result<Option<Outcome>, Error> {
        let check = format!("{}/check", begun.status);
        let found = until("the page to say what became of the payment", 120, || async {
            let request = self
                .world
                .http
                .post(&check)
                .header("accept", "application/json")
                .header("cookie", &begun.cookie)
                .form(&[("csrf", begun.csrf.as_str())]);
            let told = self.world.json("the status", request).await?;
            Ok(match told["state"].as_str() {
                Some("paid") => Ok(Some(Outcome::Paid)),
                Some("declined") if bad_card => Ok(Some(Outcome::Declined)),
                Some("declined" | "canceled" | "open") => Ok(None),
                other => Err(format!("{other:?}")),
            })
        })
        .await;
        match found {
            Ok(outcome) => Ok(outcome),
            Err(error) => Ok(Some(Outcome::GaveUp(error.to_string()))),
        }
    }

    async fn insist<T, F: Future<Output = Result<T, Error>>>(
        &mut self,
        what: &str,
        mut attempt: impl FnMut(World) -> F,
    ) -> Result<T, Error> {
        let mut last = None;
        for _ in 0..12 {
            match attempt(self.world.clone()).await {
                Ok(done) => return Ok(done),
                Err(error) => last = Some(error),
            }
            self.pause().await;
        }
        Err(last.unwrap_or(Error::Late { what: what.to_owned(), seconds: 0, last: String::new() }))
    }

    pub(super) async fn pause(&mut self) {
        tokio::time::sleep(Duration::from_millis(self.dice.random_range(100..700))).await;
    }
}

/// The value of a hidden input.
pub(super) fn input(page: &str, name: &str) -> Result<String, Error> {
    let missing = || Error::Unreadable { what: "the page".to_owned(), why: format!("it has no field {name}") };
    let mark = format!("name=\"{name}\" value=\"");
    let begin = page.find(&mark).ok_or_else(missing)? + mark.len();
    let length = page[begin..].find('"').ok_or_else(missing)?;
    Ok(page[begin..begin + length].to_owned())
}

/// What a page is about, for whoever reads why a walk ended.
pub(super) fn heading(page: &str) -> String {
    let begin = page.find("<h1").unwrap_or_default();
    page[begin..].split("</h1>").next().unwrap_or_default().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hidden_field_is_read_and_a_missing_one_is_named() {
        let page = r#"<input type="hidden" name="csrf" value="abc"><input name="shown" value="5000">"#;
        assert_eq!(input(page, "shown").unwrap(), "5000");
        assert!(input(page, "press").unwrap_err().to_string().contains("press"));
    }
}
