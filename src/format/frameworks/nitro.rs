//! Nitro, the server of Nuxt: `[request error] [unhandled] [GET] http://shop.example.com/x` with the error below it.

use super::{Framework, begin, note_class};
use crate::format::About;
use crate::format::text_parts::first_line;
use crate::record::{Level, Marks, Record};

/// The shape `nitro`.
pub const NITRO: Framework = Framework {
    name: "nitro",
    about: About {
        title: "Errors of Nitro (Nuxt)",
        fingerprint: "[request error] [unhandled] [GET] URL",
        export: "the server's standard error",
    },
    detect: |text| request(text).is_some(),
    read,
};

/// Verb and address of a request that failed by an error that nobody expected; others are answers on purpose.
/// <https://github.com/nitrojs/nitro/blob/v2/src/runtime/internal/error/prod.ts>
fn request(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("[request error] ")?;
    let (marks, address) = first_line(rest).rsplit_once("] ")?;
    let (marks, verb) = marks.rsplit_once('[')?;
    marks.contains("[unhandled]").then_some((verb, address))
}

fn read(text: &str, record: &mut Record) {
    let Some((verb, address)) = request(text) else { return };
    begin(record, verb, address.trim());
    record.level = Some(Level::Error);
    record.runtime.get_or_insert_with(|| "node".to_owned());
    record.marks.insert(Marks::ERROR_BLOCK);
    note_class(text.split_once('\n').map_or("", |(_, below)| below), record);
}
