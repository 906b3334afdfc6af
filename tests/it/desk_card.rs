//! Take Payment by a card that the customer reads out: typed into Stripe's fields by the clerk, where an administrator has turned that
//! on, and charged once.

use quittance::sandbox::load::World;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::desk::{charge_at, charged, clerk_at, form, intents, pairs, request_is, succeeded};
use crate::house::House;
use crate::house::payer::{self, Page, Payer, Scene, error_of, payment};

const GOOD: &str = "4242424242424242";
const DECLINED: &str = "4000000000000002";
/// Both ask for 3-D Secure.
const ASKS: [&str; 2] = ["4000002760003184", "4000000000003220"];

const CARDS_ON: (&str, &str) = ("QUITTANCE_DESK__TAKE_CARDS", "true");
const MOTO: (&str, &str) = ("QUITTANCE_DESK__MOTO", "true");

/// What Stripe's frame in the clerk's browser asks of Stripe, with the publishable key. Answers the method's id.
async fn typed_in(world: &World, number: &str) -> String {
    let form = [
        ("type", "card"),
        ("card[number]", number),
        ("card[exp_month]", "12"),
        ("card[exp_year]", "34"),
        ("card[cvc]", "123"),
    ];
    let stripe = &world.endpoints.stripe;
    let request = world.http.post(format!("{}/v1/payment_methods", stripe.api_url)).form(&form);
    let made: Value =
        request.bearer_auth(&stripe.publishable_key).send().await.expect("Stripe").json().await.expect("JSON");
    made["id"].as_str().unwrap_or_else(|| panic!("no method: {made}")).to_owned()
}

fn card_page(clerk: &Payer) -> String {
    format!("{}/card", clerk.place())
}

/// Presses Take the payment on the page of a new card.
async fn take(clerk: &Payer, shown: &Page, press: Uuid, amount: Option<&str>, fields: &[(&str, &str)]) -> Page {
    charge_at(clerk, &card_page(clerk), shown, press, amount, fields).await
}

/// How often the bank was asked about an invoice.
async fn asked(house: &House, scene: &Scene) -> usize {
    let state = house.stripe_state().await.expect("Stripe's state");
    let ours = intents(house, scene).await;
    let of_ours = |charge: &&Value| ours.iter().any(|intent| intent["id"] == charge["payment_intent"]);
    state["charges"].as_array().into_iter().flatten().filter(of_ours).count()
}

async fn a_typed_card_is_charged_once_and_is_nobodys_afterwards(house: &House) {
    let scene = payer::invoice(house, "K-TAKE", json!(65), "USD").await;
    let clerk = clerk_at(house, &scene).await;
    clerk.page().await.says("Take a new card").says("Send the customer a link");
    let shown = clerk.at(&card_page(&clerk)).await;
    shown.says("A new card for").says("used for this payment and not stored").says("card-frame");

    // A number that is posted to us is refused unread, wherever it stands.
    for field in ["method", "amount"] {
        let refused = take(&clerk, &shown, Uuid::new_v4(), None, &[(field, "4242 4242 4242 4242")]).await;
        refused.says("card number");
        assert!(!refused.text.contains("4242 4242"), "{}", refused.text);
    }
    // What is no fresh card of nobody's is not charged.
    let other = payer::invoice(house, "K-OTHER", json!(10), "USD").await;
    let theirs = house.card_on_file(&other.account, "pm_card_visa").await;
    for wrong in ["pm_card_visa", "pm_nobody_knows", theirs.as_str(), "ba_1", ""] {
        let refused = take(&clerk, &shown, Uuid::new_v4(), None, &[("method", wrong)]).await;
        refused.says("This card can't be used").says("Nothing was charged");
    }
    assert!(intents(house, &scene).await.is_empty(), "what is refused never reaches Stripe");

    let (card, press) = (typed_in(house, GOOD).await, Uuid::new_v4());
    // An amount that is refused leaves the card as it was typed.
    take(&clerk, &shown, Uuid::new_v4(), Some("66"), &[("method", &card)])
        .await
        .says("as you typed it")
        .says("65.00 USD");
    take(&clerk, &shown, press, Some("25"), &[("method", &card)]).await.says("Payment taken").says("$25.00 USD");
    take(&clerk, &shown, press, Some("25"), &[("method", &card)]).await.says("Payment taken");
    let again = take(&clerk, &shown, Uuid::new_v4(), Some("20"), &[("method", &card)]).await;
    again.says("This card can't be used").says("It was used before");
    let made = intents(house, &scene).await;
    assert_eq!((made.len(), asked(house, &scene).await), (1, 1), "{made:?}");
    assert_eq!(made[0]["payment_method_options"]["card"].get("moto"), None, "nobody configured it");
    let expected = json!({"State__c": "Settled", "Amount__c": 25, "Source__c": "Take Payment", "Method_Detail__c": "Visa ending 4242"});
    payment(house, made[0]["id"].as_str().expect("an id"), expected).await;
    request_is(house, &scene, "Done", "$25.00 USD was paid with Visa ending 4242.").await;
    let customer = made[0]["customer"].as_str().expect("a Customer");
    let state = house.stripe_state().await.expect("Stripe's state");
    let stored = state["payment_methods"].as_array().into_iter().flatten().any(|one| one["customer"] == customer);
    assert!(!stored, "nobody asked to store it");
    scene.stands(house, "Partly Paid", 25.0, 40.0).await;

    // The same amount once more is asked about, and the card need not be typed again.
    let card = typed_in(house, GOOD).await;
    let shown = clerk.at(&card_page(&clerk)).await;
    let asks = take(&clerk, &shown, Uuid::new_v4(), Some("25"), &[("method", &card)]).await;
    asks.says("of the same amount").says("as you typed it").says("Take the same amount again");
    assert_eq!(asks.input("method"), card);
    let fields = [("method", card.as_str()), ("again", "yes")];
    take(&clerk, &asks, Uuid::new_v4(), Some("25"), &fields).await.says("Payment taken");
    scene.stands(house, "Partly Paid", 50.0, 15.0).await;
}

async fn a_declined_card_is_not_asked_again_by_the_same_press(house: &House) {
    let scene = payer::invoice(house, "K-DECLINE", json!(30), "USD").await;
    let clerk = clerk_at(house, &scene).await;
    let shown = clerk.at(&card_page(&clerk)).await;
    let (bad, press) = (typed_in(house, DECLINED).await, Uuid::new_v4());
    let declined = take(&clerk, &shown, press, None, &[("method", &bad)]).await;
    declined.says("declined").says("card-frame");
    take(&clerk, &shown, press, None, &[("method", &bad)]).await.says("declined");
    assert_eq!(asked(house, &scene).await, 1, "a reload asks no bank");
    request_is(house, &scene, "Working", "was declined, nothing was charged").await;
    let good = typed_in(house, GOOD).await;
    take(&clerk, &declined, Uuid::new_v4(), None, &[("method", &good)]).await.says("Payment taken");
    scene.stands(house, "Paid", 30.0, 0.0).await;
    let made = intents(house, &scene).await;
    assert_eq!(succeeded(&made).len(), 1);
    assert!(made.iter().all(|intent| intent["status"] == "succeeded" || intent["status"] == "canceled"), "{made:?}");
}

async fn a_card_that_asks_for_its_holder_becomes_a_link(house: &House) {
    for (place, number) in ASKS.into_iter().enumerate() {
        let scene = payer::invoice(house, &format!("K-ASKS-{place}"), json!(30), "USD").await;
        let clerk = clerk_at(house, &scene).await;
        let shown = clerk.at(&card_page(&clerk)).await;
        let card = typed_in(house, number).await;
        let told = take(&clerk, &shown, Uuid::new_v4(), None, &[("method", &card)]).await;
        told.says("wants to hear from the customer").says("A payment link is on its way to").says(&scene.email);
        assert_eq!(
            intents(house, &scene).await[0]["status"],
            "canceled",
            "its room is free before anything else is paid"
        );
        request_is(house, &scene, "Sent", "so nothing was charged. A payment link was mailed to").await;
        let links = payer::links_mailed(house, &scene.email, &scene.name).await;
        assert_eq!(links.len(), 1, "{links:?}");
        // Asking once more from the same page mails nothing more.
        let csrf = told.input("csrf");
        clerk.post_page(&format!("{}/send", clerk.place()), &[("csrf", &csrf)]).await.says("on its way to");
        house.idle().await;
        assert_eq!(payer::links_mailed(house, &scene.email, &scene.name).await.len(), 1);
        if place == 0 {
            Payer::enter(house, &links[0]).await.pay(None).await;
            clerk.page().await.says("just paid");
        } else {
            // The customer takes out another card instead.
            let good = typed_in(house, GOOD).await;
            let shown = clerk.at(&card_page(&clerk)).await;
            take(&clerk, &shown, Uuid::new_v4(), None, &[("method", &good)]).await.says("Payment taken");
            request_is(house, &scene, "Done", "$30.00 USD was paid").await;
        }
        scene.stands(house, "Paid", 30.0, 0.0).await;
    }
}

async fn without_an_address_the_clerk_is_told(house: &House) {
    let account = house.insert("Account", &json!({"Name": "No Mail"})).await.expect("an account");
    let scene = payer::invoice_of(house, &account, "nobody@customers.example", "K-NO-MAIL", json!(30), "USD").await;
    let clerk = clerk_at(house, &scene).await;
    let shown = clerk.at(&card_page(&clerk)).await;
    let card = typed_in(house, ASKS[0]).await;
    let told = take(&clerk, &shown, Uuid::new_v4(), None, &[("method", &card)]).await;
    told.says("wants to hear from the customer").says("fill Billing Email");
    let csrf = told.input("csrf");
    let sent = clerk.post_page(&format!("{}/send", clerk.place()), &[("csrf", &csrf)]).await;
    sent.says("There is no e-mail address to send a link to");
}

async fn a_page_that_ran_out_takes_no_card(house: &House) {
    let scene = payer::invoice(house, "K-HOUR", json!(10), "USD").await;
    let clerk = clerk_at(house, &scene).await;
    let shown = clerk.at(&card_page(&clerk)).await;
    // Every clerk's page that there is.
    assert!(house.sql("UPDATE links SET expires_ms = made_ms - 1 WHERE kind = 'agent'").await >= 1);
    clerk.at(&card_page(&clerk)).await.says("This page has run out");
    let card = typed_in(house, GOOD).await;
    take(&clerk, &shown, Uuid::new_v4(), None, &[("method", &card)]).await.says("This page has run out");
    let sent = clerk.post_page(&format!("{}/send", clerk.place()), &[("csrf", &shown.input("csrf"))]).await;
    sent.says("This page has run out");
    assert!(intents(house, &scene).await.is_empty());
}

#[tokio::test]
async fn a_clerk_takes_payments_by_cards_that_are_read_out() {
    let house = House::start_in(&[], &[CARDS_ON], None).await;
    tokio::join!(
        a_typed_card_is_charged_once_and_is_nobodys_afterwards(&house),
        a_declined_card_is_not_asked_again_by_the_same_press(&house),
        without_an_address_the_clerk_is_told(&house),
    );
    a_card_that_asks_for_its_holder_becomes_a_link(&house).await;
    a_page_that_ran_out_takes_no_card(&house).await;
}

#[tokio::test]
async fn until_it_is_turned_on_a_card_is_typed_by_the_customer_alone() {
    let house = House::start().await;
    let scene = payer::invoice(&house, "K-OFF", json!(30), "USD").await;
    let clerk = clerk_at(&house, &scene).await;
    let shown = clerk.page().await;
    shown.says("A new card is typed in by the customer").says("Send the customer a link");
    assert!(!shown.text.contains("Take a new card"), "{}", shown.text);
    assert_eq!(clerk.at(&card_page(&clerk)).await.says("Cards are not typed in here").status, 404);
    let card = typed_in(&house, GOOD).await;
    let fields = [
        ("csrf", shown.input("csrf")),
        ("press", Uuid::new_v4().to_string()),
        ("shown", "3000".into()),
        ("currency", "USD".into()),
        ("choice", "full".into()),
        ("method", card.clone()),
    ];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    clerk.post_page(&card_page(&clerk), &fields).await.says("Cards are not typed in here");
    // By the other door neither: it is nobody's stored card.
    clerk.post_page(&clerk.place(), &fields).await.says("can't be used any more");
    assert!(intents(&house, &scene).await.is_empty());

    let send = format!("{}/send", clerk.place());
    let forged = clerk.post_page(&send, &[("csrf", "x")]).await;
    assert!(!forged.text.contains("on its way"), "{}", forged.text);
    let csrf = shown.input("csrf");
    for _ in 0..2 {
        clerk.post_page(&send, &[("csrf", &csrf)]).await.says("The customer gets a link").says(&scene.email);
    }
    request_is(&house, &scene, "Sent", "The customer pays alone. A payment link was mailed to").await;
    house.idle().await;
    let links = payer::links_mailed(&house, &scene.email, &scene.name).await;
    assert_eq!(links.len(), 1, "one page mails one letter: {links:?}");
    Payer::enter(&house, &links[0]).await.pay(None).await;
    scene.stands(&house, "Paid", 30.0, 0.0).await;
    // The page runs out, and the request keeps to what the customer has.
    let over = "UPDATE links SET expires_ms = made_ms - 1, changed_ms = made_ms - 2 WHERE kind = 'agent'";
    assert_eq!(house.sql(over).await, 1);
    house.kill_daemon().await;
    house.start_daemon().await;
    house.is_ready().await;
    request_is(&house, &scene, "Sent", "The customer has a payment link.").await;
    let told = house.quittance(&["check"]);
    assert!(told.contains("off: customers type their cards"), "{told}");
}

#[tokio::test]
async fn phone_orders_are_flagged_where_stripe_takes_them_and_the_admin_hears_where_not() {
    let house = House::start_in(&[], &[CARDS_ON, MOTO], None).await;
    let scene = payer::invoice(&house, "K-MOTO", json!(30), "USD").await;
    let clerk = clerk_at(&house, &scene).await;
    let shown = clerk.at(&card_page(&clerk)).await;
    let card = typed_in(&house, ASKS[0]).await;
    let refused = take(&clerk, &shown, Uuid::new_v4(), None, &[("method", &card)]).await;
    refused.says("be charged on the phone right now").says("administrator has been told").says("Nothing was charged");
    assert_eq!(intents(&house, &scene).await[0]["status"], "canceled", "its room is free");
    let error = error_of(&house, "desk:moto").await;
    assert_eq!((&error["Code__c"], &error["State__c"]), (&json!("moto_not_enabled"), &json!("Open")), "{error}");
    assert!(error["Remedy__c"].as_str().is_some_and(|remedy| remedy.contains("desk.moto = false")), "{error}");

    house.stripe_control("account", &json!({"moto": true})).await.expect("Stripe's support");
    let shown = clerk.at(&card_page(&clerk)).await;
    let card = typed_in(&house, ASKS[0]).await;
    take(&clerk, &shown, Uuid::new_v4(), Some("10"), &[("method", &card)]).await.says("Payment taken");
    // A card on file is a phone order too.
    let stored = house.card_on_file(&scene.account, "pm_card_authenticationRequired").await;
    charged(&clerk, &clerk.page().await, Uuid::new_v4(), Some("20"), &[("method", &stored)])
        .await
        .says("Payment taken");
    scene.stands(&house, "Paid", 30.0, 0.0).await;
    let made = intents(&house, &scene).await;
    let flagged = |intent: &&Value| intent["payment_method_options"]["card"]["moto"] == true;
    assert_eq!(succeeded(&made).into_iter().filter(flagged).count(), 2, "{made:?}");
    // A customer on the page is no phone order.
    let bill = payer::sent(&house, "K-LINK", json!(12), "USD").await;
    let intent = Payer::enter(&house, &bill.link).await.pay(None).await;
    let state = house.stripe_state().await.expect("Stripe's state");
    let paid = state["payment_intents"].as_array().into_iter().flatten().find(|one| one["id"] == intent.as_str());
    assert_eq!(paid.expect("the payment")["payment_method_options"]["card"].get("moto"), None);
}

/// Waits until Stripe's side of the invoice is so, and kills the daemon.
pub async fn killed_once(house: &House, scene: &Scene, is_so: impl Fn(&[Value]) -> bool) {
    let waited = tokio::time::timeout(std::time::Duration::from_secs(60), async {
        while !is_so(&intents(house, scene).await) {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    });
    waited.await.expect("the press to come so far");
    house.kill_daemon().await;
}

pub type IsSo = Box<dyn Fn(&[Value]) -> bool>;

/// A press over which the daemon died.
struct Killed {
    clerk: Payer,
    shown: Page,
    press: Uuid,
    card: String,
}

impl Killed {
    /// The same press, now that the daemon is back.
    async fn again(&self) -> Page {
        take(&self.clerk, &self.shown, self.press, None, &[("method", &self.card)]).await
    }
}

/// The clerk presses, the daemon dies where Stripe's side is so, and is started again.
async fn pressed_and_killed(house: &House, scene: &Scene, number: &str, is_so: IsSo) -> Killed {
    let clerk = clerk_at(house, scene).await;
    let shown = clerk.at(&card_page(&clerk)).await;
    let (card, press) = (typed_in(house, number).await, Uuid::new_v4());
    let pressed = form(&shown, press, None, &[("method", &card)]);
    let place = card_page(&clerk);
    house.fault("slow", 0.6).await;
    let pressed = pairs(&pressed);
    tokio::join!(clerk.try_form(&place, &pressed), killed_once(house, scene, is_so));
    house.fault("slow", 0.0).await;
    house.start_daemon().await;
    house.is_ready().await;
    Killed { clerk, shown, press, card }
}

#[tokio::test]
async fn a_daemon_killed_over_a_typed_card_charges_it_once() {
    let house = House::start_in(&[], &[CARDS_ON], None).await;
    let has = |status: &'static str| -> IsSo { Box::new(move |seen| seen.iter().any(|one| one["status"] == status)) };
    let steps = [
        ("asked for", Box::new(|_: &[Value]| true) as IsSo),
        ("made", has("requires_confirmation")),
        ("paid", has("succeeded")),
    ];
    for (place, (step, is_so)) in steps.into_iter().enumerate() {
        let scene = payer::invoice(&house, &format!("K-KILL-{place}"), json!(20), "USD").await;
        let killed = pressed_and_killed(&house, &scene, GOOD, is_so).await;
        let (clerk, told) = (&killed.clerk, killed.again().await);
        if told.text.contains("othing was charged") {
            // It had ended before Stripe heard of it, so this press is over, and the card was not used.
            let shown = clerk.at(&card_page(clerk)).await;
            let card = typed_in(&house, GOOD).await;
            take(clerk, &shown, Uuid::new_v4(), None, &[("method", &card)]).await.says("Payment taken");
        }
        scene.stands(&house, "Paid", 20.0, 0.0).await;
        request_is(&house, &scene, "Done", "$20.00 USD was paid").await;
        assert_eq!(succeeded(&intents(&house, &scene).await).len(), 1, "killed when {step}");
        assert_eq!(asked(&house, &scene).await, 1, "killed when {step}");
    }
}

#[tokio::test]
async fn a_daemon_killed_over_a_card_that_asks_mails_one_link() {
    let house = House::start_in(&[], &[CARDS_ON], None).await;
    let has = |status: &'static str| -> IsSo { Box::new(move |seen| seen.iter().any(|one| one["status"] == status)) };
    for (place, status) in ["requires_action", "canceled"].into_iter().enumerate() {
        let scene = payer::invoice(&house, &format!("K-DIES-{place}"), json!(20), "USD").await;
        pressed_and_killed(&house, &scene, ASKS[0], has(status)).await.again().await;
        request_is(&house, &scene, "Sent", "A payment link was mailed to").await;
        let links = payer::links_mailed(&house, &scene.email, &scene.name).await;
        assert_eq!(links.len(), 1, "killed when {status}: {links:?}");
        assert!(intents(&house, &scene).await.iter().all(|one| one["status"] == "canceled"), "killed when {status}");
        Payer::enter(&house, &links[0]).await.pay(None).await;
        scene.stands(&house, "Paid", 20.0, 0.0).await;
    }
}

/// Between the intent and its confirm somebody with the secret key gives the card to another customer.
#[tokio::test]
async fn a_card_that_stripe_takes_no_order_for_gives_its_room_back() {
    let house = House::start_in(&[], &[CARDS_ON], None).await;
    let (scene, other) = (
        payer::invoice(&house, "K-GIVEN", json!(20), "USD").await,
        payer::invoice(&house, "K-HAS", json!(9), "USD").await,
    );
    house.card_on_file(&other.account, "pm_card_visa").await;
    let unconfirmed: IsSo = Box::new(|seen| seen.iter().any(|one| one["status"] == "requires_confirmation"));
    let killed = pressed_and_killed(&house, &scene, GOOD, unconfirmed).await;
    house.card_on_file(&other.account, &killed.card).await;
    let told = killed.again().await;
    told.says("The payment was not made").says("Nothing was charged");
    assert!(intents(&house, &scene).await.iter().all(|one| one["status"] == "canceled"));
    let card = typed_in(&house, GOOD).await;
    take(&killed.clerk, &told, Uuid::new_v4(), None, &[("method", &card)]).await.says("Payment taken");
    scene.stands(&house, "Paid", 20.0, 0.0).await;
}
