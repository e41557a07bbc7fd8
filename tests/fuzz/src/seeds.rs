//! Inputs that are kept: one a line, as it would stand between the quotes of a `b"…"` in Rust.

/// `input` as a line.
pub fn line(input: &[u8]) -> String {
    input.escape_ascii().to_string()
}

/// The inputs of a file; `None` if one of its lines is none.
pub fn read(file: &str) -> Option<Vec<Vec<u8>>> {
    file.lines().map(input).collect()
}

fn input(line: &str) -> Option<Vec<u8>> {
    let mut input = Vec::with_capacity(line.len());
    let mut bytes = line.bytes();
    while let Some(byte) = bytes.next() {
        input.push(match byte {
            b'\\' => match bytes.next()? {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'x' => {
                    let digits = [bytes.next()?, bytes.next()?];
                    u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
                }
                quoted @ (b'\\' | b'\'' | b'"') => quoted,
                _ => return None,
            },
            byte => byte,
        });
    }
    Some(input)
}
