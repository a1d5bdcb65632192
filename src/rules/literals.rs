//! Texts that a pattern cannot match without. The prefilter looks for these in every record and tries only
//! the patterns whose texts it found, so a hundred rules cost little more than one pass over the bytes.
//!
//! A capital letter of a text stands for itself, a small one for both cases, so that `_URL` is not looked for in `_url`,
//! and `(?i)` needs no text for every way to write a word; this can only let more through. In patterns compiled for Unicode the two characters beyond ASCII that fold to an ASCII letter (`ſ`, and the Kelvin
//! sign) are not followed: a log that spells a keyword of a `(?i)` pattern with one of them is not matched.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Least length of a text that is worth looking for, in bytes.
pub(super) const MIN_BYTES: usize = 4;
/// Least length of a text that is asked for beside others.
pub(super) const MIN_FURTHER_BYTES: usize = 3;
/// Longer texts are cut: they would take longer to compare and tell no more.
pub(super) const MAX_BYTES: usize = 16;
/// Most texts for one pattern or part of one.
const MAX_TEXTS: usize = 64;

/// Most texts of a group that is not the first of its pattern: to ask for more would cost more than it saves.
const MAX_FURTHER_TEXTS: usize = 64;
/// Most groups of one pattern or part of one.
const MAX_GROUPS: usize = 6;

type Texts = Vec<Vec<u8>>;

/// What is known of one part of a pattern.
struct Part {
    /// All texts that it can match, if these are few.
    exact: Option<Texts>,
    /// Groups of texts, each long enough. Of every group at least one occurs in every match.
    groups: Vec<Texts>,
}

/// The texts to look for (small letters stand for both cases, at least [`MIN_BYTES`] long), of which every match contains at least
/// one; none if the pattern can match without such a text.
pub(super) fn required_texts(hir: &Hir) -> Option<Vec<String>> {
    let long = |group: &Vec<String>| group.iter().all(|text| text.len() >= MIN_BYTES);
    groups(hir).into_iter().next().filter(long)
}

/// What else a match contains, for each way in which a pattern can match: at least one text (at least [`MIN_FURTHER_BYTES`] long) of
/// each group. Small groups, which are quickly asked for, come first.
pub(super) fn ways(hir: &Hir) -> Vec<Vec<Vec<String>>> {
    let mut ways = match hir.kind() {
        HirKind::Alternation(branches) => branches.iter().map(groups).collect(),
        _ => vec![groups(hir).into_iter().skip(1).collect()],
    };
    ways.iter_mut().for_each(|groups| groups.sort_by_key(Vec::len));
    ways
}

/// Groups of texts of which every match contains at least one each, the most telling first.
fn groups(hir: &Hir) -> Vec<Vec<String>> {
    let part = analyse(hir);
    let mut groups = part.groups;
    groups.extend(part.exact.and_then(usable));
    most_telling(&mut groups);
    let whole = |texts: &Texts| texts.iter().map(|text| whole_characters(text)).collect();
    let mut groups: Vec<Vec<String>> = groups.iter().filter_map(whole).collect();
    groups.iter_mut().for_each(without_longer);
    let mut telling: Vec<Vec<String>> = Vec::with_capacity(groups.len());
    for group in groups {
        let few = telling.is_empty() || group.len() <= MAX_FURTHER_TEXTS;
        // What an earlier group says already is not asked for again.
        let said = |known: &Vec<String>| known.iter().all(|text| group.iter().any(|part| holds(text, part)));
        if few && !telling.iter().any(said) {
            telling.push(group);
        }
    }
    telling
}

/// Forgets texts that hold another one of the same group, which is found where they are.
fn without_longer(texts: &mut Vec<String>) {
    texts.sort_by(|a, b| a.len().cmp(&b.len()).then(a.cmp(b)));
    let mut least: Vec<String> = Vec::with_capacity(texts.len());
    for text in texts.drain(..) {
        if !least.iter().any(|known| holds(&text, known)) {
            least.push(text);
        }
    }
    *texts = least;
}

/// Whether a text is nowhere without a part of it. A small letter of the part stands for both cases.
fn holds(text: &str, part: &str) -> bool {
    let same = |(there, wanted): (&u8, &u8)| there == wanted || there.to_ascii_lowercase() == *wanted;
    text.as_bytes().windows(part.len()).any(|there| there.iter().zip(part.as_bytes()).all(same))
}

/// The first whole characters of a text, at most [`MAX_BYTES`]; `None` if too few bytes are left. Only a text
/// that was cut, or a pattern that spells out bytes, begins or ends within a character.
fn whole_characters(text: &[u8]) -> Option<String> {
    let text = text.get(..MAX_BYTES).unwrap_or(text);
    let longest = text.utf8_chunks().max_by_key(|chunk| chunk.valid().len())?.valid();
    (longest.len() >= MIN_FURTHER_BYTES).then(|| longest.to_owned())
}

fn analyse(hir: &Hir) -> Part {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => exact(vec![Vec::new()]),
        HirKind::Literal(literal) => exact(vec![literal.0.to_vec()]),
        HirKind::Class(class) => Part { exact: class_texts(class), groups: Vec::new() },
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
            let mut groups = Vec::new();
            if repetition.min > 0 {
                groups = inner.groups;
                groups.extend(inner.exact.and_then(usable));
            }
            Part { exact: texts, groups }
        }
        HirKind::Alternation(branches) => alternation(branches),
        HirKind::Concat(parts) => concat(parts),
    }
}

/// Branches: a group of each together is a group of all.
fn alternation(branches: &[Hir]) -> Part {
    let mut all_exact: Option<Texts> = Some(Vec::new());
    let mut of_branches: Vec<Vec<Texts>> = Vec::with_capacity(branches.len());
    for branch in branches {
        let part = analyse(branch);
        let mut groups = part.groups;
        groups.extend(part.exact.clone().and_then(usable));
        most_telling(&mut groups);
        of_branches.push(groups);
        all_exact = join(all_exact, part.exact);
    }
    let most = of_branches.iter().map(Vec::len).max().unwrap_or_default();
    let group = |number: usize| {
        of_branches.iter().try_fold(Vec::new(), |all, groups| {
            // A branch with fewer groups lends its last one again.
            join(Some(all), groups.get(number).or(groups.last()).cloned())
        })
    };
    Part { exact: all_exact, groups: (0..most).filter_map(group).collect() }
}

/// A sequence: neighbouring parts with few texts are multiplied out.
fn concat(parts: &[Hir]) -> Part {
    let mut groups: Vec<Texts> = Vec::new();
    let mut run: Texts = vec![Vec::new()];
    let mut whole = true;
    for hir in parts {
        let part = analyse(hir);
        groups.extend(part.groups);
        if let Some(texts) = part.exact {
            if let Some(product) = cross(&run, &texts) {
                run = product;
                continue;
            }
            whole = false;
            groups.extend(usable(std::mem::replace(&mut run, texts)));
            continue;
        }
        whole = false;
        // What is repeated stands at least once behind what comes before it and before what follows.
        let once = repeated(hir);
        groups.extend(once.as_ref().and_then(|texts| cross(&run, texts)).and_then(usable));
        groups.extend(usable(run));
        run = once.unwrap_or_else(|| vec![Vec::new()]);
    }
    let exact = whole.then(|| run.clone());
    groups.extend(usable(run));
    Part { exact, groups }
}

/// The texts of what stands several times, at least once.
fn repeated(hir: &Hir) -> Option<Texts> {
    match hir.kind() {
        HirKind::Capture(capture) => repeated(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => analyse(&repetition.sub).exact,
        _ => None,
    }
}

fn exact(texts: Texts) -> Part {
    Part { exact: Some(texts), groups: Vec::new() }
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
    (!texts.is_empty() && texts.iter().all(|text| text.len() >= MIN_FURTHER_BYTES)).then_some(texts)
}

/// Keeps the groups that let least through, those first: long texts, and few of them. Those with texts that are too short to
/// be looked for come last.
fn most_telling(groups: &mut Vec<Texts>) {
    let worth = |texts: &Texts| {
        let shortest = texts.iter().map(Vec::len).min().unwrap_or_default().min(MAX_BYTES);
        (shortest >= MIN_BYTES, 4 * shortest as i64 - texts.len() as i64)
    };
    groups.sort_by_key(|texts| std::cmp::Reverse(worth(texts)));
    groups.dedup();
    groups.truncate(MAX_GROUPS);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(pattern: &str) -> Option<Vec<String>> {
        required_texts(&regex_syntax::Parser::new().parse(pattern).unwrap())
    }

    #[test]
    fn finds_all_that_a_match_contains() {
        let ways = |pattern| super::ways(&regex_syntax::Parser::new().parse(pattern).unwrap());
        assert_eq!(
            ways(r"(?:error|failure)\b[^\n]{0,60}?status(?: code)?[:= ]{1,3}(?:500|503)"),
            [[vec!["error", "failure"], vec![" 500", " 503", ":500", ":503", "=500", "=503"],]]
        );
        // Branches are ways of their own where nothing stands beside them.
        let (one, other) = (vec![vec!["timeout"], vec!["after"]], vec![vec!["refused"]]);
        assert_eq!(ways("timeout[^x]+after|refused"), [one, other]);
        // A branch with fewer groups lends its last one; a group that says nothing new is left out.
        assert_eq!(ways("a(?:timeout[^x]+after|refused)"), [[["after", "refused"]]]);
        assert_eq!(ways("connection[^x]+connect"), [Vec::<Vec<String>>::new()]);
    }

    #[test]
    fn finds_inner_folded_and_alternative_texts() {
        assert_eq!(texts(r"[^\n]{1,9} ECONNREFUSED \d+"), Some(vec![" ECONNREFUSED ".to_owned()]));
        assert_eq!(texts(r"(?i:Connection) refused"), Some(vec!["connection refus".to_owned()]));
        assert_eq!(
            texts(r"Can(?:not|'t) find"),
            Some(vec!["Can't find".to_owned(), "Cannot find".to_owned()])
        );
        assert_eq!(texts(r"(?:alpha\d|\d+beta)+"), Some(vec!["beta".to_owned(), "alpha".to_owned()]));
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
