//! The letters' words, one function a kind. One language today.

use jiff::civil::Date;

use super::letter::{Contact, Content, Invoice, Letter, Link};
use super::mailer::Sender;
use super::page::{Page, Part, Phrase, one_line};

pub(super) const LANG: &str = "en";

/// Puts a letter into words.
pub(super) fn page(letter: &Letter, sender: &Sender) -> Page {
    let writer = Writer { letter, company: &sender.company, contact: &sender.contact };
    let (subject, preheader, heading, parts) = writer.body();
    Page {
        subject: if letter.test { Phrase(prefixed("[TEST] ", subject)) } else { subject },
        preheader,
        test: letter.test,
        heading,
        parts,
        foot: writer.foot(),
        color: sender.color.unwrap_or([0x1d, 0x4e, 0x89]),
    }
}

fn prefixed(words: &str, phrase: Phrase) -> Vec<super::page::Piece> {
    let mut pieces = Phrase::ours(words).0;
    pieces.extend(phrase.0);
    pieces
}

/// Subject, preheader, heading, parts.
type Body = (Phrase, Phrase, Phrase, Vec<Part>);

struct Writer<'a> {
    letter: &'a Letter,
    company: &'a str,
    contact: &'a Contact,
}

impl Writer<'_> {
    fn body(&self) -> Body {
        match &self.letter.content {
            Content::Request { invoice, due, paid_before, note, link } => {
                self.request(invoice, due, paid_before.as_deref(), note.as_deref(), link)
            }
            Content::Reminder { invoice, left, paid_before, link, .. } => {
                self.reminder(invoice, left, paid_before.as_deref(), link)
            }
            Content::LinkAgain { invoice, left, link, older_works } => {
                self.link_again(invoice, left, link, *older_works)
            }
            Content::Receipt { .. } => self.receipt(),
            Content::Refund { invoice, number, amount, to, left, .. } => {
                self.refund(invoice, number, amount, to, left.as_deref())
            }
            Content::Code { invoice, code, until, page_host } => self.code(invoice, code, until, page_host),
            Content::Authorise { invoice, amount, bank, link } => self.authorise(invoice, amount, bank, link),
            Content::Deposits { .. } => self.deposits(),
            Content::BankPaymentStarted { invoice, amount, bank, expected_by, mandate, .. } => {
                self.started(invoice, amount, bank, *expected_by, mandate.as_deref())
            }
            Content::BankPaymentReturned { invoice, amount, bank, reason, left, link } => {
                self.returned(invoice, amount, bank, reason, left, link.as_ref())
            }
        }
    }

    fn request(&self, invoice: &Invoice, due: &str, paid: Option<&str>, note: Option<&str>, link: &Link) -> Body {
        let mut subject = self.about("Invoice ", invoice).and(format!(": {due}"));
        if let Some(day) = invoice.due {
            subject = subject.and(format!(" due {}", short(day)));
        }
        let mut lead = Phrase::theirs(self.company).and(format!(" sent you this invoice for {due}"));
        lead = lead.and(invoice.due.map_or(".".to_owned(), |day| format!(", due {}.", long(day))));
        let mut facts = vec![("Amount due", Phrase::ours(due))];
        facts.extend(invoice.due.map(|day| ("Due date", Phrase::ours(long(day)))));
        facts.extend(self.invoice_facts(invoice));
        facts.extend(paid.map(|paid| ("Already paid", Phrase::ours(paid))));
        let mut parts = self.greeting();
        parts.push(Part::Paragraph(lead));
        if let Some(note) = note.filter(|note| !note.trim().is_empty()) {
            parts.push(Part::Note { from: Phrase::theirs(self.company).and(" adds:"), words: note.to_owned() });
        }
        parts.push(Part::Facts(facts));
        parts.extend(self.way(link, Phrase::ours("View and pay invoice")));
        parts.extend(self.trust(link, invoice));
        let preheader = Phrase::ours("Pay by card; no account needed.");
        (subject, preheader, self.about("Invoice ", invoice), parts)
    }

    fn reminder(&self, invoice: &Invoice, left: &str, paid: Option<&str>, link: &Link) -> Body {
        let mut subject = self.about("Reminder: ", invoice).and(format!(", {left} left"));
        let mut lead = Phrase::ours(format!("{left} of this invoice is still to be paid"));
        if let Some(day) = invoice.due {
            subject = subject.and(format!(", due {}", short(day)));
            lead = lead.and(format!("; it is due on {}", long(day)));
        }
        let mut facts = vec![("Left to pay", Phrase::ours(left))];
        facts.extend(paid.map(|paid| ("Already paid", Phrase::ours(paid))));
        facts.extend(self.invoice_facts(invoice));
        let mut parts = self.greeting();
        parts.push(Part::Paragraph(lead.and(".")));
        parts.push(Part::Paragraph(Phrase::ours("If you have paid it meanwhile, you don't need to do anything.")));
        parts.push(Part::Facts(facts));
        parts.extend(self.way(link, Phrase::ours("View and pay invoice")));
        parts.extend(self.trust(link, invoice));
        let preheader = Phrase::ours("Already paid? You don't need to do anything.");
        (subject, preheader, self.about("Reminder: invoice ", invoice), parts)
    }

    fn link_again(&self, invoice: &Invoice, left: &str, link: &Link, older_works: bool) -> Body {
        let subject = self.about("Your new link for ", invoice);
        let older = if older_works { "The older link works too." } else { "The older link no longer works." };
        let mut facts = vec![("Left to pay", Phrase::ours(left))];
        facts.extend(invoice.due.map(|day| ("Due date", Phrase::ours(long(day)))));
        facts.extend(self.invoice_facts(invoice));
        let mut parts = self.greeting();
        let lead = Phrase::ours("Here is a new link to your invoice from ").and_theirs(self.company);
        parts.push(Part::Paragraph(lead.and(format!(". {older}"))));
        parts.push(Part::Facts(facts));
        parts.extend(self.way(link, Phrase::ours("View and pay invoice")));
        parts.extend(self.trust(link, invoice));
        (subject, Phrase::ours(older), self.about("New link for invoice ", invoice), parts)
    }

    fn receipt(&self) -> Body {
        let Content::Receipt { invoice, number, amount, paid_at, method, statement_descriptor, left, link, .. } =
            &self.letter.content
        else {
            return Body::default();
        };
        let subject = Phrase::ours(format!("Receipt: {amount} to ")).and_theirs(self.company).and(" for ");
        let subject = subject.and_theirs(&invoice.number);
        let due = invoice.due.map(|day| format!(", due {}", short(day))).unwrap_or_default();
        let rest = match left {
            Some(left) => format!("{left} left{due} · receipt {number}"),
            None => format!("Paid in full · receipt {number}"),
        };
        let lead = Phrase::theirs(self.company).and(" received your payment. Thank you.");
        let mut facts = vec![
            ("Paid on", Phrase::ours(paid_at)),
            ("Payment method", Phrase::theirs(method)),
            ("Receipt", Phrase::theirs(number)),
        ];
        facts.extend(self.invoice_facts(invoice));
        let settled = left.as_ref().map_or("Nothing: it is paid in full".to_owned(), |left| {
            let due = invoice.due.map(|day| format!(", due {}", long(day))).unwrap_or_default();
            format!("{left}{due}")
        });
        facts.push(("Left to pay", Phrase::ours(settled)));
        facts.extend(statement_descriptor.as_ref().map(|shown| ("On your statement", Phrase::theirs(shown))));
        let mut parts = self.greeting();
        parts.push(Part::Paragraph(lead));
        parts.push(Part::Large(Phrase::ours(amount)));
        parts.push(Part::Facts(facts));
        parts.push(Part::Paragraph(Phrase::ours("The receipt is attached as a PDF. Keep it with your papers.")));
        if let Some(link) = link {
            let label = if left.is_some() { "View invoice and pay the rest" } else { "View invoice and receipt" };
            parts.extend(self.way(link, Phrase::ours(label)));
        }
        (subject, Phrase::ours(rest), Phrase::ours("Payment received"), parts)
    }

    fn refund(&self, invoice: &Invoice, number: &str, amount: &str, to: &str, left: Option<&str>) -> Body {
        let subject = self.about(&format!("Refund of {amount} for "), invoice);
        let preheader = Phrase::ours("5 to 10 business days to ").and_theirs(to);
        let lead = Phrase::theirs(self.company).and(format!(" sent {amount} back to ")).and_theirs(to);
        let mut facts = vec![("Refunded to", Phrase::theirs(to)), ("Refund receipt", Phrase::theirs(number))];
        facts.extend(self.invoice_facts(invoice));
        facts.extend(left.map(|left| ("Left to pay", Phrase::ours(left))));
        let mut parts = self.greeting();
        parts.push(Part::Paragraph(lead.and(". Banks take 5 to 10 business days to show it.")));
        parts.push(Part::Large(Phrase::ours(amount)));
        parts.push(Part::Facts(facts));
        parts.push(Part::Paragraph(Phrase::ours("The refund receipt is attached as a PDF.")));
        (subject, preheader, Phrase::ours("Your refund is on its way"), parts)
    }

    /// The code stands first in the subject and the body, beside the word "code"; no link and no other number of six
    /// digits, so that phones and people find it.
    fn code(&self, invoice: &Invoice, code: &str, until: &str, host: &str) -> Body {
        let subject = Phrase::ours(format!("{code} is your ")).and_theirs(self.company).and(" code for ");
        let subject = subject.and_theirs(&invoice.number);
        let heading = Phrase::ours(format!("{code} is your code"));
        let what = Phrase::ours("Type it on the payment page of invoice ").and_theirs(&invoice.number);
        let parts =
            vec![
                Part::Paragraph(what.and(" to see your stored payment methods.")),
                Part::Paragraph(Phrase::ours(format!("It works until {until}."))),
                Part::Paragraph(Phrase::ours("Nobody from ").and_theirs(self.company).and(
                    " will ask you for it. If you didn't ask for this code, do nothing: nothing is paid without it.",
                )),
                Part::Small(Phrase::ours(format!("@{host} #{code}"))),
            ];
        (subject, Phrase::ours(format!("Works until {until}.")), heading, parts)
    }

    fn authorise(&self, invoice: &Invoice, amount: &str, bank: &str, link: &Link) -> Body {
        let subject = Phrase::ours(format!("Authorise {amount} to ")).and_theirs(self.company);
        let subject = subject.and(" for ").and_theirs(&invoice.number);
        let lead = Phrase::theirs(self.company)
            .and(format!(" asks you to authorise one bank debit of {amount}, as spoken about on the phone."));
        let mut facts = vec![("Amount", Phrase::ours(amount)), ("From", Phrase::theirs(bank))];
        facts.extend(self.invoice_facts(invoice));
        let mut parts = self.greeting();
        parts.push(Part::Paragraph(lead));
        parts.push(Part::Facts(facts));
        parts.extend(self.way(link, Phrase::ours("Read and authorise")));
        parts.push(Part::Paragraph(Phrase::ours(
            "Nothing is debited before you authorise it there. If you know nothing of this, do nothing, or tell us.",
        )));
        parts.extend(self.trust(link, invoice));
        (subject, Phrase::ours("Nothing is debited before you agree."), Phrase::ours("Authorise a bank payment"), parts)
    }

    fn deposits(&self) -> Body {
        let Content::Deposits { invoice, amount, bank, code, arrives_by, mandate, link } = &self.letter.content else {
            return Body::default();
        };
        let by = arrives_by.map(|day| format!(" by {}", long(day))).unwrap_or_default();
        let (arrives, what) = match code {
            true => ("A deposit of $0.01 with a code that begins with SM reaches ", "the code"),
            false => ("Two deposits of less than a dollar reach ", "their amounts"),
        };
        let subject = Phrase::ours("Verify your bank account for ").and_theirs(&invoice.number);
        let lead = Phrase::ours(arrives)
            .and_theirs(bank)
            .and(format!("{by}. When your statement shows it, enter {what} on this page, within ten days:"));
        let mut facts = vec![("To be debited", Phrase::ours(amount)), ("From", Phrase::theirs(bank))];
        facts.extend(self.invoice_facts(invoice));
        let mut parts = self.greeting();
        parts.push(Part::Paragraph(lead));
        parts.extend(self.way(link, Phrase::ours("Enter what the statement shows")));
        parts.push(Part::Facts(facts));
        parts.push(Part::Paragraph(Phrase::ours(format!(
            "Then {amount} is debited, once. Nothing is debited before that. You can also tell us {what} by telephone."
        ))));
        if let Some(words) = mandate {
            parts.push(Part::Note { from: Phrase::ours("Your authorisation, to keep:"), words: words.to_owned() });
        }
        parts.extend(self.trust(link, invoice));
        let preheader = Phrase::ours(format!("Enter {what} when your statement shows it."));
        (subject.and(" from ").and_theirs(self.company), preheader, Phrase::ours("Verify your bank account"), parts)
    }

    fn started(
        &self,
        invoice: &Invoice,
        amount: &str,
        bank: &str,
        expected_by: Option<Date>,
        mandate: Option<&str>,
    ) -> Body {
        let subject = Phrase::ours(format!("Bank payment of {amount} to ")).and_theirs(self.company);
        let expected = expected_by.map(|day| format!("Expected by {}; not", short(day)));
        let preheader = Phrase::ours(format!("{} yet a receipt.", expected.unwrap_or_else(|| "Not".to_owned())));
        let lead = Phrase::ours(format!("Your bank payment of {amount} to ")).and_theirs(self.company);
        let mut facts = vec![("Amount", Phrase::ours(amount)), ("From", Phrase::theirs(bank))];
        facts.extend(expected_by.map(|day| ("Expected by", Phrase::ours(long(day)))));
        facts.extend(self.invoice_facts(invoice));
        let mut parts = self.greeting();
        parts.push(Part::Paragraph(lead.and(" has started. You don't need to do anything.")));
        parts.push(Part::Facts(facts));
        if let Some(words) = mandate {
            parts.push(Part::Note { from: Phrase::ours("Your authorisation, to keep:"), words: words.to_owned() });
        }
        parts.push(Part::Paragraph(Phrase::ours(
            "This is not yet a receipt: you get one when the money has arrived. To stop the payment, write or call soon, or tell your bank.",
        )));
        (subject.and(" has started"), preheader, Phrase::ours("Bank payment on its way"), parts)
    }

    fn returned(
        &self,
        invoice: &Invoice,
        amount: &str,
        bank: &str,
        reason: &str,
        left: &str,
        link: Option<&Link>,
    ) -> Body {
        let subject = Phrase::ours("Your bank payment to ").and_theirs(self.company);
        let lead =
            Phrase::theirs(bank).and(format!(" sent back your payment of {amount} to ")).and_theirs(self.company);
        let mut facts = vec![("Reason", Phrase::theirs(reason)), ("Due again", Phrase::ours(left))];
        facts.extend(self.invoice_facts(invoice));
        let mut parts = self.greeting();
        parts.push(Part::Paragraph(lead.and(format!(". {left} is due again."))));
        parts.push(Part::Facts(facts));
        if let Some(link) = link {
            parts.extend(self.way(link, Phrase::ours("View and pay invoice")));
        }
        let subject = subject.and(format!(" came back: {left} is due again"));
        let preheader = Phrase::ours("Reason: ").and_theirs(reason);
        (subject, preheader, Phrase::ours("The bank payment came back"), parts)
    }

    /// "Invoice INV-1042 from Acme".
    fn about(&self, first: &str, invoice: &Invoice) -> Phrase {
        Phrase::ours(first).and_theirs(&invoice.number).and(" from ").and_theirs(self.company)
    }

    fn greeting(&self) -> Vec<Part> {
        let name = self.letter.to.name.as_deref().map(one_line).filter(|name| !name.is_empty());
        name.map(|name| Part::Paragraph(Phrase::ours("Hello ").and_theirs(&name).and(","))).into_iter().collect()
    }

    fn invoice_facts(&self, invoice: &Invoice) -> Vec<(&'static str, Phrase)> {
        let mut facts = vec![("Invoice", Phrase::theirs(&invoice.number))];
        let what = invoice.what_for.as_deref().filter(|what| !what.trim().is_empty());
        facts.extend(what.map(|what| ("For", Phrase::theirs(what))));
        facts
    }

    fn way(&self, link: &Link, label: Phrase) -> Vec<Part> {
        let mut parts = vec![Part::Button { label, url: link.url.clone() }];
        if let Some(until) = &link.works_until {
            parts.push(Part::Small(Phrase::ours(format!("This link works until {until}."))));
        }
        parts
    }

    /// How to tell this letter from a swindler's.
    fn trust(&self, link: &Link, invoice: &Invoice) -> Vec<Part> {
        let host = reqwest::Url::parse(&link.url).ok().and_then(|url| url.host_str().map(str::to_owned));
        let mut words = Phrase::ours("To check that this is from ").and_theirs(self.company).and(": ");
        if let Some(host) = host {
            words = words.and("the link leads to ").and_theirs(&host).and("; ");
        }
        words = words.and("the invoice number is ").and_theirs(&invoice.number);
        let rest = "; and you can call us on a number that you already know. We never ask for card numbers by e-mail.";
        vec![Part::Small(words.and(rest))]
    }

    fn foot(&self) -> Vec<Phrase> {
        let mut lines = vec![Phrase::theirs(self.company)];
        lines.extend(self.contact.postal.as_deref().map(Phrase::theirs));
        // A telephone number could pass for the code.
        if matches!(self.letter.content, Content::Code { .. }) {
            return lines;
        }
        lines.extend(self.contact.phone.as_deref().map(|phone| Phrase::ours("Telephone ").and_theirs(phone)));
        lines.extend(self.contact.email.as_deref().map(|email| Phrase::ours("E-mail ").and_theirs(email)));
        let numbers = match &self.letter.content {
            Content::Receipt { invoice, number, .. } | Content::Refund { invoice, number, .. } => {
                Phrase::ours("Quote ").and_theirs(number).and(" and ").and_theirs(&invoice.number)
            }
            Content::Request { invoice, .. }
            | Content::Reminder { invoice, .. }
            | Content::LinkAgain { invoice, .. }
            | Content::Code { invoice, .. }
            | Content::Authorise { invoice, .. }
            | Content::Deposits { invoice, .. }
            | Content::BankPaymentStarted { invoice, .. }
            | Content::BankPaymentReturned { invoice, .. } => Phrase::ours("Quote ").and_theirs(&invoice.number),
        };
        lines.push(numbers.and(" when you write or call."));
        lines
    }
}

/// `14 December 2026`.
fn long(day: Date) -> String {
    day.strftime("%-d %B %Y").to_string()
}

/// `14 Dec`, for subjects.
fn short(day: Date) -> String {
    day.strftime("%-d %b").to_string()
}
