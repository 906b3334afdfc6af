//! Request bodies without the numbers that no log may hold.

use super::wire::form;

/// The body without card and account numbers.
pub fn masked(body: &str) -> String {
    let secret = |part: &&str| {
        let name = part.split('=').next().unwrap_or_default();
        let name =
            form::pairs(name).ok().and_then(|pairs| pairs.into_iter().next()).map_or(String::new(), |pair| pair.0);
        ["[number]", "[cvc]", "[account_number]"].iter().any(|end| name.ends_with(end))
    };
    let parts = body.split('&').map(|part| {
        if secret(&part) { format!("{}=masked", part.split('=').next().unwrap_or_default()) } else { part.to_owned() }
    });
    parts.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_never_reach_the_log() {
        let body = "type=card&card%5Bnumber%5D=4242424242424242&card[cvc]=123&card[exp_month]=12";
        assert_eq!(super::masked(body), "type=card&card%5Bnumber%5D=masked&card[cvc]=masked&card[exp_month]=12");
    }
}
