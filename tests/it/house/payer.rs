//! A customer at the payment page, one step at a time: what the browser posts, and what the page says.

use quittance::sandbox::load::{World, until};
use serde_json::{Value, json};
use uuid::Uuid;

/// A page as read: its words, with spaces that don't break made plain.
#[derive(Clone, Debug)]
pub struct Page {
    pub status: u16,
    pub text: String,
}

impl Page {
    /// The value of a hidden input.
    pub fn input(&self, name: &str) -> String {
        let mark = format!("name=\"{name}\" value=\"");
        let Some(begin) = self.text.find(&mark) else { panic!("no field {name} in {}", self.text) };
        let rest = &self.text[begin + mark.len()..];
        rest[..rest.find('"').expect("a closing quote")].to_owned()
    }

    pub fn can_pay(&self) -> bool {
        self.text.contains("id=\"pay-button\"")
    }

    pub fn says(&self, words: &str) -> &Self {
        assert!(self.text.contains(words), "the page ({}) does not say {words:?}: {}", self.status, self.text);
        self
    }
}

/// One browser on one link.
pub struct Payer {
    world: World,
    cookie: String,
    path: String,
}

impl Payer {
    /// What the address answers to anybody, a mail scanner too.
    pub async fn look(world: &World, link: &str) -> Page {
        page(world.http.get(link)).await
    }

    /// Follows the link and presses Continue.
    pub async fn enter(world: &World, link: &str) -> Payer {
        let first = Self::look(world, link).await;
        let csrf = first.input("csrf");
        let answer = world.http.post(link).form(&[("csrf", &csrf)]).send().await.expect("Continue");
        let header = |name: &str| {
            let value = answer.headers().get(name).unwrap_or_else(|| panic!("Continue answered without {name}"));
            value.to_str().expect("text").to_owned()
        };
        let cookie = header("set-cookie");
        assert!(
            cookie.contains("HttpOnly") && cookie.contains("Secure") && cookie.contains("SameSite=Lax"),
            "{cookie}"
        );
        let path = format!("{}{}", world.endpoints.page_url, header("location"));
        Payer { world: world.clone(), cookie: cookie.split(';').next().unwrap_or_default().to_owned(), path }
    }

    pub async fn page(&self) -> Page {
        self.get(&self.path).await
    }

    /// The path of the page that Continue led to.
    pub fn place(&self) -> String {
        self.below("")
    }

    /// Posts a form to a daemon that may die over it.
    pub async fn try_form(&self, path: &str, form: &[(&str, &str)]) {
        let url = format!("{}{path}", self.world.endpoints.page_url);
        let _ = self.world.http.post(url).form(form).header("cookie", &self.cookie).send().await;
    }

    pub fn world(&self) -> &World {
        &self.world
    }

    /// A page by its path.
    pub async fn at(&self, path: &str) -> Page {
        self.get(&format!("{}{path}", self.world.endpoints.page_url)).await
    }

    /// Posts a form to a path below the payment page, as the page's script does.
    pub async fn post_json(&self, below: &str, form: &[(&str, &str)]) -> Value {
        let request = self.world.http.post(format!("{}{below}", self.path)).form(form);
        let answer = request.header("accept", "application/json").header("cookie", &self.cookie).send().await;
        answer.expect("an answer").json().await.expect("JSON")
    }

    /// The same to a daemon that may die over it.
    pub async fn try_post(&self, below: &str, form: &[(&str, String)]) -> Option<Value> {
        let request = self.world.http.post(format!("{}{below}", self.path)).form(form);
        let answer = request.header("accept", "application/json").header("cookie", &self.cookie).send().await.ok()?;
        answer.json().await.ok()
    }

    /// Posts a form as a browser without script, and follows where it leads.
    pub async fn post_page(&self, path: &str, form: &[(&str, &str)]) -> Page {
        let url = format!("{}{path}", self.world.endpoints.page_url);
        let request = self.world.http.post(url).form(form).header("cookie", &self.cookie);
        let answer = request.header("user-agent", "Payer/1.0").send().await.expect("an answer");
        match answer.headers().get("location").map(|to| to.to_str().expect("text").to_owned()) {
            Some(to) => self.at(&to).await,
            None => Page {
                status: answer.status().as_u16(),
                text: answer.text().await.expect("its text").replace('\u{a0}', " "),
            },
        }
    }

    /// Gives the one-time code from the mail, after which stored methods show.
    pub async fn give_code(&self, email: &str) {
        let csrf = self.page().await.input("csrf");
        self.post_page(&self.below("/code"), &[("csrf", &csrf)]).await;
        let mail = until("the mail with the code", 30, || async {
            let mails = self.world.mails().await?;
            let found = mails.iter().rev().find(|mail| {
                mail["to"].to_string().contains(email)
                    && mail["subject"].as_str().is_some_and(|subject| subject.contains(" code for "))
            });
            Ok(found.cloned().ok_or_else(|| format!("{} mails", mails.len())))
        })
        .await
        .unwrap_or_else(|error| panic!("{error}"));
        let subject = mail["subject"].as_str().expect("a subject");
        let code = subject.split(' ').find(|word| word.len() == 6 && word.bytes().all(|one| one.is_ascii_digit()));
        let code = code.unwrap_or_else(|| panic!("no code in {subject}"));
        self.post_page(&self.below("/verify"), &[("csrf", &csrf), ("code", code)]).await;
    }

    fn below(&self, path: &str) -> String {
        format!("{}{path}", self.path.strip_prefix(self.world.endpoints.page_url.as_str()).unwrap_or(&self.path))
    }

    pub async fn get(&self, url: &str) -> Page {
        page(self.world.http.get(url).header("cookie", &self.cookie)).await
    }

    /// The bytes behind a path of the page, with its content type.
    pub async fn file(&self, path: &str) -> (String, Vec<u8>) {
        let url = format!("{}{path}", self.world.endpoints.page_url);
        let answer = self.world.http.get(url).header("cookie", &self.cookie).send().await.expect("the file");
        let kind = answer.headers()["content-type"].to_str().expect("text").to_owned();
        (kind, answer.bytes().await.expect("its bytes").to_vec())
    }

    /// Presses Pay. `None` pays all of it; `fields` go over those of the form.
    pub async fn press(&self, shown: &Page, press: Uuid, amount: Option<&str>, fields: &[(&str, &str)]) -> Value {
        let press = press.to_string();
        let (csrf, balance, currency) = (shown.input("csrf"), shown.input("shown"), shown.input("currency"));
        let mut form = std::collections::BTreeMap::from([
            ("csrf", csrf.as_str()),
            ("press", press.as_str()),
            ("shown", balance.as_str()),
            ("currency", currency.as_str()),
            ("continues", ""),
            ("choice", if amount.is_some() { "part" } else { "full" }),
            ("amount", amount.unwrap_or_default()),
            ("method", "new"),
        ]);
        form.extend(fields.iter().copied());
        let request = self.world.http.post(format!("{}/attempts", self.path)).form(&form);
        let answer =
            request.header("accept", "application/json").header("cookie", &self.cookie).send().await.expect("Pay");
        let status = answer.status().as_u16();
        let mut told: Value = answer.json().await.expect("JSON");
        told["status"] = json!(status);
        told
    }

    /// A fresh page, a fresh press.
    pub async fn begin(&self, amount: Option<&str>) -> Value {
        self.press(&self.page().await, Uuid::new_v4(), amount, &[]).await
    }

    /// What Stripe's script does with the card.
    pub async fn confirm(&self, begun: &Value, card: &str) -> Value {
        let secret = begun["clientSecret"].as_str().unwrap_or_else(|| panic!("not begun: {begun}"));
        let (intent, _) = secret.split_once("_secret_").expect("a client secret");
        let stripe = &self.world.endpoints.stripe;
        let url = format!("{}/v1/payment_intents/{intent}/confirm", stripe.api_url);
        let form = [("client_secret", secret), ("payment_method", card)];
        let sent = self.world.http.post(url).bearer_auth(&stripe.publishable_key).form(&form).send().await;
        sent.expect("Stripe").json().await.expect("JSON")
    }

    /// Pays with a good card. Answers the intent's id.
    pub async fn pay(&self, amount: Option<&str>) -> String {
        let shown = self.page().await;
        let begun = self.press(&shown, Uuid::new_v4(), amount, &[]).await;
        assert_eq!(begun["state"], "confirm", "{begun}");
        self.confirm(&begun, "pm_card_visa").await;
        let told = self.check(&begun, &shown.input("csrf")).await;
        assert_eq!(told["state"], "paid", "{told}");
        intent(&begun)
    }

    /// The same amount as a moment ago: the page asks first, and this payer means it. Answers the intent's id.
    pub async fn pay_again(&self, amount: Option<&str>) -> String {
        let shown = self.page().await;
        let asked = self.press(&shown, Uuid::new_v4(), amount, &[]).await;
        assert_eq!((&asked["status"], &asked["payAgain"]), (&json!(409), &json!(true)), "{asked}");
        let begun = self.press(&shown, Uuid::new_v4(), amount, &[("again", "yes")]).await;
        assert_eq!(begun["state"], "confirm", "{begun}");
        self.confirm(&begun, "pm_card_visa").await;
        let told = self.check(&begun, &shown.input("csrf")).await;
        assert_eq!(told["state"], "paid", "{told}");
        intent(&begun)
    }

    /// What the page says when it looks at Stripe again. `csrf` is that of the page that was shown.
    pub async fn check(&self, begun: &Value, csrf: &str) -> Value {
        let url =
            format!("{}{}/check", self.world.endpoints.page_url, begun["statusUrl"].as_str().expect("an address"));
        let request = self.world.http.post(url).form(&[("csrf", csrf)]);
        let answer = request.header("accept", "application/json").header("cookie", &self.cookie).send().await;
        answer.expect("the check").json().await.expect("JSON")
    }
}

/// The intent behind a client secret.
pub fn intent(begun: &Value) -> String {
    let secret = begun["clientSecret"].as_str().unwrap_or_else(|| panic!("not begun: {begun}"));
    secret.split_once("_secret_").expect("a client secret").0.to_owned()
}

async fn page(request: reqwest::RequestBuilder) -> Page {
    let answer = request.send().await.expect("the page");
    let status = answer.status().as_u16();
    Page { status, text: answer.text().await.expect("its text").replace('\u{a0}', " ") }
}

/// An invoice with its account, and the link that its customer got.
pub struct Scene {
    pub account: String,
    pub invoice: String,
    pub name: String,
    pub email: String,
    pub link: String,
}

/// Builds an account and an invoice; `total` in major units.
pub async fn invoice(world: &World, name: &str, total: Value, currency: &str) -> Scene {
    let email = format!("{}@customers.example", name.to_lowercase());
    let account = json!({"Name": format!("Customer of {name}"), "Billing_Email__c": email});
    let account = world.insert("Account", &account).await.expect("the account");
    invoice_of(world, &account, &email, name, total, currency).await
}

pub async fn invoice_of(world: &World, account: &str, email: &str, name: &str, total: Value, currency: &str) -> Scene {
    let fields = json!({"Name": name, "Account__c": account, "Currency_Code__c": currency, "Status__c": "Open",
        "Total__c": total, "Due_Date__c": "2027-06-30"});
    let invoice = world.insert("Invoice__c", &fields).await.expect("the invoice");
    Scene { account: account.to_owned(), invoice, name: name.to_owned(), email: email.to_owned(), link: String::new() }
}

/// The same, with the link sent and read from the mail.
pub async fn sent(world: &World, name: &str, total: Value, currency: &str) -> Scene {
    let mut scene = invoice(world, name, total, currency).await;
    scene.link = scene.send(world, &scene.email).await;
    scene
}

/// The links in all mails to an address about an invoice, in the order in which they came.
pub async fn links_mailed(world: &World, address: &str, invoice: &str) -> Vec<String> {
    let mut ids: Vec<u64> = world
        .mails()
        .await
        .expect("the mailbox")
        .iter()
        .filter(|mail| mail["to"].to_string().contains(address) && mail["subject"].to_string().contains(invoice))
        .filter_map(|mail| mail["id"].as_str()?.parse().ok())
        .collect();
    ids.sort_unstable();
    let mut links = Vec::with_capacity(ids.len());
    for id in ids {
        let mail = world.mail(&id.to_string()).await.expect("the mail");
        links.push(world.link_in(&mail).expect("a link in the mail"));
    }
    links
}

impl Scene {
    /// The clerk presses Send Payment Link; answers the link in the mail.
    pub async fn send(&self, world: &World, address: &str) -> String {
        let number = |mail: &Value| mail["id"].as_str().and_then(|id| id.parse::<u64>().ok()).unwrap_or_default();
        let before = world.mails().await.expect("the mailbox").iter().map(number).max().unwrap_or_default();
        self.press_send(world, address).await.expect("Send Payment Link");
        let mail = until("the mail with the link", 30, || async {
            let mails = world.mails().await?;
            let found = mails.iter().find(|mail| {
                number(mail) > before
                    && mail["to"].to_string().contains(address)
                    && mail["subject"].as_str().is_some_and(|subject| subject.contains(&self.name))
            });
            Ok(found.cloned().ok_or_else(|| format!("{} mails", mails.len())))
        })
        .await
        .unwrap_or_else(|error| panic!("{error}"));
        let mail = world.mail(mail["id"].as_str().expect("an id")).await.expect("the mail");
        world.link_in(&mail).expect("a link in the mail")
    }

    pub async fn press_send(&self, world: &World, address: &str) -> Result<Value, quittance::sandbox::load::Error> {
        let press = json!({"invoiceId": self.invoice, "email": address, "note": null, "expiresOn": null});
        world.press("SendPaymentLinkController", "send", &press).await
    }

    pub async fn row(&self, world: &World) -> Value {
        let fields = "Id, Status__c, Total__c, Settled__c, In_Flight__c, Balance__c, Credit__c, Payable__c";
        world.one(&format!("SELECT {fields} FROM Invoice__c WHERE Id = '{}'", self.invoice)).await.expect("the invoice")
    }

    /// Waits until the invoice has this status and these settled and left amounts.
    pub async fn stands(&self, world: &World, status: &str, settled: f64, balance: f64) {
        let expected = (status.to_owned(), Some(settled), Some(balance));
        until(&format!("{} to be {expected:?}", self.name), 30, || async {
            let row = self.row(world).await;
            let found = (
                row["Status__c"].as_str().unwrap_or_default().to_owned(),
                row["Settled__c"].as_f64(),
                row["Balance__c"].as_f64(),
            );
            Ok(if found == expected { Ok(()) } else { Err(row.to_string()) })
        })
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Waits until the payment's record has these values.
pub async fn payment(world: &World, stripe_id: &str, expected: Value) -> Value {
    let soql = format!(
        "SELECT Id, Invoice__c, Account__c, Method__c, Method_Detail__c, Currency_Code__c, Amount__c, Refunded__c, Disputed__c, Settled_Amount__c, Over_Returned__c, State__c, Failure_Reason__c, Receipt_Number__c, Source__c FROM Payment__c WHERE Stripe_Payment_Id__c = '{stripe_id}'"
    );
    until(&format!("the payment {stripe_id} to be {expected}"), 30, || async {
        let row = world.one(&soql).await?;
        let wanted = expected.as_object().expect("fields");
        let same = wanted.iter().all(|(field, value)| match (value.as_f64(), row[field].as_f64()) {
            (Some(one), Some(other)) => one == other,
            _ => &row[field] == value,
        });
        Ok(if same { Ok(row.clone()) } else { Err(row.to_string()) })
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"))
}

/// Waits for a Payment Error whose command id is this.
pub async fn error_of(world: &World, command: &str) -> Value {
    let soql = format!(
        "SELECT Id, Sentence__c, Remedy__c, Code__c, State__c FROM Payment_Error__c WHERE Command_Id__c = '{command}'"
    );
    until(&format!("the Payment Error of {command}"), 30, || async { Ok(Ok(world.one(&soql).await?)) })
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Waits for the mail of a receipt, by the Message-ID that its number makes.
pub async fn receipt_mail(world: &World, number: &str) -> Value {
    let message_id = format!("{}.receipt@larkspur.example", number.to_lowercase());
    let mail = until(&format!("the mail of receipt {number}"), 30, || async {
        let mails = world.mails().await?;
        let found = mails.iter().find(|mail| mail["message_id"].to_string().contains(&message_id)).cloned();
        Ok(found.ok_or_else(|| format!("{} mails", mails.len())))
    })
    .await
    .unwrap_or_else(|error| panic!("{error}"));
    world.mail(mail["id"].as_str().expect("an id")).await.expect("the mail")
}
