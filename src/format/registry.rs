//! The lists of shapes, and the two things done with them: deciding which shape a frame has, and reading it.

use super::{Container, Decoded, Glance, Payload, alone, json};
use crate::format::{ansi, aws};
use crate::input::frame::{Frame, FrameContext, FrameKind};
use crate::input::framer::Boundaries;
use crate::record::{Marks, Position, Record};

/// Containers, most specific first; the last one takes whatever is left.
pub const CONTAINERS: &[&dyn Container] = &[
    &super::vercel_drain::VercelDrain,
    &super::vercel_history::VercelHistory,
    &super::vercel_stream::VercelStream,
    &super::vercel_dashboard::VercelDashboardJson,
    &super::vercel_dashboard::VercelDashboardCsv,
    &super::cloudwatch_events::CloudWatchEvents,
    &super::insights::InsightsApi,
    &super::insights::InsightsJson,
    &super::insights::InsightsCsv,
    &super::viewer_csv::ViewerCsv,
    &super::cloudwatch_tail::CloudWatchTail,
    &super::cloudwatch_text::CloudWatchText,
    &super::s3_export::S3Export,
    &super::sam_logs::SamLogs,
    &super::vercel_table::VercelTable,
    &super::w3c::W3c,
    &super::docker_json::DockerJson,
    &super::prefixed::container::CRI,
    &super::prefixed::container::KUBECTL,
    &super::prefixed::container::COMPOSE,
    &super::prefixed::container::TIMESTAMPS,
    &super::prefixed::platform::HEROKU,
    &super::prefixed::platform::FLY,
    &super::prefixed::platform::RAILWAY,
    &super::prefixed::platform::DIGITALOCEAN,
    &super::prefixed::platform::RENDER,
    &super::prefixed::platform::NETLIFY,
    &super::prefixed::syslog::SYSLOG,
    &super::prefixed::apache::ERRORS,
    &super::lines::Lines,
];

/// Payloads, most specific first.
pub const PAYLOADS: &[&dyn Payload] = &[
    &super::lambda_text::LambdaText,
    &super::lambda_platform::LambdaPlatform,
    &super::lambda_json::LambdaJson,
    &super::apigw_access::ApiGatewayAccess,
    &super::apigw_execution::ApiGatewayExecution,
    &super::json_app::JsonApp,
    &super::access_log::AccessLog,
    &super::proxy_log::ProxyLog,
    &super::heroku::Heroku,
    &super::render_request::RenderRequest,
    &super::next_stdout::NextStdout,
    &super::frameworks::rails::RAILS,
    &super::frameworks::rack::RACK,
    &super::frameworks::java::SPRING,
    &super::frameworks::php::MONOLOG,
    &super::frameworks::php::PHP_ERRORS,
    &super::frameworks::phoenix::PHOENIX,
    &super::frameworks::dotnet::DOTNET,
    &super::frameworks::dotnet::SERILOG,
    &super::frameworks::go::GO_PANIC,
    &super::frameworks::go_access::GO_ACCESS,
    &super::frameworks::rust::RUST,
    &super::frameworks::nest::NEST,
    &super::frameworks::nitro::NITRO,
    &super::python_text::PythonText,
    &super::plain_text::PlainText,
    // What `json` opens on its way, listed so that each can be named.
    &super::envelope::otlp::ENVELOPE,
    &super::envelope::journald::ENVELOPE,
    &super::envelope::cloudflare::TAIL,
    &super::envelope::cloudflare::TRACE,
    &super::envelope::cloudflare::OBSERVABILITY,
    &super::envelope::logpush::ENVELOPE,
    &super::envelope::datadog::ENVELOPE,
    &super::envelope::loki::ENVELOPE,
    &super::envelope::azure::ENVELOPE,
    &super::envelope::app_insights::ENVELOPE,
    &super::envelope::elastic::ENVELOPE,
    &super::envelope::shipper::ENVELOPE,
    &super::envelope::fly::ENVELOPE,
    &super::envelope::render::ENVELOPE,
    &super::envelope::netlify::ENVELOPE,
    &super::envelope::vercel::ROWS,
    &super::envelope::vercel::BUILD,
    &super::envelope::vercel::ELSEWHERE,
];

/// How deep messages inside messages are read.
const MAX_DEPTH: usize = 4;

/// The shapes of a run: all of them, or the one that the user forces.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shapes {
    forced_container: Option<u8>,
    forced_payload: Option<u8>,
}

/// What became of a frame, and who read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// Index into [`CONTAINERS`], or none if no shape wanted it.
    pub container: Option<u8>,
    /// Outcome.
    pub decoded: Decoded,
}

impl Shapes {
    /// All shapes.
    pub fn all() -> Shapes {
        Shapes::default()
    }

    /// Only the named container, or bare lines that hold the named payload. The error lists near names.
    pub fn forced(name: &str) -> Result<Shapes, String> {
        if let Some(index) = CONTAINERS.iter().position(|shape| shape.name() == name) {
            return Ok(Shapes { forced_container: Some(index as u8), forced_payload: None });
        }
        if let Some(index) = PAYLOADS.iter().position(|shape| shape.name() == name) {
            return Ok(Shapes { forced_container: None, forced_payload: Some(index as u8) });
        }
        let known: Vec<&str> =
            CONTAINERS.iter().map(|s| s.name()).chain(PAYLOADS.iter().map(|s| s.name())).collect();
        Err(format!("no input format is called `{name}`; there are: {}", known.join(", ")))
    }

    /// Reads one frame into records. `hint` is tried first; detection is exclusive but for the last container, which
    /// takes anything and is no hint, so a hint only saves time. `text` is
    /// the text container that the source was found to have: a line that begins as its entries do is one of them.
    pub fn read(
        &self,
        frame: &Frame<'_>,
        context: &FrameContext,
        hint: Option<u8>,
        text: Option<u8>,
        out: &mut Vec<Record>,
    ) -> Read {
        if frame.kind == FrameKind::Json && json::is_too_dense(frame.bytes) {
            return Read {
                container: None,
                decoded: Decoded::Rejected("more JSON values than one entry may have"),
            };
        }
        let from = out.len();
        let last = CONTAINERS.len().saturating_sub(1);
        let hint = hint.filter(|hint| usize::from(*hint) < last);
        let text = text.filter(|index| {
            let first = frame.bytes.split(|b| *b == b'\n').next().unwrap_or_default();
            frame.kind == FrameKind::Line && CONTAINERS[usize::from(*index)].starts_entry(first)
        });
        let order = text.into_iter().chain(hint).chain(0..CONTAINERS.len() as u8);
        for index in order {
            if self.forced_container.is_some_and(|forced| forced != index) {
                continue;
            }
            let container = CONTAINERS[index as usize];
            let known = self.forced_container.is_some() || text == Some(index);
            if !known && container.detect(frame, context).is_none() {
                continue;
            }
            match container.decode(frame, context, out) {
                Decoded::NotMine => out.truncate(from),
                Decoded::Records => {
                    if container.joins() {
                        out[from..].iter_mut().for_each(|record| record.at = frame.at);
                    } else {
                        self.read_payloads(frame.at, container, from, out);
                    }
                    return Read { container: Some(index), decoded: Decoded::Records };
                }
                decoded => return Read { container: Some(index), decoded },
            }
        }
        Read { container: None, decoded: Decoded::NotMine }
    }

    /// Who glances at the frames of the container at this index, if anybody does.
    pub fn glancer(&self, container: u8) -> Option<Box<dyn Glance>> {
        let mut glancer = CONTAINERS.get(usize::from(container))?.glancer()?;
        // It knows what payload the frames have when nobody forces another.
        let forced = self.forced_payload.map(|index| PAYLOADS[usize::from(index)].name());
        forced.is_none_or(|forced| glancer.keep_to(forced)).then_some(glancer)
    }

    /// Reads into records one frame that the glancer of the container at this index has read.
    pub fn read_glanced(
        &self,
        frame: &Frame<'_>,
        context: &FrameContext,
        container: u8,
        out: &mut Vec<Record>,
    ) -> Decoded {
        let from = out.len();
        let Some(container) = CONTAINERS.get(usize::from(container)) else { return Decoded::NotMine };
        let decoded = container.decode_glanced(frame, context, out);
        if decoded == Decoded::Records {
            self.read_payloads(frame.at, *container, from, out);
        }
        decoded
    }

    /// Reads what an entry holds whose container joins lines, after they were joined.
    pub fn read_joined(&self, record: Record, container: u8) -> Vec<Record> {
        let at = record.at;
        let mut out = vec![record];
        if let Some(container) = CONTAINERS.get(usize::from(container)) {
            self.read_payloads(at, *container, 0, &mut out);
        }
        out
    }

    /// Whether entries of the container at this index are joined before they are read.
    pub fn joins(container: u8) -> bool {
        CONTAINERS.get(usize::from(container)).is_some_and(|container| container.joins())
    }

    /// Reads what the records that a container has just decoded, those from `from` on, hold; it may be more records.
    fn read_payloads(&self, at: Position, container: &dyn Container, from: usize, out: &mut Vec<Record>) {
        let status_is_its_own = container.knows_status();
        let mut more = Vec::new();
        for record in &mut out[from..] {
            record.at.source = at.source;
            record.at.line = at.line;
            let mut inner = Vec::new();
            self.read_payload(record, &mut inner, status_is_its_own);
            more.append(&mut inner);
        }
        out.append(&mut more);
        for (part, record) in out[from..].iter_mut().enumerate() {
            record.at = at;
            record.at.part = part as u32;
        }
    }

    fn read_payload(&self, record: &mut Record, more: &mut Vec<Record>, status_is_its_own: bool) {
        if let std::borrow::Cow::Owned(stripped) = ansi::strip(&record.message) {
            record.message = stripped;
        }
        let (status, function_status, marks) = (record.status, record.function_status, record.marks);
        let time_ms = record.time_ms;
        // Payloads that have read the message, and those that do not know it as it is now.
        let (mut used, mut strange): (u64, u64) = (0, 0);
        for _ in 0..MAX_DEPTH {
            let found = PAYLOADS.iter().enumerate().find(|(index, payload)| {
                let asked = (used | strange) & (1 << index) == 0
                    && self.forced_payload.is_none_or(|forced| usize::from(forced) == *index);
                let knows = asked && payload.detect(record);
                strange |= u64::from(!knows) << index;
                knows
            });
            let Some((index, payload)) = found else { break };
            used |= 1 << index;
            let had = more.len();
            let before = (record.message.clone(), aws::from_lambda(record));
            payload.read(record, more);
            if (record.message.as_str(), aws::from_lambda(record)) != (before.0.as_str(), before.1) {
                strange = 0;
            }
            if record.payload.is_empty() {
                record.payload = payload.name();
            }
            if more.len() > had {
                break;
            }
        }
        if time_ms.is_some() {
            // The container's clock orders all its entries; the application's is another one.
            record.time_ms = time_ms;
        }
        if status_is_its_own {
            // A platform knows its requests; what a line inside says of a status is about something else.
            for record in std::iter::once(record).chain(more.iter_mut()) {
                record.status = status;
                record.function_status = function_status;
                record
                    .marks
                    .remove(Marks::CLIENT | Marks::END | Marks::START | Marks::ERROR_BLOCK | Marks::ABORTED);
                record.marks.insert(marks);
            }
        }
    }

    /// Name of a container.
    pub fn container_name(index: u8) -> &'static str {
        CONTAINERS.get(usize::from(index)).map_or("unknown", |shape| shape.name())
    }
}

/// Answers the framer for one source, and remembers what it has seen.
#[derive(Debug, Default)]
pub struct Detector {
    shapes: Shapes,
    /// The text container of the entry at hand.
    text: Option<u8>,
    /// Lines that began an entry of that container, and lines that did not, of late.
    starts: u32,
    others: u32,
}

impl Detector {
    /// A detector that has seen nothing.
    pub fn new(shapes: Shapes) -> Detector {
        Detector { shapes, ..Detector::default() }
    }
}

impl Detector {
    /// The text container that the source was found to have.
    pub fn text_container(&self) -> Option<u8> {
        self.text
    }

    /// Whether lines that surely are entries of the container at this index are framed as such: it is the text container,
    /// or none was found and it takes what is left.
    pub fn takes_lines_of(&self, container: u8) -> bool {
        let takes_rest = usize::from(container) + 1 == CONTAINERS.len();
        self.text.map_or(takes_rest, |text| text == container)
    }

    /// As if asked of a line, and of the one after it, that both begin an entry of such a container.
    pub fn took_entry(&mut self) {
        for _ in 0..2 {
            if self.text.is_some() { self.note_start() } else { self.note_other() }
        }
    }

    fn note_start(&mut self) {
        self.starts = (self.starts + 1).min(16);
        self.others = self.others.saturating_sub(1);
    }

    fn note_other(&mut self) {
        self.others = (self.others + 1).min(64);
        self.starts = self.starts.saturating_sub(1);
    }
}

impl Boundaries for Detector {
    fn is_csv_header(&mut self, columns: &[&str]) -> bool {
        CONTAINERS.iter().enumerate().any(|(index, shape)| {
            self.shapes.forced_container.is_none_or(|forced| usize::from(forced) == index)
                && shape.claims_header(columns)
        })
    }

    fn is_known_entry(&self, line: &[u8]) -> bool {
        self.text.is_some_and(|text| CONTAINERS[usize::from(text)].starts_entry(line))
    }

    fn starts_entry(&mut self, line: &[u8]) -> bool {
        let frame = Frame { bytes: line, kind: FrameKind::Line, at: Default::default() };
        let context = FrameContext::default();
        let last = CONTAINERS.len().saturating_sub(1);
        let is_prefixed = |index: usize| {
            let shape = CONTAINERS[index];
            shape.is_text()
                && index != last
                && shape.starts_entry(line)
                && (self.text == Some(index as u8) || shape.detect(&frame, &context).is_some())
        };
        let found = match self.shapes.forced_container {
            Some(forced) => CONTAINERS[usize::from(forced)].starts_entry(line).then_some(usize::from(forced)),
            None => (0..CONTAINERS.len()).find(|index| is_prefixed(*index)),
        };
        if let Some(index) = found {
            self.note_start();
            self.text = Some(index as u8);
            return true;
        }
        // A line without the prefix continues the entry before it unless it is another program's, but only in a source
        // that mostly has the prefix: one odd line never decides for the rest.
        if self.text.is_some() && self.starts >= self.others {
            if self.shapes.forced_container.is_none() && alone::is_entry(line) {
                return true;
            }
            if !line.is_empty() && !line[0].is_ascii_whitespace() && CONTAINERS[last].starts_entry(line) {
                self.others = (self.others + u32::from(self.starts < 2)).min(64);
            }
            return false;
        }
        self.note_other();
        CONTAINERS.get(last).is_none_or(|shape| shape.starts_entry(line))
    }
}
