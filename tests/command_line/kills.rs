//! Twenty kills at random moments under load; `cargo run --release --example kills -- --kills 1000` makes more.
#![cfg(unix)]

#[path = "../../examples/kills/campaign.rs"]
mod campaign;

use std::path::Path;

use campaign::{Campaign, JOBS, Load, scratch};

#[test]
fn twenty_kills_lose_nothing() {
    let folder = scratch();
    let _load = Load::of(1);
    let binary = Path::new(assert_cmd::cargo::cargo_bin!("unrolled"));
    let mut campaign = Campaign::new(binary, folder.path(), 1);
    while campaign.kills < 20 {
        JOBS.iter().for_each(|job| campaign.finish(*job));
    }
    assert!(campaign.finished >= 3, "most jobs were to be killed on the way");
}
