//! Correlation: records to requests. Every line finds its request by correlation ID, or by stream and order; what is
//! kept of a request is a mergeable partial, so order, repetition and distribution of the input change nothing.
pub mod aliases;
pub mod answers;
pub mod attach;
pub mod budget;
pub mod dimensions;
pub mod family;
pub mod held;
pub mod last_words;
pub mod line;
pub mod outcome;
pub mod partial;
pub mod route;
pub mod shared;
pub mod slots;
pub mod spill;
pub mod table;
pub mod traffic;
pub mod wanted;
