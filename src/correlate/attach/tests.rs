use super::*;
use crate::record::Position;

#[test]
fn output_of_the_initialisation_belongs_to_the_start_after_it_in_time() {
    let init = Record { marks: Marks::INIT, ..Record::default() };
    let mut forwards = Brackets::default();
    forwards.identified(1, Marks::START, true, false);
    forwards.identified(1, Marks::END, true, false);
    assert_eq!(forwards.place(&init, true, false), Some(Place::WaitsForStart));
    forwards.wait(init.clone(), "lines");
    assert_eq!(forwards.identified(2, Marks::START, true, false).len(), 1);

    let mut backwards = Brackets::default();
    backwards.identified(2, Marks::END, true, true);
    backwards.identified(2, Marks::START, true, true);
    assert_eq!(backwards.place(&init, true, true), Some(Place::Request(2)));
}

#[test]
fn a_second_initialisation_in_the_invoke_phase_belongs_to_the_open_request() {
    let message = "INIT_REPORT Init Duration: 5 ms Phase: invoke Status: error".to_owned();
    let again = Record { marks: Marks::INIT, message, ..Record::default() };
    let mut stream = Brackets::default();
    stream.identified(1, Marks::START, true, false);
    assert_eq!(stream.place(&again, true, false), Some(Place::Request(1)));
}

fn completion(failed: bool, explained: bool, path: Option<&str>) -> Completion<'_> {
    Completion { failed, explained, echoes: false, named: false, path: path.map(str::as_bytes), record: None }
}

#[test]
fn what_says_again_that_a_request_failed_belongs_to_it() {
    let echo = Record { marks: Marks::ECHO, ..Record::default() };
    let mut twice = Neighbours::default();
    twice.completed(1, completion(true, false, Some("/a")));
    assert_eq!((twice.echoed(&echo), twice.echoed(&echo)), (Some(1), None));
    let other = Record { path: Some("/b".to_owned()), ..echo.clone() };
    twice.completed(2, completion(true, false, Some("/a")));
    assert_eq!(twice.echoed(&other), None);
    twice.completed(3, Completion { echoes: true, ..completion(true, false, None) });
    assert_eq!(twice.echoed(&echo), None, "a failure that is told once, after another one");
}

#[test]
fn a_server_tells_again_of_what_its_application_told() {
    let record = |path: &str, time_ms: i64| Record {
        status: Some(500),
        method: Some("GET".to_owned()),
        path: Some(path.to_owned()),
        time_ms: Some(time_ms),
        ..Record::default()
    };
    let mut told = Neighbours::default();
    told.tell(1, &record("/a", 1_119));
    told.tell(2, &record("/a", 1_300));
    let same = record("/a", 1_000);
    assert_eq!((told.told(&same), told.told(&same), told.told(&same)), (Some(1), Some(2), None));
    told.tell(3, &record("/a", 1_119));
    assert_eq!(told.told(&record("/b", 1_000)), None, "another path");
    assert_eq!(told.told(&Record { status: Some(502), ..same.clone() }), None, "another status");
    assert_eq!(told.told(&Record { method: Some("PUT".to_owned()), ..same }), None, "another method");
    assert_eq!(told.told(&record("/a", 3_000)), None, "later");
    for number in 0..100 {
        told.tell(number, &record("/c", 1_000));
    }
    assert!(told.told.len() <= MAX_TOLD);
}

#[test]
fn what_a_thread_said_belongs_to_what_it_answers() {
    let by = |thread: u8, entry| {
        let message = format!("ERROR [exec-{thread}] shop - refused");
        let at = Position { entry, ..Position::default() };
        Record { level: Some(Level::Error), message, at, ..Record::default() }
    };
    let mut threads = Neighbours::default();
    let mut said = |says: &[(u8, u64)], failed, named, (thread, entry)| {
        says.iter().for_each(|(thread, entry)| threads.say(&by(*thread, *entry), "lines"));
        let answer = by(thread, entry);
        let completion = Completion { record: Some(&answer), named, ..completion(failed, false, Some("/a")) };
        threads.said(&completion).len()
    };
    assert_eq!(said(&[(7, 1), (8, 2)], true, false, (7, 3)), 1);
    assert_eq!(said(&[], true, false, (7, 4)), 0, "once");
    assert_eq!(said(&[], false, false, (8, 5)), 0);
    assert_eq!(said(&[], true, false, (8, 6)), 0, "it was of the request before");
    assert_eq!(said(&[(7, 10)], true, false, (7, 500)), 0, "long ago");
    assert_eq!(said(&[(7, 510)], true, true, (7, 511)), 0, "other programs");
    (0..100).for_each(|entry| threads.say(&by(7, entry), "lines"));
    assert!(threads.said.len() <= MAX_SAID);
}

#[test]
fn a_block_that_names_the_path_comes_first() {
    let block = Record { marks: Marks::ERROR_BLOCK, ..Record::default() };
    let named = Record { path: Some("/a".to_owned()), ..block.clone() };
    let mut both = Neighbours::default();
    both.wait(block, "lines");
    both.wait(named, "lines");
    assert_eq!(both.completed(1, completion(true, false, Some("/a"))).len(), 1);
    assert_eq!(both.left().first().map(|(left, _)| left.path.clone()), Some(None));
    let warning = Record { error_class: Some("DeprecationWarning".to_owned()), ..Record::default() };
    assert!(!tells_of_failure(&warning));
}

#[test]
fn the_rest_of_a_block_follows_it() {
    let at = |entry| Position { entry, ..Position::default() };
    let block = Record { marks: Marks::ERROR_BLOCK, at: at(5), ..Record::default() };
    let message = "badges is not defined\n    at f (a.js:1:2)".to_owned();
    let rest = Record { message, at: at(6), ..Record::default() };
    let mut broken = Neighbours::default();
    broken.attached(1, &block);
    assert_eq!(broken.place(&rest), Place::Request(1));
    let apart = Record { at: at(7), ..rest.clone() };
    assert_eq!(broken.place(&apart), Place::WaitsForFailure);
    let other = Record { error_class: Some("TypeError".to_owned()), ..rest };
    assert_eq!(broken.place(&other), Place::WaitsForFailure);
}

#[test]
fn a_block_belongs_to_the_failed_completion_beside_it() {
    let block = Record { marks: Marks::ERROR_BLOCK, ..Record::default() };
    let mut after = Neighbours::default();
    assert!(after.completed(1, completion(true, false, None)).is_empty());
    assert_eq!(after.place(&block), Place::Request(1));
    after.attached(1, &block);
    assert_eq!(after.place(&block), Place::WaitsForFailure, "one block for one completion");

    let mut explained = Neighbours::default();
    explained.completed(1, completion(true, true, None));
    assert_eq!(explained.place(&block), Place::WaitsForFailure, "it has its own error");

    let path = Some("/a".to_owned());
    let of_a = Record { path, ..block.clone() };
    let mut other = Neighbours::default();
    other.completed(1, completion(true, false, Some("/b")));
    assert_eq!(other.place(&of_a), Place::WaitsForFailure, "it names another path");
    other.wait(of_a, "lines");
    assert!(other.completed(2, completion(true, false, Some("/c"))).is_empty());
    assert_eq!(other.completed(3, completion(true, false, Some("/a"))).len(), 1);

    let mut broken = Neighbours::default();
    let names = Record { path: Some("/a".to_owned()), ..block.clone() };
    let rest = Record { marks: Marks::ERROR_BLOCK | Marks::NO_TIME, ..Record::default() };
    for one in [&names, &rest, &block] {
        broken.wait(one.clone(), "lines");
    }
    assert_eq!(broken.completed(1, completion(true, false, Some("/a"))).len(), 2, "with its rest");
    let torn = Record { marks: Marks::ERROR_BLOCK | Marks::TRUNCATED, ..Record::default() };
    assert_eq!(broken.place(&torn), Place::Nowhere);

    let mut before = Neighbours::default();
    before.completed(1, completion(false, false, None));
    assert_eq!(before.place(&block), Place::WaitsForFailure);
    before.wait(block.clone(), "lines");
    assert!(before.completed(2, completion(false, false, None)).is_empty());
    assert_eq!(before.completed(3, completion(true, false, None)).len(), 1);

    assert_eq!(Neighbours::default().place(&block), Place::WaitsForFailure, "its completion may come");
    let next = Record { payload: "next-stdout", ..block };
    assert_eq!(Neighbours::default().place(&next), Place::Own, "no completion at all");
}
