//! What operators ask for, under `/admin/api`. What owners may ask for as well is in the files beside this folder.

pub mod acts;
pub mod audit;
pub mod doctor;
pub mod fleet;
pub mod invites;
pub mod orphans;
pub mod releases;
pub mod sweeps;
pub mod tenant;
pub mod verbs;
