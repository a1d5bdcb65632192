//! The routes of a run: which text of a record names its route, and one copy of every name.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};
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

    fn is_template(self) -> bool {
        self.rank & PATH == 0
    }

    /// The route that it names.
    fn name(self) -> String {
        let text = String::from_utf8_lossy(self.text);
        if self.is_template() { route::of_template(&text).into_owned() } else { route::of_path(&text) }
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
    /// Numbers by the hashes of their names.
    places: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// For the name of a route.
    scratch: Vec<u8>,
}

impl Names {
    /// The one copy of the name of a route, if it is wanted; beyond [`MAX_ROUTES`] a copy of its own.
    pub fn route(&mut self, route: RouteText<'_>, wants: impl FnOnce(&str) -> bool) -> Option<Arc<str>> {
        match self.find_route(route).and_then(|place| self.names.get(place as usize)) {
            Some(name) => wants(name).then(|| Arc::clone(name)),
            None => {
                let name = route.name();
                wants(&name).then(|| self.intern(&name))
            }
        }
    }

    /// The number of a route, which is known from then on.
    pub fn route_number(&mut self, route: RouteText<'_>) -> u32 {
        self.find_route(route).unwrap_or_else(|| self.number(route.name().as_bytes(), OTHER_PLACE))
    }

    /// The number of a route that is known, unless that takes to make its name.
    fn find_route(&mut self, route: RouteText<'_>) -> Option<u32> {
        if route.is_template() {
            // What is the name of some route is its own name as a template.
            return self.find(route.text);
        }
        let mut name = std::mem::take(&mut self.scratch);
        let found = if route::of_plain_path(route.text, &mut name) { self.find(&name) } else { None };
        self.scratch = name;
        found
    }

    fn find(&self, name: &[u8]) -> Option<u32> {
        let is_it = |place: &u32| self.names.get(*place as usize).is_some_and(|have| have.as_bytes() == name);
        self.places.find(self.hasher.hash_one(name), is_it).copied()
    }

    /// The one copy of a name; beyond [`MAX_ROUTES`] a copy of its own.
    fn intern(&mut self, name: &str) -> Arc<str> {
        match self.find(name.as_bytes()).and_then(|place| self.names.get(place as usize)) {
            Some(name) => Arc::clone(name),
            None => self.add(Arc::from(name)),
        }
    }

    fn add(&mut self, name: Arc<str>) -> Arc<str> {
        if self.names.len() >= MAX_ROUTES {
            return name;
        }
        let Names { names, places, hasher, .. } = self;
        let hash = |place: &u32| {
            hasher.hash_one(names.get(*place as usize).map_or(&b""[..], |name| name.as_bytes()))
        };
        places.insert_unique(hasher.hash_one(name.as_bytes()), names.len() as u32, hash);
        names.push(Arc::clone(&name));
        name
    }

    /// The number of a name, which is known from then on; `last` is one that it may well be.
    #[inline]
    pub fn number(&mut self, name: &[u8], last: u32) -> u32 {
        if self.names.get(last as usize).is_some_and(|last| last.as_bytes() == name) {
            return last;
        }
        self.find(name).unwrap_or_else(|| {
            let name = self.intern(&String::from_utf8_lossy(name));
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
        self.find(name.as_bytes()).unwrap_or(OTHER_PLACE)
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
