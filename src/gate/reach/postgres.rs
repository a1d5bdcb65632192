//! PostgreSQL and PgBouncer: the request for TLS, the start of a session, passwords (by `postgres-protocol`), limits.

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::{DataRowBody, ErrorResponseBody, Message};
use postgres_protocol::message::frontend;

use super::line::{Failure, Line};
use super::seen::{Capacity, Cause, Name};
use super::{Mode, Trip};
use crate::gate::manifest::datastore::{PoolMode, Store};

/// Asks whether the server speaks TLS.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// Most messages until a session has begun or a query is answered.
const MAX_MESSAGES: usize = 300;
/// Most rounds of hashing that a server may ask for; each costs time here, and servers ask for 4096.
const MAX_ROUNDS: u32 = 600_000;
/// What a server says of its limits. Nothing is changed, and everybody may read it.
const LIMITS: &str = "SELECT current_setting('max_connections'), current_setting('superuser_reserved_connections'), \
    current_setting('reserved_connections', true), \
    (SELECT rolconnlimit FROM pg_catalog.pg_roles WHERE rolname = current_user), \
    (SELECT datconnlimit FROM pg_catalog.pg_database WHERE datname = current_database()), \
    (SELECT count(datid) FROM pg_catalog.pg_stat_activity)";

/// Goes there.
pub fn go(trip: &mut Trip) {
    let Some(mut line) = trip.connect() else { return };
    if trip.mode() == Mode::Plain {
        trip.not_run(Name::Tls, "the driver does not ask for it");
    } else {
        let offered = trip.step(Name::Tls, |trip, until| {
            line.until(until);
            secure(trip, &mut line)
        });
        let goes_on = match offered {
            Some(()) => true,
            // The driver goes on without, unless it failed.
            None => trip.is_left_out(),
        };
        if !goes_on {
            return;
        }
    }
    if !trip.login {
        return trip.not_run(Name::Login, "login = false");
    }
    let signed = trip.step(Name::Login, |trip, until| {
        line.until(until);
        let database = trip.url.database.ask(str::to_owned);
        sign_in(trip, &mut line, &database)
    });
    let Some(version) = signed else { return };
    let capacity = trip.step(Name::Capacity, |trip, until| {
        line.until(until);
        match trip.asked.store {
            Store::Pgbouncer => of_pooler(trip, &mut line),
            _ => of_server(&mut line, version),
        }
    });
    trip.capacity = capacity;
    let _ = line.send(&[b'X', 0, 0, 0, 4]);
}

/// Asks for TLS and begins it.
fn secure(trip: &mut Trip, line: &mut Line) -> Result<(), Failure> {
    line.send(&SSL_REQUEST)?;
    match line.exactly(1)?.first() {
        Some(b'S') => trip.encrypt(line),
        Some(b'N') if trip.mode() == Mode::Offered => {
            Err(Failure::NotRun("the server does not offer it".to_owned()))
        }
        Some(b'N') => Err(Failure::Failed(
            Cause::TlsNotOffered,
            "the server does not offer TLS (it answers N)".to_owned(),
        )),
        Some(b'E') => Err(refusal(&rest_of_error(line)?)),
        _ => Err(Failure::garbled("the answer is not that of PostgreSQL")),
    }
}

fn rest_of_error(line: &mut Line) -> Result<Refusal, Failure> {
    let length = line.exactly(4)?;
    let mut frame = vec![b'E'];
    frame.extend(&length);
    frame.extend(line.exactly(body_length(&length)?)?);
    match parse(&frame)? {
        Message::ErrorResponse(error) => Ok(read_error(&error)),
        _ => Err(Failure::garbled("an error that cannot be read")),
    }
}

/// Begins a session. Gives the server's version.
fn sign_in(trip: &Trip, line: &mut Line, database: &str) -> Result<Option<String>, Failure> {
    let user = trip.url.user.ask(str::to_owned);
    if user.is_empty() {
        return Err(Failure::NotRun("the URL names no user".to_owned()));
    }
    let mut parameters = vec![("user", user.as_str()), ("application_name", "why500")];
    if !database.is_empty() {
        parameters.push(("database", database));
    }
    let unfit = |_| Failure::NotRun("the URL's user or database cannot be sent".to_owned());
    let mut start = BytesMut::new();
    frontend::startup_message(parameters, &mut start).map_err(unfit)?;
    line.send(&start)?;
    let mut scram: Option<ScramSha256> = None;
    let mut version = None;
    for _ in 0..MAX_MESSAGES {
        let mut answer = BytesMut::new();
        match message(line)? {
            Message::AuthenticationOk | Message::BackendKeyData(_) | Message::NoticeResponse(_) => {}
            Message::AuthenticationCleartextPassword if !line.is_encrypted() => {
                let why =
                    "the server asks for the password in clear text, and the connection is not encrypted";
                return Err(Failure::NotRun(why.to_owned()));
            }
            Message::AuthenticationCleartextPassword => {
                trip.url
                    .password
                    .ask(|password| frontend::password_message(password.as_bytes(), &mut answer))
                    .map_err(unfit)?;
            }
            Message::AuthenticationMd5Password(body) => {
                let hash = trip
                    .url
                    .password
                    .ask(|password| md5_hash(user.as_bytes(), password.as_bytes(), body.salt()));
                frontend::password_message(hash.as_bytes(), &mut answer).map_err(unfit)?;
            }
            Message::AuthenticationSasl(body) => {
                let offered = body.mechanisms().any(|name| Ok(name == SCRAM_SHA_256)).unwrap_or(false);
                if !offered {
                    return Err(not_tried("a mechanism other than SCRAM-SHA-256"));
                }
                let proof = trip
                    .url
                    .password
                    .ask(|password| ScramSha256::new(password.as_bytes(), ChannelBinding::unsupported()));
                frontend::sasl_initial_response(SCRAM_SHA_256, proof.message(), &mut answer)
                    .map_err(unfit)?;
                scram = Some(proof);
            }
            Message::AuthenticationSaslContinue(body) => {
                let proof =
                    scram.as_mut().ok_or_else(|| Failure::garbled("an answer that was not asked for"))?;
                if rounds(body.data()).is_none_or(|rounds| rounds > MAX_ROUNDS) {
                    return Err(Failure::garbled("more rounds of hashing than any server needs"));
                }
                proof.update(body.data()).map_err(|error| scram_failure(&error))?;
                frontend::sasl_response(proof.message(), &mut answer).map_err(unfit)?;
            }
            Message::AuthenticationSaslFinal(body) => {
                let proof =
                    scram.as_mut().ok_or_else(|| Failure::garbled("an answer that was not asked for"))?;
                proof.finish(body.data()).map_err(|error| scram_failure(&error))?;
            }
            Message::AuthenticationGss | Message::AuthenticationSspi | Message::AuthenticationKerberosV5 => {
                return Err(not_tried("Kerberos"));
            }
            Message::ParameterStatus(status) => {
                if status.name().is_ok_and(|name| name == "server_version") {
                    version = status.value().ok().map(|version| version.chars().take(60).collect());
                }
            }
            Message::ErrorResponse(error) => return Err(refusal(&read_error(&error))),
            Message::ReadyForQuery(_) => return Ok(version),
            _ => return Err(Failure::garbled("a message that does not belong here")),
        }
        if !answer.is_empty() {
            line.send(&answer)?;
        }
    }
    Err(Failure::garbled("more messages than the start of a session has"))
}

fn not_tried(what: &str) -> Failure {
    Failure::NotRun(format!("the server signs in by {what}, which is not tried here"))
}

fn scram_failure(error: &std::io::Error) -> Failure {
    Failure::Failed(Cause::CredentialsRefused, format!("SCRAM: {error}"))
}

/// The rounds that a server asks for: `i=4096` of `r=…,s=…,i=4096`.
fn rounds(data: &[u8]) -> Option<u32> {
    std::str::from_utf8(data).ok()?.split(',').find_map(|part| part.strip_prefix("i=")?.parse().ok())
}

fn of_server(line: &mut Line, version: Option<String>) -> Result<Capacity, Failure> {
    let rows = query(line, LIMITS)?;
    let row = rows.into_iter().next().ok_or_else(|| Failure::garbled("no row of limits"))?;
    let number = |at: usize| row.get(at)?.as_deref()?.parse::<i64>().ok();
    let count = |at: usize| number(at).and_then(|count| u32::try_from(count).ok());
    Ok(Capacity {
        max: count(0),
        reserved: count(1).unwrap_or(0).saturating_add(count(2).unwrap_or(0)),
        // Below 0: no limit.
        own_limit: count(3).into_iter().chain(count(4)).min(),
        used: count(5),
        version,
        ..Capacity::default()
    })
}

/// A pooler tells its administrators, on a database of its own. That a server stands behind it shows a query.
fn of_pooler(trip: &Trip, line: &mut Line) -> Result<Capacity, Failure> {
    query(line, "SELECT 1")?;
    let told = |_| Failure::NotRun("the pooler tells its limits to its administrators only".to_owned());
    let mut own = trip.again(trip.until())?;
    if line.is_encrypted() {
        own.send(&SSL_REQUEST)?;
        if own.exactly(1)? != b"S" {
            return Err(Failure::garbled("no TLS the second time"));
        }
        own.encrypt(&trip.trust, &trip.asked)?;
    }
    let version = sign_in(trip, &mut own, "pgbouncer").map_err(told)?;
    let rows = query(&mut own, "SHOW CONFIG").map_err(told)?;
    let value = |key: &str| {
        let row = rows.iter().find(|row| row.first().and_then(Option::as_deref) == Some(key))?;
        row.get(1)?.clone()
    };
    let number = |key: &str| value(key)?.parse().ok();
    let lists = query(&mut own, "SHOW LISTS").unwrap_or_default();
    let clients = lists.iter().find(|row| row.first().and_then(Option::as_deref) == Some("used_clients"));
    Ok(Capacity {
        max: number("max_client_conn"),
        used: clients.and_then(|row| row.get(1)?.as_deref()?.parse().ok()),
        pool_mode: value("pool_mode").and_then(|mode| match mode.as_str() {
            "session" => Some(PoolMode::Session),
            "transaction" => Some(PoolMode::Transaction),
            "statement" => Some(PoolMode::Statement),
            _ => None,
        }),
        prepared: number("max_prepared_statements"),
        version,
        ..Capacity::default()
    })
}

/// Rows of a query, as text.
fn query(line: &mut Line, text: &str) -> Result<Vec<Vec<Option<String>>>, Failure> {
    let mut asked = BytesMut::new();
    frontend::query(text, &mut asked).map_err(|_| Failure::garbled("a query that cannot be sent"))?;
    line.send(&asked)?;
    let mut rows = Vec::new();
    for _ in 0..MAX_MESSAGES {
        match message(line)? {
            Message::DataRow(row) => {
                rows.push(fields(&row).ok_or_else(|| Failure::garbled("a row that cannot be read"))?)
            }
            Message::ErrorResponse(error) => return Err(refusal(&read_error(&error))),
            Message::ReadyForQuery(_) => return Ok(rows),
            _ => {}
        }
    }
    Err(Failure::garbled("more rows than were asked for"))
}

/// Fields of a row; `None` where it is not what it says.
pub fn fields(row: &DataRowBody) -> Option<Vec<Option<String>>> {
    let bytes = row.buffer();
    let field = |range: Option<std::ops::Range<usize>>| match range {
        Some(range) => bytes.get(range).map(|bytes| Some(String::from_utf8_lossy(bytes).into_owned())),
        None => Some(None),
    };
    let ranges: Vec<_> = row.ranges().collect().ok()?;
    ranges.into_iter().map(field).collect()
}

fn message(line: &mut Line) -> Result<Message, Failure> {
    let mut frame = line.exactly(5)?;
    let length = body_length(frame.get(1..).unwrap_or_default())?;
    frame.extend(line.exactly(length)?);
    parse(&frame)
}

/// Bytes that follow the length of a message.
pub fn body_length(bytes: &[u8]) -> Result<usize, Failure> {
    let wrong = || Failure::garbled("a message of no length that the protocol has");
    let length: [u8; 4] = bytes.try_into().map_err(|_| wrong())?;
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| wrong())?;
    length.checked_sub(4).filter(|length| *length <= super::line::MAX_MESSAGE).ok_or_else(wrong)
}

/// One whole message.
pub fn parse(frame: &[u8]) -> Result<Message, Failure> {
    let parsed = Message::parse(&mut BytesMut::from(frame)).ok().flatten();
    parsed.ok_or_else(|| Failure::garbled("a message that the protocol does not have"))
}

/// What a server says when it refuses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    /// SQLSTATE.
    pub code: String,
    /// The text.
    pub text: String,
}

/// Reads an error.
pub fn read_error(error: &ErrorResponseBody) -> Refusal {
    let mut read = Refusal::default();
    let mut fields = error.fields();
    while let Ok(Some(field)) = fields.next() {
        let value = String::from_utf8_lossy(field.value_bytes()).into_owned();
        match field.type_() {
            b'C' => read.code = value,
            b'M' => read.text = value,
            _ => {}
        }
    }
    read
}

fn refusal(read: &Refusal) -> Failure {
    Failure::Failed(cause(read), format!("{} {}", read.code, read.text))
}

/// Why a server refuses, by what it says. Poolers say most things under one code, so that the text decides.
pub fn cause(read: &Refusal) -> Cause {
    let text = read.text.to_ascii_lowercase();
    let says = |list: &[&str]| list.iter().any(|part| text.contains(part));
    match read.code.as_str() {
        _ if says(&["no pg_hba.conf entry"]) => match says(&["no encryption", "ssl off"]) {
            true => Cause::TlsRequired,
            false => Cause::AddressRefused,
        },
        _ if says(&[
            "ssl required",
            "ssl connection is required",
            "connection is insecure",
            "sslmode=require",
        ]) =>
        {
            Cause::TlsRequired
        }
        "53300" => Cause::Full,
        _ if says(&[
            "no more connections allowed",
            "too many clients",
            "too many connections",
            "max client connections reached",
            "query_wait_timeout",
        ]) =>
        {
            Cause::Full
        }
        "28P01" | "28000" => Cause::CredentialsRefused,
        "3D000" => Cause::NoDatabase,
        _ if says(&["no such database"]) => Cause::NoDatabase,
        _ if says(&["password authentication failed", "no such user", "authentication failed"]) => {
            Cause::CredentialsRefused
        }
        _ => Cause::Other,
    }
}
