use std::path::Path;

use chrono::NaiveDate;
use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Transcript, Fault> {
    Transcript::parse(Path::new("seen.jsonl"), text.as_bytes())
}

fn written(transcript: &Transcript) -> String {
    let mut out = Vec::new();
    transcript.write(&mut out).expect("written");
    String::from_utf8(out).expect("text")
}

const HEAD: &str = r#"{"schema":"why500/transcript/v1","as_of":"2026-11-23","phases":["live"]}"#;
const SEEN: &str = r#"{"kind":"http","purpose":"probe","family":"billing","name":"prices","attempt":1,"sent":"0f","method":"GET","path":"/api/prices","elapsed_ms":12,"outcome":{"answered":{"status":200,"headers":{"content-type":"application/json"},"body":"json","body_bytes":2}}}"#;

#[test]
fn what_is_read_is_written_byte_for_byte() {
    let text = format!("{HEAD}\n{SEEN}\n");
    let transcript = parse(&text).expect("a transcript");
    assert!(transcript.has(Phase::Live) && !transcript.has(Phase::Reach));
    assert_eq!(transcript.http().count(), 1);
    assert_eq!(transcript.as_of(), NaiveDate::from_ymd_opt(2026, 11, 23));
    assert_eq!(written(&transcript), text);
}

#[test]
fn faults_name_file_line_and_cure() {
    let fault = |text: &str| parse(text).expect_err("a fault").to_string();
    let cut = fault(&format!("{HEAD}\n{SEEN}\n{}", &SEEN[..80]));
    assert!(cut.starts_with("seen.jsonl:3:") && cut.contains("cut off"), "{cut}");
    let other = fault(&HEAD.replace("v1", "v9"));
    assert!(other.starts_with("seen.jsonl:1: schema: the schema is `why500/transcript/v9`"), "{other}");
    let kind = fault(&format!("{HEAD}\n{}", SEEN.replace("\"http\"", "\"smtp\"")));
    assert!(kind.starts_with("seen.jsonl:2:") && kind.contains("`smtp`"), "{kind}");
    let key = fault(&format!("{HEAD}\n\n{}", SEEN.replace("\"attempt\"", "\"attempts\"")));
    assert!(key.starts_with("seen.jsonl:3:") && key.contains("`attempts`"), "{key}");
    assert!(fault(&HEAD.replace("2026-11-23", "today")).contains("2027-03-31"));
    for empty in ["", "\n", "[]", "{}", "\u{feff}{}"] {
        assert!(fault(empty).starts_with("seen.jsonl:1: schema:"), "{empty}");
    }
}

proptest! {
    /// Any bytes, and any cut or exchange in a good transcript: no panic, and what is accepted is kept as it is.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Transcript::parse(Path::new("x"), &bytes);
    }

    #[test]
    fn a_damaged_transcript_is_read_or_refused(at in 0usize..400, with in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = format!("{HEAD}\n{SEEN}\n").into_bytes();
        let at = at % bytes.len();
        if cut { bytes.truncate(at) } else { bytes[at] = with }
        match Transcript::parse(Path::new("x"), &bytes) {
            Ok(read) => {
                let again = written(&read);
                prop_assert_eq!(parse(&again).expect("a transcript"), read);
            }
            Err(fault) => prop_assert!(fault.line.is_some() && !fault.cure.is_empty()),
        }
    }

    #[test]
    fn texts_come_back_as_they_were(excerpt in any::<String>(), path in any::<String>(), elapsed_ms in any::<u64>()) {
        let mut transcript = parse(&format!("{HEAD}\n{SEEN}\n")).expect("a transcript");
        for one in &mut transcript.observations {
            let Observation::Http(http) = one else { continue };
            http.path = path.clone();
            http.elapsed_ms = elapsed_ms;
            http.outcome = Outcome::Lost(Lost { step: Step::Timeout, text: excerpt.clone() });
        }
        prop_assert_eq!(parse(&written(&transcript)).expect("a transcript"), transcript);
    }
}
