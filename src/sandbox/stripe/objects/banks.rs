//! The test bank accounts and how each behaves.

/// What a debit of the account comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conduct {
    Succeed,
    /// Fails before it succeeded, with this code.
    Fail(&'static str),
    /// Succeeds, and is then returned as a dispute.
    Dispute,
    /// Is refused when it is confirmed.
    Refuse(&'static str),
    /// Stays in processing.
    Process,
    /// The micro-deposits never arrive.
    FailMicrodeposits,
}

#[derive(Clone, Copy, Debug)]
pub struct Bank {
    pub number: &'static str,
    /// The name after `pm_usBankAccount_`.
    pub token: &'static str,
    pub conduct: Conduct,
}

pub const ROUTING: &str = "110000000";

pub const BANKS: &[Bank] = &[
    Bank { number: "000123456789", token: "success", conduct: Conduct::Succeed },
    Bank { number: "000111111113", token: "accountClosed", conduct: Conduct::Fail("account_closed") },
    Bank { number: "000111111116", token: "noAccount", conduct: Conduct::Fail("no_account") },
    Bank { number: "000222222227", token: "insufficientFunds", conduct: Conduct::Fail("insufficient_funds") },
    Bank { number: "000333333335", token: "debitNotAuthorized", conduct: Conduct::Fail("debit_not_authorized") },
    Bank { number: "000444444440", token: "invalidCurrency", conduct: Conduct::Fail("invalid_currency") },
    Bank { number: "000555555559", token: "dispute", conduct: Conduct::Dispute },
    Bank { number: "000666666661", token: "failMicrodeposits", conduct: Conduct::FailMicrodeposits },
    Bank {
        number: "000777777771",
        token: "weeklyLimitExceeded",
        conduct: Conduct::Refuse("charge_exceeds_weekly_limit"),
    },
    Bank {
        number: "000888888885",
        token: "deactivatedTokenNumber",
        conduct: Conduct::Fail("tokenized_account_number_deactivated"),
    },
    Bank { number: "000000004954", token: "riskLevelHighest", conduct: Conduct::Refuse("fraudulent") },
    Bank { number: "000000000009", token: "processing", conduct: Conduct::Process },
];

pub fn by_token(token: &str) -> Option<&'static Bank> {
    let name =
        token.strip_prefix("pm_usBankAccount_").or_else(|| (token == "pm_usBankAccount").then_some("success"))?;
    BANKS.iter().find(|bank| bank.token == name)
}

pub fn named(token: &str) -> Option<&'static Bank> {
    BANKS.iter().find(|bank| bank.token == token)
}

pub fn by_number(number: &str) -> Option<&'static Bank> {
    BANKS.iter().find(|bank| bank.number == number)
}

/// What the network's code for a return means at Stripe: before the debit succeeded, after it, and for the account.
#[derive(Clone, Copy, Debug)]
pub struct Return {
    pub code: &'static str,
    /// `failure_code` of the charge.
    pub failure: &'static str,
    /// `reason` of the dispute.
    pub reason: &'static str,
    /// Why the account is blocked from now on, where it is.
    pub blocks: Option<&'static str>,
}

const fn ret(code: &'static str, failure: &'static str, reason: &'static str, blocks: Option<&'static str>) -> Return {
    Return { code, failure, reason, blocks }
}

pub const RETURNS: &[Return] = &[
    ret("R01", "insufficient_funds", "insufficient_funds", None),
    ret("R02", "account_closed", "bank_cannot_process", Some("bank_account_closed")),
    ret("R03", "no_account", "incorrect_account_details", Some("bank_account_invalid_details")),
    ret("R04", "no_account", "incorrect_account_details", Some("bank_account_invalid_details")),
    ret("R09", "insufficient_funds", "insufficient_funds", None),
    ret("R10", "debit_not_authorized", "debit_not_authorized", Some("debit_not_authorized")),
    ret("R05", "debit_not_authorized", "debit_not_authorized", Some("debit_not_authorized")),
    ret("R07", "debit_not_authorized", "debit_not_authorized", Some("debit_not_authorized")),
    ret("R08", "debit_not_authorized", "debit_not_authorized", Some("debit_not_authorized")),
    ret("R11", "debit_not_authorized", "debit_not_authorized", Some("debit_not_authorized")),
    ret("R16", "bank_account_restricted", "bank_cannot_process", Some("bank_account_frozen")),
    ret("R20", "bank_account_restricted", "incorrect_account_details", Some("bank_account_unusable")),
    ret("R29", "debit_not_authorized", "debit_not_authorized", Some("debit_not_authorized")),
    ret("R31", "bank_account_restricted", "bank_cannot_process", Some("bank_account_restricted")),
];

/// A number that stood for the account works no more.
const DEACTIVATED: Return = ret(
    "R04",
    "tokenized_account_number_deactivated",
    "incorrect_account_details",
    Some("tokenized_account_number_deactivated"),
);

pub fn returned(code: &str) -> Option<&'static Return> {
    RETURNS.iter().find(|entry| entry.code == code)
}

/// The return behind one of Stripe's failure codes.
pub fn failure(code: &str) -> Option<&'static Return> {
    if code == DEACTIVATED.failure {
        return Some(&DEACTIVATED);
    }
    RETURNS.iter().find(|entry| entry.failure == code)
}

/// The sentence that goes with a failure of a debit.
pub fn message(code: &str) -> &'static str {
    match code {
        "account_closed" => "The customer's bank account has been closed.",
        "no_account" => "The bank account could not be located.",
        "insufficient_funds" => "The customer's account has insufficient funds to cover this payment.",
        "debit_not_authorized" => "The customer has notified their bank that this payment was unauthorized.",
        "invalid_currency" => "The bank was unable to process this transaction because of its currency.",
        "tokenized_account_number_deactivated" => "The account number was deactivated by the bank or its owner.",
        "charge_exceeds_weekly_limit" => "The payment exceeds the weekly limit of this bank account.",
        "fraudulent" => "The payment was blocked because it is likely to be fraudulent.",
        _ => "The payment failed at the customer's bank.",
    }
}
