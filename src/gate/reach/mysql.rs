//! MySQL and MariaDB: greeting, TLS, signing in by password, limits.

use super::line::{Failure, Line};
use super::packets::{self, Answer, Greeting, Refusal};
use super::seen::{Capacity, Cause, Name};
use super::{Mode, Trip};

/// Most packets of signing in, or of a result.
const MAX_PACKETS: usize = 100;

/// Goes there.
pub fn go(trip: &mut Trip) {
    let Some(mut line) = trip.connect() else { return };
    let mode = trip.mode();
    if mode == Mode::Plain {
        trip.not_run(Name::Tls, "the driver does not ask for it");
    }
    let step = if mode == Mode::Plain { Name::Login } else { Name::Tls };
    // The server speaks first, and may refuse already then; that is a matter of signing in.
    let begun = std::time::Instant::now();
    line.until(trip.until());
    let greeting = match greet(&mut line) {
        Ok(greeting) => greeting,
        Err(failure) => {
            let is_refusal =
                !matches!(failure, Failure::Failed(Cause::Garbled | Cause::TimedOut | Cause::Closed, _));
            let name = if is_refusal { Name::Login } else { step };
            trip.step(name, |_, _| Err::<(), _>(failure));
            return;
        }
    };
    let waited = begun.elapsed();
    let mut sequence = 1;
    if mode != Mode::Plain {
        let secured = trip.step(Name::Tls, |trip, until| {
            line.until(until);
            secure(trip, &mut line, &greeting, &mut sequence)
        });
        trip.add_to_last(waited);
        if secured.is_none() && !trip.is_left_out() {
            return;
        }
    }
    if !trip.login {
        return trip.not_run(Name::Login, "login = false");
    }
    let signed = trip.step(Name::Login, |trip, until| {
        line.until(until);
        let refused = sign_in(trip, &mut line, &greeting, sequence, true);
        match refused {
            Err(Failure::Failed(Cause::CredentialsRefused, said))
                if !line.is_encrypted() && greeting.capabilities & packets::SSL != 0 =>
            {
                // MariaDB says "access denied" also to the right password, where it wants TLS.
                Err(match with_tls(trip) {
                    Ok(()) => {
                        let said = format!("{said}; the same password is taken with TLS");
                        Failure::Failed(Cause::TlsRequired, said)
                    }
                    Err(_) => Failure::Failed(Cause::CredentialsRefused, said),
                })
            }
            other => other,
        }
    });
    if signed.is_none() {
        return;
    }
    let capacity = trip.step(Name::Capacity, |_, until| {
        line.until(until);
        limits(&mut line, &greeting)
    });
    trip.capacity = capacity;
    let _ = write(&mut line, 0, &[1]);
}

fn greet(line: &mut Line) -> Result<Greeting, Failure> {
    let (packet, _) = read(line)?;
    match packets::greeting(&packet) {
        Some(Ok(greeting)) => Ok(greeting),
        Some(Err(refused)) => Err(refusal(&refused)),
        None => Err(Failure::garbled("the greeting is not that of MySQL or MariaDB")),
    }
}

fn secure(trip: &mut Trip, line: &mut Line, greeting: &Greeting, sequence: &mut u8) -> Result<(), Failure> {
    if greeting.capabilities & packets::SSL == 0 {
        return Err(match trip.mode() {
            Mode::Tls => Failure::Failed(Cause::TlsNotOffered, "the server does not offer TLS".to_owned()),
            _ => Failure::NotRun("the server does not offer it".to_owned()),
        });
    }
    write(line, *sequence, &packets::ssl_request(capabilities(trip) | packets::SSL))?;
    *sequence += 1;
    trip.encrypt(line)
}

fn capabilities(trip: &Trip) -> u32 {
    let named = trip.url.database.ask(|name| !name.is_empty());
    packets::BASE | if named { packets::CONNECT_WITH_DB } else { 0 }
}

/// Signs in. `whole`: the password may be sent as it is, if the connection is encrypted and the server asks for that.
fn sign_in(
    trip: &Trip,
    line: &mut Line,
    greeting: &Greeting,
    sequence: u8,
    whole: bool,
) -> Result<(), Failure> {
    let encrypted = line.is_encrypted();
    let flags = capabilities(trip) | if encrypted { packets::SSL } else { 0 };
    let mut plugin = greeting.plugin.clone();
    // For a plugin that is not known here the server is asked by a known one, and says which it wants.
    let known = |plugin: &str| matches!(plugin, "mysql_native_password" | "caching_sha2_password");
    if !known(&plugin) {
        plugin = "mysql_native_password".to_owned();
    }
    let mut salt = greeting.salt.clone();
    let prove = |plugin: &str, salt: &[u8]| {
        let proof = trip.url.password.ask(|password| packets::proof(plugin, password, salt));
        proof.ok_or_else(|| {
            let shown: String = plugin.chars().take(40).collect();
            Failure::NotRun(format!("the server signs in by {shown}, which is not tried here"))
        })
    };
    let proof = prove(&plugin, &salt)?;
    let login = trip
        .url
        .user
        .ask(|user| trip.url.database.ask(|database| packets::login(flags, user, &proof, database, &plugin)));
    write(line, sequence, &login)?;
    for _ in 0..MAX_PACKETS {
        let (packet, sequence) = read(line)?;
        let next = sequence.wrapping_add(1);
        match packets::answer(&packet) {
            Some(Answer::Ok) => return Ok(()),
            Some(Answer::Refused(refused)) => return Err(refusal(&refused)),
            Some(Answer::Switch(other, fresh)) => {
                (plugin, salt) = (other, fresh);
                write(line, next, &prove(&plugin, &salt)?)?;
            }
            Some(Answer::More(more)) if plugin == "caching_sha2_password" => match more.first() {
                Some(3) => {}
                Some(4) if encrypted && whole => {
                    let mut password = trip.url.password.ask(|password| password.as_bytes().to_vec());
                    password.push(0);
                    write(line, next, &password)?;
                }
                _ => {
                    let why = "the server wants the password itself, which is sent over TLS only";
                    return Err(Failure::NotRun(why.to_owned()));
                }
            },
            _ => return Err(Failure::garbled("a packet that does not belong here")),
        }
    }
    Err(Failure::garbled("more packets than signing in has"))
}

/// Whether the same credentials are taken with TLS. Only a proof is sent, for the certificate is not looked at.
fn with_tls(trip: &Trip) -> Result<(), Failure> {
    let until = trip.until();
    let mut line = trip.again(until)?;
    let greeting = greet(&mut line)?;
    write(&mut line, 1, &packets::ssl_request(capabilities(trip) | packets::SSL))?;
    line.encrypt(&trip.trust, &trip.asked)?;
    sign_in(trip, &mut line, &greeting, 2, false)
}

fn limits(line: &mut Line, greeting: &Greeting) -> Result<Capacity, Failure> {
    let settings = query(line, "SELECT @@max_connections, @@max_user_connections")?;
    let used = query(line, "SHOW GLOBAL STATUS LIKE 'Threads_connected'")?;
    let number = |rows: &[Vec<Option<String>>], at: usize| rows.first()?.get(at)?.as_deref()?.parse().ok();
    Ok(Capacity {
        max: number(&settings, 0),
        // 0: no limit.
        own_limit: number(&settings, 1).filter(|limit| *limit > 0),
        used: number(&used, 1),
        version: Some(greeting.version.clone()),
        ..Capacity::default()
    })
}

fn query(line: &mut Line, text: &str) -> Result<Vec<Vec<Option<String>>>, Failure> {
    let mut packet = vec![3];
    packet.extend(text.bytes());
    write(line, 0, &packet)?;
    let (head, _) = read(line)?;
    if let Some(refused) = packets::refusal(&head) {
        return Err(refusal(&refused));
    }
    let columns = packets::columns(&head).filter(|columns| (1..=16).contains(columns));
    let columns = columns.ok_or_else(|| Failure::garbled("a result that was not asked for"))?;
    let is_end = |packet: &[u8]| packet.first() == Some(&0xfe) && packet.len() < 9;
    // Descriptions of columns, and the packet that ends them.
    for _ in 0..=columns {
        read(line)?;
    }
    let mut rows = Vec::new();
    for _ in 0..MAX_PACKETS {
        let (packet, _) = read(line)?;
        if is_end(&packet) {
            return Ok(rows);
        }
        if let Some(refused) = packets::refusal(&packet) {
            return Err(refusal(&refused));
        }
        rows.push(packets::row(&packet).ok_or_else(|| Failure::garbled("a row that cannot be read"))?);
    }
    Err(Failure::garbled("more rows than were asked for"))
}

/// A packet and its number.
fn read(line: &mut Line) -> Result<(Vec<u8>, u8), Failure> {
    let head = line.exactly(4)?;
    let &[low, middle, high, sequence] = head.as_slice() else {
        return Err(Failure::garbled("no head of a packet"));
    };
    let length = usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
    Ok((line.exactly(length)?, sequence))
}

fn write(line: &mut Line, sequence: u8, packet: &[u8]) -> Result<(), Failure> {
    let length = u32::try_from(packet.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut bytes = length.get(..3).unwrap_or_default().to_vec();
    bytes.push(sequence);
    bytes.extend(packet);
    line.send(&bytes)
}

fn refusal(read: &Refusal) -> Failure {
    Failure::Failed(cause(read), format!("{} {}", read.code, read.text))
}

/// Why a server refuses, by the number of its error.
pub fn cause(read: &Refusal) -> Cause {
    match read.code {
        3159 => Cause::TlsRequired,
        _ if read.text.contains("insecure transport") => Cause::TlsRequired,
        1040 | 1203 | 1226 => Cause::Full,
        1129 | 1130 => Cause::AddressRefused,
        1049 => Cause::NoDatabase,
        1044 | 1045 | 1698 => Cause::CredentialsRefused,
        _ => Cause::Other,
    }
}
