//! Composite: up to 25 calls in one, the later ones naming results of the earlier ones.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::answer::{Answer, Body, Refusal, error};
use super::call::{Call, encode};

const MOST_CALLS: usize = 25;
/// Of those, how many may be collections or queries.
const MOST_HEAVY_CALLS: usize = 5;
const ROLLED_BACK: &str = "The transaction was rolled back since another operation in the same transaction failed.";

/// A checked Composite request.
pub struct Composite {
    pub all_or_none: bool,
    collate: bool,
    parts: Vec<Part>,
}

struct Part {
    method: Method,
    url: String,
    reference: String,
    headers: BTreeMap<String, String>,
    body: Option<Json>,
}

/// What became of one part.
struct Done {
    status: u16,
    body: Json,
    headers: Map<String, Json>,
    failed: bool,
    halted: bool,
}

impl Composite {
    /// Refuses the whole call for what Salesforce refuses it for.
    pub fn parse(call: &Call) -> Result<Composite, Refusal> {
        let body = call.object()?;
        let malformed = |message: String| Refusal::bad("JSON_PARSER_ERROR", message);
        let list = body.get("compositeRequest").and_then(Json::as_array);
        let list = list.ok_or_else(|| malformed("compositeRequest must be an array".into()))?;
        if list.len() > MOST_CALLS {
            let message = format!("Maximum number of {MOST_CALLS} subrequests exceeded");
            return Err(Refusal::bad("REQUEST_LIMIT_EXCEEDED", message));
        }
        let flag = |name: &str, default| body.get(name).and_then(Json::as_bool).unwrap_or(default);
        let mut parts: Vec<Part> = Vec::new();
        for part in list {
            let part = part.as_object().ok_or_else(|| malformed("each subrequest must be an object".into()))?;
            let part = Part::parse(part)?;
            if parts.iter().any(|other| other.reference == part.reference) {
                let message = format!("referenceId {} is used more than once", part.reference);
                return Err(Refusal::bad("INVALID_INPUT", message));
            }
            parts.push(part);
        }
        let heavy = parts.iter().filter(|part| part.is_heavy()).count();
        if heavy > MOST_HEAVY_CALLS {
            let message = format!("Maximum number of {MOST_HEAVY_CALLS} collection and query subrequests exceeded");
            return Err(Refusal::bad("REQUEST_LIMIT_EXCEEDED", message));
        }
        Ok(Composite { all_or_none: flag("allOrNone", false), collate: flag("collateSubrequests", true), parts })
    }

    /// Runs the parts. The answer is 200 whatever happens; `undo` tells that everything must be taken back.
    pub fn run(&self, mut run: impl FnMut(&Call) -> Result<Answer, Refusal>) -> Answer {
        let mut done: BTreeMap<&str, Done> = BTreeMap::new();
        for part in self.order() {
            let outcome = part.run(&done, &mut run);
            let failed = outcome.failed;
            done.insert(&part.reference, outcome);
            if self.all_or_none && failed {
                break;
            }
        }
        let undo = self.all_or_none && done.values().any(|done| done.failed);
        let parts = self.parts.iter().map(|part| {
            let rolled_back = || Done::halted(ROLLED_BACK);
            let done = match done.remove(part.reference.as_str()) {
                Some(done) if !undo || (done.failed && !done.halted) => done,
                _ => rolled_back(),
            };
            json!({
                "body": done.body,
                "httpHeaders": done.headers,
                "httpStatusCode": done.status,
                "referenceId": part.reference,
            })
        });
        let mut answer = Answer::json(200, json!({"compositeResponse": parts.collect::<Vec<_>>()}));
        answer.undo = undo;
        answer
    }

    /// With collation, unrelated calls of the same kind are moved together, as Salesforce does to run them in bulk:
    /// who relies on the order must switch it off.
    fn order(&self) -> Vec<&Part> {
        let mut left: Vec<&Part> = self.parts.iter().collect();
        if !self.collate {
            return left;
        }
        let mut order = Vec::new();
        while !left.is_empty() {
            let first = left.remove(0);
            let kind = first.kind();
            order.push(first);
            if !first.is_independent(&self.parts) {
                continue;
            }
            let (same, others) =
                left.into_iter().partition(|part| part.kind() == kind && part.is_independent(&self.parts));
            order.extend::<Vec<&Part>>(same);
            left = others;
        }
        order
    }
}

impl Part {
    fn parse(part: &Map<String, Json>) -> Result<Part, Refusal> {
        let text = |name: &str| part.get(name).and_then(Json::as_str);
        let invalid = |message: String| Refusal::bad("INVALID_INPUT", message);
        let reference = text("referenceId").ok_or_else(|| invalid("referenceId is required".into()))?;
        let mut characters = reference.chars();
        let starts_well = characters.next().is_some_and(|first| first.is_ascii_alphanumeric());
        if !starts_well || !characters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(invalid(format!("referenceId {reference:?} may hold letters, digits and underscores only")));
        }
        let method = match text("method") {
            Some("GET") => Method::GET,
            Some("POST") => Method::POST,
            Some("PATCH") => Method::PATCH,
            Some("PUT") => Method::PUT,
            Some("DELETE") => Method::DELETE,
            other => return Err(invalid(format!("method {other:?} is not an HTTP method in upper case"))),
        };
        let url = text("url").ok_or_else(|| invalid("url is required".into()))?.to_owned();
        let mut headers = BTreeMap::new();
        if let Some(given) = part.get("httpHeaders").and_then(Json::as_object) {
            for (name, value) in given {
                let name = name.to_lowercase();
                if ["accept", "authorization", "content-type"].contains(&name.as_str()) {
                    return Err(invalid(format!("the header {name} is not allowed in a subrequest")));
                }
                headers.insert(name, value.as_str().unwrap_or_default().to_owned());
            }
        }
        Ok(Part { method, url, reference: reference.to_owned(), headers, body: part.get("body").cloned() })
    }

    /// The resource below the version, without the query string.
    fn resource(&self) -> &str {
        let path = self.url.split('?').next().unwrap_or_default();
        path.strip_prefix("/services/data/v").and_then(|rest| rest.split_once('/')).map_or("", |(_, rest)| rest)
    }

    fn is_heavy(&self) -> bool {
        let resource = self.resource();
        ["composite/sobjects", "query", "queryAll"].iter().any(|heavy| resource.starts_with(heavy))
    }

    fn kind(&self) -> (&Method, &str) {
        let resource = self.resource();
        let end = resource.match_indices('/').nth(1).map_or(resource.len(), |(at, _)| at);
        (&self.method, resource.get(..end).unwrap_or(resource))
    }

    /// Whether it names no other part's result and no other part names its own.
    fn is_independent(&self, parts: &[Part]) -> bool {
        let names = |part: &Part, reference: Option<&str>| {
            let wanted = reference.map_or("@{".to_owned(), |reference| format!("@{{{reference}"));
            part.url.contains(&wanted) || part.body.as_ref().is_some_and(|body| body.to_string().contains(&wanted))
        };
        !names(self, None) && !parts.iter().any(|part| names(part, Some(&self.reference)))
    }

    fn run(&self, done: &BTreeMap<&str, Done>, run: &mut impl FnMut(&Call) -> Result<Answer, Refusal>) -> Done {
        let resolved = substitute(&self.url, done, true).and_then(|url| {
            let body = self.body.as_ref().map(|body| substitute_all(body, done)).transpose()?;
            Ok((url, body))
        });
        let (url, body) = match resolved {
            Ok(resolved) => resolved,
            Err(message) => return Done::halted(&message),
        };
        let outcome = Call::parse(self.method.clone(), &url).and_then(|mut call| {
            call.headers = self.headers.clone();
            call.body = body;
            match call.segments().as_slice() {
                ["sobjects", ..] | ["query" | "queryAll", ..] | ["composite", "sobjects", ..] => run(&call),
                _ => Err(Refusal::bad("INVALID_INPUT", format!("{} can't be called in a Composite", self.url))),
            }
        });
        match outcome {
            Ok(answer) => {
                let mut headers = Map::new();
                if let Some(location) = answer.location {
                    headers.insert("Location".to_owned(), json!(location));
                }
                let body = match answer.body {
                    Body::Json(json) => json,
                    Body::None | Body::Bytes(_) => Json::Null,
                };
                Done {
                    status: answer.status,
                    body,
                    headers,
                    failed: answer.undo || answer.status >= 300,
                    halted: false,
                }
            }
            Err(refusal) => {
                Done { status: refusal.status, body: refusal.body(), headers: Map::new(), failed: true, halted: false }
            }
        }
    }
}

impl Done {
    fn halted(message: &str) -> Done {
        let refusal = Refusal { status: 400, errors: vec![error("PROCESSING_HALTED", message, &[])] };
        Done { status: 400, body: refusal.body(), headers: Map::new(), failed: true, halted: true }
    }
}

fn substitute_all(json: &Json, done: &BTreeMap<&str, Done>) -> Result<Json, String> {
    Ok(match json {
        Json::String(text) => match whole_reference(text) {
            // A text that is nothing but a reference takes the value as it is, number or text.
            Some(reference) => look_up(reference, done)?.clone(),
            None => Json::String(substitute(text, done, false)?),
        },
        Json::Array(items) => {
            Json::Array(items.iter().map(|item| substitute_all(item, done)).collect::<Result<_, _>>()?)
        }
        Json::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| Ok((name.clone(), substitute_all(value, done)?)));
            Json::Object(fields.collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

fn whole_reference(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("@{")?.strip_suffix('}')?;
    (!inner.contains('}')).then_some(inner)
}

fn substitute(text: &str, done: &BTreeMap<&str, Done>, in_url: bool) -> Result<String, String> {
    let mut resolved = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("@{") {
        let (before, from) = rest.split_at(at);
        let end = from.find('}').ok_or_else(|| format!("Invalid reference specified. {from} has no end."))?;
        resolved.push_str(before);
        let value = look_up(&from[2..end], done)?;
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        resolved.push_str(&if in_url { encode(&value) } else { value });
        rest = &from[end + 1..];
    }
    resolved.push_str(rest);
    Ok(resolved)
}

/// `ref.records[0].Id`, letter case counting.
fn look_up<'a>(reference: &str, done: &'a BTreeMap<&str, Done>) -> Result<&'a Json, String> {
    let end = reference.find(['.', '[']).unwrap_or(reference.len());
    let (name, path) = reference.split_at(end);
    let missing = || {
        format!(
            "Invalid reference specified. No value for {reference} found in {name}. Field names are case-sensitive, and the referenced operation must have succeeded."
        )
    };
    let mut value = done.get(name).filter(|done| !done.failed).map(|done| &done.body).ok_or_else(missing)?;
    for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
        let next = match step.strip_suffix(']') {
            Some(index) => index.parse::<usize>().ok().and_then(|index| value.get(index)),
            None => value.get(step),
        };
        value = next.ok_or_else(missing)?;
    }
    if value.is_null() { Err(missing()) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn composite(body: Json) -> Result<Composite, Refusal> {
        let mut call = Call::parse(Method::POST, "/services/data/v66.0/composite").unwrap();
        call.body = Some(body);
        Composite::parse(&call)
    }

    fn part(reference: &str, method: &str, url: &str, body: Json) -> Json {
        json!({"referenceId": reference, "method": method, "url": format!("/services/data/v66.0/{url}"), "body": body})
    }

    /// Creates answer with an id and echo; what holds `"bad"` is refused.
    fn pretend(call: &Call) -> Result<Answer, Refusal> {
        let body = call.body.clone().unwrap_or(Json::Null);
        if body.to_string().contains("bad") {
            return Err(Refusal::bad("REQUIRED_FIELD_MISSING", "no"));
        }
        let path = call.path.join("/");
        Ok(Answer::json(201, json!({"id": "001A", "path": path, "echo": body, "records": [{"Id": "003B"}]})))
    }

    fn answer(composite: &Composite) -> (Vec<Json>, bool) {
        let answer = composite.run(pretend);
        let Body::Json(json) = answer.body else { panic!("no JSON") };
        (json["compositeResponse"].as_array().unwrap().clone(), answer.undo)
    }

    #[test]
    fn results_are_named_by_reference_path_and_index() {
        let composite = composite(json!({"compositeRequest": [
            part("a", "POST", "sobjects/Account", json!({"Name": "x"})),
            part("b", "PATCH", "sobjects/Invoice__c/@{a.id}", json!({"A__c": "@{a.id}", "B__c": "id @{a.records[0].Id}"})),
        ]}));
        let (parts, undo) = answer(&composite.unwrap());
        assert_eq!(parts[1]["body"]["path"], "sobjects/Invoice__c/001A");
        assert_eq!(parts[1]["body"]["echo"], json!({"A__c": "001A", "B__c": "id 003B"}));
        assert!(!undo);
    }

    #[test]
    fn without_all_or_none_only_the_dependents_of_a_failure_halt() {
        let composite = composite(json!({"compositeRequest": [
            part("a", "POST", "sobjects/Account", json!({"Name": "bad"})),
            part("b", "POST", "sobjects/Invoice__c", json!({"Account__c": "@{a.id}"})),
            part("c", "POST", "sobjects/Account", json!({"Name": "good"})),
            part("d", "POST", "sobjects/Account", json!({"Name": "@{c.Id}"})),
        ]}));
        let (parts, undo) = answer(&composite.unwrap());
        let codes: Vec<_> = parts.iter().map(|part| part["httpStatusCode"].as_u64().unwrap()).collect();
        assert_eq!(codes, [400, 400, 201, 400]);
        assert_eq!(parts[0]["body"][0]["errorCode"], "REQUIRED_FIELD_MISSING");
        assert_eq!(parts[1]["body"][0]["errorCode"], "PROCESSING_HALTED");
        let text = parts[1]["body"][0]["message"].as_str().unwrap();
        assert!(text.starts_with("Invalid reference specified. No value for a.id found in a."), "{text}");
        assert_eq!(parts[3]["body"][0]["errorCode"], "PROCESSING_HALTED", "Id is not id");
        assert!(!undo);
    }

    #[test]
    fn with_all_or_none_the_culprit_keeps_its_error_and_the_rest_is_rolled_back() {
        let composite = composite(json!({"allOrNone": true, "collateSubrequests": false, "compositeRequest": [
            part("a", "POST", "sobjects/Account", json!({"Name": "good"})),
            part("b", "POST", "sobjects/Account", json!({"Name": "bad"})),
            part("c", "POST", "sobjects/Account", json!({"Name": "good"})),
        ]}));
        let (parts, undo) = answer(&composite.unwrap());
        let codes: Vec<_> = parts.iter().map(|part| part["body"][0]["errorCode"].as_str().unwrap()).collect();
        assert_eq!(codes, ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING", "PROCESSING_HALTED"]);
        assert_eq!(parts[0]["body"][0]["message"], ROLLED_BACK);
        assert!(undo);
    }

    #[test]
    fn the_limits_and_names_of_the_whole_call_are_checked() {
        let many = |count: usize, url: &str| {
            let parts: Vec<Json> = (0..count).map(|at| part(&format!("r{at}"), "GET", url, Json::Null)).collect();
            composite(json!({"compositeRequest": parts})).is_ok()
        };
        assert!(many(25, "sobjects/Account/001") && !many(26, "sobjects/Account/001"));
        assert!(many(5, "query?q=x") && !many(6, "query?q=x"));
        let refused = |part: Json| composite(json!({"compositeRequest": [part]})).is_err();
        assert!(refused(part("no-dash", "GET", "query", Json::Null)));
        assert!(refused(part("a", "get", "query", Json::Null)));
        let mut with_header = part("a", "GET", "query", Json::Null);
        with_header["httpHeaders"] = json!({"Authorization": "x"});
        assert!(refused(with_header));
    }

    #[test]
    fn collation_brings_unrelated_calls_of_a_kind_together() {
        let body = |collate: bool| {
            json!({"collateSubrequests": collate, "compositeRequest": [
                part("a", "POST", "sobjects/Account", json!({})),
                part("b", "POST", "sobjects/Invoice__c", json!({})),
                part("c", "POST", "sobjects/Account", json!({})),
                part("d", "POST", "sobjects/Account", json!({"X": "@{b.id}"})),
            ]})
        };
        let order = |collate| {
            let composite = composite(body(collate)).unwrap();
            composite.order().iter().map(|part| part.reference.clone()).collect::<String>()
        };
        assert_eq!((order(true), order(false)), ("acbd".into(), "abcd".into()));
    }
}
