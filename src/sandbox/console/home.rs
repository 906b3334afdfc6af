//! The first page: the flow as a picture with counts, and four steps that tick by themselves.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use maud::{Markup, html};
use serde_json::Value;

use super::World;
use super::frame::{self, Place};

/// Numbers that Stripe's stand-in answers to; the same as at Stripe.
const CARDS: &[(&str, &str)] = &[
    ("4242 4242 4242 4242", "is accepted"),
    ("4000 0000 0000 3220", "asks for 3-D Secure"),
    ("4000 0000 0000 9995", "is declined: not enough money"),
    ("4000 0000 0000 0002", "is declined without a reason"),
];

pub(super) async fn page(State(world): State<Arc<World>>) -> Markup {
    let (flow, steps) = tokio::join!(flow(&world), steps(&world));
    let body = html! {
        h1 { "Quittance sandbox" }
        section aria-labelledby="flow" {
            h2 id="flow" { "What happens where" }
            div id="flow-live" data-live { (flow) }
        }
        section aria-labelledby="steps" {
            h2 id="steps" { "Four steps to see it work" }
            div id="steps-live" data-live { (steps) }
        }
        section aria-labelledby="cards" {
            h2 id="cards" { "Cards to pay with" }
            p { "Any date in the future and any security code." }
            ul.cards {
                @for (number, what) in CARDS {
                    li {
                        code { (number) } " " (what) " "
                        button type="button" data-copy=(number.replace(' ', "")) { "Copy" span.hidden { " " (number) } }
                    }
                }
            }
        }
    };
    frame::page(Place::Home, "Home", &body)
}

async fn flow(world: &World) -> Markup {
    let (accounts, synced, open, paid, pid, stripe) = tokio::join!(
        world.count("Account", ""),
        world.count("Account", " WHERE Stripe_Customer_Id__c != null"),
        world.count("Invoice__c", " WHERE Status__c IN ('Open', 'Partly Paid')"),
        world.count("Invoice__c", " WHERE Status__c = 'Paid'"),
        world.sidecar.pid(),
        world.stripe("state"),
    );
    let number = |count: Option<u64>| count.map_or("?".to_owned(), |count| count.to_string());
    let stripe = stripe.ok();
    let listed = |kind: &str| -> Option<Vec<Value>> { stripe.as_ref()?[kind].as_array().cloned() };
    let many = |kind: &str| number(listed(kind).map(|list| list.len() as u64));
    let succeeded = listed("payment_intents")
        .map(|list| list.iter().filter(|intent| intent["status"] == "succeeded").count() as u64);
    let mails = world.mailbox.count();
    html! {
        ol.flow {
            li {
                h3 { a href="/org/invoices" { "Org" } }
                p { (number(synced)) " of " (number(accounts)) " accounts at Stripe" }
                p { (number(open)) " invoices open, " (number(paid)) " paid" }
            }
            li {
                h3 { a href="/faults" { "Sidecar" } }
                @match pid {
                    Some(pid) => p { span class="state good" { "Running" } " as process " (pid) },
                    None => p { span class="state bad" { "Stopped" } },
                }
                p { "Payment page " a href=(world.page_url) { (world.page_url) } }
            }
            li {
                h3 { a href="/stripe/payment_intents" { "Stripe" } }
                p { (many("customers")) " customers, " (number(succeeded)) " payments" }
                p { (many("events")) " events" }
            }
            li {
                h3 { a href="/mailbox" { "Mailbox" } }
                p { (mails) @if mails == 1 { " mail" } @else { " mails" } }
            }
        }
    }
}

async fn steps(world: &World) -> Markup {
    let newest_payment = "SELECT Id FROM Payment__c WHERE Source__c = 'Payment Link' \
        AND State__c IN ('Settled', 'Processing') ORDER BY CreatedDate DESC LIMIT 1";
    let payable = "SELECT Id FROM Invoice__c WHERE Status__c IN ('Open', 'Partly Paid') ORDER BY Name LIMIT 1";
    let (links, payment, invoice) =
        tokio::join!(world.count("Payment_Link__c", ""), world.query(newest_payment), world.query(payable));
    let first = |rows: Result<Vec<Value>, super::Problem>| -> Option<String> {
        rows.ok()?.first()?["Id"].as_str().map(str::to_owned)
    };
    let (payment, invoice) = (first(payment), first(invoice));
    let mail = world.mailbox.since(0).into_iter().rev().find(|mail| mail.open().subject.contains("Invoice "));
    let invoice = invoice.map_or("/org/invoices".to_owned(), |id| format!("/org/record/Invoice__c/{id}"));
    let mail = mail.map_or("/mailbox".to_owned(), |mail| format!("/mailbox/{}", mail.id));
    let receipt = payment.as_ref().map_or("/org/payments".to_owned(), |id| format!("/org/record/Payment__c/{id}"));
    let done = |flag: &std::sync::atomic::AtomicBool| flag.load(Ordering::Relaxed);
    let steps = [
        (
            links.is_some_and(|count| count > 0),
            invoice,
            "Send a payment link",
            "Open an invoice and press Send Payment Link.",
        ),
        (done(&world.mail_opened), mail.clone(), "Open the mail", "The customer's letter is in the mailbox."),
        (payment.is_some(), mail, "Pay", "Follow the letter's button, type 4242 4242 4242 4242 and pay a part or all."),
        (
            done(&world.receipt_seen),
            receipt,
            "See the receipt in the org",
            "The payment's record holds its number and the PDF.",
        ),
    ];
    html! {
        ol.steps {
            @for (done, address, name, how) in &steps {
                li class=[done.then_some("done")] {
                    span.tick aria-hidden="true" { @if *done { "✓" } @else { "○" } }
                    div {
                        a href=(address) { (name) } span.hidden { @if *done { " (done)" } @else { " (not yet)" } }
                        p.quiet { (how) }
                    }
                }
            }
        }
    }
}
