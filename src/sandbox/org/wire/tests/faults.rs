//! Bad days: what the faults do to calls, and what they leave behind.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::house::{House, read};
use crate::sandbox::org::wire::Options;

#[tokio::test]
async fn a_lost_reply_took_effect() {
    let house = House::start().await;
    house.faults.set("lost_reply", 1.0).unwrap();
    let request = house.request(Method::POST, "sobjects/Account", &house.robot).json(&json!({"Name": "Ghost"}));
    assert!(request.send().await.is_err(), "there was an answer");
    house.faults.set("lost_reply", 0.0).unwrap();
    assert_eq!(house.query("SELECT COUNT() FROM Account WHERE Name = 'Ghost'").await["totalSize"], 1);
}

#[tokio::test]
async fn faults_spare_the_tools_of_the_sandbox() {
    let house = House::start().await;
    for fault in ["lost_reply", "server_error", "too_many_requests", "expired_token"] {
        house.faults.set(fault, 1.0).unwrap();
    }
    assert_eq!(house.get("limits").await.0, 200);
}

#[tokio::test]
async fn a_broken_server_answers_no_json_and_a_busy_one_refuses() {
    let house = House::start().await;
    house.faults.set("server_error", 1.0).unwrap();
    let (status, body) = house.call_as(&house.robot, Method::GET, "limits", Json::Null).await;
    assert!(status == 503 && body.is_string());
    house.faults.set("server_error", 0.0).unwrap();
    house.faults.set("too_many_requests", 1.0).unwrap();
    let (status, body) = house.call_as(&house.robot, Method::GET, "limits", Json::Null).await;
    assert_eq!((status, &body[0]["errorCode"]), (403, &json!("REQUEST_LIMIT_EXCEEDED")));
}

#[tokio::test]
async fn an_expired_token_stays_expired_and_a_new_one_is_good() {
    let house = House::start().await;
    house.faults.set("expired_token", 1.0).unwrap();
    assert_eq!(house.call_as(&house.robot, Method::GET, "limits", Json::Null).await.0, 401);
    house.faults.set("expired_token", 0.0).unwrap();
    assert_eq!(house.call_as(&house.robot, Method::GET, "limits", Json::Null).await.0, 401);
    let form = [("grant_type", "client_credentials"), ("client_id", "sandbox"), ("client_secret", "s3cret")];
    let token = format!("{}/services/oauth2/token", house.served.url);
    let (_, reply) = read(house.http.post(token).form(&form).send().await.unwrap()).await;
    let token = reply["access_token"].as_str().unwrap();
    assert_eq!(house.call_as(token, Method::GET, "limits", Json::Null).await.0, 200);
    let (_, who) = house.call_as(token, Method::GET, "/services/oauth2/userinfo", Json::Null).await;
    assert_eq!(who["organization_id"], house.org.org_id());
    let revoke = house.http.post(format!("{}/services/oauth2/revoke", house.served.url)).form(&[("token", token)]);
    assert_eq!(revoke.send().await.unwrap().status(), 200);
    assert_eq!(house.call_as(token, Method::GET, "limits", Json::Null).await.0, 401);
}

#[tokio::test]
async fn a_session_without_lifetime_is_over_at_once() {
    let house = House::with(Options { session_lifetime: SignedDuration::ZERO, ..Options::default() }).await;
    assert_eq!(house.call_as(&house.robot, Method::GET, "limits", Json::Null).await.0, 401);
}

#[tokio::test]
async fn a_locked_row_fails_alone_and_unchanged() {
    let house = House::start().await;
    let account = house.create("Account", json!({"Name": "before"})).await;
    house.faults.set("locked_row", 1.0).unwrap();
    let body = json!({"records": [{"attributes": {"type": "Account"}, "id": account, "Name": "after"}]});
    let (status, rows) = house.call_as(&house.robot, Method::PATCH, "composite/sobjects", body).await;
    assert_eq!((status, &rows[0]["errors"][0]["statusCode"]), (200, &json!("UNABLE_TO_LOCK_ROW")));
    let row = house.query("SELECT Name FROM Account").await;
    assert_eq!(row["records"][0]["Name"], "before");
}

#[tokio::test]
async fn calls_are_counted_and_end_with_the_day_s_allowance() {
    let house = House::with(Options { daily_api_requests: 3, ..Options::default() }).await;
    let answer = house.request(Method::GET, "limits", &house.robot).send().await.unwrap();
    assert_eq!(answer.headers()["sforce-limit-info"], "api-usage=1/3");
    assert_eq!(read(answer).await.1["DailyApiRequests"], json!({"Max": 3, "Remaining": 2}));
    house.query("SELECT Id FROM Account").await;
    house.query("SELECT Id FROM Account").await;
    let (status, body) = house.get("limits").await;
    assert_eq!((status, &body[0]["errorCode"]), (403, &json!("REQUEST_LIMIT_EXCEEDED")));
    let (_, counters) = house.get("/_sandbox/org/counters").await;
    assert_eq!(counters["calls"][crate::sandbox::org::ADMINISTRATOR], json!({"query": 2, "total": 2}));
}
