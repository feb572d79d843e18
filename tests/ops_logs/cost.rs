//! What `plan` says of the cost of a bucket. Nothing of it asks the network.

use serde_json::Value;

use crate::support::scenario::{Ran, Scenario};

fn scene(store: &str) -> Scenario {
    Scenario::new().shipping_to("s3://acme-logs/fleet", "", store, "").log_of("a.log", 5000).log_of("b.log", 9000)
}

fn plan(scene: &Scenario) -> Ran {
    scene.run(&["--format", "json", "plan"])
}

/// The rows of the table of costs; none where there is no such table.
fn cost(ran: &Ran) -> Vec<Value> {
    let json = ran.json();
    let tables = json["tables"].as_array().cloned().unwrap_or_default();
    let found = tables.into_iter().find(|table| table["name"] == "cost");
    found.map_or_else(Vec::new, |table| table["rows"].as_array().cloned().unwrap())
}

#[test]
fn a_plan_says_what_a_month_in_the_bucket_costs() {
    let scene = scene("");
    // Nothing is known yet: two logs a day, and a segment of the manifest.
    let plain: u64 = scene.files().values().sum();
    let rows = cost(&plan(&scene).exits(0));
    assert_eq!((&rows[0][1], &rows[2][1], &rows[2][2]), (&120.into(), &60.into(), &(30 * plain).into()), "{rows:?}");
    assert!(rows[0][3].as_f64().unwrap() > 0.0);
    scene.run(&["plan"]).exits(0).says("Cost of s3://acme-logs/fleet a month, estimated from 2 logs due now");
    scene.rotate().exits(0);
    let known = plan(&scene).exits(0);
    let rows = cost(&known);
    assert_eq!((&rows[0][1], &rows[2][1]), (&120.into(), &60.into()), "{rows:?}");
    assert!(rows[2][2].as_u64().unwrap() < 30 * plain, "{rows:?}");
    scene.run(&["plan"]).exits(0).says("estimated from 2 archives of the last 30 days (AWS's list prices for us-east-1");
    assert!(cost(&scene.rotate().exits(0)).is_empty());
}

#[test]
fn a_dry_run_of_ship_says_what_the_shipment_costs() {
    let scene = scene("");
    let dry = |args: &[&str]| scene.run(&[&["--dry-run", "ship"], args].concat()).exits(0);
    let json = || scene.run(&["--format", "json", "--dry-run", "ship"]).exits(0);
    assert!(cost(&json()).is_empty(), "nothing waits");
    scene.rotate().exits(0);
    let bytes: u64 = scene.parcels().values().map(|ticket| ticket["facts"]["stored"].as_u64().unwrap()).sum();
    let rows = cost(&json());
    // Two objects; and as nothing is remembered, three lists and the first segment twice.
    assert_eq!((&rows[0][1], &rows[1][1], &rows[2][1]), (&7.into(), &0.into(), &2.into()), "{rows:?}");
    let dollars = rows[0][3].as_f64().map(|dollars| format!("{dollars:.6}"));
    assert_eq!((&rows[2][2], dollars.as_deref()), (&bytes.into(), Some("0.000035")), "{rows:?}");
    dry(&[]).says("Cost of this shipment to s3://acme-logs/fleet, estimated (AWS's list prices for us-east-1 as of");
    assert!(!dry(&["--endpoint-url", "http://127.0.0.1:1"]).stdout.contains("Cost of"), "nobody knows what that one charges");
}

#[test]
fn of_what_has_no_archive_here_only_what_is_due_counts() {
    let scene = Scenario::new().shipping_to("s3://acme-logs/fleet", "", "", "ship = \"direct\"").log_of("a.log", 5000);
    scene.rotate().exits(0);
    assert!(cost(&plan(&scene).exits(0)).is_empty(), "nobody knows how small what waits will be");
    scene.append("a.log", [b'x'; 2000]);
    scene.run(&["plan"]).exits(0).says("estimated from 1 log due now");
}

#[test]
fn what_a_class_bills_besides_is_told() {
    let scene = scene("storage-class = \"STANDARD_IA\"");
    let ran = plan(&scene).exits(0);
    let json = ran.json();
    assert!(json["findings"].as_array().unwrap().iter().any(|finding| finding["id"] == "logs.tiny-objects"), "{ran:#?}");
    scene.run(&["plan"]).exits(0).says("(STANDARD_IA, 30 days at least)");
}

#[test]
fn nothing_is_said_of_costs_that_nobody_knows() {
    assert!(cost(&plan(&scene("endpoint = \"http://127.0.0.1:1\"")).exits(0)).is_empty());
    let scene = scene("endpoint = \"http://127.0.0.1:1\"\nprices = { put = 1000.0, get = 0.0, storage = 0.0 }");
    assert_eq!(cost(&plan(&scene).exits(0))[0][3], 120.0);
    let folder = Scenario::new().shipping("", "").log_of("a.log", 5000);
    assert!(cost(&plan(&folder).exits(0)).is_empty());
}

#[test]
fn a_table_is_made_of_the_store_of_the_settings_or_of_one_that_is_typed() {
    let scene = scene("region = \"eu-central-1\"");
    scene
        .run(&["sql", "athena"])
        .exits(0)
        .says("'projection.service.values' = 'app'")
        .says("LOCATION 's3://acme-logs/fleet/logs/'");
    scene.run(&["sql", "duckdb"]).exits(0).says("REGION 'eu-central-1'");
    scene.run(&["sql", "athena", "--store", "s3://other-logs"]).exits(0).says("'projection.service.type' = 'injected'");
    scene.run(&["sql", "trino", "--store", "file:///srv/archive"]).exits(2).says("hint: ops-logs sql duckdb");
    scene.run(&["sql", "oracle"]).exits(2);
    Scenario::new().settings("").run(&["sql", "duckdb"]).exits(2).says("the settings name none");
}
