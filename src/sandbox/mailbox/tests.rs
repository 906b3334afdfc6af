use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

async fn started(options: Options) -> (Served, Arc<Faults>) {
    let faults = Arc::new(Faults::new(1));
    (serve(faults.clone(), options).await.unwrap(), faults)
}

/// Says all of it at once, as a pipelining client may, and hangs up.
async fn says(served: &Served, script: &str) -> String {
    let mut stream = TcpStream::connect(served.smtp_addr).await.unwrap();
    stream.write_all(script.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answers = String::new();
    tokio::time::timeout(Duration::from_secs(5), stream.read_to_string(&mut answers)).await.unwrap().unwrap();
    answers
}

const LETTER: &str = "EHLO me\r\nMAIL FROM:<a@acme.example> SIZE=100\r\nRCPT TO:<jane@customer.example>\r\nDATA\r\n\
    Subject: =?utf-8?q?R=C3=A9sum=C3=A9?=\r\nMessage-ID: <1@acme.example>\r\n\r\nHello\r\n..dotted\r\n.\r\nQUIT\r\n";

#[tokio::test]
async fn a_mail_is_kept_as_it_was_handed_over() {
    let (served, _) = started(Options::default()).await;
    let answers = says(&served, LETTER).await;
    assert!(answers.contains("250 2.0.0 kept as 1"), "{answers}");
    let mail = served.handle.get(1).unwrap();
    assert_eq!(
        (mail.from.as_str(), mail.to.as_slice()),
        ("a@acme.example", ["jane@customer.example".to_owned()].as_slice())
    );
    assert!(mail.raw.ends_with(b"\r\nHello\r\n.dotted\r\n"), "{:?}", String::from_utf8_lossy(&mail.raw));
    let opened = mail.open();
    assert_eq!((opened.subject.as_str(), opened.message_id.as_deref()), ("Résumé", Some("1@acme.example")));
    assert_eq!(opened.text.as_deref().map(str::trim_end), Some("Hello\r\n.dotted"));
}

#[tokio::test]
async fn a_mail_broken_off_in_the_middle_was_never_taken() {
    let (served, _) = started(Options::default()).await;
    says(&served, LETTER.split("..dotted").next().unwrap()).await;
    assert_eq!(served.handle.count(), 0);
}

#[tokio::test]
async fn refusals_are_for_good_or_for_now() {
    let (served, faults) = started(Options::default()).await;
    let to = |address: &str| format!("EHLO me\r\nMAIL FROM:<a@acme.example>\r\nRCPT TO:<{address}>\r\nQUIT\r\n");
    assert!(says(&served, &to("nobody@customer.example")).await.contains("\r\n550 5.1.1 "));
    assert!(says(&served, &to("full@customer.example")).await.contains("\r\n452 4.2.2 "));
    assert!(says(&served, &to("no-address")).await.contains("\r\n553 5.1.3 "));
    assert!(says(&served, &to("jane@customer.example")).await.contains("\r\n250 2.1.5 "));
    faults.set("refused_mail", 1.0).unwrap();
    assert!(says(&served, &to("jane@customer.example")).await.contains("\r\n451 4.3.2 "));
}

#[tokio::test]
async fn commands_out_of_order_are_refused_and_too_much_is_too_much() {
    let (served, _) = started(Options { largest: 1000, ..Options::default() }).await;
    let answers =
        says(&served, "MAIL FROM:<a@b.example>\r\nEHLO me\r\nRCPT TO:<c@d.example>\r\nDATA\r\nSTARTTLS\r\nQUIT\r\n")
            .await;
    let codes: Vec<&str> = answers.lines().filter(|line| !line.starts_with("250")).map(|line| &line[..3]).collect();
    assert_eq!(codes, ["220", "503", "503", "503", "502", "221"], "{answers}");
    let large = format!(
        "EHLO me\r\nMAIL FROM:<a@b.example> SIZE=1001\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n{}\r\n.\r\nNOOP {}\r\nQUIT\r\n",
        "x".repeat(2000),
        "y".repeat(5000)
    );
    let answers = says(&served, &large).await;
    assert_eq!(answers.matches("552 5.3.4").count(), 2, "{answers}");
    assert!(answers.contains("500 5.5.2 line too long") && answers.contains("221 "), "{answers}");
    assert_eq!(served.handle.count(), 0);
}

#[tokio::test]
async fn a_password_is_asked_for_where_one_is_set() {
    let sign_in = Some(("user".to_owned(), "secret".to_owned()));
    let (served, _) = started(Options { sign_in, ..Options::default() }).await;
    let auth = |plain: &str| format!("EHLO me\r\nAUTH PLAIN {plain}\r\nMAIL FROM:<a@b.example>\r\nQUIT\r\n");
    assert!(says(&served, &auth("AHVzZXIAd3Jvbmc=")).await.contains("535 5.7.8"));
    let good = says(&served, &auth("AHVzZXIAc2VjcmV0")).await;
    assert!(good.contains("235 2.7.0") && good.contains("250 2.1.0"), "{good}");
    let login = "EHLO me\r\nAUTH LOGIN\r\ndXNlcg==\r\nc2VjcmV0\r\nQUIT\r\n";
    assert!(says(&served, login).await.contains("235 2.7.0"));
}

#[tokio::test]
async fn mails_survive_a_restart_and_numbers_survive_clearing() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { dir: Some(dir.path().to_owned()), ..Options::default() };
    let (served, _) = started(options.clone()).await;
    says(&served, LETTER).await;
    drop(served);
    let (served, _) = started(options.clone()).await;
    assert_eq!(served.handle.get(1).unwrap().open().subject, "Résumé");
    served.handle.clear().unwrap();
    drop(served);
    let (served, _) = started(options).await;
    assert_eq!(served.handle.count(), 0);
    assert!(says(&served, LETTER).await.contains("kept as 2"));
}

#[tokio::test]
async fn a_waiting_reader_hears_of_a_new_mail() {
    let (served, _) = started(Options::default()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mailbox", listener.local_addr().unwrap());
    let app = axum::Router::new().nest("/mailbox", router(served.handle.clone()));
    let _web = AbortOnDropHandle::new(tokio::spawn(async move { axum::serve(listener, app).await.unwrap() }));
    let ask = |path: &str| {
        let address = url.trim_start_matches("http://").split('/').next().unwrap().to_owned();
        let request = format!("GET /mailbox/api/messages{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        }
    };
    let (answer, _) = tokio::join!(ask("?after=0&wait=10&to=Jane@customer.example"), says(&served, LETTER));
    assert!(answer.contains("\"subject\":\"Résumé\""), "{answer}");
    assert!(ask("?after=1").await.ends_with("[]"));
    assert!(ask("/1").await.contains("\"message_id\":\"1@acme.example\""));
    assert!(ask("/1/raw").await.contains("Subject: =?utf-8?q?"));
    assert!(ask("/99").await.starts_with("HTTP/1.1 404"));
}
