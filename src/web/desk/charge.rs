//! The press of Take the payment, on either of the clerk's pages, and what came of it.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use maud::html;
use serde::Deserialize;

use super::super::cookie::Visitor;
use super::super::layout::Page;
use super::super::limits::What;
use super::super::pay::attempt::read_amount;
use super::super::pay::bank::BANK;
use super::super::pay::status::declined;
use super::super::pay::{fault, say, see_other, visitor_of};
use super::super::state::App;
use super::super::states::{self, Said};
use super::card;
use super::page::{Chosen, show};
use super::send::address;
use crate::domain::attempt::MethodKind;
use crate::domain::{Currency, LinkId, Money};
use crate::engine::banks::{Agreed, BankOrder};
use crate::engine::links::{Instead, waits_for_customer};
use crate::engine::payments::{Choice, Error, Method, NotConfirmed, Outcome, Refused, Started, Wish};
use crate::engine::receipts::money_words;
use crate::store::attempts::Attempt;
use crate::store::links::Link;

/// The form as posted.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Pressed {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    press: String,
    #[serde(default)]
    shown: i64,
    #[serde(default)]
    currency: String,
    #[serde(default)]
    continues: String,
    #[serde(default)]
    choice: String,
    #[serde(default)]
    amount: String,
    #[serde(default)]
    method: String,
    #[serde(default)]
    take_over: String,
    #[serde(default)]
    again: String,
}

#[derive(Deserialize)]
pub struct Check {
    #[serde(default)]
    csrf: String,
}

/// Which of the clerk's pages a press comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// What is on file.
    OnFile,
    /// A card that was typed.
    Typed,
}

/// POST /desk/{link}
pub async fn charge(
    State(app): State<App>,
    Path(link): Path<String>,
    headers: HeaderMap,
    Form(pressed): Form<Pressed>,
) -> Response {
    press(&app, &link, &headers, &pressed, Door::OnFile).await
}

/// The press of Take the payment: one press is one attempt, however often it arrives.
pub(super) async fn press(app: &App, link: &str, headers: &HeaderMap, pressed: &Pressed, from: Door) -> Response {
    let (visitor, link) = match visitor_of(app, link, headers, true).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    let chosen = Chosen {
        part: pressed.choice == "part",
        amount: pressed.amount.clone(),
        method: pressed.method.clone(),
        continues: pressed.continues.clone(),
    };
    let refuse = async |said: Said| again(app, &visitor, &link, Some(&said), &chosen, from).await;
    if !visitor.wrote(&pressed.csrf) {
        return refuse(states::form_too_old()).await;
    }
    if let Err(wait) = app.limits.take(What::Pay, link.id.as_str()) {
        return refuse(states::too_many(wait)).await;
    }
    let wish = match wish(pressed, &link.id, from) {
        Ok(wish) => wish,
        Err(said) => return refuse(*said).await,
    };
    let begun = match begin(app, &link, &wish).await {
        Ok(Ok(begun)) => begun,
        Ok(Err(refused)) => return refuse(states::refused_at_desk(app, &refused)).await,
        Err(error) => {
            let nothing = !matches!(&error, Error::Stripe(error) if error.may_have_happened());
            return fault(app, &error.to_string(), nothing);
        }
    };
    match app.payments().confirm_stored(&begun).await {
        Ok(None) => {}
        Ok(Some(NotConfirmed::Bank(no))) => return refuse(states::bank_refused_at_desk(&no)).await,
        Ok(Some(NotConfirmed::Moto)) => return refuse(states::moto_refused()).await,
        // It may have happened: what is read next says what is true.
        Err(error) => {
            tracing::warn!(attempt.id = %begun.attempt.id, %error, "a confirm has no known outcome yet");
        }
    }
    settle(app, &visitor, &link, &begun.attempt.id, chosen, from).await
}

/// The same press again goes on where it stands, whatever the invoice, the card or the bank has become by it.
async fn begin(app: &App, link: &Link, wish: &Wish) -> Result<Result<Started, Refused>, Error> {
    if let Some(attempt) = app.payments().store().attempt_of_press(&wish.press).await?
        && attempt.link == link.id.as_str()
        && let Some(intent) = attempt.intent.clone()
    {
        return Ok(Ok(Started { attempt, intent, client_secret: None }));
    }
    app.payments().start(wish).await
}

/// The page that the press came from.
async fn again(
    app: &App,
    visitor: &Visitor,
    link: &Link,
    said: Option<&Said>,
    chosen: &Chosen,
    from: Door,
) -> Response {
    match from {
        Door::OnFile => show(app, visitor, link, said, chosen).await,
        Door::Typed => card::show(app, visitor, link, said, chosen).await,
    }
}

/// POST …/attempts/{attempt}: asks Stripe again.
pub async fn check(
    State(app): State<App>,
    Path((link, id)): Path<(String, String)>,
    headers: HeaderMap,
    Form(form): Form<Check>,
) -> Response {
    let (visitor, link) = match visitor_of(&app, &link, &headers, true).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    if !visitor.wrote(&form.csrf) {
        return say(&app, &states::page_too_old(), None);
    }
    match own(&app, &link, &id).await {
        Ok(_) => settle(&app, &visitor, &link, &id, Chosen::default(), Door::OnFile).await,
        Err(response) => *response,
    }
}

/// Reads the intent, books it, and leads to the page that tells. What the bank wants of the customer can't be done by the
/// clerk, so that attempt gives its room back at once, and the customer gets a link.
async fn settle(app: &App, visitor: &Visitor, link: &Link, id: &str, chosen: Chosen, from: Door) -> Response {
    let told = || see_other(&format!("/desk/{}/attempts/{id}", link.id));
    let reading = match app.payments().check(id).await {
        Ok(Some(reading)) => reading,
        Ok(None) => return say(app, &states::unknown(), None),
        Err(error) => {
            tracing::error!(attempt.id = id, %error, "a clerk's attempt could not be read");
            return told();
        }
    };
    if waits_for_customer(&reading) {
        let mailed_to = ask_instead(app, link).await;
        if !ends(app, &reading.attempt).await {
            return told();
        }
        let said = states::bank_asks_customer(mailed_to.as_deref());
        return show(app, visitor, link, Some(&said), &chosen).await;
    }
    match &reading.outcome {
        // Stripe took no order for it, and nobody but this page could give one.
        Outcome::Open if ends(app, &reading.attempt).await => {
            again(app, visitor, link, Some(&states::not_made()), &chosen, from).await
        }
        Outcome::Declined(decline) => {
            let said = declined(&reading.attempt, *decline);
            let chosen = Chosen { continues: id.to_owned(), ..chosen };
            again(app, visitor, link, Some(&said), &chosen, from).await
        }
        _ => told(),
    }
}

/// Whether an attempt has given its room back for good.
async fn ends(app: &App, attempt: &Attempt) -> bool {
    let freed = app.payments().release(attempt).await;
    let after = app.payments().check(&attempt.id).await;
    matches!((freed, after), (Ok(()), Ok(Some(after))) if after.outcome == Outcome::Canceled)
}

/// Puts the customer's link into the queue before anything else happens. Answers where it goes.
async fn ask_instead(app: &App, link: &Link) -> Option<String> {
    let to = match address(app, link).await {
        Ok(to) => to?,
        Err(error) => {
            tracing::warn!(link.id = %link.id, %error, "where a link would go is not known");
            return None;
        }
    };
    match app.links.ask_instead(link, Instead::BankAsks).await {
        Ok(()) => Some(to),
        Err(error) => {
            tracing::error!(link.id = %link.id, %error, "a link instead could not be asked for");
            None
        }
    }
}

/// GET …/attempts/{attempt}: what we know without asking Stripe.
pub async fn outcome(State(app): State<App>, Path((link, id)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let (visitor, link) = match visitor_of(&app, &link, &headers, true).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    let attempt = match own(&app, &link, &id).await {
        Ok(attempt) => attempt,
        Err(response) => return *response,
    };
    let outcome = match app.payments().known_outcome(&attempt).await {
        Ok(outcome) => outcome,
        Err(error) => return fault(&app, &error.to_string(), false),
    };
    let amount = money_words(attempt.amount);
    let said = match &outcome {
        Outcome::Paid { receipt } => {
            let receipt =
                receipt.as_ref().map(|number| format!("Receipt {number}")).unwrap_or_else(|| "The receipt".into());
            Said::new(
                200,
                "Payment taken",
                format!("{amount} was paid. {receipt} goes to the customer by e-mail."),
                "The invoice in Salesforce shows it in a moment. You can close this page.",
            )
        }
        Outcome::Processing if attempt.kind == MethodKind::BankAccount => Said::new(
            200,
            "The bank payment is on its way",
            format!("{amount} will be debited from the customer's bank account. That usually takes 4 business days."),
            "The customer gets a confirmation by e-mail now, and the receipt when the money has arrived. Until then the invoice \
             shows it as in progress. You can close this page.",
        ),
        Outcome::Processing => Said::new(
            200,
            "The payment is on its way",
            format!("{amount} is being processed."),
            "The invoice in Salesforce shows when it has arrived.",
        ),
        Outcome::Canceled => Said::new(200, "Nothing was charged", "This attempt ended without a payment.", ""),
        Outcome::Open | Outcome::Unknown | Outcome::NeedsAction { .. } | Outcome::Declined(_) => {
            states::checking(attempt.amount)
        }
    };
    let waits = !matches!(outcome, Outcome::Paid { .. } | Outcome::Processing | Outcome::Canceled);
    let body = html! {
        (said.body())
        @if waits {
            form method="post" action={ "/desk/" (link.id) "/attempts/" (attempt.id) } {
                input type="hidden" name="csrf" value=(visitor.csrf);
                button type="submit" class="primary" { "Check now" }
            }
        } @else if !matches!(outcome, Outcome::Paid { .. }) {
            p { a class="button" href={ "/desk/" (link.id) } { "Back to the payment" } }
        }
    };
    Page::new(&said.heading, body).respond(&app)
}

async fn own(app: &App, link: &Link, id: &str) -> Result<Attempt, Box<Response>> {
    match app.payments().store().attempt(id).await {
        Ok(Some(attempt)) if attempt.link == link.id.as_str() => Ok(attempt),
        Ok(_) => Err(Box::new(say(app, &states::unknown(), None))),
        Err(error) => Err(Box::new(fault(app, &error.to_string(), false))),
    }
}

fn wish(pressed: &Pressed, link: &LinkId, from: Door) -> Result<Wish, Box<Said>> {
    let old = || Box::new(states::form_too_old());
    let currency = Currency::from_code(&pressed.currency).map_err(|_| old())?;
    let shown = Money::from_minor(pressed.shown, currency).map_err(|_| old())?;
    if uuid::Uuid::parse_str(&pressed.press).is_err() {
        return Err(old());
    }
    let part = pressed.choice == "part";
    Ok(Wish {
        press: pressed.press.clone(),
        link: link.clone(),
        choice: if part { Choice::Part(read_amount(&pressed.amount, currency)?) } else { Choice::Full },
        shown,
        method: method(&pressed.method, from)?,
        save: false,
        continues: Some(pressed.continues.clone()).filter(|id| !id.is_empty()),
        take_over: pressed.take_over == "yes",
        again: pressed.again == "yes",
    })
}

fn method(posted: &str, from: Door) -> Result<Method, Box<Said>> {
    match (from, posted.strip_prefix(BANK)) {
        (Door::Typed, _) => Ok(Method::Typed(posted.to_owned())),
        (Door::OnFile, _) if posted.is_empty() => Err(Box::new(states::choose_method())),
        (Door::OnFile, None) => Ok(Method::Stored(posted.to_owned())),
        (Door::OnFile, Some(bank)) => Ok(Method::Bank(BankOrder {
            bank: bank.to_owned(),
            session_hash: String::new(),
            verified: true,
            // Nobody agrees to a new text here: without a standing mandate in force the order is refused.
            agreed: Some(Agreed { text_hash: String::new(), address: String::new(), user_agent: String::new() }),
        })),
    }
}
