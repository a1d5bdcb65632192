//! The cited lines of a report, and where their bytes stand. Cited is what `report.json` quotes or points to: the
//! decisive lines of incidents, the lines that triage steps rest on, errors outside requests.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::extent;
use crate::input::source::Source;
use crate::input::unpack::Expand;
use crate::redact::printable::escaped_json;
use crate::report::model::{Evidence, Report};

/// One cited line: one line of `evidence.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cited {
    /// Name of its source.
    pub source: String,
    /// Line in it, counted from 1.
    pub line: u64,
    /// First byte in what is read of the source, after decompression; null where it cannot be known (standard input).
    pub from_byte: Option<u64>,
    /// After the last byte, see [`extent`].
    pub to_byte: Option<u64>,
    /// RFC 3339 UTC.
    pub time: Option<String>,
    /// Request it belongs to.
    pub correlation_id: Option<String>,
    /// Keyed hash of these bytes in hexadecimal digits, see [`super`].
    pub hash: Option<String>,
    /// The line as the report shows it: redacted, cut to a readable length; null where the report only points to it.
    pub text: Option<String>,
    /// What cites it.
    pub cited_by: Vec<String>,
}

/// What tells quoted lines apart; several entries may stand on one line.
type Quote<'r> = (&'r str, u64, Option<&'r str>, Option<&'r str>, Option<&'r str>);

/// All cited lines, by source, line and text; nothing is known yet of their bytes.
pub fn cited(report: &Report) -> Vec<Cited> {
    let mut all: BTreeMap<Quote<'_>, BTreeSet<String>> = BTreeMap::new();
    let quote = |one: &'_ Evidence| -> (String, u64) { (one.source.clone(), one.line) };
    let mut quoted = BTreeSet::new();
    let incidents = report.incidents.iter().flat_map(|incident| {
        incident.evidence.iter().map(move |one| (one, format!("incident {}", incident.id)))
    });
    let outside =
        report.outside_requests.iter().map(|one| (&one.evidence, format!("outside requests: {}", one.cause)));
    for (one, by) in incidents.chain(outside) {
        let key = (
            one.source.as_str(),
            one.line,
            one.time.as_deref(),
            one.correlation_id.as_deref(),
            Some(one.text.as_str()),
        );
        quoted.insert(quote(one));
        all.entry(key).or_default().insert(by);
    }
    for incident in &report.incidents {
        for step in &incident.triage {
            let Some(at) = &step.cites else { continue };
            let by = format!("incident {}, triage step {}", incident.id, step.step);
            let place = (at.source.as_str(), at.line);
            if quoted.contains(&(at.source.clone(), at.line)) {
                let same = all.iter_mut().find(|((source, line, ..), _)| (*source, *line) == place);
                if let Some((_, cited_by)) = same {
                    cited_by.insert(by);
                }
            } else {
                all.entry((place.0, place.1, None, None, None)).or_default().insert(by);
            }
        }
    }
    all.into_iter()
        .map(|((source, line, time, correlation_id, text), cited_by)| Cited {
            source: source.to_owned(),
            line,
            from_byte: None,
            to_byte: None,
            time: time.map(str::to_owned),
            correlation_id: correlation_id.map(str::to_owned),
            hash: None,
            text: text.map(str::to_owned),
            cited_by: cited_by.into_iter().collect(),
        })
        .collect()
}

/// Fills in where the cited lines of one source stand, and their hashes.
///
/// # Errors
/// The source cannot be read.
pub fn locate(
    all: &mut [Cited],
    name: &str,
    source: &Source,
    expand: Expand,
    digest: &Digest,
) -> io::Result<()> {
    let lines: BTreeSet<u64> = all.iter().filter(|one| one.source == name).map(|one| one.line).collect();
    if lines.is_empty() {
        return Ok(());
    }
    let extents = extent::find(source, expand, digest.index.as_deref(), &lines)?;
    for one in all.iter_mut().filter(|one| one.source == name) {
        if let Some(extent) = extents.get(&one.line) {
            one.from_byte = Some(extent.from);
            one.to_byte = Some(extent.to);
            one.hash = Some(keyed(&digest.key, &extent.hash));
        }
    }
    Ok(())
}

/// The hash that a bundle shows, of the plain one.
pub fn keyed(key: &[u8; 32], plain: &blake3::Hash) -> String {
    blake3::keyed_hash(key, plain.as_bytes()).to_hex().to_string()
}

/// The lines as JSON lines.
///
/// # Errors
/// None in practice: every key is a text.
pub fn to_jsonl(all: &[Cited]) -> io::Result<String> {
    let mut out = String::new();
    for one in all {
        out.push_str(&escaped_json(&serde_json::to_string(one)?));
        out.push('\n');
    }
    Ok(out)
}
