//! The statistics against SciPy and statsmodels. `reference.py` beside this file made the values, which name the
//! versions that said so.

use serde::Deserialize;
use why500::diagnose::statistics::{
    Count, Interval, benjamini_hochberg, change_point, fisher, newcombe, wilson,
};

#[derive(Deserialize)]
struct Reference {
    made_by: String,
    pairs: Vec<Pair>,
    large: Vec<Large>,
    series: Vec<Series>,
    adjusted: Vec<Adjusted>,
}

#[derive(Deserialize)]
struct Pair {
    counts: [u64; 4],
    wilson: [f64; 2],
    newcombe: [f64; 2],
    less: f64,
    greater: f64,
    two_sided: f64,
}

#[derive(Deserialize)]
struct Large {
    counts: [u64; 4],
    less: f64,
    greater: f64,
}

#[derive(Deserialize)]
struct Series {
    series: Vec<[u64; 2]>,
    at: Option<usize>,
    #[serde(default)]
    ln_ratio: f64,
    #[serde(default)]
    p_value: f64,
}

#[derive(Deserialize)]
struct Adjusted {
    p: Vec<f64>,
    q: Vec<f64>,
}

fn reference() -> Reference {
    let reference: Reference =
        serde_json::from_str(include_str!("../data/statistics.json")).expect("the reference values");
    assert!(reference.made_by.contains("SciPy") && reference.pairs.len() > 70);
    reference
}

fn counts([hits, of, other_hits, other_of]: [u64; 4]) -> (Count, Count) {
    (Count::new(hits, of), Count::new(other_hits, other_of))
}

/// Equal but for so much of the value; beside 1e-300 everything is 0.
#[track_caller]
fn near(is: f64, should: f64, relative: f64, what: &str) {
    let allowed = should.abs() * relative + 1e-300;
    assert!((is - should).abs() <= allowed, "{what}: {is:e}, should be {should:e}");
}

#[test]
fn intervals_are_those_of_statsmodels() {
    for pair in reference().pairs {
        let (one, two) = counts(pair.counts);
        let check = |is: Option<Interval>, should: [f64; 2], what: &str| {
            let is = is.expect("an interval");
            let what = format!("{what} {:?}", pair.counts);
            assert!((is.low - should[0]).abs() < 1e-12, "{what}: {is:?}, should be {should:?}");
            assert!((is.high - should[1]).abs() < 1e-12, "{what}: {is:?}, should be {should:?}");
        };
        check(wilson(one), pair.wilson, "Wilson");
        check(newcombe(one, two), pair.newcombe, "Newcombe");
    }
    assert_eq!(wilson(Count::new(0, 0)), None);
    assert_eq!(newcombe(Count::new(0, 0), Count::new(1, 2)), None);
}

#[test]
fn exact_tests_are_those_of_scipy() {
    let reference = reference();
    for pair in reference.pairs {
        let (one, two) = counts(pair.counts);
        let (is, what) = (fisher(one, two), format!("{:?}", pair.counts));
        near(is.less, pair.less, 1e-9, &format!("less {what}"));
        near(is.greater, pair.greater, 1e-9, &format!("greater {what}"));
        near(is.two_sided, pair.two_sided, 1e-9, &format!("two-sided {what}"));
    }
    for large in reference.large {
        let (one, two) = counts(large.counts);
        let (is, what) = (fisher(one, two), format!("{:?}", large.counts));
        near(is.less, large.less, 1e-7, &format!("less {what}"));
        near(is.greater, large.greater, 1e-7, &format!("greater {what}"));
    }
    assert_eq!(fisher(Count::new(0, 0), Count::new(3, 9)).two_sided, 1.0);
}

#[test]
fn change_points_are_the_likeliest() {
    for case in reference().series {
        let series: Vec<Count> = case.series.iter().map(|[hits, of]| Count::new(*hits, *of)).collect();
        let is = change_point(&series);
        assert_eq!(is.map(|change| change.at), case.at, "{:?}", case.series);
        if let Some(is) = is {
            near(is.ln_ratio, case.ln_ratio, 1e-8, "likelihood ratio");
            near(is.p_value, case.p_value, 1e-8, "p-value");
        }
    }
    assert_eq!(change_point(&[]), None);
}

/// Tea or milk first: four cups of each, three of each told right. The example of Fisher's own book.
#[test]
fn the_lady_tasting_tea() {
    let test = fisher(Count::new(3, 4), Count::new(1, 4));
    near(test.greater, 17.0 / 70.0, 1e-12, "one-sided");
    near(test.two_sided, 34.0 / 70.0, 1e-12, "two-sided");
}

#[test]
fn adjusted_p_values_are_those_of_statsmodels() {
    for case in reference().adjusted {
        let is = benjamini_hochberg(&case.p);
        assert_eq!(is.len(), case.q.len());
        for (is, should) in is.iter().zip(&case.q) {
            near(*is, *should, 1e-12, "adjusted");
        }
    }
}
