//! The account of a weighing: for every rule that fired, how its score came about step by step and what became of it.
//! Triage ignores it, `why500 explain` shows it. Plain data; nothing is decided here.

use crate::rules::model::Strength;

/// Something that moved the score of a rule. Rules are named by index, lines by index in the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Factor {
    /// The strongest signal that was found.
    Strength(Strength),
    /// Further lines say the same: how many lines in all.
    Witnesses(usize),
    /// Figures of the pool: all connections in use and requests waiting.
    PoolExhausted,
    /// Figures of the pool: none in use, none free. No connection could be opened.
    PoolNeverReached,
    /// Figures of the pool: some were free.
    PoolHadIdle,
    /// The server demands TLS and the client was told to do without.
    TlsMissing,
    /// It was said while the process started.
    InitPhase,
    /// The stack runs through a driver or client library.
    DriverFrames,
    /// The stack begins in the application's own code.
    AppFrames,
    /// The row's runtime is the one that the cause is about.
    RuntimeFits,
    /// The row's runtime is another one.
    RuntimeDiffers,
    /// The request took as long as the time limit that the cause names.
    TimerFits,
    /// The request ended before the time limit that the cause names.
    TimerTooLong,
    /// Signals that speak against it.
    Contradicted(usize),
    /// A later line says that it was survived.
    Recovered(usize),
    /// Other lines are logged as errors, this one is not.
    Quiet,
    /// It is only mentioned: below a warning, and not as an error that is printed.
    Mentioned,
    /// The request ended with an error in this line, which no rule knows.
    UnknownError(usize),
    /// Figures of the pool: some were free, and nobody waited.
    PoolWasFree,
    /// Only the backend's last words outside the request say so.
    LastWords,
    /// The rule is experimental.
    Experimental,
    /// It stands further out in a chain of errors than this rule.
    Outer(u16),
    /// This rule was seen before it and is as sure.
    Follows(u16),
    /// The request went on normally after it, until this rule was seen.
    WentOn(u16),
    /// The platform ended the request; this rule says what it was doing.
    Ended(u16),
}

/// One step of a score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weight {
    /// What moved it.
    pub factor: Factor,
    /// The score after that.
    pub score: f64,
}

/// What became of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is the cause.
    Won,
    /// Another cause weighs more, or as much and comes earlier.
    Lost,
    /// Too little speaks for it.
    TooWeak,
    /// A wrapper or symptom: never a cause.
    Symptom,
    /// This rule explains it.
    Yielded(u16),
}

/// The account of one rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// Index of the rule.
    pub rule: u16,
    /// Score, 0–1.
    pub score: f64,
    /// Its steps.
    pub weights: Vec<Weight>,
    /// What became of it.
    pub fate: Fate,
}

impl Account {
    /// An account that begins with the strongest signal.
    pub fn open(rule: u16, strength: Strength, score: f64) -> Account {
        let first = Weight { factor: Factor::Strength(strength), score };
        Account { rule, score, weights: vec![first], fate: Fate::Lost }
    }

    /// Whether something moved the score.
    pub fn has(&self, factor: Factor) -> bool {
        self.weights.iter().any(|weight| weight.factor == factor)
    }

    /// Leaves only this share of the doubt.
    pub fn raise(&mut self, factor: Factor, doubt_left: f64) {
        self.set(factor, 1.0 - (1.0 - self.score) * doubt_left);
    }

    /// Leaves only this share of the score.
    pub fn lower(&mut self, factor: Factor, score_left: f64) {
        self.set(factor, self.score * score_left);
    }

    fn set(&mut self, factor: Factor, score: f64) {
        self.score = score;
        self.weights.push(Weight { factor, score });
    }
}
