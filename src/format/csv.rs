//! The fields of one CSV row. Where a row ends is the business of framing; this only splits it.

use csv_core::{ReadFieldResult, Reader};

/// Splits one raw row (RFC 4180) into its fields: quotes taken off, `""` read as one quote, invalid UTF-8 replaced.
/// A row that ends inside an open quote yields what stands there, and a line break outside quotes, which broken
/// quoting leaves inside a row, stays part of its field: nothing of the row is lost.
pub fn fields(row: &[u8]) -> Vec<String> {
    let row = row.strip_suffix(b"\n").unwrap_or(row);
    let row = row.strip_suffix(b"\r").unwrap_or(row);
    let mut fields = Vec::new();
    if row.is_empty() {
        return fields;
    }
    let mut reader = Reader::new();
    let mut field = Vec::new();
    // A field is never longer than its row, so the buffer never fills before the field ends.
    let mut buffer = vec![0u8; row.len()];
    let mut rest = row;
    loop {
        let (result, read, written) = reader.read_field(rest, &mut buffer);
        rest = rest.get(read..).unwrap_or_default();
        field.extend_from_slice(buffer.get(..written).unwrap_or_default());
        match result {
            // The end of the row is told to the reader by reading on with nothing.
            ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
            ReadFieldResult::Field { record_end: true } if !rest.is_empty() => field.push(b'\n'),
            ReadFieldResult::Field { record_end } => {
                fields.push(String::from_utf8_lossy(&field).into_owned());
                field.clear();
                if record_end {
                    return fields;
                }
            }
            ReadFieldResult::End => {
                if !field.is_empty() {
                    fields.push(String::from_utf8_lossy(&field).into_owned());
                }
                return fields;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fields;

    #[test]
    fn splits_quoted_and_bare_fields() {
        assert_eq!(fields(b"a,\"b,1\",,\"say \"\"hi\"\"\nthere\""), ["a", "b,1", "", "say \"hi\"\nthere"]);
        assert_eq!(fields(b"a,b\r\n"), ["a", "b"]);
        assert_eq!(fields(b"a,"), ["a", ""]);
        assert_eq!(fields(b","), ["", ""]);
    }

    #[test]
    fn survives_broken_rows() {
        assert!(fields(b"").is_empty());
        assert_eq!(fields(b"a,\"open, quote\nline"), ["a", "open, quote\nline"]);
        assert_eq!(fields(b"a,\"x \"y\nz\",c\nd"), ["a", "x y\nz\"", "c\nd"]);
        assert_eq!(fields(b"a\n\n\n"), ["a\n"]);
        assert_eq!(fields(b"\xff,b"), ["\u{fffd}", "b"]);
        assert_eq!(fields(b"a \"\"b\"\",c"), ["a \"\"b\"\"", "c"]);
    }
}
