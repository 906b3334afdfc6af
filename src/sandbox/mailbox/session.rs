//! One SMTP conversation (RFC 5321).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::super::faults::Faults;
use super::{Mailbox, Options};

/// RFC 5321, 4.5.3.1.4, with room for extensions.
const LONGEST_COMMAND: usize = 2048;
const MOST_RECIPIENTS: usize = 100;

#[derive(Default)]
struct Envelope {
    from: Option<String>,
    to: Vec<String>,
}

/// Answers until the client says QUIT or hangs up.
pub(super) async fn talk(
    stream: TcpStream,
    faults: &Faults,
    mailbox: &Arc<Mailbox>,
    options: &Options,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    write.write_all(b"220 localhost ESMTP Quittance sandbox: nothing is delivered\r\n").await?;
    let mut envelope = Envelope::default();
    let mut greeted = false;
    let mut signed_in = options.sign_in.is_none();
    while let Some(line) = command(&mut read).await? {
        let Ok(line) = line else {
            write.write_all(b"500 5.5.2 line too long\r\n").await?;
            continue;
        };
        let (verb, rest) = line.split_once(' ').map_or((line.as_str(), ""), |(verb, rest)| (verb, rest.trim()));
        let answer = match verb.to_ascii_uppercase().as_str() {
            "EHLO" => {
                (greeted, envelope) = (true, Envelope::default());
                format!(
                    "250-localhost\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE {}",
                    options.largest
                )
            }
            "HELO" => {
                (greeted, envelope) = (true, Envelope::default());
                "250 localhost".to_owned()
            }
            "NOOP" => "250 2.0.0 OK".to_owned(),
            "VRFY" => "252 2.5.0 send it and see".to_owned(),
            "RSET" => {
                envelope = Envelope::default();
                "250 2.0.0 OK".to_owned()
            }
            "QUIT" => {
                write.write_all(b"221 2.0.0 bye\r\n").await?;
                return write.shutdown().await;
            }
            _ if !greeted => "503 5.5.1 say EHLO first".to_owned(),
            "AUTH" => {
                let (said, good) = sign_in(rest, &mut read, &mut write, options).await?;
                signed_in |= good;
                said.to_owned()
            }
            "MAIL" if !signed_in => "530 5.7.0 sign in first".to_owned(),
            "MAIL" => mail_from(rest, &mut envelope, options),
            "RCPT" => recipient(rest, &mut envelope, faults),
            "DATA" if envelope.to.is_empty() => "503 5.5.1 name a recipient first".to_owned(),
            "DATA" => {
                write.write_all(b"354 end with a line that holds a dot alone\r\n").await?;
                let Some(raw) = data(&mut read, options.largest).await? else { return Ok(()) };
                let envelope = std::mem::take(&mut envelope);
                match raw {
                    Err(_) => "552 5.3.4 too large".to_owned(),
                    Ok(raw) => match mailbox.keep(envelope.from.unwrap_or_default(), envelope.to, raw) {
                        Ok(_) if faults.strikes("lost_mail_reply") => return Ok(()),
                        Ok(id) => format!("250 2.0.0 kept as {id}"),
                        Err(error) => {
                            tracing::warn!(%error, "the sandbox could not keep a mail");
                            "452 4.3.1 no room to keep it".to_owned()
                        }
                    },
                }
            }
            "STARTTLS" => "502 5.5.1 no TLS here; the sandbox listens on this machine only".to_owned(),
            _ => "500 5.5.2 unknown command".to_owned(),
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

/// The line was longer than a command can be; all of it has been read.
struct TooLong;

/// The next command without its line end. `None` when the client hung up.
async fn command(read: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<Result<String, TooLong>>> {
    let mut line = Vec::new();
    let mut long = false;
    loop {
        let chunk = read.fill_buf().await?;
        if chunk.is_empty() {
            return Ok(None);
        }
        let end = chunk.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let taken = end.unwrap_or(chunk.len());
        if line.len() + taken > LONGEST_COMMAND {
            long = true;
            line.clear();
        } else if !long {
            line.extend_from_slice(&chunk[..taken]);
        }
        read.consume(taken);
        if end.is_some() {
            break;
        }
    }
    if long {
        return Ok(Some(Err(TooLong)));
    }
    Ok(Some(Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())))
}

/// The mail up to the lone dot, dots at line starts undone. `None` when the client hung up in the middle: such a mail
/// was never taken.
async fn data(
    read: &mut (impl AsyncBufRead + Unpin),
    largest: usize,
) -> std::io::Result<Option<Result<Vec<u8>, TooLong>>> {
    let mut raw = Vec::new();
    let mut long = false;
    let mut line = Vec::new();
    loop {
        line.clear();
        if read.read_until(b'\n', &mut line).await? == 0 || !line.ends_with(b"\n") {
            return Ok(None);
        }
        if line == b".\r\n" {
            return Ok(Some(if long { Err(TooLong) } else { Ok(raw) }));
        }
        let content = line.strip_prefix(b".").unwrap_or(&line);
        if raw.len() + content.len() > largest {
            long = true;
            raw.clear();
        } else if !long {
            raw.extend_from_slice(content);
        }
    }
}

fn mail_from(rest: &str, envelope: &mut Envelope, options: &Options) -> String {
    let Some((address, parameters)) = path(rest, "FROM:") else {
        return "501 5.5.4 expected MAIL FROM:<address>".to_owned();
    };
    if envelope.from.is_some() {
        return "503 5.5.1 one sender is enough".to_owned();
    }
    for parameter in parameters.split_whitespace() {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match name.to_ascii_uppercase().as_str() {
            "SIZE" if value.parse::<usize>().is_ok_and(|size| size > options.largest) => {
                return "552 5.3.4 too large".to_owned();
            }
            "SIZE" | "BODY" | "SMTPUTF8" | "AUTH" => {}
            _ => return format!("555 5.5.4 unknown parameter {}", name.escape_default()),
        }
    }
    envelope.from = Some(address);
    "250 2.1.0 OK".to_owned()
}

fn recipient(rest: &str, envelope: &mut Envelope, faults: &Faults) -> String {
    let Some((address, _)) = path(rest, "TO:") else {
        return "501 5.5.4 expected RCPT TO:<address>".to_owned();
    };
    if envelope.from.is_none() {
        return "503 5.5.1 say MAIL FROM first".to_owned();
    }
    if envelope.to.len() >= MOST_RECIPIENTS {
        return "452 4.5.3 too many recipients".to_owned();
    }
    let (mailbox, host) = address.rsplit_once('@').unwrap_or((&address, ""));
    if mailbox.is_empty() || host.is_empty() {
        return "553 5.1.3 that is no address".to_owned();
    }
    match mailbox.to_ascii_lowercase().as_str() {
        "nobody" | "unknown" => return format!("550 5.1.1 <{address}>: nobody of that name here"),
        "full" => return "452 4.2.2 the mailbox is full".to_owned(),
        _ => {}
    }
    if faults.strikes("refused_mail") {
        return "451 4.3.2 the sandbox was asked to refuse this; try again later".to_owned();
    }
    envelope.to.push(address);
    "250 2.1.5 OK".to_owned()
}

/// `FROM:<jane@acme.example> SIZE=1` into the address and what follows.
fn path<'a>(rest: &'a str, keyword: &str) -> Option<(String, &'a str)> {
    let after =
        rest.get(..keyword.len()).filter(|start| start.eq_ignore_ascii_case(keyword)).map(|start| start.len())?;
    let (address, parameters) = rest[after..].trim_start().strip_prefix('<')?.split_once('>')?;
    Some((address.to_owned(), parameters.trim()))
}

/// AUTH PLAIN and LOGIN. Where no user is set, anybody is let in.
async fn sign_in(
    rest: &str,
    read: &mut (impl AsyncBufRead + Unpin),
    write: &mut (impl AsyncWriteExt + Unpin),
    options: &Options,
) -> std::io::Result<(&'static str, bool)> {
    let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
    let mut ask = async |prompt: &str| -> std::io::Result<Option<String>> {
        write.write_all(format!("334 {prompt}\r\n").as_bytes()).await?;
        Ok(command(read).await?.and_then(Result::ok))
    };
    let decoded = |text: &str| STANDARD.decode(text.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let given = match mechanism.to_ascii_uppercase().as_str() {
        "PLAIN" => {
            let answer = if initial.is_empty() { ask("").await?.unwrap_or_default() } else { initial.to_owned() };
            decoded(&answer).and_then(|text| {
                let mut parts = text.splitn(3, '\0').skip(1).map(str::to_owned);
                parts.next().zip(parts.next())
            })
        }
        "LOGIN" => {
            let user =
                if initial.is_empty() { ask("VXNlcm5hbWU6").await?.unwrap_or_default() } else { initial.to_owned() };
            let password = ask("UGFzc3dvcmQ6").await?.unwrap_or_default();
            decoded(&user).zip(decoded(&password))
        }
        _ => return Ok(("504 5.5.4 PLAIN or LOGIN", false)),
    };
    Ok(match (given, &options.sign_in) {
        (None, _) => ("501 5.5.2 that can't be read", false),
        (Some(given), Some(wanted)) if given != *wanted => ("535 5.7.8 wrong user or password", false),
        _ => ("235 2.7.0 welcome", true),
    })
}
