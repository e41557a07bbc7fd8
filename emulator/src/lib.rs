//! A stand-in for the parts of the Cloudflare API that the control plane uses.
