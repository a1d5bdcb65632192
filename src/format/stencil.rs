//! Stencils: lines that were read in full, with holes where their values stand. Nearly all lines of a JSON log differ
//! from an earlier one in the values of a few members only. Such a line is recognised by comparing what is between the
//! holes, byte for byte, so that only the holes have to be read; every other line is left to whoever reads in full.
//!
//! A filled stencil is right whatever was learned before: what is outside of the holes equals a line that was read in
//! full, and a text in the place of a text, or an integer in the place of an integer, changes nothing of the structure.
//! Learning decides the speed alone. No shape is known here; shapes say by [`Role`] what they read.

mod learn;
mod values;

use std::ops::Range;

use learn::Learned;
pub use values::{integer, integer_end, number_end, text_end};

/// Most values that a shape reads of a line.
pub const SLOTS: usize = 16;
/// Most nodes of the tree; when it is full it is begun anew.
const MAX_NODES: usize = 512;

/// What a shape does with the value of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// What the shape says of the line depends on this value: it is no hole.
    Fixed,
    /// The same of a text of plain ASCII, without escapes, which is read from this slot: a value that few lines change.
    FixedText(u8),
    /// It reads a text of plain ASCII, without escapes, from this slot.
    Text(u8),
    /// It reads a text as it stands, with any escapes, from this slot.
    Raw(u8),
    /// It reads an integer from this slot.
    Integer(u8),
    /// It reads a number from this slot: an integer, or one with a fraction.
    Number(u8),
    /// It reads a text of plain ASCII from the first slot, or a number from the second.
    Either(u8, u8),
    /// It reads a text of printable ASCII without spaces from this slot.
    Word(u8),
}

/// The role of a member, by the keys that lead to it; `None` for members that the shape does not read.
pub type Roles = fn(path: &[&str]) -> Option<Role>;

/// What was found in the holes, by slot.
pub type Holes<'a> = [Option<&'a [u8]>; SLOTS];
/// Nothing found yet.
pub const EMPTY: Holes<'static> = [None; SLOTS];

/// What may stand in a hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fill {
    Text { plain: bool },
    Word,
    Integer,
    Number,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hole {
    fill: Fill,
    slot: Option<u8>,
    /// In the literal before it are texts that the shape reads.
    after_texts: bool,
}

impl Hole {
    fn new(fill: Fill, slot: Option<u8>) -> Hole {
        Hole { fill, slot, after_texts: false }
    }
}

/// A literal, and what follows it: a hole and then one of the children, or the end of the line.
#[derive(Debug)]
struct Node<T> {
    literal: Box<[u8]>,
    /// Texts within the literal that the shape reads, by slot.
    texts: Box<[(u8, Range<usize>)]>,
    hole: Option<Hole>,
    children: Vec<u32>,
    /// Line ends from the root to here; none is in a hole.
    newlines: u64,
    /// At the end of a line only.
    value: Option<T>,
}

/// A tree of stencils, one way from its root to an end for each; `T` is what the shape knows of all lines that fill one.
#[derive(Debug)]
pub struct Stencils<T> {
    roles: Roles,
    /// Texts that no hole may hold.
    bars: Option<fn(&[u8]) -> bool>,
    /// The root first; its literal is empty.
    nodes: Vec<Node<T>>,
    learned: Learned,
}

impl<T> Stencils<T> {
    /// No stencils yet.
    pub fn new(roles: Roles) -> Stencils<T> {
        Stencils { roles, bars: None, nodes: vec![Node::root()], learned: Learned::default() }
    }

    /// No stencils yet, and none is filled where a text in a hole is one of those that `bars` tells.
    pub fn with_bars(roles: Roles, bars: fn(&[u8]) -> bool) -> Stencils<T> {
        Stencils { bars: Some(bars), ..Stencils::new(roles) }
    }

    /// What was learned of such lines, and what stands in the holes; `None` if no stencil fits.
    pub fn fill<'a>(&mut self, line: &'a [u8]) -> Option<(&T, Holes<'a>)> {
        let mut holes = EMPTY;
        let (node, end) = self.walk(line, &mut holes)?;
        let value = self.nodes[node].value.as_ref().filter(|_| end == line.len())?;
        self.learned.hit();
        Some((value, holes))
    }

    /// The same of the line that `bytes` begin with, and its length without the `\n` that follows it. `holes` are empty, and
    /// filled here: they are too many to be handed on by value for every line.
    #[inline]
    pub fn fill_line<'a>(&mut self, bytes: &'a [u8], holes: &mut Holes<'a>) -> Option<(&T, usize)> {
        let (node, end) = self.walk(bytes, holes)?;
        let value = self.nodes[node].value.as_ref().filter(|_| bytes.get(end) == Some(&b'\n'))?;
        self.learned.hit();
        Some((value, end))
    }

    /// The same of the object that `bytes` begin with, its length, whatever follows it, and how many line ends are in it.
    #[inline]
    pub fn fill_start<'a>(&mut self, bytes: &'a [u8], holes: &mut Holes<'a>) -> Option<(&T, usize, u64)> {
        let (node, end) = self.walk(bytes, holes)?;
        let Node { value, newlines, .. } = &self.nodes[node];
        let value = value.as_ref()?;
        self.learned.hit();
        Some((value, end, *newlines))
    }

    /// The last node of the stencil that fits the beginning of `line`, what stands in the holes, and where it ends.
    #[inline]
    fn walk<'a>(&mut self, line: &'a [u8], holes: &mut Holes<'a>) -> Option<(usize, usize)> {
        let (mut at, mut node) = (0, 0);
        loop {
            let rest = line.get(at..)?;
            node = self.child(node, |literal| begins_with(rest, literal))?;
            let Node { literal, texts, hole, .. } = &self.nodes[node];
            at += literal.len();
            // Told by the hole, which is at hand, for few literals have any.
            if hole.is_none_or(|hole| hole.after_texts) {
                for (slot, text) in texts {
                    holes[usize::from(*slot) % SLOTS] = rest.get(text.clone());
                }
            }
            let Some(hole) = hole else { break };
            let end = match hole.fill {
                Fill::Integer => integer_end(line, at)?,
                Fill::Number => number_end(line, at)?,
                Fill::Text { plain } => {
                    let text = text_end(line, at)?;
                    if (plain && !text.plain) || self.bars.is_some_and(|bars| bars(&line[at..text.end])) {
                        return None;
                    }
                    text.end
                }
                Fill::Word => {
                    let text = text_end(line, at)?;
                    if !text.plain || !is_word(&line[at..text.end]) {
                        return None;
                    }
                    text.end
                }
            };
            if let Some(slot) = hole.slot {
                set(holes, slot, &line[at..end])?;
            }
            at = end;
        }
        Some((node, at))
    }

    /// The child whose literal fits. It moves forward among its siblings, for the next line is likely to be like this.
    #[inline]
    fn child(&mut self, parent: usize, fits: impl Fn(&[u8]) -> bool) -> Option<usize> {
        let children = &self.nodes[parent].children;
        let place = children.iter().position(|child| fits(&self.nodes[*child as usize].literal))?;
        let child = children[place] as usize;
        if place > 0 {
            self.nodes[parent].children.swap(place - 1, place);
        }
        Some(child)
    }

    /// Learns from a line that was read in full, and is one JSON object.
    pub fn learn(&mut self, line: &[u8], value: T) {
        if self.may_learn() {
            self.learn_by(line, |_| Some(value));
        }
    }

    /// Whether it is worth reading a line in full to learn from it. Asking counts as a try.
    pub fn may_learn(&mut self) -> bool {
        self.learned.spend()
    }

    /// Says that a line could not be learned although [`Stencils::may_learn`] said yes, so that such lines are tried less.
    pub fn could_not_learn(&mut self) {
        self.learned.fail();
    }

    /// Learns from a line that was read in full, and is one JSON object, unless `value` sees in its holes that it cannot
    /// stand for others. Ask [`Stencils::may_learn`] before.
    pub fn learn_by<'a>(&mut self, line: &'a [u8], value: impl FnOnce(&Holes<'a>) -> Option<T>) {
        let Some(cut) = self.learned.cut(line, self.roles) else { return };
        let Some(value) = cut.holes(line).and_then(|holes| value(&holes)) else { return };
        if cut.begins_anew || self.nodes.len() + cut.pieces.len() > MAX_NODES {
            self.nodes = vec![Node::root()];
        }
        let mut node = 0;
        for (piece, mut hole) in cut.pieces {
            let literal = &line[piece.clone()];
            let within = |text: &Range<usize>| piece.start <= text.start && text.end <= piece.end;
            let texts: Box<[(u8, Range<usize>)]> = cut
                .texts
                .iter()
                .filter(|(_, text)| within(text))
                .map(|(slot, text)| (*slot, text.start - piece.start..text.end - piece.start))
                .collect();
            if let Some(hole) = &mut hole {
                hole.after_texts = !texts.is_empty();
            }
            let same = |child: &&u32| {
                let child = &self.nodes[**child as usize];
                *child.literal == *literal && child.hole == hole
            };
            let found = self.nodes[node].children.iter().find(same).map(|child| *child as usize);
            node = found.unwrap_or_else(|| {
                let next = self.nodes.len();
                let newlines = self.nodes[node].newlines + memchr::memchr_iter(b'\n', literal).count() as u64;
                let literal = literal.into();
                self.nodes.push(Node { literal, texts, hole, newlines, children: Vec::new(), value: None });
                self.nodes[node].children.push(next as u32);
                next
            });
        }
        self.nodes[node].value = Some(value);
    }
}

impl<T> Node<T> {
    fn root() -> Node<T> {
        Node {
            literal: Box::default(),
            texts: Box::default(),
            hole: None,
            newlines: 0,
            children: Vec::new(),
            value: None,
        }
    }
}

/// Fills a slot. A second member that is read from the same one has to say the same.
#[inline]
fn set<'a>(holes: &mut Holes<'a>, slot: u8, text: &'a [u8]) -> Option<()> {
    let slot = &mut holes[usize::from(slot) % SLOTS];
    if slot.is_some_and(|have| have != text) {
        return None;
    }
    *slot = Some(text);
    Some(())
}

/// As [`slice::starts_with`], for literals of a few dozen bytes: two windows, which may overlap, are compared at once.
#[inline(always)]
fn begins_with(text: &[u8], literal: &[u8]) -> bool {
    fn windows<const N: usize>(bytes: &[u8]) -> Option<(&[u8; N], &[u8; N])> {
        Some((bytes.first_chunk()?, bytes.last_chunk()?))
    }
    let Some(text) = text.get(..literal.len()) else { return false };
    match literal.len() {
        65..=128 => windows::<64>(text) == windows::<64>(literal),
        33..=64 => windows::<32>(text) == windows::<32>(literal),
        16..=32 => windows::<16>(text) == windows::<16>(literal),
        8..=15 => windows::<8>(text) == windows::<8>(literal),
        4..=7 => windows::<4>(text) == windows::<4>(literal),
        _ => text == literal,
    }
}

fn is_word(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests;
