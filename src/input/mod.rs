//! Sources and frames: from paths and standard input to the bytes of one entry after the other.
pub mod ahead;
pub mod archive;
pub mod batches;
pub mod csv_scan;
pub mod frame;
pub mod framer;
pub mod json_scan;
pub mod regular;
pub mod source;
pub mod unpack;
pub mod utf16;
