//! A bank account that a clerk took down on the phone: it is verified over days, and debited only then.

/// How far it has come. A later reading never takes it back to an earlier stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A private person has the mandate's page before him and has not accepted it.
    Agreeing,
    /// Agreed to; Stripe is being asked.
    Starting,
    /// Deposits are on their way, or wait to be told.
    Waiting,
    /// The account is the customer's. To be debited now, if the amount is still open.
    Verified,
    /// Room is taken, and the debit is being ordered.
    Charging,
    /// Ordered: the ladder of bank payments tells the rest.
    Charged,
    /// Verified and not debited: the amount is no longer open, or the bank said no to the order.
    Unpayable,
    /// Not verified, and never again with this account.
    Failed,
    /// The customer took it back, or a clerk stopped it.
    Stopped,
}

impl Stage {
    pub const ALL: [Self; 9] = [
        Self::Agreeing,
        Self::Starting,
        Self::Waiting,
        Self::Verified,
        Self::Charging,
        Self::Charged,
        Self::Unpayable,
        Self::Failed,
        Self::Stopped,
    ];

    /// As stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Agreeing => "agreeing",
            Self::Starting => "starting",
            Self::Waiting => "waiting",
            Self::Verified => "verified",
            Self::Charging => "charging",
            Self::Charged => "charged",
            Self::Unpayable => "unpayable",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }

    /// Whether something can still come of it without a person beginning anew.
    pub fn is_under_way(self) -> bool {
        matches!(self, Self::Agreeing | Self::Starting | Self::Waiting | Self::Verified | Self::Charging)
    }

    /// Whether its page can be mailed to the customer (again): there is something to do on it.
    pub fn may_mail(self) -> bool {
        matches!(self, Self::Agreeing | Self::Waiting)
    }

    /// Whether it can be stopped: no room is taken and nothing is ordered.
    pub fn may_stop(self) -> bool {
        matches!(self, Self::Agreeing | Self::Starting | Self::Waiting | Self::Verified)
    }
}

/// How long an authorisation waits for its customer, who is on the phone when it is mailed.
pub const AGREE_MS: i64 = 24 * 3_600_000;

/// Whether an authorisation that nobody has accepted is over. Times are of the steady clock.
pub fn ran_out(made_ms: i64, now_ms: i64) -> bool {
    now_ms.saturating_sub(made_ms) >= AGREE_MS
}

/// How far the last letter with the customer's page has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mail {
    Sending,
    /// The mail server didn't take it; it is tried again.
    Retrying,
    Sent,
    /// The mail server knows no such address.
    Refused,
}

impl Mail {
    /// As stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Retrying => "retrying",
            Self::Sent => "sent",
            Self::Refused => "refused",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Sending, Self::Retrying, Self::Sent, Self::Refused].into_iter().find(|mail| mail.name() == name)
    }
}

/// Which kind of deposit Stripe chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Two amounts below a dollar.
    Amounts,
    /// One cent, with a code of six characters that begins with SM.
    Code,
}

impl Way {
    /// As Stripe and the database write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Amounts => "amounts",
            Self::Code => "descriptor_code",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Amounts, Self::Code].into_iter().find(|way| way.name() == name)
    }

    /// How often Stripe lets somebody be wrong.
    pub fn tries(self) -> i64 {
        match self {
            Self::Amounts => 3,
            Self::Code => 10,
        }
    }
}

/// What Stripe's SetupIntent says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetupStatus {
    /// Deposits wait to be told, or Stripe is at work.
    Waiting,
    Succeeded,
    /// Back at the start, with an error: this account can't be verified.
    Failed,
    Canceled,
}

impl SetupStatus {
    /// `failed`: it carries an error. A status that we don't know waits for the next reading.
    pub fn from_stripe(status: &str, failed: bool) -> Self {
        match status {
            "succeeded" => Self::Succeeded,
            "canceled" => Self::Canceled,
            "requires_payment_method" if failed => Self::Failed,
            _ => Self::Waiting,
        }
    }
}

/// What a verification becomes after Stripe was read. The same reading twice, or an older one late, changes nothing.
pub fn after(stage: Stage, seen: SetupStatus) -> Stage {
    use {SetupStatus as S, Stage as T};
    match (stage, seen) {
        (T::Starting, S::Waiting) => T::Waiting,
        (T::Starting | T::Waiting, S::Succeeded) => T::Verified,
        (T::Starting | T::Waiting, S::Failed) => T::Failed,
        (T::Starting | T::Waiting, S::Canceled) => T::Stopped,
        (stage, _) => stage,
    }
}

/// A deposit as the customer reads it out: "0.32", ".32", "$0.32" or "32". In cents.
pub fn read_deposit(text: &str) -> Option<i64> {
    let text: String = text.chars().filter(|sign| !sign.is_whitespace() && *sign != '$' && *sign != '¢').collect();
    let cents = match text.split_once(['.', ',']) {
        Some(("" | "0" | "00", cents)) if cents.len() == 2 => cents,
        Some(_) => return None,
        None => text.as_str(),
    };
    let digits = (1..=2).contains(&cents.len()) && cents.bytes().all(|byte| byte.is_ascii_digit());
    cents.parse().ok().filter(|cents| digits && *cents > 0)
}

/// The code beside a deposit of one cent, in capitals.
pub fn read_code(text: &str) -> Option<String> {
    let code: String = text.chars().filter(|sign| !sign.is_whitespace() && *sign != '-').collect();
    let code = code.to_ascii_uppercase();
    let fits = code.len() == 6 && code.starts_with("SM") && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    fits.then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_reading_takes_a_verification_back() {
        let order = [Stage::Starting, Stage::Waiting, Stage::Verified, Stage::Charging, Stage::Charged];
        let place = |stage: Stage| order.iter().position(|one| *one == stage);
        for stage in Stage::ALL {
            assert_eq!(Stage::from_name(stage.name()), Some(stage));
            for seen in [SetupStatus::Waiting, SetupStatus::Succeeded, SetupStatus::Failed, SetupStatus::Canceled] {
                let next = after(stage, seen);
                assert_eq!(
                    after(next, seen),
                    if next == Stage::Starting { Stage::Waiting } else { next },
                    "{stage:?} {seen:?}"
                );
                if let (Some(before), Some(now)) = (place(stage), place(next)) {
                    assert!(now >= before, "{stage:?} {seen:?}");
                }
            }
        }
        for over in [Stage::Charged, Stage::Unpayable, Stage::Failed, Stage::Stopped, Stage::Charging, Stage::Agreeing]
        {
            assert_eq!(after(over, SetupStatus::Succeeded), over, "what is over, or not agreed to, is not debited");
        }
        assert_eq!(after(Stage::Waiting, SetupStatus::Succeeded), Stage::Verified);
        assert_eq!(SetupStatus::from_stripe("requires_payment_method", false), SetupStatus::Waiting);
        assert_eq!(SetupStatus::from_stripe("requires_payment_method", true), SetupStatus::Failed);
    }

    #[test]
    fn an_authorisation_waits_for_a_day() {
        assert!(!ran_out(1_000, 1_000) && !ran_out(1_000, 1_000 + AGREE_MS - 1));
        assert!(ran_out(1_000, 1_000 + AGREE_MS));
        assert!(Stage::ALL.into_iter().filter(|stage| stage.may_mail()).eq([Stage::Agreeing, Stage::Waiting]));
        for mail in [Mail::Sending, Mail::Retrying, Mail::Sent, Mail::Refused] {
            assert_eq!(Mail::from_name(mail.name()), Some(mail));
        }
    }

    #[test]
    fn deposits_are_read_as_people_say_them() {
        for (text, cents) in [("0.32", 32), (".32", 32), ("$0.05", 5), ("45", 45), ("0,45", 45), (" 7 ", 7)] {
            assert_eq!(read_deposit(text), Some(cents), "{text}");
        }
        for text in ["", "0", "0.00", "1.32", "132", "0.3", "a", "-5", "0.32.1", "+5"] {
            assert_eq!(read_deposit(text), None, "{text}");
        }
    }

    #[test]
    fn codes_are_read_in_any_case_and_only_where_they_can_be_one() {
        assert_eq!(read_code(" sm 11aa ").as_deref(), Some("SM11AA"));
        assert_eq!(read_code("SM-11-AA").as_deref(), Some("SM11AA"));
        for text in ["", "SM11A", "SM11AAA", "XX11AA", "SM11Ä"] {
            assert_eq!(read_code(text), None, "{text}");
        }
    }
}
