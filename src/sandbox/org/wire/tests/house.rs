//! A running org with one custom object, one event and no Apex to speak of.

use std::path::Path;
use std::sync::{Arc, Once};

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::sandbox::faults::Faults;
use crate::sandbox::org::bus::{self, Bus};
use crate::sandbox::org::host::{Fault, Host, Job, JobStep, Program, TriggerCall, TriggerOp};
use crate::sandbox::org::wire::oauth::{Client, PublicKey, SANDBOX_PUBLIC_KEY};
use crate::sandbox::org::wire::{Options, Served, serve};
use crate::sandbox::org::{ADMINISTRATOR, INTEGRATION, Org, OrgOptions};
use crate::sandbox::tls::Authority;

pub(super) struct House {
    pub org: Arc<Org>,
    pub bus: Arc<Bus>,
    pub faults: Arc<Faults>,
    pub served: Served,
    pub http: reqwest::Client,
    pub admin: String,
    pub robot: String,
    pub folder: TempDir,
}

/// Apex with two methods: one echoes, one fails.
struct Echo;

impl Program for Echo {
    fn has_trigger(&self, _: &str, _: TriggerOp) -> bool {
        false
    }

    fn fire(&self, _: &mut dyn Host, _: TriggerCall<'_>) -> Result<(), Fault> {
        Ok(())
    }

    fn invoke(&self, host: &mut dyn Host, class: &str, method: &str, parameters: &Json) -> Result<Json, Fault> {
        match (class, method) {
            ("Echo", "say") => Ok(json!({"said": parameters["what"], "by": host.user().username})),
            _ => Err(Fault {
                exception: "AuraHandledException".into(),
                message: "There is nothing to pay.".into(),
                rows: vec![],
                stack: vec!["Class.Echo.fail: line 7, column 1".into()],
                uncatchable: false,
            }),
        }
    }

    fn run_job(&self, _: &mut dyn Host, _: Job, _: JobStep) -> Result<Vec<(Job, JobStep)>, Fault> {
        Ok(vec![])
    }
}

impl House {
    pub async fn start() -> House {
        House::with(Options::default()).await
    }

    pub async fn with(mut options: Options) -> House {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let folder = tempfile::tempdir().unwrap();
        metadata(folder.path());
        let faults = Arc::new(Faults::new(7));
        let bus = Arc::new(Bus::open(bus::Options::default(), Arc::clone(&faults)).unwrap());
        let org_options = OrgOptions {
            faults: Some(Arc::clone(&faults)),
            integration_permission_sets: vec!["Robot".into()],
            ..OrgOptions::default()
        };
        let program: Arc<dyn Program> = Arc::new(Echo);
        let org = Org::open(&[folder.path().join("app")], Arc::clone(&program), bus.clone(), org_options).unwrap();
        let authority = Authority::open(&folder.path().join("tls")).unwrap();
        options.clients.push(Client {
            id: "sandbox".into(),
            secret: Some("s3cret".into()),
            key: Some(PublicKey::from_pem(SANDBOX_PUBLIC_KEY).unwrap()),
            run_as: Some(INTEGRATION.into()),
            approved: vec![INTEGRATION.into()],
        });
        let served = serve(org.clone(), program, bus.clone(), faults.clone(), &authority, options).await.unwrap();
        let ca = reqwest::Certificate::from_pem(authority.ca_pem().as_bytes()).unwrap();
        let http = reqwest::Client::builder().tls_certs_only([ca]).build().unwrap();
        let admin = served.sessions.start_lasting(org.user(ADMINISTRATOR).unwrap()).token;
        let robot = served.sessions.start(org.user(INTEGRATION).unwrap()).token;
        House { org, bus, faults, served, http, admin, robot, folder }
    }

    pub fn request(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/services/data/v66.0/{path}") };
        self.http.request(method, format!("{}{path}", self.served.url)).bearer_auth(token)
    }

    /// Status and JSON of a call as the administrator.
    pub async fn call(&self, method: Method, path: &str, body: Json) -> (u16, Json) {
        self.call_as(&self.admin, method, path, body).await
    }

    pub async fn call_as(&self, token: &str, method: Method, path: &str, body: Json) -> (u16, Json) {
        let mut request = self.request(method, path, token);
        if !body.is_null() {
            request = request.json(&body);
        }
        read(request.send().await.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> (u16, Json) {
        self.call(Method::GET, path, Json::Null).await
    }

    pub async fn query(&self, soql: &str) -> Json {
        let request = self.request(Method::GET, "query", &self.admin).query(&[("q", soql)]);
        let (status, json) = read(request.send().await.unwrap()).await;
        assert_eq!(status, 200, "{json}");
        json
    }

    /// Creates a record as the administrator and returns its id.
    pub async fn create(&self, object: &str, body: Json) -> String {
        let (status, json) = self.call(Method::POST, &format!("sobjects/{object}"), body).await;
        assert_eq!(status, 201, "{json}");
        json["id"].as_str().unwrap().to_owned()
    }
}

pub(super) async fn read(response: Response) -> (u16, Json) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Json::String(text)))
}

/// A small package: enough of Account, Invoice__c and Payment_Command__e for any client's walk.
fn metadata(folder: &Path) {
    let field = |object: &str, name: &str, rest: &str| {
        let text = format!("<CustomField><fullName>{name}</fullName><label>{name}</label>{rest}</CustomField>");
        (format!("objects/{object}/fields/{name}.field-meta.xml"), text)
    };
    let name_field = "<nameField><label>Number</label><type>Text</type></nameField>";
    let invoice = format!(
        "<CustomObject><label>Invoice</label>{name_field}<sharingModel>ReadWrite</sharingModel></CustomObject>"
    );
    let event = "<CustomObject><label>Command</label><eventType>HighVolume</eventType><publishBehavior>PublishAfterCommit</publishBehavior></CustomObject>";
    let lookup = "<type>Lookup</type><referenceTo>Account</referenceTo><relationshipName>Invoices</relationshipName>";
    let key = "<type>Text</type><length>255</length><externalId>true</externalId><unique>true</unique><caseSensitive>true</caseSensitive>";
    let may = |object: &str, edit: bool| {
        format!(
            "<objectPermissions><object>{object}</object><allowRead>true</allowRead><allowCreate>true</allowCreate><allowEdit>{edit}</allowEdit></objectPermissions>"
        )
    };
    let robot = format!(
        "<PermissionSet><label>Robot</label>{}{}{}<fieldPermissions><field>Invoice__c.Total__c</field><readable>true</readable><editable>true</editable></fieldPermissions></PermissionSet>",
        may("Account", true),
        may("Invoice__c", true),
        may("Payment_Command__e", false)
    );
    let files = [
        field("Account", "Stripe_Customer_Id__c", key),
        field("Invoice__c", "Account__c", lookup),
        field("Invoice__c", "Total__c", "<type>Number</type><precision>15</precision><scale>3</scale>"),
        field("Invoice__c", "Currency_Code__c", "<type>Text</type><length>3</length>"),
        field("Invoice__c", "Secret__c", "<type>Text</type><length>80</length>"),
        field(
            "Payment_Command__e",
            "Commands__c",
            "<type>LongTextArea</type><length>131072</length><visibleLines>3</visibleLines>",
        ),
        ("objects/Invoice__c/Invoice__c.object-meta.xml".into(), invoice),
        ("objects/Payment_Command__e/Payment_Command__e.object-meta.xml".into(), event.into()),
        ("permissionsets/Robot.permissionset-meta.xml".into(), robot),
    ];
    for (path, text) in files {
        let path = folder.join("app").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}
