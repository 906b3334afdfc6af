//! The plain text part: at most 74 columns, each address alone on its line.

use super::page::{Page, Part};

const COLUMNS: usize = 74;

pub(super) fn write(page: &Page) -> String {
    let mut out = String::new();
    if page.test {
        out.push_str("*** TEST: no money moves. ***\n\n");
    }
    let heading = page.heading.to_text();
    let rule = "=".repeat(heading.chars().count().min(COLUMNS));
    out.push_str(&heading);
    out.push('\n');
    out.push_str(&rule);
    out.push_str("\n\n");
    for part in &page.parts {
        match part {
            Part::Paragraph(phrase) | Part::Small(phrase) => paragraph(&mut out, &phrase.to_text()),
            Part::Large(phrase) => paragraph(&mut out, &format!("    {}", phrase.to_text())),
            Part::Facts(facts) => {
                let widest = facts.iter().map(|(label, _)| label.len()).max().unwrap_or_default() + 2;
                for (label, value) in facts {
                    hang(&mut out, &format!("{:<widest$}", format!("{label}:")), &value.to_text());
                }
                out.push('\n');
            }
            Part::Button { label, url } => {
                paragraph(&mut out, &format!("{}:", label.to_text()));
                // Never wrapped: a broken address opens nothing.
                out.push_str(url);
                out.push_str("\n\n");
            }
            Part::Note { from, words } => {
                paragraph(&mut out, &from.to_text());
                for line in words.lines() {
                    hang(&mut out, "> ", &super::page::one_line(line));
                }
                out.push('\n');
            }
        }
    }
    out.push_str("-- \n");
    for line in &page.foot {
        hang(&mut out, "", &line.to_text());
    }
    out
}

fn paragraph(out: &mut String, text: &str) {
    hang(out, "", text);
    out.push('\n');
}

/// Wraps `text` behind `first`; further lines are indented as far.
fn hang(out: &mut String, first: &str, text: &str) {
    let indent = if first == "> " { first.to_owned() } else { " ".repeat(first.chars().count()) };
    let lead = text.len() - text.trim_start_matches(' ').len();
    let mut line = first.to_owned() + &text[..lead];
    let mut used = line.chars().count();
    let mut fresh = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let length = word.chars().count();
        if !fresh && used + 1 + length > COLUMNS {
            out.push_str(&line);
            out.push('\n');
            line.clone_from(&indent);
            used = indent.chars().count();
            fresh = true;
        }
        if !fresh {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += length;
        fresh = false;
    }
    out.push_str(line.trim_end());
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_within_their_columns_and_facts_hang() {
        let mut out = String::new();
        hang(&mut out, "For:  ", &"several words ".repeat(12));
        assert!(out.lines().all(|line| line.chars().count() <= COLUMNS), "{out}");
        assert!(
            out.lines().skip(1).all(|line| line.starts_with("      several") || line.starts_with("      words")),
            "{out}"
        );
    }
}
