//! The page on formats names every shape of the program and no other.

use std::collections::BTreeSet;

use why500::format::registry::{CONTAINERS, PAYLOADS};

#[test]
fn the_page_on_formats_has_a_row_for_every_shape() {
    let page = include_str!("../../docs/formats.md");
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    assert!(rows.iter().all(|row| row.len() == 8 && row.iter().all(|cell| !cell.is_empty())), "{rows:?}");
    let named: BTreeSet<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    let shapes = CONTAINERS.iter().map(|shape| (shape.name(), shape.about()));
    let shapes: Vec<_> = shapes.chain(PAYLOADS.iter().map(|shape| (shape.name(), shape.about()))).collect();
    let known: BTreeSet<&str> = shapes.iter().map(|(name, _)| *name).collect();
    assert_eq!(named, known);
    for (name, about) in shapes {
        let told = [about.title, about.fingerprint, about.export];
        assert!(told.iter().all(|text| text.len() >= 6), "{name}: {told:?}");
    }
}
