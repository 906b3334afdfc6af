use super::*;
use crate::domain::Money;
use crate::domain::decline::{Decline, Field};

#[test]
fn no_state_begs_blames_or_shouts() {
    let all = [
        Decline::Funds,
        Decline::Detail(Field::Number),
        Decline::Expired,
        Decline::NotForThis,
        Decline::Limit,
        Decline::NoReason,
        Decline::Passing,
        Decline::Duplicate,
        Decline::Authentication,
    ]
    .map(declined);
    let others = [unknown(), bank_asks(), form_too_old(), no_cookie(), our_fault("a1", true)];
    for said in all.iter().chain(&others) {
        let text = format!("{} {} {}", said.heading, said.happened, said.to_do).to_lowercase();
        for banned in ["please", "sorry", "oops", "invalid", "forbidden", "an error occurred", "!", "fraud", "stolen"] {
            assert!(!text.contains(banned), "{banned:?} in {text:?}");
        }
    }
}

#[test]
fn an_unknown_outcome_never_says_that_nothing_was_charged() {
    let amount = Money::from_minor(500, crate::domain::Currency::from_code("USD").unwrap()).unwrap();
    let said = checking(amount);
    assert!(!format!("{said:?}").to_lowercase().contains("nothing was charged"));
    assert!(!our_fault("a1", false).happened.contains("Nothing"));
}
