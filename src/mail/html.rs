//! The HTML part: one table of 600 px with inline styles, for mail programs that know little more.
//!
//! No picture is needed to read it, no script, no remote style. maud escapes every value.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::page::{Page, Part, Phrase, Piece, one_line};

const FONT: &str = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;";
const INK: &str = "color:#1b1f24;";
const QUIET: &str = "color:#57606a;";

pub(super) fn write(page: &Page) -> String {
    let [red, green, blue] = page.color;
    let color = format!("#{red:02x}{green:02x}{blue:02x}");
    let label = if is_light(page.color) { "#111111" } else { "#fefefe" };
    let letter = html! {
        (DOCTYPE)
        html lang=(super::words::LANG) dir="ltr" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="supported-color-schemes" content="light dark";
                // Keeps phones from turning amounts and invoice numbers into calls.
                meta name="format-detection" content="telephone=no, date=no, address=no, email=no";
                title { (page.subject.to_text()) }
                style { (PreEscaped(STYLE)) }
            }
            body style="margin:0;padding:0;background:#f3f4f6;" class="back" {
                (preheader(page))
                table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"
                    style="background:#f3f4f6;" class="back" { tr { td align="center" style="padding:24px 12px;" {
                    (PreEscaped("<!--[if mso]><table role=\"presentation\" width=\"600\" align=\"center\"><tr><td><![endif]-->"))
                    table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"
                        style="max-width:600px;background:#fdfdfd;border-radius:6px;" class="sheet" {
                        tr { td bgcolor=(color) height="6" style=(format!("height:6px;line-height:6px;font-size:0;background:{color};")) { "\u{a0}" } }
                        @if page.test {
                            tr { td style=(format!("{FONT}padding:10px 32px;background:#fff3c4;color:#3d2f00;font-size:14px;font-weight:bold;")) {
                                "TEST: no money moves."
                            } }
                        }
                        tr { td style="padding:28px 32px 8px;" class="pad" {
                            h1 class="ink" style=(format!("{FONT}{INK}margin:0;font-size:22px;line-height:1.3;word-break:break-word;")) {
                                (phrase(&page.heading))
                            }
                        } }
                        @for part in &page.parts { (one(part, &color, label)) }
                        tr { td style="padding:20px 32px 28px;" class="pad" {
                            table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" { tr {
                                td class="quiet line" style=(format!("{FONT}{QUIET}border-top:1px solid #d0d7de;padding-top:16px;font-size:13px;line-height:1.5;word-break:break-word;")) {
                                    @for (index, line) in page.foot.iter().enumerate() {
                                        @if index > 0 { br; }
                                        (phrase(line))
                                    }
                                }
                            } }
                        } }
                    }
                    (PreEscaped("<!--[if mso]></td></tr></table><![endif]-->"))
                } } }
            }
        }
    };
    letter.into_string()
}

/// Where a program honours it; Gmail and Outlook recolour by themselves.
const STYLE: &str = "\
@media (prefers-color-scheme:dark){\
.back{background:#16181c!important}.sheet{background:#22262c!important}\
.ink{color:#e9ecef!important}.quiet{color:#aab2bb!important}.line{border-color:#444c56!important}\
.note{background:#2d333b!important}a.plain{color:#9ecbff!important}}\
@media (max-width:480px){.pad{padding-left:20px!important;padding-right:20px!important}}";

/// Hidden, and padded so that the body's first words don't run into it.
fn preheader(page: &Page) -> Markup {
    html! {
        div style="display:none;max-height:0;overflow:hidden;mso-hide:all;font-size:1px;line-height:1px;color:#f3f4f6;" {
            (phrase(&page.preheader))
            @for _ in 0..60 { (PreEscaped("&#847;&zwnj;&nbsp;")) }
        }
    }
}

fn one(part: &Part, color: &str, label_color: &str) -> Markup {
    let text = |size: u8| format!("{FONT}{INK}margin:0;font-size:{size}px;line-height:1.5;word-break:break-word;");
    match part {
        Part::Paragraph(words) => row("8px 32px", &html! { p class="ink" style=(text(16)) { (phrase(words)) } }),
        Part::Small(words) => row(
            "6px 32px",
            &html! {
                p class="quiet" style=(format!("{FONT}{QUIET}margin:0;font-size:14px;line-height:1.5;word-break:break-word;")) { (phrase(words)) }
            },
        ),
        Part::Large(words) => row(
            "8px 32px",
            &html! {
                p class="ink" style=(format!("{FONT}{INK}margin:0;font-size:30px;line-height:1.25;font-weight:bold;word-break:break-word;")) { (phrase(words)) }
            },
        ),
        Part::Facts(facts) => row(
            "8px 32px",
            &html! {
                table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" {
                    @for (name, value) in facts {
                        tr {
                            td class="quiet line" width="150" valign="top" style=(format!("{FONT}{QUIET}padding:7px 12px 7px 0;border-bottom:1px solid #e3e7eb;font-size:14px;line-height:1.45;")) { (name) }
                            td class="ink line" valign="top" style=(format!("{FONT}{INK}padding:7px 0;border-bottom:1px solid #e3e7eb;font-size:15px;line-height:1.45;word-break:break-word;")) { (phrase(value)) }
                        }
                    }
                }
            },
        ),
        Part::Button { label, url } => row(
            "16px 32px 8px",
            &html! {
                table role="presentation" cellpadding="0" cellspacing="0" border="0" { tr {
                    td bgcolor=(color) align="center" style=(format!("background:{color};border-radius:6px;")) {
                        a href=(url) style=(format!("{FONT}display:inline-block;padding:13px 26px;font-size:17px;line-height:22px;font-weight:bold;color:{label_color};text-decoration:none;word-break:break-word;")) {
                            (phrase(label))
                        }
                    }
                } }
                p class="quiet" style=(format!("{FONT}{QUIET}margin:14px 0 0;font-size:13px;line-height:1.5;word-break:break-all;")) {
                    "Or copy this address into your browser:" br;
                    a class="plain" href=(url) style="color:#0b57a4;" { (url) }
                }
            },
        ),
        Part::Note { from, words } => row(
            "8px 32px",
            &html! {
                table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" { tr {
                    td class="note" style=(format!("background:#f3f4f6;border-left:4px solid {color};padding:12px 16px;")) {
                        p class="quiet" style=(format!("{FONT}{QUIET}margin:0 0 4px;font-size:13px;line-height:1.5;")) { (phrase(from)) }
                        @for line in words.lines() {
                            p class="ink" dir="auto" style=(text(15)) { (one_line(line)) }
                        }
                    }
                } }
            },
        ),
    }
}

fn row(padding: &str, inner: &Markup) -> Markup {
    html! { tr { td class="pad" style=(format!("padding:{padding};")) { (inner) } } }
}

fn phrase(phrase: &Phrase) -> Markup {
    html! {
        @for piece in &phrase.0 {
            @match piece {
                Piece::Ours(words) => (words),
                Piece::Theirs(words) => bdi { (words) },
            }
        }
    }
}

/// Whether dark letters read better on it (relative luminance, WCAG 2).
fn is_light(color: [u8; 3]) -> bool {
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    let [red, green, blue] = color.map(linear);
    0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buttons_words_can_be_read_on_any_colour() {
        assert!(is_light([0xff, 0xd7, 0x00]));
        assert!(!is_light([0x1d, 0x4e, 0x89]));
        assert!(is_light([0xff, 0xff, 0xff]));
    }
}
