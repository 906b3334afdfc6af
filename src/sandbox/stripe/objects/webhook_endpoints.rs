//! `/v1/webhook_endpoints`

use serde_json::{Value, json};

use crate::sandbox::stripe::ledger::Kind;
use crate::sandbox::stripe::refusal::{Answer, Refusal};
use crate::sandbox::stripe::wire::pages::Page;
use crate::sandbox::stripe::wire::params::{Params, merge_metadata};
use crate::sandbox::stripe::world::{API_VERSION, World, public, random_text, text};

fn checked_url(url: &str) -> Result<(), Refusal> {
    if url.starts_with("http://") || url.starts_with("https://") {
        return Ok(());
    }
    let message = "Invalid URL: An explicit scheme (such as https) must be provided.";
    Err(Refusal::parameter("url_invalid", "url", message))
}

/// The secret is in this answer and in no other.
pub fn create(world: &mut World, mut params: Params) -> Answer {
    let url = params.required("url")?;
    let events = params.list("enabled_events")?.ok_or_else(|| Refusal::missing("enabled_events"))?;
    let version = params.filled("api_version")?;
    let description = params.text("description")?;
    let metadata = params.metadata()?;
    params.finish()?;
    checked_url(&url)?;
    let secret = format!("whsec_{}", random_text(32));
    let id = keep(world, &url, &events, &secret)?;
    let mut endpoint = world.load(Kind::WebhookEndpoint, &id)?;
    endpoint["api_version"] = json!(version);
    endpoint["description"] = json!(description);
    merge_metadata(&mut endpoint, metadata)?;
    world.put(Kind::WebhookEndpoint, endpoint.clone());
    let mut answer = public(&endpoint);
    answer["secret"] = json!(secret);
    Ok(answer)
}

fn keep(world: &mut World, url: &str, events: &[String], secret: &str) -> Result<String, Refusal> {
    if events.is_empty() {
        return Err(Refusal::missing("enabled_events"));
    }
    let id = world.new_id(Kind::WebhookEndpoint);
    let endpoint = json!({
        "id": id, "object": "webhook_endpoint", "api_version": API_VERSION, "application": null,
        "created": world.now_s(), "description": null, "enabled_events": events, "livemode": false, "metadata": {},
        "status": "enabled", "url": url, "_secrets": [{"secret": secret, "until": null}],
    });
    world.put(Kind::WebhookEndpoint, endpoint);
    Ok(id)
}

/// The sandbox's own endpoint, with a secret that is known beforehand.
pub fn point_at(world: &mut World, url: &str, secret: &str) {
    let own = world.ledger.oldest_first(Kind::WebhookEndpoint).find(|endpoint| endpoint["_own"] == true).cloned();
    let mut endpoint = match own {
        Some(endpoint) => endpoint,
        None => {
            let Ok(id) = keep(world, url, &["*".to_owned()], secret) else { return };
            world.ledger.get(Kind::WebhookEndpoint, &id).cloned().unwrap_or_default()
        }
    };
    endpoint["_own"] = json!(true);
    endpoint["url"] = json!(url);
    endpoint["_secrets"] = json!([{"secret": secret, "until": null}]);
    world.put(Kind::WebhookEndpoint, endpoint);
}

/// Rolls the secret: the old one signs too for a while.
pub fn roll(world: &mut World, id: &str, secret: Option<&str>, keep_s: i64) -> Answer {
    let mut endpoint = world.load(Kind::WebhookEndpoint, id)?;
    let secret = secret.map_or_else(|| format!("whsec_{}", random_text(32)), str::to_owned);
    let until = world.now_s() + keep_s;
    if let Some(list) = endpoint["_secrets"].as_array_mut() {
        list.iter_mut().filter(|old| old["until"].is_null()).for_each(|old| old["until"] = json!(until));
        list.insert(0, json!({"secret": secret, "until": null}));
    }
    world.put(Kind::WebhookEndpoint, endpoint.clone());
    let mut answer = public(&endpoint);
    answer["secret"] = json!(secret);
    Ok(answer)
}

/// The secrets that sign at `now_s`, newest first.
pub fn secrets(endpoint: &Value, now_s: i64) -> Vec<String> {
    let all = endpoint["_secrets"].as_array().map(Vec::as_slice).unwrap_or_default();
    let valid = all.iter().filter(|entry| entry["until"].as_i64().is_none_or(|until| now_s < until));
    valid.filter_map(|entry| text(entry, "secret").map(str::to_owned)).collect()
}

pub fn update(world: &mut World, id: &str, mut params: Params) -> Answer {
    let url = params.filled("url")?;
    let events = params.list("enabled_events")?;
    let description = params.text("description")?;
    let disabled = params.boolean("disabled")?;
    let metadata = params.metadata()?;
    params.finish()?;
    let mut endpoint = world.load(Kind::WebhookEndpoint, id)?;
    if let Some(url) = url {
        checked_url(&url)?;
        endpoint["url"] = json!(url);
    }
    if let Some(events) = events {
        endpoint["enabled_events"] = json!(events);
    }
    if let Some(description) = description {
        endpoint["description"] = json!(description);
    }
    if let Some(disabled) = disabled {
        endpoint["status"] = json!(if disabled { "disabled" } else { "enabled" });
    }
    merge_metadata(&mut endpoint, metadata)?;
    world.put(Kind::WebhookEndpoint, endpoint.clone());
    Ok(public(&endpoint))
}

pub fn delete(world: &mut World, id: &str) -> Answer {
    world.load(Kind::WebhookEndpoint, id)?;
    world.ledger.remove(Kind::WebhookEndpoint, id);
    Ok(json!({"id": id, "object": "webhook_endpoint", "deleted": true}))
}

pub fn list(world: &World, mut params: Params) -> Answer {
    let page = Page::take(&mut params)?;
    params.finish()?;
    page.of(world, Kind::WebhookEndpoint, "/v1/webhook_endpoints", world.ledger.newest_first(Kind::WebhookEndpoint))
}
