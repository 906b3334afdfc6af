//! The machine's clock is set. libfaketime stands between the daemon and the clock.

use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::house::House;

/// A daemon that runs by another clock than the machine.
pub struct Shifted(Child);

/// Only the wall clock is set, as an administrator or a time server would; the monotonic one can't be. Without the
/// wrapper `faketime`, whose child would outlive a SIGTERM. `$LIB` is the dynamic linker's.
fn shifted(command: &mut Command, by_s: i64) -> &mut Command {
    let library = "/usr/$LIB/faketime/libfaketimeMT.so.1";
    command.env("LD_PRELOAD", library).env("FAKETIME", format!("{by_s:+}")).env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
}

fn seconds(command: &mut Command) -> i64 {
    let output = command.arg("+%s").output().expect("date");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("seconds")
}

impl Shifted {
    pub fn start(house: &House, by_s: i64) -> Shifted {
        let ahead = seconds(shifted(&mut Command::new("date"), by_s)) - seconds(&mut Command::new("date"));
        assert!((ahead - by_s).abs() <= 10, "the clock is {ahead} s ahead: apt-get install faketime");
        let log = std::fs::File::create(house.dir().join("daemon.log")).expect("a log file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_quittance"));
        command.args(["run", "--config", &house.endpoints.daemon_config]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Shifted(shifted(&mut command, by_s).spawn().expect("the daemon"))
    }
}

impl Drop for Shifted {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg("-TERM").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn an_hour_back_nothing_fires_twice_and_work_goes_on() {
    let house = House::start().await;
    let row = house.synced_account(&json!({"Name": "Before", "Billing_Email__c": "before@clock.example"})).await;
    let account = row["Id"].as_str().expect("an Id");
    let invoice = house
        .insert(
            "Invoice__c",
            &json!({"Name": "CLOCK-1", "Account__c": account, "Currency_Code__c": "USD", "Status__c": "Open",
                "Total__c": 12, "Due_Date__c": "2027-06-30"}),
        )
        .await
        .expect("an invoice");
    let press = json!({"invoiceId": invoice, "email": "before@clock.example", "note": null, "expiresOn": null});
    house.press("SendPaymentLinkController", "send", &press).await.expect("Send Payment Link");
    house.mail_to("before@clock.example", "CLOCK-1", 30).await.expect("the mail");
    // One command that waits for its next try over the change of the clock.
    house.fault("stripe_down", 1.0).await;
    let waiting = house.insert("Account", &json!({"Name": "Waits"})).await.expect("insert");
    house
        .eventually("a try", 20, || async {
            Ok(if house.daemon_log().contains("waits for its next try") { Ok(()) } else { Err(String::new()) })
        })
        .await;
    house.kill_daemon().await;
    house.fault("stripe_down", 0.0).await;

    let _daemon = Shifted::start(&house, -3_600);
    house.is_ready().await;
    house.synced(&waiting).await;
    house.synced_account(&json!({"Name": "After"})).await;
    house.update("Account", account, &json!({"Phone": "3"})).await.expect("update");
    house.synced(account).await;
    assert_eq!(house.customers().await.len(), 3);
    assert_eq!(house.mails().await.expect("mails").len(), 1, "no link was mailed again");
    assert_eq!(house.payment_errors().await, 0);
}
