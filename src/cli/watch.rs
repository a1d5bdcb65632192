//! What happens on the terminal while a run is on: a progress bar for long files, a redrawn report for live pipes.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::formats::explain;
use crate::engine::run::Watcher;
use crate::format::registry::Shapes;
use crate::input::source::Stream;
use crate::report::model::Report;
use crate::report::table::{self, TableOptions};

/// Files shorter than this are done before a bar could be read.
const PROGRESS_FROM_BYTES: u64 = 64 << 20;

/// Watches a run from the command line.
pub struct Terminal {
    bar: Option<ProgressBar>,
    progress: bool,
    every: Option<Duration>,
    last: Instant,
    options: TableOptions,
    drawn: bool,
    /// Says on stderr how the format of each source was recognised, with these shapes.
    pub explain: Option<Shapes>,
}

/// Clears the screen and the scroll-back, and begins at the top: what was shown is being replaced.
const CLEAR: &[u8] = b"\x1b[2J\x1b[3J\x1b[H";

impl Terminal {
    /// `every`: redraw interval, where the report goes to a terminal.
    pub fn new(quiet: bool, every: Option<Duration>, options: TableOptions) -> Terminal {
        let progress = !quiet && every.is_none() && io::stderr().is_terminal();
        Terminal { bar: None, progress, every, last: Instant::now(), options, drawn: false, explain: None }
    }

    /// Takes away the bar, or the report drawn last, before the report is printed.
    pub fn done(&mut self) {
        if self.drawn {
            show(CLEAR);
        }
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Watcher for Terminal {
    fn progress(&mut self, read_bytes: u64, of_bytes: Option<u64>) {
        if !self.progress {
            return;
        }
        let Some(of_bytes) = of_bytes.filter(|bytes| *bytes >= PROGRESS_FROM_BYTES) else { return };
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(Some(of_bytes), ProgressDrawTarget::stderr_with_hz(4));
            if let Ok(style) = ProgressStyle::with_template(
                "reading {bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta}",
            ) {
                bar.set_style(style);
            }
            bar
        });
        bar.set_position(read_bytes);
    }

    fn opened(&mut self, name: &str, stream: &mut Stream) {
        if let Some(shapes) = self.explain {
            explain(name, stream, shapes);
        }
    }

    fn wants_report(&mut self) -> bool {
        self.every.is_some_and(|every| self.last.elapsed() >= every)
    }

    fn report(&mut self, mut report: Report) {
        self.last = Instant::now();
        let mut page = CLEAR.to_vec();
        // Nothing was interrupted; the page says itself that more is to come.
        report.partial = false;
        page.extend_from_slice(b"Reading; Ctrl-C ends it with the report so far.\n\n");
        if table::write(&report, &self.options, &mut page).is_ok() {
            self.drawn = true;
            show(&page);
        }
    }

    fn ticks(&self) -> bool {
        self.every.is_some() || self.explain.is_some()
    }
}

/// Writes to the terminal at once. If that fails, so does the report at the end, and that is said.
fn show(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}
