// A short checksum of the note, from a WebAssembly module: it is here so that the sample has one.
//
// checksum.wasm is (module (func (export "step") (param i32 i32) (result i32)
//   (i32.mul (i32.xor (local.get 0) (local.get 1)) (i32.const 16777619)))), one step of FNV-1a.

import module from "./checksum.wasm";

const { step } = new WebAssembly.Instance(module).exports;

/** FNV-1a (32 bit) over the UTF-8 bytes, as eight hex digits. */
export function checksum(text) {
  let hash = 0x811c9dc5 | 0;
  for (const byte of new TextEncoder().encode(text)) hash = step(hash, byte);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
