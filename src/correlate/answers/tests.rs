use super::*;

fn order(second: i64, sequence: i64, source: u32) -> Order {
    Order { time_ms: second * 1000, source, sequence, part: 0 }
}

fn error(second: i64, sequence: i64, text: u64) -> Unanswered {
    Unanswered {
        order: order(second, sequence, 1),
        second,
        request: Some(7),
        client: Some(9),
        target: None,
        connection: None,
        at_arrival: false,
        text,
    }
}

fn answer(second: i64, key: u64) -> Answer {
    Answer {
        order: order(second, key as i64, 0),
        second,
        request: 7,
        path: 70,
        client: Some(9),
        target: None,
        has_query: false,
        key,
    }
}

/// Pairs in any order of the two sets.
fn paired(errors: &[Unanswered], answers: &[Answer]) -> Vec<(usize, u64)> {
    let found = pair(errors, answers);
    let back: Vec<Answer> = answers.iter().rev().chain(answers).copied().collect();
    assert_eq!(found, pair(errors, &back), "order and repetition of the answers");
    let reversed: Vec<Unanswered> = errors.iter().rev().copied().collect();
    let mut again: Vec<_> =
        pair(&reversed, answers).into_iter().map(|(index, key)| (errors.len() - 1 - index, key)).collect();
    again.sort_unstable();
    assert_eq!(found, again, "order of the errors");
    found
}

#[test]
fn all_errors_of_the_only_request_are_its_own() {
    assert_eq!(paired(&[error(5, 1, 1), error(5, 2, 2)], &[answer(5, 100)]), [(0, 100), (1, 100)]);
    assert_eq!(
        paired(&[error(4, 1, 1)], &[answer(5, 100)]),
        [(0, 100)],
        "the line is written a moment later"
    );
    assert_eq!(paired(&[error(6, 1, 1), error(3, 2, 1)], &[answer(5, 100)]), []);
}

#[test]
fn of_several_that_say_the_same_any_pairing_is_right() {
    let errors = [error(5, 1, 1), error(5, 2, 1), error(6, 3, 1)];
    let answers = [answer(5, 100), answer(5, 101), answer(6, 102)];
    assert_eq!(paired(&errors, &answers), [(0, 100), (1, 101), (2, 102)]);
    assert_eq!(paired(&errors[..1], &answers[..2]), [], "one has another reason");
    assert_eq!(paired(&errors[..2], &answers[..1]), [(0, 100), (1, 100)]);
}

#[test]
fn those_that_differ_are_paired_only_where_nothing_is_left_to_choose() {
    let errors = [error(5, 1, 1), error(5, 2, 2)];
    let answers = [answer(5, 100), answer(5, 101)];
    assert_eq!(paired(&errors, &answers), []);
    let apart = [error(5, 1, 1), error(6, 2, 2)];
    assert_eq!(paired(&apart, &[answer(5, 100), answer(6, 101)]), [(0, 100), (1, 101)]);
    assert_eq!(paired(&apart, &[answer(6, 100), answer(6, 101)]), [], "carried over a second");
    let queries = [Unanswered { target: Some(1), ..errors[0] }, Unanswered { target: Some(2), ..errors[1] }];
    let asked = [
        Answer { target: Some(2), has_query: true, ..answers[0] },
        Answer { target: Some(1), has_query: true, ..answers[1] },
    ];
    assert_eq!(paired(&queries, &asked), [(0, 101), (1, 100)]);
    let clients = [errors[0], Unanswered { client: Some(8), ..errors[1] }];
    assert_eq!(
        paired(&clients, &[answers[0], Answer { client: Some(8), ..answers[1] }]),
        [(0, 100), (1, 101)]
    );
    assert_eq!(paired(&errors[..1], &[Answer { request: 6, path: 60, ..answers[0] }]), [], "another path");
}

#[test]
fn lines_of_one_connection_are_one_request() {
    let on = |second, sequence, text, connection| Unanswered {
        connection: Some(connection),
        ..error(second, sequence, text)
    };
    let errors = [on(5, 1, 1, 31), on(5, 2, 1, 32), on(5, 3, 2, 31), on(5, 4, 2, 32)];
    let answers = [answer(5, 100), answer(5, 101)];
    assert_eq!(paired(&errors, &answers), [(0, 100), (1, 101), (2, 100), (3, 101)]);
    let kept_alive = [on(5, 1, 1, 31), on(5, 2, 1, 31)];
    assert_eq!(paired(&kept_alive, &answers), [(0, 100), (1, 101)]);
}

#[test]
fn a_server_that_notes_arrivals_names_the_client_only() {
    let of = |second, sequence, connection| Unanswered {
        request: None,
        connection: Some(connection),
        at_arrival: true,
        ..error(second, sequence, 1)
    };
    assert_eq!(paired(&[of(5, 1, 31), of(5, 2, 31)], &[answer(5, 100)]), [(0, 100), (1, 100)]);
    assert_eq!(paired(&[of(5, 1, 31), of(5, 2, 32)], &[answer(5, 100)]), [], "two of this client");
    assert_eq!(paired(&[of(6, 1, 31)], &[answer(5, 100)]), [(0, 100)]);
    assert_eq!(paired(&[of(4, 1, 31)], &[answer(5, 100)]), []);
    assert_eq!(paired(&[of(5, 1, 31)], &[Answer { client: Some(8), ..answer(5, 100) }]), []);
    let by_path = Unanswered { request: Some(70), ..of(5, 1, 31) };
    let other = Answer { request: 6, path: 60, ..answer(5, 101) };
    assert_eq!(paired(&[by_path, of(5, 2, 32)], &[answer(5, 100), other]), [(0, 100), (1, 101)]);
}

#[test]
fn two_logs_of_as_many_failures_are_of_the_same_requests() {
    let blocks = [(order(5, 1, 1), 5), (order(7, 2, 1), 7)];
    let answers = [answer(5, 100), answer(8, 101)];
    assert_eq!(pair_all(&blocks, &answers), [(0, 100), (1, 101)]);
    assert_eq!(pair_all(&blocks[..1], &answers[..1]), [], "one pair may be chance");
    assert_eq!(pair_all(&blocks, &[answers[0], answers[1], answer(9, 102)]), [], "one has another reason");
    assert_eq!(pair_all(&blocks, &[answer(5, 100), answer(6, 101)]), []);
    let two_programs = [blocks[0], blocks[1], (order(5, 1, 2), 5), (order(7, 2, 2), 7)];
    assert_eq!(pair_all(&two_programs, &answers), []);
    let same_log = [(order(5, 1, 0), 5), (order(7, 2, 0), 7)];
    assert_eq!(pair_all(&same_log, &answers), []);
}
