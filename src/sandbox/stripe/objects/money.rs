//! What Stripe takes for an amount in a currency.

use crate::sandbox::stripe::refusal::Refusal;

const CURRENCIES: &str = "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn \
    bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg \
    huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur \
    mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd \
    shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw";

/// The currency as it must be written: lower case. The documentation asks for it, so upper case is refused here.
pub fn currency(code: &str) -> Result<String, Refusal> {
    if code.len() == 3 && CURRENCIES.split_ascii_whitespace().any(|known| known == code) {
        return Ok(code.to_owned());
    }
    let message = format!("Invalid currency: {code}. Stripe currently supports the ISO codes in lower case, as 'usd'.");
    Err(Refusal::invalid(message).param("currency"))
}

/// The least that can be charged, in minor units.
pub fn minimum(currency: &str) -> i64 {
    match currency {
        "gbp" => 30,
        "jpy" => 50,
        "mxn" => 1000,
        "nok" | "sek" => 300,
        "dkk" => 250,
        "huf" => 17_500,
        "czk" => 1500,
        "pln" => 200,
        "aed" | "ron" | "myr" => 200,
        "hkd" => 400,
        "inr" | "usd" | "eur" | "cad" | "aud" | "chf" | "brl" | "nzd" | "sgd" => 50,
        // Elsewhere the minimum is worth about half a US dollar; the stand-in asks for one unit.
        _ => 1,
    }
}

/// Checks an amount to be charged.
pub fn chargeable(amount: i64, currency: &str) -> Result<(), Refusal> {
    if amount < 1 {
        return Err(Refusal::parameter(
            "parameter_invalid_integer",
            "amount",
            "This value must be greater than or equal to 1.",
        ));
    }
    let ceiling = if currency == "idr" { 999_999_999_999 } else { 99_999_999 };
    if amount > ceiling {
        let message = format!("Amount must be no more than {ceiling} in {currency}");
        return Err(Refusal::parameter("amount_too_large", "amount", message));
    }
    grain(amount, currency)?;
    if amount < minimum(currency) {
        let message = format!("Amount must be at least {} {currency} in minor units", minimum(currency));
        return Err(Refusal::parameter("amount_too_small", "amount", message));
    }
    Ok(())
}

/// Some currencies take only amounts that end in zeros.
pub fn grain(amount: i64, currency: &str) -> Result<(), Refusal> {
    let step = match currency {
        "isk" | "ugx" => 100,
        "bhd" | "jod" | "kwd" | "omr" | "tnd" => 10,
        _ => 1,
    };
    if amount % step == 0 {
        return Ok(());
    }
    let message = format!("Invalid amount: {currency} amounts must be divisible by {step}.");
    Err(Refusal::parameter("parameter_invalid_integer", "amount", message))
}

#[cfg(test)]
mod tests {
    use super::{chargeable, currency};

    #[test]
    fn each_class_of_currency_keeps_its_rule() {
        for (amount, currency, code) in [
            (50, "usd", None),
            (49, "usd", Some("amount_too_small")),
            (30, "gbp", None),
            (49, "jpy", Some("amount_too_small")),
            (5120, "kwd", None),
            (5124, "kwd", Some("parameter_invalid_integer")),
            (500, "ugx", None),
            (550, "isk", Some("parameter_invalid_integer")),
            (0, "usd", Some("parameter_invalid_integer")),
            (100_000_000, "usd", Some("amount_too_large")),
            (100_000_000, "idr", None),
        ] {
            let refused = chargeable(amount, currency).err().and_then(|refusal| refusal.code);
            assert_eq!(refused.as_deref(), code, "{amount} {currency}");
        }
    }

    #[test]
    fn a_currency_that_does_not_exist_is_refused() {
        assert!(currency("xyz").is_err());
        assert!(currency("USD").is_err());
        assert_eq!(currency("usd").unwrap(), "usd");
    }
}
