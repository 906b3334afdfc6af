//! The console's door, and events from REST to a browser.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::house::House;

#[tokio::test]
async fn apex_is_called_by_name_as_the_sessions_user_and_fails_as_in_lightning() {
    let house = House::start().await;
    let (status, said) = house.call(Method::POST, "/_sandbox/apex/Echo/say", json!({"what": "hello"})).await;
    assert_eq!((status, said), (200, json!({"said": "hello", "by": crate::sandbox::org::ADMINISTRATOR})));
    let (status, error) = house.call(Method::POST, "/_sandbox/apex/Echo/fail", json!({})).await;
    assert_eq!((status, &error["exceptionType"]), (500, &json!("AuraHandledException")));
    assert_eq!(
        (&error["message"], &error["stackTrace"]),
        (&json!("There is nothing to pay."), &json!("Class.Echo.fail: line 7, column 1"))
    );
    let (status, error) = house.call_as(&house.robot, Method::POST, "/_sandbox/apex/Echo/say", json!({})).await;
    assert_eq!((status, &error["exceptionType"]), (500, &json!("System.NoAccessException")));
    assert_eq!(house.call_as("stale", Method::POST, "/_sandbox/apex/Echo/say", json!({})).await.0, 401);
}

#[tokio::test]
async fn the_console_reads_records_and_runs_jobs() {
    let house = House::start().await;
    house.create("Account", json!({"Name": "A"})).await;
    let (_, rows) = house.get("/_sandbox/org/records/Account").await;
    assert_eq!((&rows[0]["Name"], rows.as_array().unwrap().len()), (&json!("A"), 1));
    assert_eq!(house.call(Method::POST, "/_sandbox/jobs/run", Json::Null).await, (200, json!({"ran": 0})));
    assert_eq!(house.call(Method::POST, "/_sandbox/schedules/run", Json::Null).await, (200, json!({"ran": 0})));
}

#[tokio::test]
async fn an_event_published_over_rest_reaches_a_browser() {
    let house = House::start().await;
    let path = "/_sandbox/events?channel=/event/Payment_Command__e&replay=-2";
    let mut stream = house.request(Method::GET, path, &house.robot).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    let (status, saved) =
        house.call(Method::POST, "sobjects/Payment_Command__e", json!({"Commands__c": "{\"v\": 1}"})).await;
    assert_eq!(
        (status, &saved["success"], &saved["errors"][0]["statusCode"]),
        (201, &json!(true), &json!("OPERATION_ENQUEUED"))
    );
    let chunk = tokio::time::timeout(Duration::from_secs(5), stream.chunk()).await.unwrap().unwrap().unwrap();
    let text = String::from_utf8(chunk.to_vec()).unwrap();
    let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let message: Json = serde_json::from_str(data).unwrap();
    assert_eq!(message["channel"], "/event/Payment_Command__e");
    assert_eq!(message["data"]["payload"]["Commands__c"], "{\"v\": 1}");
    assert_eq!(message["data"]["event"]["EventUuid"], saved["errors"][0]["message"]);
    assert_eq!(house.bus.counts(), (1, 0, 1));
    let (_, schema) = house.get("sobjects/Payment_Command__e/eventSchema?payloadFormat=COMPACT").await;
    assert_eq!((&schema["name"], &schema["uuid"]), (&json!("Payment_Command__e"), &message["data"]["schema"]));
}

#[tokio::test]
async fn an_event_of_a_refused_composite_is_never_published() {
    let house = House::start().await;
    let part = |reference: &str, object: &str, body: Json| json!({"method": "POST", "url": format!("/services/data/v66.0/sobjects/{object}"), "referenceId": reference, "body": body});
    let body = json!({"allOrNone": true, "compositeRequest": [
        part("e", "Payment_Command__e", json!({"Commands__c": "x"})),
        part("a", "Account", json!({})),
    ]});
    assert_eq!(house.call(Method::POST, "composite", body).await.0, 200);
    assert_eq!(house.bus.counts().0, 0);
}
