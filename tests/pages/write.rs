//! Writes every sample into the folder that is named, a file each, for the browser to look at.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what goes wrong fails the tests that called it"
)]

mod console;
mod fleet;
mod samples;
mod states;
mod tenant_page;

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).expect("a folder is named");
    std::fs::create_dir_all(&folder)?;
    for sample in samples::all(None) {
        std::fs::write(format!("{folder}/{}.html", sample.name), sample.html)?;
    }
    Ok(())
}
