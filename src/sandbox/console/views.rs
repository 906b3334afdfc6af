//! Rows, values and times as the pages show them.

use maud::{Markup, html};
use serde_json::Value;

/// A column: its heading and how a row fills it.
pub(super) struct Column {
    pub(super) heading: &'static str,
    pub(super) cell: fn(&Value) -> Markup,
}

/// A table that scrolls sideways on a phone rather than the page.
pub(super) fn table(label: &str, columns: &[Column], rows: &[Value]) -> Markup {
    html! {
        div.wide role="region" aria-label=(label) tabindex="0" {
            table {
                thead { tr { @for column in columns { th scope="col" { (column.heading) } } } }
                tbody { @for row in rows { tr { @for column in columns { td { ((column.cell)(row)) } } } } }
            }
        }
    }
}

/// The text at a path such as `Invoice__r.Name`; numbers and booleans in words; nothing for null.
pub(super) fn text(row: &Value, path: &str) -> String {
    let value = path.split('.').fold(row, |value, key| &value[key]);
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => other.to_string(),
    }
}

/// The same in a cell. Names keep their own direction.
pub(super) fn cell(row: &Value, path: &str) -> Markup {
    let text = text(row, path);
    html! { @if text.is_empty() { span.quiet { "–" } } @else { bdi { (text) } } }
}

/// Major units beside their code: `1,240.00 USD`.
pub(super) fn money(row: &Value, field: &str) -> Markup {
    let (amount, code) = (text(row, field), text(row, "Currency_Code__c"));
    html! { @if amount.is_empty() { span.quiet { "–" } } @else { span.figure { (grouped(&amount)) " " (code) } } }
}

/// Minor units at Stripe. Its zero- and three-decimal currencies are few; what is not listed has two.
pub(super) fn stripe_money(row: &Value, field: &str) -> Markup {
    const NONE: &[&str] = &[
        "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf",
    ];
    const THREE: &[&str] = &["bhd", "jod", "kwd", "omr", "tnd"];
    let code = text(row, "currency");
    let Some(minor) = row[field].as_i64() else { return html! { span.quiet { "–" } } };
    let decimals = match code.as_str() {
        code if NONE.contains(&code) => 0,
        code if THREE.contains(&code) => 3,
        _ => 2,
    };
    let digits = format!("{:0>width$}", minor.unsigned_abs(), width = decimals + 1);
    let (whole, part) = digits.split_at(digits.len() - decimals);
    let amount = if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") };
    let sign = if minor < 0 { "-" } else { "" };
    html! { span.figure { (sign) (grouped(&amount)) " " (code.to_uppercase()) } }
}

fn grouped(amount: &str) -> String {
    let (sign, amount) = amount.strip_prefix('-').map_or(("", amount), |rest| ("-", rest));
    let (whole, part) = amount.split_once('.').unwrap_or((amount, ""));
    let mut out = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    match part {
        "" => format!("{sign}{out}"),
        part => format!("{sign}{out}.{part:0<2}"),
    }
}

/// A state as a badge: the word carries it, the colour only helps.
pub(super) fn state(row: &Value, field: &str) -> Markup {
    let text = text(row, field);
    let kind = match text.as_str() {
        "Paid" | "Settled" | "Done" | "Sent" | "succeeded" | "Resolved" => "good",
        "Failed" | "Declined" | "Returned" | "Refused" | "Locked" | "failed" => "bad",
        "Waiting" | "Working" | "Verifying" | "Processing" | "Partly Paid" | "processing" | "requires_action" => "busy",
        _ => "plain",
    };
    html! { @if text.is_empty() { span.quiet { "–" } } @else { span class=(format!("state {kind}")) { (text) } } }
}

/// A time as UTC, with the machine's form beside it for whoever hovers or reads by script.
pub(super) fn time(row: &Value, field: &str) -> Markup {
    let raw = text(row, field);
    let stamp = raw.replace("+0000", "Z").parse::<jiff::Timestamp>();
    match stamp {
        Ok(stamp) => instant(stamp),
        Err(_) if raw.is_empty() => html! { span.quiet { "–" } },
        Err(_) => html! { (raw) },
    }
}

/// Seconds since 1970, as Stripe writes them.
pub(super) fn seconds(row: &Value, field: &str) -> Markup {
    let stamp = row[field].as_i64().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    stamp.map_or_else(|| html! { span.quiet { "–" } }, instant)
}

pub(super) fn millis(row: &Value, field: &str) -> Markup {
    let stamp = row[field].as_i64().and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
    stamp.map_or_else(|| html! { span.quiet { "–" } }, instant)
}

pub(super) fn instant(stamp: jiff::Timestamp) -> Markup {
    let shown = stamp.strftime("%-d %b %H:%M:%S").to_string();
    html! { time datetime=(stamp.to_string()) title=(stamp.to_string()) { (shown) " UTC" } }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_are_grouped_and_keep_their_decimals() {
        assert_eq!(grouped("1240.5"), "1,240.50");
        assert_eq!(grouped("-1234567"), "-1,234,567");
        let shown = |row: Value| stripe_money(&row, "amount").into_string();
        assert!(shown(json!({"amount": 12345, "currency": "kwd"})).contains("12.345 KWD"));
        assert!(shown(json!({"amount": 5, "currency": "usd"})).contains("0.05 USD"));
        assert!(shown(json!({"amount": 1200, "currency": "jpy"})).contains("1,200 JPY"));
    }

    #[test]
    fn a_time_of_the_org_is_read() {
        let shown = time(&json!({"At": "2026-11-23T14:02:09.000+0000"}), "At").into_string();
        assert!(shown.contains("23 Nov 14:02:09 UTC"), "{shown}");
    }
}
