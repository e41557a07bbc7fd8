//! Tells the pages under which version their stylesheet and script are served: see `tools/assets.mjs`, which builds them
//! and works the same number out.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

/// `zlib.crc32` of Node.js.
const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

fn main() -> Result<(), Box<dyn Error>> {
    let sources = "assets/bundle";
    // The libraries that go in are those of the lock file.
    let lock = "package-lock.json";
    println!("cargo::rerun-if-changed={sources}");
    println!("cargo::rerun-if-changed={lock}");
    let mut files: Vec<PathBuf> =
        fs::read_dir(sources)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    files.sort();
    files.push(lock.into());
    let mut digest = CRC.digest();
    for file in files {
        digest.update(&fs::read(file)?);
    }
    println!("cargo::rustc-env=ASSETS_VERSION={:08x}", digest.finalize());
    Ok(())
}
