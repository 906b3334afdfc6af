//! Resources that are no records: versions, the list of resources, limits, event schemas.

use http::Method;
use serde_json::{Value as Json, json};

use super::answer::{Answer, Refusal};
use super::call::Call;
use crate::sandbox::org::bus::Bus;
use crate::sandbox::org::host::Host;
use crate::sandbox::org::wire::usage::Usage;

/// `GET /services/data/`, which needs no session.
pub fn versions() -> Json {
    let season = |version: u32| match version % 3 {
        0 => "Spring",
        1 => "Summer",
        _ => "Winter",
    };
    // Version 66 is Spring '26; three releases make a year, and Winter carries the next year's number.
    let year = |version: u32| 26 + (version as i32 - 66).div_euclid(3) + i32::from(version % 3 == 2);
    let list = (31..=68u32).map(|version| {
        let label = format!("{} '{:02}", season(version), year(version));
        json!({"label": label, "url": format!("/services/data/v{version}.0"), "version": format!("{version}.0")})
    });
    Json::Array(list.collect())
}

/// `/services/data/vXX.0`: what there is.
pub(super) fn index(call: &Call) -> Answer {
    let names = ["sobjects", "query", "queryAll", "limits", "composite", "event"];
    let resources = names.iter().map(|name| ((*name).to_owned(), json!(format!("{}/{name}", call.base()))));
    Answer::json(200, Json::Object(resources.collect()))
}

/// `/limits`
pub(super) fn limits(call: &Call, usage: &Usage, bus: &Bus) -> Result<Answer, Refusal> {
    if call.method != Method::GET {
        return Err(Refusal::method(&call.method));
    }
    let (used, allowed) = usage.api(bus.now());
    let limit = |most: u64, left: u64| json!({"Max": most, "Remaining": left});
    let deliveries = limit(bus.deliveries_allowed(), bus.deliveries_left());
    Ok(Answer::json(
        200,
        json!({
            "DailyApiRequests": limit(allowed, allowed.saturating_sub(used)),
            "DailyDeliveredPlatformEvents": deliveries,
            "HourlyPublishedPlatformEvents": limit(250_000, 250_000u64.saturating_sub(bus.counts().0)),
            "MonthlyPlatformEventsUsageEntitlement": limit(0, 0),
            "PublishCallbackUsageInApex": limit(5_242_880, 5_242_880),
            "DataStorageMB": limit(10_240, 10_240),
            "FileStorageMB": limit(10_240, 10_240),
            "SingleEmail": limit(5_000, 5_000),
        }),
    ))
}

/// `/event/eventSchema/{id}` and `/sobjects/X__e/eventSchema`
pub(super) fn event_schema(host: &dyn Host, call: &Call, bus: &Bus) -> Result<Answer, Refusal> {
    let schema = match call.segments().as_slice() {
        ["event", "eventSchema", id] => bus.schema(id),
        ["sobjects", event, "eventSchema"] => {
            let access = host.object_access(event);
            if access.read || access.create { bus.topic_schema(&format!("/event/{event}")) } else { None }
        }
        _ => None,
    };
    match call.parameter("payloadFormat") {
        None | Some("COMPACT" | "compact") => {}
        Some(other) => {
            return Err(Refusal::bad("INVALID_INPUT", format!("payloadFormat {other} is not offered; use COMPACT")));
        }
    }
    Ok(Answer::json(200, schema.ok_or_else(Refusal::not_found)?.with_uuid()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_carry_the_names_of_their_seasons() {
        let versions = versions();
        let label = |version: &str| {
            let found = versions.as_array().unwrap().iter().find(|entry| entry["version"] == version).unwrap();
            found["label"].as_str().unwrap().to_owned()
        };
        assert_eq!(label("68.0"), "Winter '27");
        assert_eq!(label("67.0"), "Summer '26");
        assert_eq!(label("66.0"), "Spring '26");
        assert_eq!(label("65.0"), "Winter '26");
        assert_eq!(label("64.0"), "Summer '25");
    }
}
