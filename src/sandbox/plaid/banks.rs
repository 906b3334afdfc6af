//! The banks of the stand-in and the people who bank there.
//!
//! | user name | password | what happens |
//! |---|---|---|
//! | `user_good` | `pass_good` | a checking, a savings and a credit account; the bank debits succeed at Stripe |
//! | `user_good` | `mfa_device` | the same after the code `1234` |
//! | `user_good` | `error_ITEM_LOCKED` and so on | the error by its code; `error_…` as the user name does the same |
//! | `user_ach` | `pass_good` | the stand-in's own: one account for each test account number of Stripe, by its ending |
//! | `user_pending` | `pass_good` | the stand-in's own: an account that is not verified at once |
//! | anything else | | INVALID_CREDENTIALS |
//!
//! Plaid's sandbox hands Stripe the account 000123456789 for whichever account is chosen, and so do the accounts of
//! `user_good`: two of them are the same account to Stripe.

use serde_json::{Value, json};

use super::refusal::Refusal;
use super::world::random;

#[derive(Clone, Copy, Debug)]
pub struct Institution {
    pub id: &'static str,
    pub name: &'static str,
    pub url: &'static str,
    pub colour: &'static str,
    pub routing: &'static str,
    /// Whether the customer signs in at the bank's own page and comes back.
    pub oauth: bool,
    /// Whether the bank hands out account numbers that stop working when the permission is taken back.
    pub tokenized: bool,
    pub auth: bool,
}

const fn bank(id: &'static str, name: &'static str, url: &'static str, colour: &'static str) -> Institution {
    Institution { id, name, url, colour, routing: "011401533", oauth: false, tokenized: false, auth: true }
}

pub const INSTITUTIONS: &[Institution] = &[
    bank("ins_109508", "First Platypus Bank", "https://platypus.example", "#1f5f5b"),
    bank("ins_109509", "First Gingham Credit Union", "https://gingham.example", "#8a3b12"),
    bank("ins_109510", "Tattersall Federal Credit Union", "https://tattersall.example", "#3c3489"),
    bank("ins_109511", "Tartan Bank", "https://tartan.example", "#7a1f3d"),
    bank("ins_109512", "Houndstooth Bank", "https://houndstooth.example", "#22303c"),
    Institution {
        oauth: true,
        ..bank("ins_127287", "Platypus OAuth Bank", "https://oauth.platypus.example", "#0b5394")
    },
    Institution {
        oauth: true,
        tokenized: true,
        ..bank("ins_132241", "First Platypus OAuth App2App Bank", "https://app.platypus.example", "#38761d")
    },
    Institution {
        auth: false,
        ..bank("ins_43", "Tartan-Dominion Bank of Canada", "https://dominion.example", "#999999")
    },
];

pub fn institution(id: &str) -> Option<&'static Institution> {
    INSTITUTIONS.iter().find(|institution| institution.id == id)
}

/// Which accounts a sign-in shows, or that the bank asks for a code first.
#[derive(Debug)]
pub enum SignedIn {
    Accounts(Vec<Value>),
    AsksForCode,
}

pub fn sign_in(institution: &Institution, user: &str, password: &str, code: Option<&str>) -> Result<SignedIn, Refusal> {
    if let Some(code) = [user, password].into_iter().find_map(|word| word.strip_prefix("error_")) {
        return Err(error(code));
    }
    let accounts = match user {
        "user_good" => household(),
        "user_ach" => ladder(),
        "user_pending" => {
            let mut account = account("Plaid Checking", "0000", "checking", "000123456789", 110.0);
            account["verification_status"] = json!("pending_automatic_verification");
            vec![account]
        }
        _ => return Err(error("INVALID_CREDENTIALS")),
    };
    match (password, code) {
        ("pass_good", _) | ("mfa_device", Some("1234")) => {}
        ("mfa_device", None) => return Ok(SignedIn::AsksForCode),
        ("mfa_device", Some(_)) => return Err(error("INVALID_MFA")),
        _ => return Err(error("INVALID_CREDENTIALS")),
    }
    let tokenized = json!(institution.tokenized);
    let accounts = accounts.into_iter().map(|mut account| {
        account["_tokenized"] = tokenized.clone();
        account["_routing"] = json!(institution.routing);
        account
    });
    Ok(SignedIn::Accounts(accounts.collect()))
}

fn account(name: &str, mask: &str, subtype: &str, number: &str, balance: f64) -> Value {
    json!({
        "account_id": random(37), "balances": {"available": balance, "current": balance, "iso_currency_code": "USD",
            "limit": null, "unofficial_currency_code": null},
        "holder_category": "personal", "mask": mask, "name": name, "official_name": format!("{name} of the stand-in"),
        "persistent_account_id": random(40).to_lowercase(), "subtype": subtype, "type": "depository", "_number": number,
    })
}

fn household() -> Vec<Value> {
    let mut credit = account("Plaid Credit Card", "3333", "credit card", "", 410.0);
    credit["type"] = json!("credit");
    vec![
        account("Plaid Checking", "0000", "checking", "000123456789", 110.0),
        account("Plaid Saving", "1111", "savings", "000123456789", 210.0),
        credit,
    ]
}

/// The test accounts of Stripe that a bank sign-in can lead to, named by what their debits do.
const LADDER: &[(&str, &str)] = &[
    ("Settles", "000123456789"),
    ("Account Closed", "000111111113"),
    ("No Account", "000111111116"),
    ("Insufficient Funds", "000222222227"),
    ("Debit Not Authorized", "000333333335"),
    ("Wrong Currency", "000444444440"),
    ("Returned Later", "000555555559"),
    ("Over Its Weekly Limit", "000777777771"),
    ("Deactivated Number", "000888888885"),
    ("Blocked As Fraud", "000000004954"),
    ("Stays Processing", "000000000009"),
];

fn ladder() -> Vec<Value> {
    LADDER.iter().map(|(name, number)| account(name, &number[number.len() - 4..], "checking", number, 1200.0)).collect()
}

/// The error that a user name or password asks for.
fn error(code: &str) -> Refusal {
    let item = |message: &str, display: &str| Refusal::item(code, message).shown(display);
    let institution = |message: &str, display: &str| Refusal::institution(code, message).shown(display);
    match code {
        "INVALID_CREDENTIALS" => item(
            "the provided credentials were not correct",
            "The user name or the password is not correct. Check both and try again.",
        ),
        "INVALID_MFA" => item("the provided MFA response was not correct", "The code is not correct. Try again."),
        "ITEM_LOCKED" => item(
            "the account is locked. prompt the user to visit the institution's own site in order to unlock their account",
            "Your account at this bank is locked. Unlock it at the bank's own site, then try again.",
        ),
        "ITEM_NOT_SUPPORTED" => item(
            "this account is currently not supported",
            "This account is not supported. Choose another bank or another way to pay.",
        ),
        "MFA_NOT_SUPPORTED" => item(
            "this account requires a MFA type that we do not currently support for the institution",
            "This bank asks for a kind of confirmation that can't be given here. Choose another way to pay.",
        ),
        "NO_ACCOUNTS" => item(
            "no valid accounts were found for this item",
            "No account was found that can be used. Choose another bank or another way to pay.",
        ),
        "USER_SETUP_REQUIRED" => item(
            "the account has not been fully set up. prompt the user to visit the issuing institution's site and finish the setup process",
            "Your account is not fully set up. Sign in at the bank's own site first, then try again.",
        ),
        "COUNTRY_NOT_SUPPORTED" => Refusal::institution(code, "institution country is not supported"),
        "INSTITUTION_DOWN" => institution(
            "this institution is not currently responding to this request. please try again soon",
            "This bank does not answer at the moment. Try again later or choose another way to pay.",
        ),
        "INSTITUTION_NOT_RESPONDING" => institution(
            "this institution is not currently responding to this request. please try again soon",
            "This bank does not answer at the moment. Try again later or choose another way to pay.",
        ),
        "INSTITUTION_NOT_AVAILABLE" => institution(
            "this institution is not currently available",
            "This bank is not available at the moment. Try again later or choose another way to pay.",
        ),
        "INSTITUTION_NO_LONGER_SUPPORTED" => institution(
            "this institution is no longer supported",
            "This bank is no longer supported. Choose another bank or another way to pay.",
        ),
        "INTERNAL_SERVER_ERROR" => Refusal::server(),
        _ => Refusal::sandbox("SANDBOX_UNKNOWN_ERROR", format!("the stand-in knows no error {code}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{INSTITUTIONS, SignedIn, sign_in};

    #[test]
    fn users_and_passwords_do_what_plaids_sandbox_says() {
        let code = |user, password, mfa| match sign_in(&INSTITUTIONS[0], user, password, mfa) {
            Ok(SignedIn::Accounts(accounts)) => format!("{} accounts", accounts.len()),
            Ok(SignedIn::AsksForCode) => "code".to_owned(),
            Err(refusal) => refusal.code,
        };
        for (user, password, mfa, expected) in [
            ("user_good", "pass_good", None, "3 accounts"),
            ("user_good", "pass_bad", None, "INVALID_CREDENTIALS"),
            ("nobody", "pass_good", None, "INVALID_CREDENTIALS"),
            ("user_good", "error_ITEM_LOCKED", None, "ITEM_LOCKED"),
            ("error_NO_ACCOUNTS", "pass_good", None, "NO_ACCOUNTS"),
            ("user_good", "error_NONSENSE", None, "SANDBOX_UNKNOWN_ERROR"),
            ("user_good", "mfa_device", None, "code"),
            ("user_good", "mfa_device", Some("1234"), "3 accounts"),
            ("user_good", "mfa_device", Some("4321"), "INVALID_MFA"),
        ] {
            assert_eq!(code(user, password, mfa), expected, "{user} {password} {mfa:?}");
        }
    }
}
