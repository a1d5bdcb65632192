//! Requests without any ID of which the line that ends them names no path: it stands on the line that began them, as Rails
//! writes them. Where two are open in one stream, nobody can tell whose end it is, and none is guessed.

use hashbrown::HashMap;

use super::keys::{is_own_completion, stream_key};
use super::{Correlator, Origin};
use crate::record::{Marks, Record};

/// A start that is older than this has no end any more, in milliseconds.
const MAX_AGE_MS: i64 = 60_000;
/// Most streams of which starts are noted.
const MAX_STREAMS: usize = 4_096;

/// What is open in one stream.
#[derive(Debug, Clone, Default)]
struct Open {
    count: u32,
    source: u64,
    last_ms: Option<i64>,
    /// Method and path, if no other request is open.
    request: Option<(Option<String>, String)>,
}

/// What is open, by stream.
#[derive(Debug, Clone, Default)]
pub struct Started(HashMap<u64, Open>);

impl Correlator<'_> {
    /// Notes a start, or tells an end what its start said.
    pub(super) fn by_start(&mut self, record: &mut Record, origin: Origin<'_>) {
        if record.id.is_some() || !record.also.is_empty() || origin.backwards {
            return;
        }
        if record.marks.has(Marks::START)
            && let Some(path) = &record.path
        {
            let request = (record.method.clone(), path.clone());
            self.started.begin(stream_key(record, origin), origin.stream, request, record.time_ms);
        } else if !self.started.0.is_empty() && record.path.is_none() && is_own_completion(record) {
            let stream = stream_key(record, origin);
            // Below Ruby's prefix the text of an exception stands on a line without the process.
            let is_below = record.payload == "rails" && record.stream.is_none();
            let stream =
                if is_below { self.started.only_of(origin.stream).unwrap_or(stream) } else { stream };
            let request = self.started.end(stream);
            (record.method, record.path) = match request {
                Some((method, path)) => (method.or(record.method.take()), Some(path)),
                None => return,
            };
        }
    }
}

impl Started {
    /// The stream of this source in which a request is open, if there is only one.
    fn only_of(&self, source: u64) -> Option<u64> {
        let mut open = self.0.iter().filter(|(_, open)| open.source == source);
        let (stream, _) = open.next()?;
        open.next().is_none().then_some(*stream)
    }

    fn begin(&mut self, stream: u64, source: u64, request: (Option<String>, String), time_ms: Option<i64>) {
        if self.0.len() >= MAX_STREAMS && !self.0.contains_key(&stream) {
            self.0.clear();
        }
        let open = self.0.entry(stream).or_default();
        let is_stale = open.last_ms.zip(time_ms).is_some_and(|(last, now)| now - last > MAX_AGE_MS);
        open.count = if is_stale { 1 } else { open.count.saturating_add(1) };
        open.source = source;
        open.last_ms = time_ms.or(open.last_ms);
        open.request = (open.count == 1).then_some(request);
    }

    fn end(&mut self, stream: u64) -> Option<(Option<String>, String)> {
        let open = self.0.get_mut(&stream)?;
        let request = open.request.take();
        open.count = open.count.saturating_sub(1);
        if open.count == 0 {
            self.0.remove(&stream);
        }
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> (Option<String>, String) {
        (Some("GET".to_owned()), path.to_owned())
    }

    #[test]
    fn an_end_is_told_what_the_only_start_said() {
        let mut started = Started::default();
        started.begin(1, 9, of("/a"), Some(0));
        started.begin(2, 9, of("/b"), Some(0));
        assert_eq!((started.end(1), started.end(1), started.end(2)), (Some(of("/a")), None, Some(of("/b"))));
    }

    #[test]
    fn a_line_without_a_process_ends_what_only_one_began() {
        let mut started = Started::default();
        started.begin(1, 9, of("/a"), None);
        started.begin(2, 8, of("/b"), None);
        assert_eq!((started.only_of(9), started.only_of(8), started.only_of(7)), (Some(1), Some(2), None));
        started.begin(3, 9, of("/c"), None);
        assert_eq!(started.only_of(9), None);
    }

    #[test]
    fn of_two_that_are_open_none_is_guessed() {
        let mut started = Started::default();
        started.begin(1, 9, of("/a"), Some(0));
        started.begin(1, 9, of("/b"), Some(1));
        assert_eq!((started.end(1), started.end(1)), (None, None));
        started.begin(1, 9, of("/c"), Some(2));
        started.begin(1, 9, of("/d"), Some(2 + MAX_AGE_MS + 1));
        assert_eq!(started.end(1), Some(of("/d")), "the first never ended");
    }
}
