//! `quittance status`: one screen of what the daemon has before it.

use std::process::ExitCode;

use crate::config::Config;
use crate::store::overview::Overview;

/// What to show.
#[derive(clap::Args)]
pub struct Args {
    /// As JSON, for other programs.
    #[arg(long)]
    json: bool,
}

/// Shows it. Exits 1 where dead letters, refused writes or unreadable events wait for somebody.
pub async fn status(config: &Config, args: Args) -> anyhow::Result<ExitCode> {
    let store = super::open_store(config).await?;
    let now_ms = super::clock_of(&store).await?.now_ms();
    let overview = store.overview(now_ms).await?;
    store.close().await;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&overview)?);
    } else {
        print!("{}", screen(&overview, now_ms));
    }
    Ok(if overview.dead + overview.bad_events + overview.refused > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn age(ms: i64) -> String {
    match ms / 1_000 {
        0 => "none".to_owned(),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}

fn screen(overview: &Overview, now_ms: i64) -> String {
    let fact = |name: &str| {
        let found = overview.facts.iter().find(|(one, _)| one == name);
        found.map_or("not known yet", |(_, value)| value.as_str()).to_owned()
    };
    let replay = match (&overview.replay_id, overview.replay_updated_ms) {
        (Some(id), Some(at)) => format!("{id}, moved {} ago", age((now_ms - at).max(1_000))),
        _ => "none yet; the next start takes the earliest event that Salesforce keeps".to_owned(),
    };
    let rows = [
        ("database", overview.database.to_owned()),
        ("org", fact("stamp:org")),
        ("Stripe account", format!("{} ({})", fact("stamp:Stripe account"), fact("stamp:Stripe mode"))),
        ("sidecars", overview.sidecars.to_string()),
        ("commands waiting", overview.waiting.to_string()),
        ("commands in work", overview.working.to_string()),
        ("oldest waits since", age(overview.oldest_waiting_ms)),
        ("outbox", overview.outbox.to_string()),
        ("oldest in it since", age(overview.outbox_oldest_ms)),
        ("refused writes", waits_for_somebody(overview.refused)),
        ("files to upload", overview.files.to_string()),
        ("last replay id", replay),
        ("dead letters", waits_for_somebody(overview.dead)),
        ("unreadable events", waits_for_somebody(overview.bad_events)),
        ("payments of nobody", ownerless(overview)),
    ];
    rows.iter().map(|(name, value)| format!("{name:<20} {value}\n")).collect()
}

/// They are not booked, so whoever runs this looks them up in the Stripe Dashboard.
fn ownerless(overview: &Overview) -> String {
    if overview.ownerless == 0 {
        return "0".to_owned();
    }
    let ids = overview.ownerless_ids.join(", ");
    format!("{}, not booked because neither they nor their customer name an org: {ids}", overview.ownerless)
}

fn waits_for_somebody(count: i64) -> String {
    if count == 0 { "0".to_owned() } else { format!("{count}; see quittance dead-letter list") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::harness::sqlite;

    #[tokio::test]
    async fn an_empty_database_has_a_screen_too() {
        let (store, _folder) = sqlite().await;
        let shown = screen(&store.overview(5_000).await.unwrap(), 5_000);
        assert!(shown.contains("commands waiting     0\n"), "{shown}");
        assert!(shown.contains("the next start takes the earliest event"), "{shown}");
    }
}
