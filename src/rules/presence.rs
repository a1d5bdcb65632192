//! Tells of some texts that they cannot occur in a record, by the windows of three bytes that it has: a small map says
//! which these are. Where one of a text's windows is missing, so is the text. A small letter of a text stands for both cases.

use crate::rules::literals::MIN_FURTHER_BYTES;

/// Size of the map as a power of two: a record of half a kilobyte takes an eighth of its places.
const BITS: u32 = 12;
const PLACES: usize = 1 << BITS;
/// The bit that is the case of a letter, in every byte.
const CASE: u32 = u32::from_ne_bytes([b' '; size_of::<u32>()]);

/// Windows by which a text is known, at most.
const TEXT_WINDOWS: usize = 5;

/// Which windows a record has. Different windows may look the same.
pub(super) struct Presence {
    // Bytes, because setting a bit would have to wait for the one before it.
    there: [bool; PLACES],
}

/// What to ask of a record, as a list of steps: there are ways to match, each with groups of texts, of each of which one has to
/// occur.
#[derive(Debug, Default)]
pub(super) struct Questions(Vec<Step>);

/// Whether a window is there, and with which step to go on if so, and if not.
#[derive(Debug, Clone, Copy)]
struct Step {
    place: u16,
    there: u16,
    missing: u16,
}

/// Behind the last step: it may match.
const YES: u16 = u16::MAX;
/// It cannot.
const NO: u16 = u16::MAX - 1;

impl Questions {
    /// For ways to match with groups of texts, as [`text_of`] writes them. A way without groups asks nothing, nor does a
    /// text that is none of these.
    pub(super) fn of(text: &str) -> Questions {
        let place = |digits: &[u8]| u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
        let known: Option<Vec<Vec<Vec<Vec<u16>>>>> = (text.split(WAY).filter(|way| !way.is_empty()))
            .map(|way| {
                let groups = way.split(GROUP).map(|group| {
                    let texts = group.split(TEXT);
                    texts.map(|text| text.as_bytes().chunks(DIGITS).map(place).collect()).collect()
                });
                groups.collect()
            })
            .collect();
        let Some(known) = known else { return Questions::default() };
        let mut steps: Vec<Step> = Vec::new();
        let count = |groups: &[Vec<Vec<u16>>]| groups.iter().flatten().map(Vec::len).sum::<usize>();
        let all: usize = known.iter().map(|groups| count(groups)).sum();
        if all >= usize::from(NO) {
            return Questions::default();
        }
        for (number, groups) in known.iter().enumerate() {
            let next_way = if number + 1 == known.len() { NO } else { (steps.len() + count(groups)) as u16 };
            for (number, group) in groups.iter().enumerate() {
                let length: usize = group.iter().map(Vec::len).sum();
                let next_group = if number + 1 == groups.len() { YES } else { (steps.len() + length) as u16 };
                for (number, text) in group.iter().enumerate() {
                    let next_text = (steps.len() + text.len()) as u16;
                    let missing = if number + 1 == group.len() { next_way } else { next_text };
                    for (number, place) in text.iter().enumerate() {
                        let next = (steps.len() + 1) as u16;
                        let there = if number + 1 == text.len() { next_group } else { next };
                        steps.push(Step { place: *place, there, missing });
                    }
                }
            }
        }
        Questions(steps)
    }
}

/// Between the texts of a group, the groups of a way, and the ways.
const TEXT: char = ',';
const GROUP: char = ';';
const WAY: char = '|';
/// Digits of a place.
const DIGITS: usize = BITS as usize / 4;

/// Ways to match with groups of texts, by the places of their windows, as they are kept beside a rule: to find them out takes
/// as long as to compile the pattern.
pub(super) fn text_of(ways: &[Vec<Vec<String>>]) -> String {
    if ways.iter().any(Vec::is_empty) {
        return String::new();
    }
    let mut out = String::new();
    for way in ways {
        out.push(WAY);
        for (number, group) in way.iter().enumerate() {
            out.extend((number > 0).then_some(GROUP));
            for (number, text) in group.iter().enumerate() {
                out.extend((number > 0).then_some(TEXT));
                known_by(text).iter().for_each(|place| out.push_str(&format!("{place:0DIGITS$x}")));
            }
        }
    }
    out
}

/// The places of some windows of a text, all over it.
fn known_by(text: &str) -> Vec<u16> {
    let windows = (text.len() + 1).saturating_sub(MIN_FURTHER_BYTES);
    places(text.as_bytes()).step_by(windows.div_ceil(TEXT_WINDOWS).max(1)).collect()
}

impl Presence {
    /// The windows of a record.
    pub(super) fn of(record: &str) -> Presence {
        let mut there = [false; PLACES];
        for place in places(record.as_bytes()) {
            there[usize::from(place)] = true;
        }
        Presence { there }
    }

    /// False if in every way something is missing.
    pub(super) fn may_match(&self, questions: &Questions) -> bool {
        let mut at = if questions.0.is_empty() { YES } else { 0 };
        while let Some(step) = questions.0.get(usize::from(at)) {
            let there = self.there.get(usize::from(step.place)).is_some_and(|there| *there);
            at = if there { step.there } else { step.missing };
        }
        at == YES
    }
}

/// Where the windows of some bytes stand in the map: multiplying by an odd number of mixed bits (from the golden
/// ratio) spreads them over the high bits.
fn places(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.array_windows::<MIN_FURTHER_BYTES>().map(|[first, second, third]| {
        let folded = u32::from_le_bytes([*first, *second, *third, 0]) | CASE;
        (folded.wrapping_mul(0x9e37_79b1) >> (u32::BITS - BITS)) as u16
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may_hold(record: &str, texts: &[&[&str]]) -> bool {
        let owned: Vec<Vec<String>> =
            texts.iter().map(|group| group.iter().map(|text| (*text).to_owned()).collect()).collect();
        Presence::of(record).may_match(&Questions::of(&text_of(&[owned])))
    }

    #[test]
    fn of_every_group_a_text_has_to_be_there() {
        let record = "Connect ECONNREFUSED 10.0.0.1:5432 ⨯";
        assert!(may_hold(record, &[&["connect"], &["enotfound", "econnref"]]));
        assert!(!may_hold(record, &[&["connect"], &["enotfound", "etimedout"]]));
        assert!(may_hold(record, &[]));
        assert!(may_hold(record, &[&["reset", "refused", "econn"], &["lost", "5432"], &["10.", "11."]]));
        assert!(!may_hold("", &[&["text"]]));
        assert!(!may_hold("tex", &[&["text"]]));
    }

    #[test]
    fn what_is_no_text_of_questions_asks_nothing() {
        for text in ["", "xyz", "|", "|zzz;abc"] {
            assert!(Presence::of("").may_match(&Questions::of(text)), "{text}");
        }
        assert!(text_of(&[vec![vec!["timeout".to_owned()]], Vec::new()]).is_empty());
    }

    #[test]
    fn one_way_is_enough() {
        let way = |text: &str| vec![vec![text.to_owned()]];
        let two = Questions::of(&text_of(&[way("timeout"), way("refused")]));
        assert!(Presence::of("refused").may_match(&two));
        assert!(!Presence::of("reset").may_match(&two));
    }

    proptest::proptest! {
        #[test]
        fn a_text_that_is_there_is_never_denied(head in ".{0,80}", text in "[a-zä⨯ ]{3,9}", tail in ".{0,80}") {
            let (as_is, shouted) = (format!("{head}{text}{tail}"), format!("{head}{}{tail}", text.to_ascii_uppercase()));
            let both = may_hold(&as_is, &[&[&text]]) && may_hold(&shouted, &[&[&text]]);
            proptest::prop_assert!(both);
        }
    }
}
