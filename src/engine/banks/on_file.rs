//! The banks that a customer stored, as a clerk sees them: which can be debited while the customer is on the phone, and why not.

use super::BankRefused;
use crate::domain::bank::BankState;
use crate::domain::mandate::covers_absence;
use crate::engine::payments::{Error, Payments};
use crate::store::banks::Bank;
use crate::store::mandates::Mandate;

/// A stored bank on the clerk's page.
#[derive(Clone, Debug)]
pub struct BankOnFile {
    pub bank: Bank,
    pub why_not: Option<WhyNot>,
}

/// Why a stored bank can't be debited there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyNot {
    /// No standing authorisation is in force.
    Authorise,
    /// The authorisation is for debits that the customer orders on the page alone.
    OrderedOnly,
    Login,
    Blocked,
}

impl Payments {
    /// What the customer has stored, newest first.
    pub async fn banks_on_file(&self, customer: &str) -> Result<Vec<BankOnFile>, Error> {
        let mut on_file = Vec::new();
        for bank in self.store().banks_of(customer).await? {
            if bank.save && !matches!(bank.state, BankState::Leaving | BankState::Gone) {
                let mandate = match &bank.mandate {
                    Some(attempt) => self.store().mandate(attempt).await?,
                    None => None,
                };
                on_file.push(BankOnFile { why_not: why_not(bank.state, mandate.as_ref()), bank });
            }
        }
        Ok(on_file)
    }

    /// Whether a clerk may have it debited now.
    pub(in crate::engine) async fn bank_on_the_phone(
        &self,
        customer: &str,
        bank: &str,
    ) -> Result<Result<(), BankRefused>, Error> {
        let found = self.banks_on_file(customer).await?.into_iter().find(|one| one.bank.id == bank);
        Ok(match found {
            None => Err(BankRefused::Unknown),
            Some(BankOnFile { why_not: None, .. }) => Ok(()),
            Some(BankOnFile { why_not: Some(WhyNot::Authorise | WhyNot::OrderedOnly), .. }) => Err(BankRefused::Agree),
            Some(_) => Err(BankRefused::NotUsable),
        })
    }
}

fn why_not(state: BankState, mandate: Option<&Mandate>) -> Option<WhyNot> {
    match state {
        BankState::Blocked | BankState::Leaving | BankState::Gone => Some(WhyNot::Blocked),
        BankState::NeedsLogin => Some(WhyNot::Login),
        BankState::NeedsAuthorisation => Some(WhyNot::Authorise),
        BankState::Ready => match mandate {
            Some(given) if given.standing != 0 && given.ended_ms.is_none() => {
                (!covers_absence(&given.version)).then_some(WhyNot::OrderedOnly)
            }
            _ => Some(WhyNot::Authorise),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mandate(version: &str) -> Mandate {
        Mandate {
            attempt_id: "a".into(),
            bank_id: "ba_1".into(),
            version: version.into(),
            text: String::new(),
            text_hash: String::new(),
            standing: 1,
            accepted_ms: 1,
            address: String::new(),
            user_agent: String::new(),
            ended_ms: None,
            ended_why: None,
            forget_ms: 2,
        }
    }

    #[test]
    fn a_bank_is_debited_on_the_phone_under_a_standing_authorisation_that_says_so() {
        let good = mandate("web-2");
        assert_eq!(why_not(BankState::Ready, Some(&good)), None);
        assert_eq!(why_not(BankState::Ready, None), Some(WhyNot::Authorise));
        assert_eq!(why_not(BankState::Ready, Some(&mandate("web-1"))), Some(WhyNot::OrderedOnly));
        let ended = Mandate { ended_ms: Some(5), ..good.clone() };
        assert_eq!(why_not(BankState::Ready, Some(&ended)), Some(WhyNot::Authorise));
        let once = Mandate { standing: 0, ..good.clone() };
        assert_eq!(why_not(BankState::Ready, Some(&once)), Some(WhyNot::Authorise));
    }

    #[test]
    fn what_the_bank_says_comes_before_what_the_customer_agreed_to() {
        let good = mandate("web-2");
        assert_eq!(why_not(BankState::Blocked, Some(&good)), Some(WhyNot::Blocked));
        assert_eq!(why_not(BankState::NeedsLogin, Some(&good)), Some(WhyNot::Login));
        assert_eq!(why_not(BankState::NeedsAuthorisation, Some(&good)), Some(WhyNot::Authorise));
    }
}
