//! Sources and frames: from paths and standard input to the bytes of one entry after the other.
pub mod frame;
