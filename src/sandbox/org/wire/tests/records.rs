//! Records, queries, collections and composites.

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::house::{House, read};

#[tokio::test]
async fn versions_need_no_session_and_everything_else_does() {
    let house = House::start().await;
    let open = house.http.get(format!("{}/services/data/", house.served.url)).send().await.unwrap();
    let (status, versions) = read(open).await;
    assert_eq!((status, &versions[0]["version"]), (200, &json!("31.0")));
    let (status, refused) = house.call_as("stale", Method::GET, "limits", Json::Null).await;
    assert_eq!(status, 401);
    assert_eq!(refused, json!([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]));
    let statuses = [
        house.get("/services/data/v30.0/limits").await.0,
        house.get("sobjects/Nope__c/describe").await.0,
        house.call(Method::DELETE, "limits", Json::Null).await.0,
        house.get("/nowhere").await.0,
    ];
    assert_eq!(statuses, [410, 404, 405, 404]);
}

#[tokio::test]
async fn a_record_lives_its_whole_life() {
    let house = House::start().await;
    let account = house.create("Account", json!({"Name": "Akmé <b>"})).await;
    let body = json!({"Name": "INV-1", "Account__c": account, "Total__c": 1234.567, "Currency_Code__c": "EUR"});
    let (status, created) = house.call(Method::POST, "sobjects/Invoice__c", body).await;
    assert_eq!((status, &created["success"], &created["errors"]), (201, &json!(true), &json!([])));
    let path = format!("sobjects/Invoice__c/{}", created["id"].as_str().unwrap());
    let invoice = house.get(&path).await.1;
    assert_eq!(invoice["Total__c"], json!(1234.567));
    assert_eq!(invoice["attributes"]["url"], format!("/services/data/v66.0/{path}"));
    assert!(invoice["CreatedDate"].as_str().unwrap().ends_with(".000+0000"));
    assert_eq!(house.call(Method::PATCH, &path, json!({"Total__c": 5, "Currency_Code__c": null})).await.0, 204);
    let invoice = house.get(&format!("{path}?fields=Total__c,Currency_Code__c")).await.1;
    assert_eq!((invoice["Total__c"].to_string(), &invoice["Currency_Code__c"]), ("5.0".into(), &Json::Null));
    assert_eq!(house.call(Method::DELETE, &path, Json::Null).await.0, 204);
    assert_eq!(house.get(&path).await.0, 404);
}

#[tokio::test]
async fn mistakes_are_arrays_with_a_code() {
    let house = House::start().await;
    let code = |answer: (u16, Json)| (answer.0, answer.1[0]["errorCode"].as_str().unwrap_or_default().to_owned());
    let create = |body| house.call(Method::POST, "sobjects/Invoice__c", body);
    assert_eq!(code(create(json!({"Nope__c": 1})).await), (400, "INVALID_FIELD".into()));
    assert_eq!(code(create(json!({"Name": "x", "Currency_Code__c": "EURO"})).await), (400, "STRING_TOO_LONG".into()));
    assert_eq!(code(create(json!({"Total__c": "much"})).await), (400, "JSON_PARSER_ERROR".into()));
    assert_eq!(code(create(json!([1])).await), (400, "JSON_PARSER_ERROR".into()));
    let missing = house.call(Method::POST, "sobjects/Account", json!({"Phone": "1"})).await;
    assert_eq!(
        (code(missing.clone()), &missing.1[0]["fields"]),
        ((400, "REQUIRED_FIELD_MISSING".into()), &json!(["Name"]))
    );
    assert_eq!(code(house.get("query?q=SELECT").await), (400, "MALFORMED_QUERY".into()));
    assert_eq!(code(house.get("query?q=SELECT+Nope__c+FROM+Account").await), (400, "INVALID_FIELD".into()));
    assert_eq!(code(house.get("query?q=SELECT+Id+FROM+Nope__c").await), (400, "INVALID_TYPE".into()));
}

#[tokio::test]
async fn an_upsert_creates_once_and_letter_case_counts() {
    let house = House::start().await;
    let upsert = async |key: &str, body: Json| {
        house.call(Method::PATCH, &format!("sobjects/Account/Stripe_Customer_Id__c/{key}"), body).await
    };
    let (status, first) = upsert("cus_1", json!({"Name": "One"})).await;
    assert_eq!((status, &first["created"]), (201, &json!(true)));
    let (status, second) = upsert("cus_1", json!({"Name": "Uno"})).await;
    assert_eq!((status, &second["created"], &second["id"]), (200, &json!(false), &first["id"]));
    assert_eq!(upsert("CUS_1", json!({"Name": "Other"})).await.0, 201);
    assert_eq!(upsert("cus_9?updateOnly=true", json!({"Name": "x"})).await.0, 404);
    let repeated = upsert("cus_1", json!({"Stripe_Customer_Id__c": "cus_1"})).await;
    assert_eq!((repeated.0, &repeated.1[0]["errorCode"]), (400, &json!("INVALID_FIELD")));
    let by_parent = json!({"Name": "I", "Account__r": {"Stripe_Customer_Id__c": "cus_1"}});
    let invoice = house.create("Invoice__c", by_parent).await;
    let rows = house.query(&format!("SELECT Account__r.Name FROM Invoice__c WHERE Id = '{invoice}'")).await;
    assert_eq!(rows["records"][0]["Account__r"]["Name"], "Uno");
}

#[tokio::test]
async fn collections_report_each_row_or_take_all_back() {
    let house = House::start().await;
    let row = |name: &str, currency: &str| json!({"attributes": {"type": "Invoice__c"}, "Name": name, "Currency_Code__c": currency});
    let body = |all: bool| json!({"allOrNone": all, "records": [row("good", "USD"), row("bad", "EURO")]});
    let (status, rows) = house.call(Method::POST, "composite/sobjects", body(true)).await;
    let codes: Vec<_> = rows.as_array().unwrap().iter().map(|row| &row["errors"][0]["statusCode"]).collect();
    assert_eq!((status, codes), (200, vec![&json!("ALL_OR_NONE_OPERATION_ROLLED_BACK"), &json!("STRING_TOO_LONG")]));
    assert_eq!(house.query("SELECT COUNT() FROM Invoice__c").await["totalSize"], 0);
    let (_, rows) = house.call(Method::POST, "composite/sobjects", body(false)).await;
    assert_eq!((&rows[0]["success"], &rows[1]["success"]), (&json!(true), &json!(false)));
    let id = rows[0]["id"].as_str().unwrap();
    let account = house.create("Account", json!({"Name": "A"})).await;
    let ids = json!({"ids": [account, id, "001000000000000AAA"], "fields": ["Name"]});
    let (_, read) = house.call(Method::POST, "composite/sobjects/Invoice__c", ids).await;
    assert_eq!((&read[0], &read[1]["Name"], &read[2]), (&Json::Null, &json!("good"), &Json::Null));
    let twice = json!({"records": [
        {"attributes": {"type": "Account"}, "Name": "a", "Stripe_Customer_Id__c": "c"},
        {"attributes": {"type": "Account"}, "Name": "b", "Stripe_Customer_Id__c": "c"},
        {"attributes": {"type": "Account"}, "Name": "d", "Stripe_Customer_Id__c": "d"},
    ]});
    let (_, rows) = house.call(Method::PATCH, "composite/sobjects/Account/Stripe_Customer_Id__c", twice).await;
    assert_eq!(rows[1]["errors"][0]["statusCode"], "DUPLICATE_VALUE");
    assert_eq!((&rows[0]["success"], &rows[2]["created"]), (&json!(false), &json!(true)));
    let (status, gone) =
        house.call(Method::DELETE, &format!("composite/sobjects?ids={id},{account}"), Json::Null).await;
    assert_eq!((status, &gone[0]["success"], &gone[1]["success"]), (200, &json!(true), &json!(true)));
    let many: Vec<Json> = (0..201).map(|_| row("x", "USD")).collect();
    assert_eq!(house.call(Method::POST, "composite/sobjects", json!({"records": many})).await.0, 400);
}

#[tokio::test]
async fn an_all_or_none_composite_leaves_nothing_behind() {
    let house = House::start().await;
    let part = |reference: &str, object: &str, body: Json| json!({"method": "POST", "url": format!("/services/data/v66.0/sobjects/{object}"), "referenceId": reference, "body": body});
    let body = |all: bool, currency: &str| {
        json!({"allOrNone": all, "compositeRequest": [
            part("a", "Account", json!({"Name": "A"})),
            part("i", "Invoice__c", json!({"Name": "I", "Account__c": "@{a.id}", "Currency_Code__c": currency})),
        ]})
    };
    let (status, done) = house.call(Method::POST, "composite", body(true, "EURO")).await;
    assert_eq!((status, &done["compositeResponse"][0]["body"][0]["errorCode"]), (200, &json!("PROCESSING_HALTED")));
    assert_eq!(house.query("SELECT COUNT() FROM Account").await["totalSize"], 0);
    let (_, done) = house.call(Method::POST, "composite", body(true, "EUR")).await;
    assert_eq!(done["compositeResponse"][1]["httpStatusCode"], 201);
    let (_, done) = house.call(Method::POST, "composite", body(false, "EURO")).await;
    assert_eq!(done["compositeResponse"][0]["httpStatusCode"], 201);
    let rows = house.query("SELECT Name, (SELECT Name FROM Invoices__r) FROM Account ORDER BY CreatedDate, Id").await;
    assert_eq!(rows["totalSize"], 2);
    assert_eq!(rows["records"][0]["Invoices__r"]["records"][0]["Name"], "I");
    assert_eq!(rows["records"][1]["Invoices__r"], Json::Null);
}

#[tokio::test]
async fn a_long_query_comes_in_pages() {
    let house = House::start().await;
    for start in [0, 200, 400] {
        let rows: Vec<Json> = (start..start + 200)
            .map(|at| json!({"attributes": {"type": "Invoice__c"}, "Name": format!("{at:04}")}))
            .collect();
        let (_, saved) = house.call(Method::POST, "composite/sobjects", json!({"records": rows})).await;
        assert!(saved.as_array().unwrap().iter().all(|row| row["success"] == true));
    }
    let request = house.request(Method::GET, "query/", &house.admin);
    let request = request.query(&[("q", "SELECT Name FROM Invoice__c ORDER BY Name")]);
    let (_, mut page) = read(request.header("Sforce-Query-Options", "batchSize=250").send().await.unwrap()).await;
    let mut sizes = Vec::new();
    let mut names = Vec::new();
    loop {
        let records = page["records"].as_array().unwrap();
        sizes.push(records.len());
        names.extend(records.iter().map(|row| row["Name"].as_str().unwrap().to_owned()));
        let Some(next) = page["nextRecordsUrl"].as_str().map(str::to_owned) else { break };
        page = house.get(&next).await.1;
    }
    assert_eq!(sizes, [250, 250, 100]);
    assert_eq!(names, (0..600).map(|at| format!("{at:04}")).collect::<Vec<_>>());
    assert_eq!(house.get("query/01g000000000000000-200").await.1[0]["errorCode"], "INVALID_QUERY_LOCATOR");
}

#[tokio::test]
async fn a_field_that_the_user_may_not_see_does_not_exist_for_them() {
    let house = House::start().await;
    let invoice = house.create("Invoice__c", json!({"Name": "I", "Secret__c": "hush", "Total__c": 1})).await;
    let path = format!("sobjects/Invoice__c/{invoice}");
    let (_, seen) = house.call_as(&house.robot, Method::GET, &path, Json::Null).await;
    assert_eq!((&seen["Total__c"], seen.get("Secret__c")), (&json!(1.0), None));
    let (status, refused) = house.call_as(&house.robot, Method::PATCH, &path, json!({"Secret__c": "x"})).await;
    assert_eq!((status, &refused[0]["errorCode"]), (400, &json!("INVALID_FIELD")));
    let (status, refused) =
        house.call_as(&house.robot, Method::GET, "query?q=SELECT+Secret__c+FROM+Invoice__c", Json::Null).await;
    assert_eq!((status, &refused[0]["errorCode"]), (400, &json!("INVALID_FIELD")));
    let (status, _) = house.call_as(&house.robot, Method::DELETE, &path, Json::Null).await;
    assert_eq!(status, 403);
    let describe = house.call_as(&house.robot, Method::GET, "sobjects/Invoice__c/describe", Json::Null).await.1;
    let names: Vec<_> = describe["fields"].as_array().unwrap().iter().map(|field| &field["name"]).collect();
    assert!(names.contains(&&json!("Total__c")) && !names.contains(&&json!("Secret__c")), "{names:?}");
}

#[tokio::test]
async fn a_file_goes_in_as_base64_and_comes_out_as_bytes() {
    let house = House::start().await;
    let account = house.create("Account", json!({"Name": "A"})).await;
    let file = json!({"Title": "Receipt", "PathOnClient": "receipt.pdf", "VersionData": "JVBERi0xLjcK", "FirstPublishLocationId": account});
    let id = house.create("ContentVersion", file).await;
    let content = house.request(Method::GET, &format!("sobjects/ContentVersion/{id}/VersionData"), &house.admin);
    assert_eq!(&content.send().await.unwrap().bytes().await.unwrap()[..], b"%PDF-1.7\n");
    let row = house.query(&format!("SELECT Title, VersionData FROM ContentVersion WHERE Id = '{id}'")).await;
    let address = format!("/services/data/v66.0/sobjects/ContentVersion/{id}/VersionData");
    assert_eq!(row["records"][0]["VersionData"], address);
}
