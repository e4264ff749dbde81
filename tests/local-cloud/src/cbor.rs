//! Requests in CBOR (RFC 8949), which the SDKs send to CloudWatch, as JSON.

use serde_json::{Map, Number, Value};

/// The deepest nesting that is read; CloudWatch's requests need five.
const MAX_DEPTH: usize = 32;

/// The document as JSON: byte strings as text, numbers and tagged values (times) as their content. `None` if the
/// document is malformed, nested too deeply, or uses a type that no request has.
#[must_use]
pub fn to_json(document: &[u8]) -> Option<Value> {
    let mut reader = Reader(document);
    let value = reader.value(0)?;
    reader.0.is_empty().then_some(value)
}

/// The bytes that are not yet read.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        let head = self.byte()?;
        let (major, info) = (head >> 5, head & 0x1f);
        match major {
            0 => Some(self.argument(info)?.into()),
            1 => Some((-1 - i64::try_from(self.argument(info)?).ok()?).into()),
            2 | 3 => self.text(info).map(Value::String),
            4 => self.items(info, |reader| reader.value(depth + 1)).map(Value::Array),
            5 => {
                let pair = |reader: &mut Self| match reader.value(depth + 1)? {
                    Value::String(key) => Some((key, reader.value(depth + 1)?)),
                    _ => None,
                };
                Some(Value::Object(self.items(info, pair)?.into_iter().collect::<Map<_, _>>()))
            }
            6 => {
                self.argument(info)?;
                self.value(depth + 1)
            }
            _ => match info {
                20 => Some(Value::Bool(false)),
                21 => Some(Value::Bool(true)),
                22 | 23 => Some(Value::Null),
                26 => self.number(4).and_then(|bits| float(f32::from_bits(u32::try_from(bits).ok()?).into())),
                27 => self.number(8).and_then(|bits| float(f64::from_bits(bits))),
                _ => None,
            },
        }
    }

    fn text(&mut self, info: u8) -> Option<String> {
        if info == 31 {
            let part = |reader: &mut Self| {
                let head = reader.byte()?;
                reader.text(head & 0x1f)
            };
            return self.items(info, part).map(|parts| parts.concat());
        }
        let length = usize::try_from(self.argument(info)?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(String::from_utf8_lossy(text).into_owned())
    }

    /// The items of a list or map: a known number, or up to the break code.
    fn items<T>(&mut self, info: u8, item: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut items = Vec::new();
        if info == 31 {
            while *self.0.first()? != 0xff {
                items.push(item(self)?);
            }
            self.byte()?;
        } else {
            for _ in 0..self.argument(info)? {
                items.push(item(self)?);
            }
        }
        Some(items)
    }

    fn argument(&mut self, info: u8) -> Option<u64> {
        match info {
            0..=23 => Some(info.into()),
            24 => self.number(1),
            25 => self.number(2),
            26 => self.number(4),
            27 => self.number(8),
            _ => None,
        }
    }

    fn number(&mut self, length: usize) -> Option<u64> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }
}

fn float(value: f64) -> Option<Value> {
    Number::from_f64(value).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn requests_are_read() {
        // From RFC 8949, appendix A.
        for (document, expected) in [
            (&b"\x18\x64"[..], json!(100)),
            (b"\x38\x63", json!(-100)),
            (b"\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a", json!(1.1)),
            (b"\xfa\x47\xc3\x50\x00", json!(100_000.0)),
            (b"\xc1\x1a\x51\x4b\x67\xb0", json!(1_363_896_240)),
            (b"\xf5", json!(true)),
            (b"\x64IETF", json!("IETF")),
            (b"\x7f\x65strea\x64ming\xff", json!("streaming")),
            (b"\xa2\x61a\x01\x61b\x82\x02\x03", json!({"a": 1, "b": [2, 3]})),
            (b"\xbf\x61a\x01\x61b\x9f\x02\x03\xff\xff", json!({"a": 1, "b": [2, 3]})),
        ] {
            assert_eq!(to_json(document), Some(expected), "{document:?}");
        }
    }

    #[test]
    fn a_malformed_document_is_rejected() {
        for document in
            [&b""[..], b"\x64IE", b"\x82\x02", b"\x9f\x02", b"\xa1\x01\x02", b"\x01\x01", b"\x1c", &[0x81; 99]]
        {
            assert_eq!(to_json(document), None, "{document:?}");
        }
    }
}
