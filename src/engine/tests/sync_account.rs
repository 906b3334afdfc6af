//! An Account becomes a Customer: each way that can go.

use serde_json::{Map, Value, json};

use super::org::{ORG, Outside, command};
use crate::domain::CommandKind;
use crate::engine::clock::wall_ms;
use crate::engine::commands::SyncAccount;
use crate::engine::work::{Handler, Outcome, Work};
use crate::store::effects::KEY_LIFE_MS;
use crate::store::harness::sqlite;

const ACCOUNT: &str = "001D000000IqhSLIAZ";

async fn sync(outside: &Outside, customer: Option<&str>, email: &str) -> Result<Map<String, Value>, String> {
    let record = json!({"Id": ACCOUNT, "Name": "Müller", "Billing_Email__c": email, "Stripe_Fingerprint__c": "f1",
        "Stripe_Customer_Id__c": customer});
    let command = command("sync:1", CommandKind::SyncAccount, ACCOUNT);
    let work = Work { command, run: 1, attempts: 0, record: record.as_object().cloned(), now_ms: 0 };
    let handler = SyncAccount::new(outside.house.clone(), outside.stripe.clone(), ORG, None);
    match handler.run(work).await {
        Outcome::Done(mut writes) => Ok(writes.pop().map(|write| write.fields).unwrap_or_default()),
        Outcome::GiveUp { trouble, .. } | Outcome::Later { trouble, .. } => Err(trouble.code),
    }
}

fn plant(outside: &Outside, id: &str, more: Value) {
    let mut customer = json!({"id": id, "metadata": {}, "created": wall_ms() / 1000});
    customer.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    outside.world().customers.insert(id.into(), customer);
}

#[tokio::test]
async fn a_new_account_is_made_once_and_what_is_in_sync_is_left_alone() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store).await;
    for _ in 0..2 {
        let fields = sync(&outside, None, "pay@mueller.example").await.unwrap();
        assert_eq!(
            (&fields["Stripe_Customer_Id__c"], &fields["Stripe_Synced_Fingerprint__c"]),
            (&json!("cus_1"), &json!("f1"))
        );
    }
    assert_eq!(outside.world().customers.len(), 1);
    assert_eq!(outside.world().customers["cus_1"]["metadata"]["sf_account_id"], ACCOUNT);
}

#[tokio::test]
async fn an_id_typed_by_hand_is_looked_at_before_it_is_used() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store).await;
    plant(&outside, "cus_theirs", json!({"metadata": {"sf_org_id": "00D000000000002EAA"}}));
    plant(&outside, "cus_gone", json!({"deleted": true}));
    plant(&outside, "cus_free", json!({}));
    assert_eq!(sync(&outside, Some("cus_nowhere"), "a@b.example").await, Err("customer_unknown".into()));
    assert_eq!(sync(&outside, Some("cus_theirs"), "a@b.example").await, Err("customer_of_another_org".into()));
    assert_eq!(outside.world().creates, 0);
    assert_eq!(sync(&outside, Some("cus_free"), "a@b.example").await.unwrap()["Stripe_Customer_Id__c"], "cus_free");
    assert_eq!(outside.world().customers["cus_free"]["email"], "a@b.example", "and it gets the account's data");
}

#[tokio::test]
async fn a_customer_that_was_deleted_at_stripe_is_made_anew() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store).await;
    plant(&outside, "cus_gone", json!({"deleted": true}));
    let fields = sync(&outside, Some("cus_gone"), "a@b.example").await.unwrap();
    let first = fields["Stripe_Customer_Id__c"].as_str().unwrap().to_owned();
    assert_ne!(first, "cus_gone");
    outside.world().customers.get_mut(&first).unwrap()["deleted"] = true.into();
    outside.store.know_customer(ACCOUNT, &first, None).await.unwrap();
    let second = sync(&outside, Some(&first), "a@b.example").await.unwrap();
    assert_ne!(second["Stripe_Customer_Id__c"], first.as_str());
    assert_eq!(outside.world().creates, 2);
}

#[tokio::test]
async fn data_that_stripe_refuses_leaves_name_and_metadata() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store).await;
    outside.world().refuse_email = true;
    let fields = sync(&outside, None, "not an address").await.unwrap();
    let id = fields["Stripe_Customer_Id__c"].as_str().unwrap().to_owned();
    let customer = outside.world().customers[&id].clone();
    assert_eq!((&customer["name"], &customer["metadata"]["sf_account_id"]), (&json!("Müller"), &json!(ACCOUNT)));
}

#[tokio::test]
async fn a_key_older_than_23_hours_is_looked_up_before_anything_is_made() {
    for (there, customers) in [(true, 1), (false, 1)] {
        let (store, _folder) = sqlite().await;
        let outside = Outside::start_at(store.clone(), wall_ms() + KEY_LIFE_MS + 60_000, None).await;
        let key = crate::engine::customers::creation_key(ACCOUNT, 0);
        store.effect_begin(&key, "POST", "/v1/customers", "name=M", wall_ms()).await.unwrap();
        if there {
            plant(&outside, "cus_lost", json!({"metadata": {"sf_org_id": ORG, "sf_account_id": ACCOUNT}}));
        }
        let fields = sync(&outside, None, "a@b.example").await.unwrap();
        assert_eq!(outside.world().customer_lists, 1);
        assert_eq!(outside.world().customers.len(), customers);
        assert_eq!(fields["Stripe_Customer_Id__c"] == "cus_lost", there);
        assert!(!outside.world().keys.contains_key(&key), "Stripe may have forgotten the old key");
    }
}

#[tokio::test]
async fn a_backlog_that_looks_for_its_customers_lists_them_twice_at_most() {
    let (store, _folder) = sqlite().await;
    let outside = Outside::start(store).await;
    plant(&outside, "cus_7", json!({"metadata": {"sf_org_id": ORG, "sf_account_id": "account-7"}}));
    plant(&outside, "cus_8", json!({"metadata": {"sf_org_id": "00D000000000002EAA", "sf_account_id": "account-8"}}));
    plant(&outside, "cus_9", json!({"deleted": true, "metadata": {"sf_org_id": ORG, "sf_account_id": "account-9"}}));
    let since_s = wall_ms() / 1000 - 3_600;
    let looks = (0..50).map(|number| {
        let (list, stripe) = (outside.house.customer_list.clone(), outside.stripe.clone());
        // The later ones want to see farther back: the list that serves them all must.
        async move { list.find(&stripe, &format!("account-{number}"), Some(ORG), since_s - number).await }
    });
    let found: Vec<_> = futures_util::future::join_all(looks).await.into_iter().map(Result::unwrap).collect();
    let expected: Vec<_> = (0..50).map(|number| (number == 7).then(|| "cus_7".to_owned())).collect();
    assert_eq!(found, expected, "another org's and a deleted one are nobody's");
    let lists = outside.world().customer_lists;
    assert!((1..=2).contains(&lists), "{lists} lists");
    // Who comes after a list was begun is never served by it: what was made since would be missed.
    plant(&outside, "cus_10", json!({"metadata": {"sf_org_id": ORG, "sf_account_id": "account-10"}}));
    let list = &outside.house.customer_list;
    assert_eq!(list.find(&outside.stripe, "account-10", Some(ORG), since_s).await.unwrap().as_deref(), Some("cus_10"));
    assert_eq!(outside.world().customer_lists, lists + 1);
}
