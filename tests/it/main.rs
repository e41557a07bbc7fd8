//! Every integration test, in one binary: each module is one thing that is promised.

mod registry;
