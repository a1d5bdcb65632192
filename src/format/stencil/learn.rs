//! Where the holes of a line are. Members that a shape reads have their roles; of all others it is learned which values
//! change from line to line.

use std::collections::HashMap;
use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use super::{Fill, Hole, Holes, Role, Roles, SLOTS, integer_end, is_word, number_end, set, text_end};

/// Values that a member may have before it counts as one that changes.
const MAX_VALUES: usize = 2;
/// Most holes of a line, and its longest length; other lines are not learned.
const MAX_HOLES: usize = 64;
const MAX_LINE_BYTES: usize = 16 * 1024;
/// Most members that are watched.
const MAX_MEMBERS: usize = 1024;
/// Lines that are learned without any success, and how many successes pay for one more. A line that could not be learned
/// counts as so many that could: it was read in vain, and others like it may follow.
const CREDIT: u64 = 256;
const HITS_PER_LINE: u64 = 32;
const PRICE_OF_FAILURE: u64 = 16;

/// Between the keys of a path: no JSON key holds it as it stands.
const SEPARATOR: char = '\n';

/// A line cut at its holes: literals with what follows them, the last with nothing.
pub struct Cut {
    pub pieces: Vec<(Range<usize>, Option<Hole>)>,
    /// Texts outside of the holes that the shape reads, by slot.
    pub texts: Vec<(u8, Range<usize>)>,
    /// A member turned out to change: what was cut before was cut otherwise.
    pub begins_anew: bool,
}

impl Cut {
    /// What stands in the holes of the line that was cut; `None` if two that are read as one differ.
    pub fn holes<'a>(&self, line: &'a [u8]) -> Option<Holes<'a>> {
        let mut holes = [None; SLOTS];
        for pair in self.pieces.windows(2) {
            if let (literal, Some(Hole { slot: Some(slot), .. })) = &pair[0] {
                set(&mut holes, *slot, line.get(literal.end..pair[1].0.start)?)?;
            }
        }
        Some(holes)
    }
}

/// What the lines so far taught.
#[derive(Debug, Default)]
pub struct Learned {
    /// Hashes of the values of each member that the shape does not read, by path; none once they are too many.
    values: HashMap<String, Option<Vec<u64>>>,
    lines: u64,
    hits: u64,
}

/// An array or object that is open.
struct Level {
    object: bool,
    path_len: usize,
}

impl Learned {
    /// A line filled a stencil.
    #[inline]
    pub fn hit(&mut self) {
        self.hits += 1;
    }

    /// Counts a try to learn; false if that is not worth it: learning must stay cheap beside reading.
    pub fn spend(&mut self) -> bool {
        let worth = self.lines <= CREDIT + self.hits / HITS_PER_LINE;
        self.lines += u64::from(worth);
        worth
    }

    /// A line that was paid for could not be learned.
    pub fn fail(&mut self) {
        self.lines += PRICE_OF_FAILURE - 1;
    }

    /// Cuts a line, unless it is too long.
    pub fn cut(&mut self, line: &[u8], roles: Roles) -> Option<Cut> {
        if line.len() > MAX_LINE_BYTES {
            return None;
        }
        let mut cut = Cut { pieces: Vec::new(), texts: Vec::new(), begins_anew: false };
        let mut from = 0;
        let mut path = String::new();
        let mut levels: Vec<Level> = Vec::new();
        let (mut at, mut key_next) = (0, false);
        while let Some(byte) = line.get(at) {
            match byte {
                b'{' | b'[' => {
                    key_next = *byte == b'{';
                    levels.push(Level { object: key_next, path_len: path.len() });
                    at += 1;
                    continue;
                }
                b'}' | b']' => {
                    levels.pop();
                    at += 1;
                }
                b',' | b':' => {
                    at += 1;
                    continue;
                }
                byte if byte.is_ascii_whitespace() => {
                    at += 1;
                    continue;
                }
                b'"' => {
                    let found = text_end(line, at + 1)?;
                    let text = at + 1..found.end;
                    at = found.end + 1;
                    if key_next {
                        key_next = false;
                        path.push(SEPARATOR);
                        path.push_str(std::str::from_utf8(&line[text]).ok()?);
                        continue;
                    }
                    if let Some(Role::FixedText(slot)) = roles(&keys_of(&path)) {
                        if !found.plain {
                            return None;
                        }
                        cut.texts.push((slot, text.clone()));
                    }
                    let free = Fill::Text { plain: false };
                    let hole = self.hole(&path, &line[text.clone()], Some(free), roles, &mut cut.begins_anew);
                    if let Some(hole) = hole {
                        let fits = match hole.fill {
                            Fill::Word => found.plain && is_word(&line[text.clone()]),
                            fill => found.plain || fill == free,
                        };
                        if !fits {
                            return None;
                        }
                        cut.pieces.push((from..text.start, Some(hole)));
                        from = text.end;
                    }
                }
                _ => {
                    let rest = &line[at..];
                    let len = rest.iter().position(|b| matches!(b, b',' | b'}' | b']' | b' '))?;
                    let value = at..at + len;
                    at = value.end;
                    let free = (number_end(line, value.start) == Some(value.end)).then_some(Fill::Number);
                    let hole = self.hole(&path, &line[value.clone()], free, roles, &mut cut.begins_anew);
                    if let Some(hole) = hole {
                        cut.pieces.push((from..value.start, Some(hole)));
                        from = value.end;
                    }
                }
            }
            // A value ended: the key that led to it is over.
            if let Some(level) = levels.last() {
                key_next = level.object;
                path.truncate(level.path_len);
            }
            if cut.pieces.len() > MAX_HOLES {
                return None;
            }
        }
        cut.pieces.push((from..line.len(), None));
        Some(cut)
    }

    /// The hole that this value is, if it is one. `free`: what may stand in its place if the shape does not read it.
    fn hole(
        &mut self,
        path: &str,
        value: &[u8],
        free: Option<Fill>,
        roles: Roles,
        begins_anew: &mut bool,
    ) -> Option<Hole> {
        let is_text = matches!(free, Some(Fill::Text { .. }));
        let hole = |fill, slot| Some(Hole::new(fill, Some(slot)));
        let plain = Fill::Text { plain: true };
        let is_integer = || integer_end(value, 0) == Some(value.len());
        match (roles(&keys_of(path)), free) {
            (Some(Role::Text(slot) | Role::Either(slot, _)), Some(_)) if is_text => hole(plain, slot),
            (Some(Role::Raw(slot)), Some(_)) if is_text => hole(Fill::Text { plain: false }, slot),
            (Some(Role::Word(slot)), Some(_)) if is_text => hole(Fill::Word, slot),
            (Some(Role::Integer(slot)), Some(Fill::Number)) if is_integer() => hole(Fill::Integer, slot),
            (Some(Role::Number(slot) | Role::Either(_, slot)), Some(Fill::Number)) => {
                hole(Fill::Number, slot)
            }
            (Some(_), _) => None,
            (None, free) => {
                let fill = free?;
                let room = self.values.len() < MAX_MEMBERS;
                // A number in the place of a text is another member, so to say.
                let path = format!("{path}{SEPARATOR}{fill:?}");
                let known = match self.values.get_mut(&path) {
                    Some(known) => known,
                    None if room => self.values.entry(path).or_insert_with(|| Some(Vec::new())),
                    None => return None,
                };
                let values = match known {
                    None => return Some(Hole::new(fill, None)),
                    Some(values) => values,
                };
                let value = xxh3_64(value);
                if !values.contains(&value) {
                    values.push(value);
                }
                if values.len() <= MAX_VALUES {
                    return None;
                }
                *known = None;
                *begins_anew = true;
                Some(Hole::new(fill, None))
            }
        }
    }
}

/// The keys of a path, outermost first.
fn keys_of(path: &str) -> Vec<&str> {
    path.split(SEPARATOR).skip(1).collect()
}
