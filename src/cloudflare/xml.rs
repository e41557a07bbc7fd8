//! As much XML as S3's answers need: elements by name, and the text in them. Unknown elements are passed over.
//!
//! No parser: S3 writes neither comments nor CDATA nor prefixes, and a `<` in a text is always escaped.

/// The insides of all elements of this name, in order. One element inside another of the same name is not told apart.
pub(super) fn elements<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let mut rest = xml;
    std::iter::from_fn(move || {
        loop {
            let (_, after) = rest.split_once('<')?;
            rest = after;
            // `Upload` must not find `UploadId`.
            let Some(tail) = after.strip_prefix(name).filter(|tail| tail.starts_with(['>', '/', ' ', '\n'])) else {
                continue;
            };
            let (head, inner) = tail.split_once('>')?;
            if head.ends_with('/') {
                rest = inner;
                return Some("");
            }
            let mut end = inner.match_indices("</");
            let at = end.find(|(at, _)| inner.get(at + 2..).is_some_and(|tag| is_end(tag, name)))?.0;
            let (inside, after) = inner.split_at_checked(at)?;
            rest = after;
            return Some(inside);
        }
    })
}

fn is_end(tag: &str, name: &str) -> bool {
    tag.strip_prefix(name).is_some_and(|tail| tail.trim_start().starts_with('>'))
}

/// The text of the first element of this name.
pub(super) fn text(xml: &str, name: &str) -> Option<String> {
    elements(xml, name).next().map(unescaped)
}

/// The text with its references resolved. What is no reference stays as it is.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let reference = after.split_once(';').and_then(|(name, after)| Some((referred(name)?, after)));
        rest = match reference {
            Some((c, after)) => {
                plain.push(c);
                after
            }
            None => {
                plain.push('&');
                after
            }
        };
    }
    plain + rest
}

fn referred(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

/// Appends `text` so that it reads back unchanged. `false`, and nothing is appended, if it has a character that XML 1.0
/// cannot carry in any form.
pub(super) fn escape(into: &mut String, text: &str) -> bool {
    let carried = |c| !matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}');
    if !text.chars().all(carried) {
        return false;
    }
    for c in text.chars() {
        match c {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            // As they are, a reader would turn them into other white space.
            '\t' => into.push_str("&#9;"),
            '\n' => into.push_str("&#10;"),
            '\r' => into.push_str("&#13;"),
            _ => into.push(c),
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn elements_are_found_by_their_whole_name() {
        let xml = "<?xml version=\"1.0\"?>\n<R xmlns=\"urn:x\"><UploadIdMarker/><Upload>\n <Key>a</Key><UploadId>1</UploadId></Upload>\
            <Upload a=\"b\"><Key/><UploadId>2</UploadId ></Upload></R>";
        let uploads: Vec<&str> = elements(xml, "Upload").collect();
        assert_eq!(uploads.len(), 2);
        assert_eq!((text(uploads[0], "Key").unwrap(), text(uploads[0], "UploadId").unwrap()), ("a".into(), "1".into()));
        assert_eq!((text(uploads[1], "Key").unwrap(), text(uploads[1], "UploadId").unwrap()), ("".into(), "2".into()));
        assert_eq!(text(xml, "Nothing"), None);
    }

    #[test]
    fn references_are_resolved_and_what_is_none_stays() {
        assert_eq!(unescaped("&lt;&gt;&amp;&quot;&apos;&#65;&#x1F600;"), "<>&\"'A\u{1f600}");
        assert_eq!(unescaped("a & b &nope; &#xD800; &#; &"), "a & b &nope; &#xD800; &#; &");
        assert_eq!(unescaped("&amp;lt;"), "&lt;", "once, not twice");
    }

    #[test]
    fn what_is_cut_short_ends_without_harm() {
        let whole = "<A><B>x</B></A>";
        for end in 0..whole.len() {
            assert!(elements(&whole[..end], "A").count() <= 1);
            let _ = text(&whole[..end], "B");
        }
    }

    #[test]
    fn a_character_that_xml_cannot_carry_is_refused() {
        for text in ["\0", "a\u{1}b", "\u{ffff}"] {
            let mut into = "before".to_owned();
            assert!(!escape(&mut into, text), "{text:?}");
            assert_eq!(into, "before");
        }
    }

    proptest! {
        #[test]
        fn what_is_escaped_reads_back_unchanged(original in any::<String>()) {
            let mut xml = "<Key>".to_owned();
            prop_assume!(escape(&mut xml, &original));
            xml.push_str("</Key>");
            prop_assert_eq!(text(&xml, "Key"), Some(original));
        }
    }
}
