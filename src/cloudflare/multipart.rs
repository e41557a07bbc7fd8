//! multipart/form-data, written whole into memory.
//!
//! The parts have the form that wrangler gives them: a value has a name and nothing else; a file has its path as name
//! *and* file name, and a content type. <https://www.rfc-editor.org/rfc/rfc7578>

use bytes::{Bytes, BytesMut};

/// A form in the making.
#[derive(Default)]
pub(super) struct Form {
    parts: Vec<Part>,
}

/// A file of a form.
pub(super) struct File {
    /// Name of the part and of the file.
    pub(super) path: String,
    /// What the file is.
    pub(super) content_type: String,
    /// What is in it.
    pub(super) body: Bytes,
}

struct Part {
    name: String,
    /// `Some`: a file of that content type.
    content_type: Option<String>,
    body: Bytes,
}

/// A form that cannot be written without changing its meaning.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name or content type of part {0} of the form has a quote, backslash or control character")]
pub(super) struct FormError(usize);

impl Form {
    /// Adds a value.
    pub(super) fn value(mut self, name: &str, body: impl Into<Bytes>) -> Self {
        self.parts.push(Part { name: name.to_owned(), content_type: None, body: body.into() });
        self
    }

    /// Adds files.
    pub(super) fn files(mut self, files: impl IntoIterator<Item = File>) -> Self {
        let parts = files.into_iter().map(|File { path, content_type, body }| Part {
            name: path,
            content_type: Some(content_type),
            body,
        });
        self.parts.extend(parts);
        self
    }

    /// The content type, with its boundary, and the body.
    ///
    /// The same parts give the same bytes: the boundary is the first of a fixed series that occurs in no part.
    pub(super) fn finish(self) -> Result<(String, Bytes), FormError> {
        for (nth, part) in self.parts.iter().enumerate() {
            let header_text = [Some(&part.name), part.content_type.as_ref()];
            if header_text
                .into_iter()
                .flatten()
                .any(|text| text.contains(|c: char| c == '"' || c == '\\' || c.is_control()))
            {
                return Err(FormError(nth));
            }
        }
        // More candidates than bytes cannot all occur, so the search ends.
        let boundary =
            (0_u64..).map(|nth| format!("----ParamitaForm{nth:016x}")).find(|candidate| !self.contains(candidate));
        let boundary = boundary.unwrap_or_default();

        let size: usize = self.parts.iter().map(|part| part.body.len() + 2 * part.name.len() + 256).sum();
        let mut out = BytesMut::with_capacity(size + 64);
        for part in &self.parts {
            let name = &part.name;
            out.extend_from_slice(
                format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"").as_bytes(),
            );
            if let Some(content_type) = &part.content_type {
                out.extend_from_slice(format!("; filename=\"{name}\"\r\nContent-Type: {content_type}").as_bytes());
            }
            out.extend_from_slice(b"\r\n\r\n");
            out.extend_from_slice(&part.body);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        Ok((format!("multipart/form-data; boundary={boundary}"), out.freeze()))
    }

    fn contains(&self, boundary: &str) -> bool {
        let boundary = boundary.as_bytes();
        let occurs = |bytes: &[u8]| bytes.windows(boundary.len()).any(|window| window == boundary);
        self.parts.iter().any(|part| occurs(&part.body) || occurs(part.name.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, content_type: &str, body: &'static [u8]) -> File {
        File { path: path.to_owned(), content_type: content_type.to_owned(), body: Bytes::from_static(body) }
    }

    #[test]
    fn a_form_is_written_byte_for_byte_as_wrangler_writes_it() {
        let form =
            Form::default().value("metadata", "{}").files([file("./a.js", "application/javascript+module", b"x")]);
        let (content_type, body) = form.finish().unwrap();
        assert_eq!(content_type, "multipart/form-data; boundary=----ParamitaForm0000000000000000");
        let expected = "------ParamitaForm0000000000000000\r\n\
            Content-Disposition: form-data; name=\"metadata\"\r\n\
            \r\n\
            {}\r\n\
            ------ParamitaForm0000000000000000\r\n\
            Content-Disposition: form-data; name=\"./a.js\"; filename=\"./a.js\"\r\n\
            Content-Type: application/javascript+module\r\n\
            \r\n\
            x\r\n\
            ------ParamitaForm0000000000000000--\r\n";
        assert_eq!(body, expected);
    }

    #[tokio::test]
    async fn a_body_that_contains_the_boundary_gets_another_one() {
        let tricky = b"\r\n------ParamitaForm0000000000000000--\r\n----ParamitaForm0000000000000001";
        let (content_type, body) = Form::default().files([file("a", "text/plain", tricky)]).finish().unwrap();
        assert!(content_type.ends_with("0000000000000002"), "{content_type}");
        let boundary = multer::parse_boundary(&content_type).unwrap();
        let mut form =
            multer::Multipart::new(futures_util::stream::once(async { Ok::<_, multer::Error>(body) }), boundary);
        assert_eq!(form.next_field().await.unwrap().unwrap().bytes().await.unwrap(), &tricky[..]);
        assert!(form.next_field().await.unwrap().is_none());
    }

    #[test]
    fn a_name_that_could_break_out_of_its_header_is_refused() {
        for bad in ["a\"b", "a\r\nb", "a\nb", "a\\b", "\0"] {
            assert_eq!(Form::default().files([file(bad, "text/plain", b"")]).finish(), Err(FormError(0)), "{bad:?}");
            assert_eq!(
                Form::default().value("m", "").files([file("a", bad, b"")]).finish(),
                Err(FormError(1)),
                "{bad:?}"
            );
        }
        assert!(Form::default().files([file("é ü/ä;=.js", "text/plain; charset=utf-8", b"")]).finish().is_ok());
    }
}
