//! What a confirmation brings along, and what PaymentIntents and SetupIntents share: the method, 3-D Secure,
//! micro-deposits.

use serde_json::{Map, Value, json};

use crate::sandbox::stripe::ledger::Kind;
use crate::sandbox::stripe::refusal::Refusal;
use crate::sandbox::stripe::wire::params::Params;
use crate::sandbox::stripe::world::{World, random_text, text};

use super::cards::{self, Conduct};
use super::payment_methods::{self, NewMethod};
use super::{account, bank_days, mandates};

/// Parameters that mean something only while confirming.
const CONFIRM_ONLY: &[&str] = &["off_session", "return_url", "mandate", "mandate_data", "error_on_requires_action"];

const TYPES: &[&str] = &["card", "us_bank_account"];
/// Types that exist, are not switched on in the stand-in's account, and are therefore dropped without a word.
const SWITCHED_OFF: &[&str] = &[
    "acss_debit",
    "affirm",
    "afterpay_clearpay",
    "alipay",
    "amazon_pay",
    "au_becs_debit",
    "bacs_debit",
    "bancontact",
    "blik",
    "boleto",
    "cashapp",
    "crypto",
    "customer_balance",
    "eps",
    "fpx",
    "giropay",
    "grabpay",
    "ideal",
    "klarna",
    "konbini",
    "link",
    "mobilepay",
    "multibanco",
    "oxxo",
    "p24",
    "pay_by_bank",
    "paynow",
    "paypal",
    "pix",
    "promptpay",
    "revolut_pay",
    "sepa_debit",
    "sofort",
    "swish",
    "twint",
    "upi",
    "wechat_pay",
    "zip",
];

#[derive(Default)]
pub struct Confirmation {
    pub method: Option<String>,
    pub new_method: Option<NewMethod>,
    pub off_session: bool,
    pub return_url: Option<String>,
    pub mandate: Option<String>,
    pub acceptance: Option<Value>,
    pub error_on_requires_action: bool,
    pub use_stripe_sdk: bool,
}

impl Confirmation {
    /// Takes the parameters of a confirmation; those that need one are refused without (`confirming` false).
    pub fn take(world: &World, params: &mut Params, confirming: bool) -> Result<Confirmation, Refusal> {
        if !confirming && let Some(name) = CONFIRM_ONLY.iter().find(|name| params.has(name)) {
            let message = format!("You can't set `{name}` unless `confirm` is true.");
            return Err(Refusal::parameter("parameter_invalid", *name, message));
        }
        let method = params.filled("payment_method")?;
        let data = params.child("payment_method_data")?;
        if method.is_some() && data.is_some() {
            return Err(Refusal::invalid("payment_method and payment_method_data exclude one another."));
        }
        if let Some(method) = method.as_deref().filter(|method| !payment_methods::exists(world, method)) {
            return Err(Refusal::no_such_param("PaymentMethod", method, "payment_method"));
        }
        let confirmation = Confirmation {
            method,
            new_method: data.map(|data| NewMethod::take(world, data)).transpose()?,
            // `off_session` is also a name for how often; the stand-in knows true and false.
            off_session: params.boolean("off_session")?.unwrap_or(false),
            return_url: params.filled("return_url")?,
            mandate: params.filled("mandate")?,
            acceptance: mandates::take(params)?,
            error_on_requires_action: params.boolean("error_on_requires_action")?.unwrap_or(false),
            use_stripe_sdk: params.boolean("use_stripe_sdk")?.unwrap_or(false) || world.caller.publishable,
        };
        if let Some(url) = &confirmation.return_url
            && !(url.starts_with("http://") || url.starts_with("https://") || url.contains("://"))
        {
            return Err(Refusal::parameter("url_invalid", "return_url", format!("Not a valid URL: {url}")));
        }
        Ok(confirmation)
    }

    /// The method to go on with: the one given, a new one, or the one that the intent already has.
    pub fn resolve(&mut self, world: &mut World, current: Option<&str>) -> Result<Option<String>, Refusal> {
        if let Some(new) = self.new_method.take() {
            return Ok(Some(new.keep(world)));
        }
        match &self.method {
            Some(method) => payment_methods::resolve(world, method, "payment_method").map(Some),
            None => Ok(current.map(str::to_owned)),
        }
    }
}

/// `allowed_payment_method_types[]` and the parameters that it excludes.
#[derive(Default)]
pub struct Types {
    pub allowed: Option<Vec<String>>,
    pub excluded: Option<Vec<String>>,
    pub automatic: Option<Value>,
}

impl Types {
    pub fn take(params: &mut Params) -> Result<Types, Refusal> {
        let allowed = params.list("allowed_payment_method_types")?;
        let others = ["excluded_payment_method_types", "automatic_payment_methods", "payment_method_configuration"];
        if let Some(other) = others.iter().find(|other| allowed.is_some() && params.has(other)) {
            let message = format!("allowed_payment_method_types and {other} exclude one another.");
            return Err(Refusal::parameter("parameter_invalid", *other, message));
        }
        let excluded = params.list("excluded_payment_method_types")?;
        params.filled("payment_method_configuration")?;
        for (param, list) in [("allowed_payment_method_types", &allowed), ("excluded_payment_method_types", &excluded)]
        {
            let known = |name: &String| TYPES.contains(&name.as_str()) || SWITCHED_OFF.contains(&name.as_str());
            if let Some(bad) = list.iter().flatten().find(|name| !known(name)) {
                return Err(Refusal::invalid(format!("Invalid {param}: {bad} is no payment method type.")).param(param));
            }
        }
        let automatic = match params.child("automatic_payment_methods")? {
            None => None,
            Some(mut child) => {
                let enabled = child.boolean("enabled")?.unwrap_or(true);
                let redirects = child.choice("allow_redirects", &["always", "never"])?;
                child.finish()?;
                Some(json!({"enabled": enabled, "allow_redirects": redirects.unwrap_or_else(|| "always".to_owned())}))
            }
        };
        Ok(Types { allowed, excluded, automatic })
    }

    pub fn given(&self) -> bool {
        self.allowed.is_some() || self.excluded.is_some() || self.automatic.is_some()
    }

    /// Writes what was asked and what fits: types that don't fit the currency are dropped in silence.
    pub fn apply(&self, intent: &mut Value) -> Result<(), Refusal> {
        intent["allowed_payment_method_types"] = json!(self.allowed);
        intent["excluded_payment_method_types"] = json!(self.excluded);
        intent["automatic_payment_methods"] = match (&self.automatic, &self.allowed) {
            (Some(automatic), _) => automatic.clone(),
            (None, None) => json!({"enabled": true, "allow_redirects": "always"}),
            (None, Some(_)) => Value::Null,
        };
        fit_types(intent)
    }
}

/// Recomputes `payment_method_types` after the currency or the lists changed.
pub fn fit_types(intent: &mut Value) -> Result<(), Refusal> {
    let names = |field: &str| -> Option<Vec<String>> {
        let list = intent[field].as_array()?;
        Some(list.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect())
    };
    let excluded = names("excluded_payment_method_types").unwrap_or_default();
    let base =
        names("allowed_payment_method_types").unwrap_or_else(|| TYPES.iter().map(|name| (*name).to_owned()).collect());
    let dollars = intent["currency"].as_str().is_none_or(|currency| currency == "usd");
    let fitting: Vec<String> = base
        .into_iter()
        .filter(|name| {
            TYPES.contains(&name.as_str()) && !excluded.contains(name) && (dollars || name != "us_bank_account")
        })
        .collect();
    if fitting.is_empty() {
        return Err(
            Refusal::invalid("No valid payment method types for this intent.").param("allowed_payment_method_types")
        );
    }
    intent["payment_method_types"] = json!(fitting);
    Ok(())
}

/// `payment_method_options`, checked, merged into what the intent has.
pub fn take_options(world: &World, params: &mut Params) -> Result<Option<Map<String, Value>>, Refusal> {
    let Some(mut options) = params.child("payment_method_options")? else { return Ok(None) };
    let mut out = Map::new();
    if let Some(mut card) = options.child("card")? {
        let mut kept = Map::new();
        if let Some(wish) = card.choice("request_three_d_secure", &["any", "automatic", "challenge"])? {
            kept.insert("request_three_d_secure".to_owned(), json!(wish));
        }
        if let Some(usage) = card.choice("setup_future_usage", &["off_session", "on_session", "none"])? {
            kept.insert("setup_future_usage".to_owned(), json!(usage));
        }
        // Until Stripe has switched it on for the account, `moto` is an unknown parameter.
        if account::takes_phone_orders(world)
            && !world.caller.publishable
            && let Some(moto) = card.boolean("moto")?
        {
            kept.insert("moto".to_owned(), json!(moto));
        }
        card.finish()?;
        out.insert("card".to_owned(), Value::Object(kept));
    }
    if let Some(mut bank) = options.child("us_bank_account")? {
        let mut kept = Map::new();
        if let Some(method) = bank.choice("verification_method", &["automatic", "instant", "microdeposits"])? {
            kept.insert("verification_method".to_owned(), json!(method));
        }
        if let Some(usage) = bank.choice("setup_future_usage", &["off_session", "on_session", "none"])? {
            kept.insert("setup_future_usage".to_owned(), json!(usage));
        }
        for (name, choices) in [
            ("transaction_purpose", &["goods", "services", "other", "unspecified"][..]),
            ("preferred_settlement_speed", &["fastest", "standard"][..]),
        ] {
            if let Some(choice) = bank.choice(name, choices)? {
                kept.insert(name.to_owned(), json!(choice));
            }
        }
        if let Some(date) = bank.filled("target_date")? {
            kept.insert("target_date".to_owned(), json!(date));
        }
        if let Some(mut connections) = bank.child("financial_connections")? {
            let permissions = connections.list("permissions")?;
            connections.finish()?;
            kept.insert("financial_connections".to_owned(), json!({"permissions": permissions}));
        }
        if let Some(mut mandate) = bank.child("mandate_options")? {
            let collection = mandate.choice("collection_method", &["paper"])?;
            mandate.finish()?;
            kept.insert("mandate_options".to_owned(), json!({"collection_method": collection}));
        }
        bank.finish()?;
        out.insert("us_bank_account".to_owned(), Value::Object(kept));
    }
    options.finish()?;
    Ok(Some(out))
}

pub fn merge_options(intent: &mut Value, options: Option<Map<String, Value>>) {
    let types = intent["payment_method_types"].clone();
    let has = |name: &str| types.as_array().is_some_and(|types| types.iter().any(|kind| kind == name));
    let mut all = intent["payment_method_options"].as_object().cloned().unwrap_or_default();
    if has("card") && !all.contains_key("card") {
        let mut base = json!({"mandate_options": null, "network": null, "request_three_d_secure": "automatic"});
        if intent["object"] == "payment_intent" {
            base["installments"] = Value::Null;
        }
        all.insert("card".to_owned(), base);
    }
    if has("us_bank_account") && !all.contains_key("us_bank_account") {
        all.insert("us_bank_account".to_owned(), json!({"mandate_options": {}, "verification_method": "automatic"}));
    }
    for (kind, given) in options.unwrap_or_default() {
        let into = all.entry(kind).or_insert_with(|| json!({}));
        for (name, value) in given.as_object().cloned().unwrap_or_default() {
            into[name.as_str()] = value;
        }
    }
    intent["payment_method_options"] = Value::Object(all);
}

/// Whether the card asks for 3-D Secure now.
pub fn must_authenticate(intent: &Value, method: &Value) -> bool {
    // A phone order has nobody who could answer the bank's question.
    if intent["_authenticated"] == true || intent["payment_method_options"]["card"]["moto"] == true {
        return false;
    }
    let Some(card) = text(method, "_card").and_then(cards::named) else { return false };
    let asked = intent["payment_method_options"]["card"]["request_three_d_secure"] == "challenge";
    asked
        || match card.conduct {
            Conduct::Authenticate | Conduct::AuthenticateThen(_) => true,
            Conduct::AuthenticateOnce => method["_set_up"] != true,
            _ => false,
        }
}

/// Puts the intent into `requires_action` for 3-D Secure.
pub fn ask_for_authentication(world: &World, intent: &mut Value, confirmation: &Confirmation) {
    let challenge = random_text(24);
    let id = text(intent, "id").unwrap_or_default().to_owned();
    let url = format!("{}/3ds/{id}/{challenge}", world.base_url);
    intent["status"] = json!("requires_action");
    intent["_challenge"] = json!(challenge);
    intent["_return_url"] = json!(confirmation.return_url);
    intent["next_action"] = match &confirmation.return_url {
        Some(return_url) if !confirmation.use_stripe_sdk => {
            json!({"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": url}})
        }
        _ => json!({"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url,
            "source": format!("src_{challenge}"), "known_frame_issues": "false"}}),
    };
}

/// Puts the intent into `requires_action` until the micro-deposits are told.
pub fn ask_for_microdeposits(world: &mut World, kind: Kind, intent: &mut Value, method: &Value) {
    let id = text(intent, "id").unwrap_or_default().to_owned();
    // Which of the two is Stripe's choice; here savings accounts get two amounts.
    let way = if method["us_bank_account"]["account_type"] == "savings" { "amounts" } else { "descriptor_code" };
    intent["status"] = json!("requires_action");
    intent["_tries"] = json!(0);
    intent["next_action"] = json!({"type": "verify_with_microdeposits", "verify_with_microdeposits": {
        "arrival_date": bank_days::later(world.now_s(), 2), "hosted_verification_url": format!("{}/microdeposits/{id}",
        world.base_url), "microdeposit_type": way}});
    let noun = kind.name();
    if text(method, "_bank") == Some("failMicrodeposits") {
        world.schedule(bank_days::later(world.now_s(), 2), "microdeposits_fail", &id, json!(noun));
    }
    world.schedule(world.now_s() + 10 * 86_400, "microdeposits_time_out", &id, json!(noun));
}

/// What the customer said about the micro-deposits.
pub enum Told {
    Right,
    Wrong {
        code: &'static str,
        message: String,
    },
    /// Never again for this account.
    Over {
        code: &'static str,
        message: &'static str,
    },
}

pub fn judge_microdeposits(intent: &mut Value, amounts: Option<&[String]>, code: Option<&str>) -> Told {
    let pair = amounts.map(|amounts| amounts.iter().map(String::as_str).collect::<Vec<_>>());
    let exceeded = Told::Over {
        code: "payment_method_microdeposit_verification_attempts_exceeded",
        message: "You have exceeded the number of allowed verification attempts.",
    };
    match (pair.as_deref(), code) {
        (Some(["32", "45"]), _) | (None, Some("SM11AA")) => return Told::Right,
        (Some(["10", "11"]), _) | (None, Some("SM33CC")) => return exceeded,
        (Some(["40", "41"]), _) | (None, Some("SM44DD")) => {
            return Told::Over {
                code: "payment_method_microdeposit_verification_timeout",
                message: "The time to verify the micro-deposits is over.",
            };
        }
        _ => {}
    }
    let allowed = if amounts.is_some() { 3 } else { 10 };
    let tries = intent["_tries"].as_i64().unwrap_or_default() + 1;
    intent["_tries"] = json!(tries);
    if tries >= allowed {
        return exceeded;
    }
    let left = allowed - tries;
    if amounts.is_some() {
        Told::Wrong {
            code: "payment_method_microdeposit_verification_amounts_mismatch",
            message: format!("The amounts do not match the amounts that were sent. You have {left} attempts left."),
        }
    } else {
        Told::Wrong {
            code: "payment_method_microdeposit_verification_descriptor_code_mismatch",
            message: format!("The code does not match the one that was sent. You have {left} attempts left."),
        }
    }
}

/// `amounts[]` or `descriptor_code`, exactly one.
pub fn take_microdeposits(params: &mut Params) -> Result<(Option<Vec<String>>, Option<String>), Refusal> {
    let amounts = params.list("amounts")?;
    let code = params.filled("descriptor_code")?;
    if amounts.is_some() == code.is_some() {
        return Err(Refusal::invalid("Pass exactly one of amounts and descriptor_code."));
    }
    if amounts.as_ref().is_some_and(|amounts| amounts.len() != 2 || amounts.iter().any(|a| a.parse::<u32>().is_err())) {
        let message = "You must provide two integer amounts.";
        return Err(Refusal::parameter("payment_method_microdeposit_verification_amounts_invalid", "amounts", message));
    }
    Ok((amounts, code))
}
