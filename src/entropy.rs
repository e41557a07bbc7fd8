//! Chance, as a parameter.

use std::sync::Mutex;

use sha2::{Digest, Sha256};

/// Where random bytes come from. What is made of them is secret: the source must be fit for keys.
pub trait Entropy: Send + Sync {
    /// Fills `buffer` with fresh bytes.
    fn fill(&self, buffer: &mut [u8]);
}

/// `N` fresh bytes.
pub fn bytes<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut buffer = [0; N];
    entropy.fill(&mut buffer);
    buffer
}

/// Repeatable bytes for tests: SHA-256 over a seed and a counter.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    blocks: Mutex<u64>,
}

impl SeededEntropy {
    /// The same seed gives the same bytes in the same order.
    pub fn new(seed: u64) -> Self {
        Self { seed, blocks: Mutex::new(0) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        let mut blocks = self.blocks.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for chunk in buffer.chunks_mut(32) {
            *blocks += 1;
            let block =
                Sha256::new().chain_update(self.seed.to_be_bytes()).chain_update(blocks.to_be_bytes()).finalize();
            for (byte, fresh) in chunk.iter_mut().zip(block) {
                *byte = fresh;
            }
        }
    }
}
