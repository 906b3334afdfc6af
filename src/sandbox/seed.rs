//! A small believable company, inserted over REST as its people would: so the package's triggers run on it.

use serde_json::{Value, json};

use super::load::{Error, World};

/// One customer with its invoices: (number, total, days until due, what for).
struct Customer {
    name: &'static str,
    email: &'static str,
    phone: &'static str,
    street: &'static str,
    city: &'static str,
    state: &'static str,
    postal_code: &'static str,
    country: &'static str,
    currency: &'static str,
    invoices: &'static [(&'static str, &'static str, i64, &'static str)],
}

const CUSTOMERS: &[Customer] = &[
    Customer {
        name: "Birchwood Dental Group",
        email: "accounts@birchwood.example",
        phone: "+1 503 555 0142",
        street: "418 Alder Street",
        city: "Portland",
        state: "OR",
        postal_code: "97205",
        country: "United States",
        currency: "USD",
        invoices: &[
            ("INV-1042", "50.00", 21, "Sterile trays, October"),
            ("INV-1051", "1240.00", 30, "Autoclave service contract, one year"),
        ],
    },
    Customer {
        name: "Harbor & Pine Architects",
        email: "billing@harborpine.example",
        phone: "+1 207 555 0118",
        street: "9 Wharf Road",
        city: "Portland",
        state: "ME",
        postal_code: "04101",
        country: "United States",
        currency: "USD",
        invoices: &[
            ("INV-1043", "8400.00", 14, "Site survey, Fore River"),
            ("INV-1029", "312.75", -12, "Plotter paper"),
        ],
    },
    Customer {
        name: "Café Montparnasse SARL",
        email: "compta@montparnasse.example",
        phone: "+33 1 70 55 01 20",
        street: "27 rue Delambre",
        city: "Paris",
        state: "",
        postal_code: "75014",
        country: "France",
        currency: "EUR",
        invoices: &[("INV-1044", "684.20", 10, "Espresso grinders, two")],
    },
    Customer {
        name: "株式会社 山田製作所",
        email: "keiri@yamada.example",
        phone: "+81 3 5550 1234",
        street: "千代田区丸の内 1-2-3",
        city: "東京",
        state: "",
        postal_code: "100-0005",
        country: "Japan",
        currency: "JPY",
        invoices: &[("INV-1045", "128000", 30, "精密部品 24 個")],
    },
    Customer {
        name: "Northwind School District",
        email: "",
        phone: "+1 612 555 0177",
        street: "1200 Lake Avenue",
        city: "Duluth",
        state: "MN",
        postal_code: "55802",
        country: "United States",
        currency: "USD",
        invoices: &[("INV-1046", "15600.00", 45, "Classroom tablets, 60")],
    },
];

/// Inserts the company. `today` anchors the due dates.
pub async fn plant(world: &World, today: jiff::civil::Date) -> Result<(), Error> {
    for customer in CUSTOMERS {
        let account = world.insert("Account", &account(customer)).await?;
        for (number, total, days, what) in customer.invoices {
            let due = today.saturating_add(jiff::Span::new().days(*days));
            world
                .insert("Invoice__c", &json!({
                    "Name": number, "Account__c": account, "Currency_Code__c": customer.currency, "Status__c": "Open",
                    "Total__c": serde_json::from_str::<Value>(total).unwrap_or(Value::Null), "Due_Date__c": due.to_string(), "Description__c": what,
                }))
                .await?;
        }
    }
    Ok(())
}

fn account(customer: &Customer) -> Value {
    let mut fields = json!({
        "Name": customer.name, "Phone": customer.phone, "BillingStreet": customer.street, "BillingCity": customer.city,
        "BillingPostalCode": customer.postal_code, "BillingCountry": customer.country,
    });
    if !customer.state.is_empty() {
        fields["BillingState"] = json!(customer.state);
    }
    if !customer.email.is_empty() {
        fields["Billing_Email__c"] = json!(customer.email);
    }
    fields
}
