use std::time::Duration;

/// What became of a letter that was not handed over. Each variant is a decision for the caller. No text holds the
/// address: what a server answers is printed without it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody will ever get mail there. Never try again; tell the clerk, who can correct the address.
    #[error("the e-mail address was refused: {answer}. Check the address and send again.")]
    RefusedAddress { answer: String },
    /// The server is away or busy. Try again with the same Message-ID; the letter may have been taken.
    #[error("the mail server can't take the letter now ({answer}); it will be tried again")]
    TryLater {
        answer: String,
        #[source]
        source: Option<lettre::transport::smtp::Error>,
    },
    /// The server does not let us send at all, or will not take this letter. Tell the admin; trying again now changes
    /// nothing, yet the same letter can go once the settings are right.
    #[error("the mail settings need attention: {reason}")]
    Configuration {
        reason: String,
        #[source]
        source: Option<lettre::transport::smtp::Error>,
    },
}

impl Error {
    /// Whether the same letter should be sent again by itself, later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Error::TryLater { .. })
    }

    /// Whether the letter may be with the mail server all the same: it is not where the server answered with a code or
    /// was never reached.
    pub fn may_have_been_taken(&self) -> bool {
        use std::error::Error as _;
        let Error::TryLater { source, .. } = self else { return false };
        let Some(source) = source else { return true };
        let unreached = source
            .source()
            .and_then(|cause| cause.downcast_ref::<std::io::Error>())
            .is_some_and(|cause| cause.kind() == std::io::ErrorKind::ConnectionRefused);
        source.status().is_none() && !unreached
    }

    pub(super) fn settings(reason: impl Into<String>) -> Error {
        Error::Configuration { reason: reason.into(), source: None }
    }

    pub(super) fn too_slow(limit: Duration) -> Error {
        Error::TryLater { answer: format!("no answer within {} s", limit.as_secs()), source: None }
    }
}

/// Reads a refusal. RFC 3463's detail decides where the server gives one, else the code alone.
pub(super) fn from_smtp(source: lettre::transport::smtp::Error) -> Error {
    let answer = answer(&source);
    if source.is_tls() || source.is_client() {
        return Error::Configuration { reason: answer, source: Some(source) };
    }
    let Some(code) = source.status().filter(|_| source.is_permanent()) else {
        return Error::TryLater { answer, source: Some(source) };
    };
    match verdict(u16::from(code), &answer) {
        Verdict::Address => Error::RefusedAddress { answer },
        Verdict::Later => Error::TryLater { answer, source: Some(source) },
        Verdict::Settings => {
            let reason = format!("the mail server refused the letter: {answer}");
            Error::Configuration { reason, source: Some(source) }
        }
    }
}

#[derive(Debug, PartialEq)]
enum Verdict {
    Address,
    Later,
    Settings,
}

fn verdict(code: u16, answer: &str) -> Verdict {
    let detail = answer.split_whitespace().find(|word| word.starts_with("5.") && word.matches('.').count() == 2);
    match (code, detail) {
        // 5.1.7 and 5.1.8 speak of the sender's address.
        (_, Some("5.1.7" | "5.1.8")) => Verdict::Settings,
        (_, Some("5.2.2")) => Verdict::Later, // a full mailbox empties
        (_, Some(detail)) if detail.starts_with("5.1.") || detail.starts_with("5.2.") => Verdict::Address,
        (_, Some(_)) => Verdict::Settings,
        (550 | 551 | 553, None) => Verdict::Address,
        (552, None) => Verdict::Later,
        _ => Verdict::Settings,
    }
}

/// The server's words on one line, at most 200 characters, addresses left out.
fn answer(error: &lettre::transport::smtp::Error) -> String {
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !said.contains(&words) {
            said = format!("{said}: {words}");
        }
        cause = inner.source();
    }
    without_addresses(&said)
}

fn without_addresses(text: &str) -> String {
    let words = text.split_whitespace().map(|word| if word.contains('@') { "…" } else { word });
    words.collect::<Vec<_>>().join(" ").chars().filter(|sign| !sign.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_concerns_the_customers_address_is_the_clerks_business() {
        let cases = [
            (550, "550 5.1.1 no such user", Verdict::Address),
            (550, "550 No such user here", Verdict::Address),
            (553, "553 5.1.3 bad address syntax", Verdict::Address),
            (550, "550 5.2.1 mailbox disabled", Verdict::Address),
            (552, "552 5.2.2 mailbox full", Verdict::Later),
            (553, "553 5.1.8 sender's domain not found", Verdict::Settings),
            (550, "550 5.7.515 access denied, sending domain does not meet the required level", Verdict::Settings),
            (554, "554 5.7.1 relay access denied", Verdict::Settings),
            (535, "535 5.7.8 authentication failed", Verdict::Settings),
            (530, "530 authentication required", Verdict::Settings),
        ];
        for (code, answer, wanted) in cases {
            assert_eq!(verdict(code, answer), wanted, "{answer}");
        }
    }

    #[test]
    fn a_servers_answer_is_repeated_without_the_address() {
        assert_eq!(without_addresses("550 5.1.1 <jane@acme.example>:\r\n no such user"), "550 5.1.1 … no such user");
        assert!(without_addresses(&"x ".repeat(900)).len() <= 200);
    }
}
