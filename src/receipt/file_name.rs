//! What the file is called when it is saved.

use super::model::{Company, Kind, Receipt};

/// Longest name, in bytes, the `.pdf` included.
const LONGEST: usize = 80;

/// `Receipt-R-2031-Acme-INV-1042.pdf`: ASCII only, at most 80 characters, and without the customer's name, because
/// phones show file names on their lock screens.
pub fn file_name(receipt: &Receipt, company: &Company) -> String {
    let first = match receipt.kind {
        Kind::Payment => "Receipt",
        Kind::Refund { .. } => "Refund-receipt",
        Kind::BankPaymentStarted { .. } => "Payment-confirmation",
        Kind::BankPaymentReturned { .. } => "Payment-returned",
    };
    let number = slug(&receipt.number, 24);
    let invoice = slug(&receipt.invoice.number, 24);
    let taken = first.len() + number.len() + invoice.len() + ".pdf".len() + 3;
    let company = slug(&company.name, LONGEST.saturating_sub(taken));
    let parts: Vec<&str> = [first, &number, &company, &invoice].into_iter().filter(|part| !part.is_empty()).collect();
    format!("{}.pdf", parts.join("-"))
}

/// Letters and digits, everything else as one hyphen.
fn slug(text: &str, longest: usize) -> String {
    let mut slug = String::new();
    for sign in text.chars() {
        if slug.len() >= longest {
            break;
        }
        match sign {
            'a'..='z' | 'A'..='Z' | '0'..='9' => slug.push(sign),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn names_the_papers_but_not_the_customer() {
        let (receipt, company) = sample::payment();
        assert_eq!(file_name(&receipt, &company), "Receipt-R-2031-Acme-INV-1042.pdf");
        let refund = Receipt { kind: Kind::Refund { of_receipt: None }, ..receipt };
        assert_eq!(file_name(&refund, &company), "Refund-receipt-R-2031-Acme-INV-1042.pdf");
    }

    #[test]
    fn stays_short_and_ascii_whatever_the_names_are() {
        let (mut receipt, mut company) = sample::payment();
        company.name = "株式会社 ../../etc/passwd \"Ünïcode\"\r\n".repeat(20);
        receipt.invoice.number = "INV/2026\\…/7".to_owned();
        let name = file_name(&receipt, &company);
        assert!(name.len() <= 80, "{} characters: {name}", name.len());
        assert!(name.chars().all(|sign| sign.is_ascii_alphanumeric() || "-.".contains(sign)), "{name}");
        assert!(!name.contains(".."), "{name}");
        assert!(name.ends_with("-INV-2026-7.pdf"), "{name}");
    }
}
