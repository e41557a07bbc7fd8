//! The migrations of the registry, oldest first: the files that `wrangler d1 migrations apply` runs on D1, and notes in a table
//! of its own.

/// Names the files, and natively has what is in them.
macro_rules! migrations {
    ($($name:literal),* $(,)?) => {
        /// Their names, as wrangler notes them.
        pub const NAMES: &[&str] = &[$($name),*];

        /// What is in them.
        #[cfg(not(target_arch = "wasm32"))]
        pub(super) const FILES: &[&str] = &[$(include_str!(concat!("../../migrations/", $name))),*];
    };
}

migrations![
    "0001_registry.sql",
    "0002_lifecycle.sql",
    "0003_self_service.sql",
    "0004_live_secrets.sql",
    "0005_largest.sql",
    "0006_operators.sql",
    "0007_fleet.sql",
];

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_migration_of_the_folder_is_known_in_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let mut there: Vec<String> =
            fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        there.sort_unstable();
        assert_eq!(NAMES, there);
    }
}
