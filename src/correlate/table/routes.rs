//! The routes of a run: which text of a record names its route, and one copy of every name.

use std::sync::Arc;

use hashbrown::HashMap;
use xxhash_rust::xxh3::xxh3_64;

use crate::correlate::route;
use crate::record::Marks;

/// The text that a record has for its route.
#[derive(Debug, Clone, Copy)]
pub struct RouteText<'a> {
    /// Smaller is better: a template before a path, anything before what middleware says.
    pub rank: u8,
    /// As it stands in the log.
    pub text: &'a [u8],
    /// Of rank and text, never 0.
    pub hash: u64,
}

const TEMPLATE: u8 = 0;
const PATH: u8 = 2;
const MIDDLEWARE: u8 = 4;

impl<'a> RouteText<'a> {
    /// The best text of a record.
    pub fn of(template: Option<&'a [u8]>, path: Option<&'a [u8]>, marks: Marks) -> Option<RouteText<'a>> {
        let (text, kind) = template.map(|text| (text, TEMPLATE)).or(path.map(|text| (text, PATH)))?;
        let rank = kind + if marks.has(Marks::MIDDLEWARE) { MIDDLEWARE } else { 0 };
        Some(RouteText { rank, text, hash: (xxh3_64(text) ^ u64::from(rank)) | 1 })
    }

    /// The route that it names.
    pub fn name(self) -> String {
        let text = String::from_utf8_lossy(self.text);
        if self.rank & PATH == 0 { route::of_template(&text).into_owned() } else { route::of_path(&text) }
    }
}

/// Names of a run that are counted each by itself; a scanner that asks for a million paths must not fill the memory.
pub const MAX_ROUTES: usize = 20_000;
/// The route under which requests are counted whose own is beyond [`MAX_ROUTES`]. In what is said of a failed request
/// it keeps its own, for that must not depend on others.
pub const OTHER: &str = "…other";
/// Its number.
pub const OTHER_PLACE: u32 = u32::MAX - 1;

/// The names of all routes, or of all deployments, each once.
#[derive(Debug, Clone, Default)]
pub struct Names {
    names: Vec<Arc<str>>,
    places: HashMap<Arc<str>, u32>,
}

impl Names {
    /// The one copy of a name; beyond [`MAX_ROUTES`] a copy of its own.
    pub fn intern(&mut self, name: &str) -> Arc<str> {
        if let Some(place) = self.places.get(name) {
            return Arc::clone(&self.names[*place as usize]);
        }
        self.add(Arc::from(name))
    }

    fn add(&mut self, name: Arc<str>) -> Arc<str> {
        if self.names.len() >= MAX_ROUTES {
            return name;
        }
        self.places.insert(Arc::clone(&name), self.names.len() as u32);
        self.names.push(Arc::clone(&name));
        name
    }

    /// The number of a name, which is known from then on; `last` is one that it may well be.
    #[inline]
    pub fn number(&mut self, name: &[u8], last: u32) -> u32 {
        if self.names.get(last as usize).is_some_and(|last| last.as_bytes() == name) {
            return last;
        }
        let name = String::from_utf8_lossy(name);
        self.places.get(&*name).copied().unwrap_or_else(|| {
            self.add(Arc::from(&*name));
            self.place(&name)
        })
    }

    /// The lesser of two names by their numbers; a number that is none has no name.
    pub fn least(&self, one: u32, two: u32) -> u32 {
        match (self.names.get(one as usize), self.names.get(two as usize)) {
            (Some(name), Some(other)) if other < name => two,
            (None, _) => two,
            _ => one,
        }
    }

    /// Its number.
    pub fn place(&self, name: &str) -> u32 {
        self.places.get(name).copied().unwrap_or(OTHER_PLACE)
    }

    /// The name of that number.
    pub fn name(&self, place: u32) -> Option<Arc<str>> {
        self.names.get(place as usize).cloned()
    }

    /// All of them, by number.
    pub fn names(&self) -> &[Arc<str>] {
        &self.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_limit_to_routes() {
        let mut routes = Names::default();
        for number in 0..MAX_ROUTES + 5 {
            assert_eq!(&*routes.intern(&format!("/{number}")), format!("/{number}"));
        }
        assert_eq!((routes.names().len(), routes.place("/7")), (MAX_ROUTES, 7));
        let beyond = format!("/{MAX_ROUTES}");
        assert_eq!((routes.place(&beyond), routes.name(routes.place(&beyond))), (OTHER_PLACE, None));
    }
}
