use secrecy::ExposeSecret;

use super::*;

const GOOD: &str = r##"
[database]
url = "sqlite://q.db"
[salesforce]
login_url = "https://acme.my.salesforce.com/"
client_id = 12345
client_secret = "s"
[stripe]
secret_key = "sk_test_1"
publishable_key = "pk_test_1"
webhook_secrets = ["whsec_1"]
[mail]
smtp_url = "smtp://127.0.0.1:25"
from = "Acme <billing@acme.example>"
[web]
public_url = "https://pay.acme.example/"
[links]
key = "0123456789abcdef0123456789abcdef"
[company]
name = "Acme"
colour = "#0a5fd6"
"##;

fn read(text: &str) -> Result<Config, Error> {
    Config::from_figment(&Figment::new().merge(Toml::string(text)), None)
}

fn problems(text: &str) -> Vec<String> {
    read(text).err().map(|error| error.0.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

#[test]
fn what_is_needed_is_enough() {
    let config = read(GOOD).unwrap();
    assert_eq!(config.salesforce.client_id, "12345", "a number is a text too");
    assert_eq!(config.salesforce.pubsub_url, "https://api.pubsub.salesforce.com:7443");
    assert_eq!(config.web.public_url, "https://pay.acme.example");
    assert_eq!(config.company.colour, Some([0x0a, 0x5f, 0xd6]));
    assert_eq!(config.company.legal_name, "Acme");
    assert!(!config.stripe.is_live());
}

#[test]
fn everything_that_is_wrong_is_said_at_once_with_its_key() {
    let found =
        problems(&GOOD.replace("client_secret = \"s\"", "").replace("pk_test_1", "oops").replace("#0a5fd6", "blue"));
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(
        found[0],
        "salesforce.client_secret: found nothing; expected the secret, or salesforce.client_secret_file, or the variable \
         QUITTANCE_SALESFORCE__CLIENT_SECRET"
    );
    assert!(found[1].starts_with("stripe.publishable_key: found"));
    assert!(found[2].starts_with("company.colour: found \"blue\"; expected"));
}

#[test]
fn a_key_that_does_not_exist_is_named_with_those_that_do() {
    let found = problems(&GOOD.replace("[company]", "[company]\nnmae = \"x\""));
    assert!(found[0].starts_with("company.nmae: found a key that does not exist; expected one of name,"), "{found:?}");
}

#[test]
fn a_live_key_goes_nowhere_but_to_stripe() {
    let live = GOOD.replace("sk_test_1", "rk_live_1").replace("pk_test_1", "pk_live_1");
    assert_eq!(problems(&live), Vec::<String>::new());
    let elsewhere = live.replace("[stripe]", "[stripe]\napi_url = \"http://127.0.0.1:1\"");
    assert!(problems(&elsewhere)[0].starts_with("stripe.api_url:"));
    assert!(problems(&GOOD.replace("pk_test_1", "pk_live_1"))[0].contains("another mode"));
}

#[test]
fn how_often_stripe_is_swept_and_listed_has_bounds() {
    let config = Config::from_figment(&Figment::new().merge(Toml::string(GOOD)), None).unwrap();
    assert_eq!((config.stripe.sweep_s, config.stripe.listing_s), (900, 86_400));
    let often = GOOD.replace("[stripe]", "[stripe]\nsweep_s = 60\nlisting_s = \"3600\"");
    let config = Config::from_figment(&Figment::new().merge(Toml::string(&often)), None).unwrap();
    assert_eq!((config.stripe.sweep_s, config.stripe.listing_s), (60, 3_600));
    let never = GOOD.replace("[stripe]", "[stripe]\nsweep_s = 0\nlisting_s = \"weekly\"");
    let found = problems(&never);
    assert!(found[0].starts_with("stripe.sweep_s: found \"0\"; expected 1 to 3600 seconds"), "{found:?}");
    assert!(found[1].starts_with("stripe.listing_s: found \"weekly\"; expected 1 to 86400 seconds"), "{found:?}");
}

#[test]
fn secrets_come_from_files_and_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), "sk_test_from_file\n").unwrap();
    let text = GOOD.replace("secret_key = \"sk_test_1\"", "secret_key_file = \"key\"");
    let figment = Figment::new().merge(Toml::string(&text));
    let config = Config::from_figment(&figment, Some(folder.path())).unwrap();
    assert_eq!(config.stripe.secret_key.expose_secret(), "sk_test_from_file");
    assert!(!format!("{config:?}").contains("from_file"));
    let found = Config::from_figment(&Figment::new().merge(Toml::string(&text)), None).unwrap_err();
    assert!(found.to_string().contains("stripe.secret_key_file"));
}

#[test]
fn a_proxy_that_is_no_network_and_a_descriptor_that_no_statement_takes_are_refused() {
    let web = |proxies: &str| GOOD.replace("[web]", &format!("[web]\ntrusted_proxies = {proxies}"));
    assert_eq!(problems(&web(r#"["10.0.0.0/8", "::1"]"#)), Vec::<String>::new());
    for wrong in ["proxy.internal", "10.0.0.0/33", "10.0.0/8"] {
        assert!(problems(&web(&format!("[{wrong:?}]")))[0].starts_with("web.trusted_proxies: found"), "{wrong}");
    }
    let suffix = |text: &str| GOOD.replace("[company]", &format!("[company]\nstatement_descriptor_suffix = {text:?}"));
    assert_eq!(read(&suffix("INVOICE")).unwrap().company.statement_descriptor_suffix.as_deref(), Some("INVOICE"));
    for wrong in ["A*B", "123456", "A TEXT THAT IS TOO LONG FOR IT", "RECHNUNGÄ"] {
        assert!(problems(&suffix(wrong))[0].starts_with("company.statement_descriptor_suffix"), "{wrong}");
    }
}

#[test]
fn the_example_names_only_keys_that_exist() {
    let example = include_str!("../../quittance.toml.example");
    let uncommented: String = example
        .lines()
        .map(|line| {
            let rest = line.strip_prefix("# ").unwrap_or(line);
            let is_key = rest
                .split_once(" = ")
                .is_some_and(|(key, _)| key.chars().all(|one| one.is_ascii_lowercase() || one == '_'));
            if is_key || rest.starts_with('[') { format!("{rest}\n") } else { format!("{line}\n") }
        })
        .collect();
    assert!(uncommented.contains("\nprivacy_url ="), "the comments were not taken away");
    let raw: Result<Raw, _> = Figment::new().merge(Toml::string(&uncommented)).extract();
    raw.map_err(|error| error.to_string()).unwrap();
    // And every key that exists stands in it: the error about one that doesn't exist lists them.
    for section in ["database", "salesforce", "stripe", "mail", "web", "links", "company", "desk", "log", "tls"] {
        let head = format!("[{section}]\n");
        let text = if GOOD.contains(&head) { GOOD.to_owned() } else { format!("{GOOD}{head}") };
        let said = problems(&text.replace(&head, &format!("{head}no_such_key = 1\n"))).join("");
        let keys = said.split("one of ").nth(1).unwrap_or_else(|| panic!("{section}: {said}"));
        for key in keys.split(", ") {
            // Of the two keys of a secret one is enough.
            let other = key.strip_suffix("_file").map_or_else(|| format!("{key}_file"), str::to_owned);
            let there = |key: &str| uncommented.lines().any(|line| line.starts_with(&format!("{key} =")));
            assert!(there(key) || there(&other), "{section}.{key} is not in quittance.toml.example");
        }
    }
}

#[test]
fn without_plaid_banks_are_left_out_and_half_a_section_is_named() {
    assert!(read(GOOD).unwrap().plaid.is_none());
    let with = |keys: &str| format!("{GOOD}\n[plaid]\n{keys}\n");
    let plaid = read(&with("client_id = \"c\"\nsecret = \"s\"")).unwrap().plaid.unwrap();
    assert_eq!(plaid.api_url, "https://sandbox.plaid.com", "as the test key of Stripe asks");
    assert_eq!(plaid.js_url, "https://cdn.plaid.com/link/v2/stable/link-initialize.js");
    let found = problems(&with("client_id = \"c\""));
    assert!(found.len() == 1 && found[0].starts_with("plaid.secret: found nothing"), "{found:?}");
    let keys = "client_id = \"c\"\nsecret = \"s\"\napi_url = \"https://production.plaid.com\"";
    let found = problems(&with(keys));
    assert!(found.len() == 1 && found[0].starts_with("plaid.api_url:"), "{found:?}");
}

#[test]
fn clerks_type_no_card_numbers_until_the_file_says_so() {
    assert_eq!(read(GOOD).unwrap().desk, Desk { take_cards: false, moto: false });
    let desk = |keys: &str| format!("{GOOD}\n[desk]\n{keys}\n");
    assert_eq!(read(&desk("take_cards = true")).unwrap().desk, Desk { take_cards: true, moto: false });
    assert_eq!(read(&desk("moto = \"true\"")).unwrap().desk, Desk { take_cards: false, moto: true });
    let found = problems(&desk("take_cards = \"yes\"\nmoto = 1"));
    assert_eq!(found[0], "desk.take_cards: found \"yes\"; expected true or false");
    assert!(found[1].starts_with("desk.moto: found \"1\""), "{found:?}");
}
