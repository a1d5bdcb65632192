//! Texts that a pattern cannot match without. The prefilter looks for these in every record and tries only
//! the patterns whose texts it found, so a hundred rules cost little more than one pass over the bytes.
//!
//! A capital letter of a text stands for itself, a small one for both cases, so that `_URL` is not looked for in `_url`,
//! and `(?i)` needs no text for every way to write a word; this can only let more through. In patterns compiled for Unicode the two characters beyond ASCII that fold to an ASCII letter (`ſ`, and the Kelvin
//! sign) are not followed: a log that spells a keyword of a `(?i)` pattern with one of them is not matched.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Least length of a text that is worth looking for, in bytes.
pub(super) const MIN_BYTES: usize = 4;
/// Longer texts are cut: they would take longer to compare and tell no more.
pub(super) const MAX_BYTES: usize = 16;
/// Most texts for one pattern or part of one.
const MAX_TEXTS: usize = 64;

type Texts = Vec<Vec<u8>>;

/// What is known of one part of a pattern.
struct Part {
    /// All texts that it can match, if these are few.
    exact: Option<Texts>,
    /// Texts of which at least one occurs in every match, each long enough.
    required: Option<Texts>,
}

/// Texts (small letters stand for both cases, at least [`MIN_BYTES`] long) of which every match contains at least one; `None` if
/// the pattern can match without such a text.
pub(super) fn required_texts(hir: &Hir) -> Option<Vec<String>> {
    let part = analyse(hir);
    let exact = part.exact.and_then(usable);
    let mut texts = better(part.required, exact)?
        .iter()
        .map(|text| whole_characters(text))
        .collect::<Option<Vec<String>>>()?;
    texts.sort();
    texts.dedup();
    Some(texts)
}

/// The first whole characters of a text, at most [`MAX_BYTES`]; `None` if too few bytes are left. Only a text
/// that was cut, or a pattern that spells out bytes, begins or ends within a character.
fn whole_characters(text: &[u8]) -> Option<String> {
    let text = text.get(..MAX_BYTES).unwrap_or(text);
    let longest = text.utf8_chunks().max_by_key(|chunk| chunk.valid().len())?.valid();
    (longest.len() >= MIN_BYTES).then(|| longest.to_owned())
}

fn analyse(hir: &Hir) -> Part {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => exact(vec![Vec::new()]),
        HirKind::Literal(literal) => exact(vec![literal.0.to_vec()]),
        HirKind::Class(class) => Part { exact: class_texts(class), required: None },
        HirKind::Capture(capture) => analyse(&capture.sub),
        HirKind::Repetition(repetition) => {
            let inner = analyse(&repetition.sub);
            let once = (repetition.min, repetition.max) == (0, Some(1));
            let fixed = repetition.max == Some(repetition.min) && repetition.min <= 8;
            let texts = match inner.exact.clone() {
                Some(mut texts) if once => {
                    texts.push(Vec::new());
                    Some(texts)
                }
                Some(texts) if fixed => (0..repetition.min)
                    .try_fold(vec![Vec::new()], |product: Texts, _| cross(&product, &texts)),
                _ => None,
            };
            let required =
                if repetition.min == 0 { None } else { better(inner.required, inner.exact.and_then(usable)) };
            Part { exact: texts, required }
        }
        HirKind::Alternation(branches) => {
            let mut all_exact: Option<Texts> = Some(Vec::new());
            let mut all_required: Option<Texts> = Some(Vec::new());
            for branch in branches {
                let part = analyse(branch);
                let needed = better(part.required, part.exact.clone().and_then(usable));
                all_required = join(all_required, needed);
                all_exact = join(all_exact, part.exact);
            }
            Part { exact: all_exact, required: all_required }
        }
        HirKind::Concat(parts) => concat(parts),
    }
}

/// A sequence: neighbouring parts with few texts are multiplied out, and the best run or part wins.
fn concat(parts: &[Hir]) -> Part {
    let mut best: Option<Texts> = None;
    let mut run: Texts = vec![Vec::new()];
    let mut whole = true;
    for hir in parts {
        let part = analyse(hir);
        best = better(best, part.required);
        let Some(texts) = part.exact else {
            whole = false;
            best = better(best, usable(std::mem::replace(&mut run, vec![Vec::new()])));
            continue;
        };
        match cross(&run, &texts) {
            Some(product) => run = product,
            None => {
                whole = false;
                best = better(best, usable(std::mem::replace(&mut run, texts)));
            }
        }
    }
    let exact = whole.then(|| run.clone());
    Part { exact, required: better(best, usable(run)) }
}

fn exact(texts: Texts) -> Part {
    Part { exact: Some(texts), required: None }
}

/// The members of a small class, a letter in both cases once; `None` for large ones.
fn class_texts(class: &Class) -> Option<Texts> {
    let mut texts = Texts::new();
    match class {
        Class::Unicode(class) => {
            for range in class.ranges() {
                if u32::from(range.end()) - u32::from(range.start()) > 16 {
                    return None;
                }
                for c in range.start()..=range.end() {
                    if !matches!(c, 'ſ' | '\u{212a}') {
                        texts.push(c.to_string().into_bytes());
                    }
                }
            }
        }
        Class::Bytes(class) => {
            for range in class.ranges() {
                if range.end() - range.start() > 16 {
                    return None;
                }
                texts.extend((range.start()..=range.end()).map(|b| vec![b]));
            }
        }
    }
    let small = texts.clone();
    texts.retain(|text| {
        let folded = text.to_ascii_lowercase();
        folded == *text || !small.contains(&folded)
    });
    texts.sort();
    texts.dedup();
    (!texts.is_empty() && texts.len() <= 16).then_some(texts)
}

fn cross(left: &Texts, right: &Texts) -> Option<Texts> {
    if left.len().saturating_mul(right.len()) > MAX_TEXTS {
        return None;
    }
    let mut product: Texts = Vec::with_capacity(left.len() * right.len());
    for head in left {
        for tail in right {
            product.push([head.as_slice(), tail.as_slice()].concat());
        }
    }
    product.sort();
    product.dedup();
    Some(product)
}

fn join(all: Option<Texts>, more: Option<Texts>) -> Option<Texts> {
    let (mut all, mut more) = (all?, more?);
    all.append(&mut more);
    (all.len() <= MAX_TEXTS * 4).then_some(all)
}

/// The texts, if each of them is long enough to look for.
fn usable(texts: Texts) -> Option<Texts> {
    (!texts.is_empty() && texts.iter().all(|text| text.len() >= MIN_BYTES)).then_some(texts)
}

/// The choice that lets less through: long texts, and few of them.
fn better(left: Option<Texts>, right: Option<Texts>) -> Option<Texts> {
    let (Some(left), Some(right)) = (&left, &right) else { return left.or(right) };
    let worth = |texts: &Texts| {
        let shortest = texts.iter().map(Vec::len).min().unwrap_or_default().min(MAX_BYTES);
        4 * shortest as i64 - texts.len() as i64
    };
    Some(if worth(right) > worth(left) { right.clone() } else { left.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(pattern: &str) -> Option<Vec<String>> {
        let hir = regex_syntax::Parser::new().parse(pattern).unwrap();
        required_texts(&hir)
    }

    #[test]
    fn finds_inner_folded_and_alternative_texts() {
        assert_eq!(texts(r"[^\n]{1,9} ECONNREFUSED \d+"), Some(vec![" ECONNREFUSED ".to_owned()]));
        assert_eq!(texts(r"(?i:Connection) refused"), Some(vec!["connection refus".to_owned()]));
        assert_eq!(
            texts(r"Can(?:not|'t) find"),
            Some(vec!["Can't find".to_owned(), "Cannot find".to_owned()])
        );
        assert_eq!(texts(r"(?:alpha\d|\d+beta)+"), Some(vec!["alpha".to_owned(), "beta".to_owned()]));
        assert_eq!(texts(r"colou?r:"), Some(vec!["color:".to_owned(), "colour:".to_owned()]));
    }

    #[test]
    fn refuses_what_can_match_without_fixed_text() {
        assert_eq!(texts(r"\d+ms"), None);
        assert_eq!(texts(r"timeout|\d+"), None);
        assert_eq!(texts(r"(?:timeout)?"), None);
        assert_eq!(texts(r"timeout|abc"), None);
    }
}
