//! The download of the console's log event viewer, `log-events-viewer-result.csv`: time and message, no stream.
//! Requests can be told apart by ids in the text only.

use super::{About, Container, Decoded, aws, time};
use crate::input::csv_scan;
use crate::input::frame::{Frame, FrameContext, FrameKind};
use crate::record::Record;

/// The shape `cloudwatch-viewer-csv`.
pub struct ViewerCsv;

const COLUMNS: [&str; 2] = ["timestamp", "message"];

impl Container for ViewerCsv {
    fn name(&self) -> &'static str {
        "cloudwatch-viewer-csv"
    }

    fn about(&self) -> About {
        About {
            title: "CloudWatch log viewer download (CSV)",
            fingerprint: "the header timestamp,message",
            export: "CloudWatch console, log group, log stream, Actions, Download search results (CSV)",
        }
    }

    fn detect(&self, frame: &Frame<'_>, context: &FrameContext) -> Option<&'static str> {
        let ours = frame.kind == FrameKind::Csv && context.columns == COLUMNS;
        (ours && !frame.bytes.is_empty()).then_some("header timestamp,message")
    }

    fn claims_header(&self, columns: &[&str]) -> bool {
        columns == COLUMNS
    }

    fn decode(&self, frame: &Frame<'_>, context: &FrameContext, out: &mut Vec<Record>) -> Decoded {
        let mut cells = csv_scan::fields(frame.bytes, context.delimiter()).into_iter();
        let (Some(stamp), Some(message)) = (cells.next(), cells.next()) else {
            return if frame.bytes.trim_ascii().is_empty() {
                Decoded::Ignored("blank row")
            } else {
                Decoded::Rejected("a row needs timestamp and message")
            };
        };
        let mut message = message.into_owned();
        if [stamp.as_ref(), message.as_str()] == COLUMNS {
            return Decoded::Ignored("header");
        }
        let Some(stamp) = time::parse(&stamp) else {
            return Decoded::Rejected("the timestamp is no time");
        };
        // Commas of a message that somebody wrote without quotes.
        for rest in cells {
            message.push(char::from(context.delimiter()));
            message.push_str(&rest);
        }
        aws::clean(&mut message);
        out.push(Record { at: frame.at, time_ms: Some(stamp.ms), message, ..Record::default() });
        Decoded::Records
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Position;

    fn decode(row: &str) -> (Decoded, Vec<Record>) {
        let frame = Frame { bytes: row.as_bytes(), kind: FrameKind::Csv, at: Position::default() };
        let context = FrameContext { columns: COLUMNS.map(String::from).to_vec(), ..FrameContext::default() };
        let mut out = Vec::new();
        let decoded = ViewerCsv.decode(&frame, &context, &mut out);
        (decoded, out)
    }

    #[test]
    fn reads_a_row() {
        let (decoded, out) = decode("1767225600188,\"REPORT RequestId: 1\tDuration: 12.30 ms\t\n\"");
        assert_eq!(decoded, Decoded::Records);
        assert_eq!(out[0].time_ms, Some(1_767_225_600_188));
        assert_eq!(out[0].message, "REPORT RequestId: 1\tDuration: 12.30 ms\t");
        assert_eq!(out[0].stream, None);
        assert_eq!(decode("1767225600188,a, b").1[0].message, "a, b");
    }

    #[test]
    fn refuses_what_is_no_row() {
        assert_eq!(decode("abc,def").0, Decoded::Rejected("the timestamp is no time"));
        assert_eq!(decode("1767225600188").0, Decoded::Rejected("a row needs timestamp and message"));
        assert_eq!(decode("timestamp,message").0, Decoded::Ignored("header"));
        assert_eq!(decode("").0, Decoded::Ignored("blank row"));
        assert!(ViewerCsv.claims_header(&["timestamp", "message"]));
        assert!(!ViewerCsv.claims_header(&["timestamp", "message", "level"]));
    }
}
