//! The report in a real browser.

use std::process::Command;

use crate::support::{SMALL, folder, unrolled, write};

#[test]
fn the_report_has_its_parts_and_loads_nothing() {
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    unrolled(folder.path()).args(["run", "small.toml", "-q", "--out", "out"]).assert().success();
    let html = std::fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    for part in [
        "What came out",
        "Error to the true gradient.",
        "Error to the lasso gradient.",
        "Error of the codes.",
        "Direction.",
        "Time.",
        "Memory.",
        "In numbers",
        "What you see",
        "How it was run",
        "Tolooshams",
        "seed = 7",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert_eq!(html.matches("<svg class=\"chart\"").count(), 6);
    for foreign in ["src=\"http", "href=\"http", "url(http", "@import", "<script"] {
        assert!(!html.contains(foreign), "{foreign}");
    }
}

/// Opens a page and gives back its document and its log; `None` where no browser is installed and none is required.
pub fn open(page: &std::path::Path, profile: &std::path::Path) -> Option<(String, String)> {
    let browser = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok());
    let Some(browser) = browser else {
        assert!(
            std::env::var_os("UNROLLED_REQUIRE_BROWSER").is_none(),
            "a browser is required and none is installed"
        );
        println!("SKIPPED: Chromium is not installed");
        return None;
    };
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--log-level=0", "--window-size=420,900", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let [dom, log] =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert!(output.status.success(), "{log}");
    Some((dom, log))
}

#[test]
fn the_report_opens_without_a_console_error() {
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    unrolled(folder.path()).args(["run", "small.toml", "-q", "--out", "out"]).assert().success();
    let page = folder.path().join("out/report.html");
    let Some((dom, log)) = open(&page, &folder.path().join("profile")) else {
        return;
    };
    assert!(dom.contains("What came out") && dom.contains("</svg>"));
    let console: Vec<_> = log.lines().filter(|line| line.contains(":CONSOLE")).collect();
    assert!(console.is_empty(), "{console:?}");
}
