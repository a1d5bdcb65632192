//! Parsers of what servers send: anything may come, and nothing but a refusal may come of it.

use postgres_protocol::message::backend::Message;
use proptest::prelude::*;

use super::line::MAX_MESSAGE;
use super::packets::{self, Answer};
use super::seen::Cause;
use super::*;

fn url(text: &str) -> Connection {
    Connection::parse(text).expect("a URL")
}

#[test]
fn nothing_of_a_url_is_said() {
    let url = url("postgres://teller:hunter2@db.example.com/vault");
    let said = "28P01 password authentication failed for user \"teller\" on \"vault\" (hunter2)\u{7}";
    assert_eq!(masked(said, &url), "28P01 password authentication failed for user \"…\" on \"…\" (…) ");
    let short = Connection::parse("postgres://a:b@db.example.com/c").expect("a URL");
    assert_eq!(masked("abc: no access for user \"a\" to c", &short), "abc: no access for user \"…\" to …");
}

#[test]
fn refusals_of_postgresql_and_poolers() {
    let cause = |code: &str, text: &str| {
        postgres::cause(&postgres::Refusal { code: code.to_owned(), text: text.to_owned() })
    };
    for (code, text, expected) in [
        (
            "28000",
            "no pg_hba.conf entry for host \"192.0.2.1\", user \"u\", database \"d\", no encryption",
            Cause::TlsRequired,
        ),
        (
            "28000",
            "no pg_hba.conf entry for host \"192.0.2.1\", user \"u\", database \"d\", SSL off",
            Cause::TlsRequired,
        ),
        (
            "28000",
            "no pg_hba.conf entry for host \"192.0.2.1\", user \"u\", database \"d\", SSL encryption",
            Cause::AddressRefused,
        ),
        ("28P01", "password authentication failed for user \"u\"", Cause::CredentialsRefused),
        ("28000", "role \"u\" does not exist", Cause::CredentialsRefused),
        ("3D000", "database \"d\" does not exist", Cause::NoDatabase),
        ("53300", "sorry, too many clients already", Cause::Full),
        (
            "53300",
            "remaining connection slots are reserved for non-replication superuser connections",
            Cause::Full,
        ),
        ("08P01", "no more connections allowed (max_client_conn)", Cause::Full),
        ("08P01", "query_wait_timeout", Cause::Full),
        ("08P01", "SSL required", Cause::TlsRequired),
        ("08P01", "password authentication failed", Cause::CredentialsRefused),
        ("57P03", "the database system is starting up", Cause::Other),
    ] {
        assert_eq!(cause(code, text), expected, "{text}");
    }
}

#[test]
fn refusals_of_mysql_and_redis() {
    let mysql = |code: u16, text: &str| {
        mysql::cause(&packets::Refusal { code, state: String::new(), text: text.to_owned() })
    };
    assert_eq!(mysql(1045, "Access denied for user"), Cause::CredentialsRefused);
    assert_eq!(mysql(1040, "Too many connections"), Cause::Full);
    assert_eq!(mysql(1130, "Host is not allowed"), Cause::AddressRefused);
    let insecure = "Connections using insecure transport are prohibited while --require_secure_transport=ON.";
    assert_eq!(mysql(3159, insecure), Cause::TlsRequired);
    assert_eq!(redis::cause("-NOAUTH Authentication required."), Cause::CredentialsRefused);
    assert_eq!(redis::cause("-ERR max number of clients reached"), Cause::Full);
    assert_eq!(redis::cause("-DENIED Redis is running in protected mode"), Cause::AddressRefused);
    assert_eq!(
        redis::info("# Clients\r\nconnected_clients:7\r\nmaxclients:10000\r\n"),
        (Some(10000), Some(7))
    );
}

/// A greeting of protocol 10 as MariaDB sends it.
fn greeting() -> Vec<u8> {
    let mut packet = vec![10];
    packet.extend(b"10.11.6-MariaDB\0");
    packet.extend([1, 0, 0, 0]);
    packet.extend(b"saltsalt\0");
    packet.extend([0xfe, 0xff, 45, 2, 0, 0xff, 0x81, 21]);
    packet.extend([0; 10]);
    packet.extend(b"restofsalt12\0mysql_native_password\0");
    packet
}

#[test]
fn packets_of_mysql() {
    let read = packets::greeting(&greeting()).expect("a greeting").expect("no error");
    assert_eq!((read.version.as_str(), read.plugin.as_str()), ("10.11.6-MariaDB", "mysql_native_password"));
    assert_eq!(read.salt, b"saltsaltrestofsalt12");
    assert!(read.capabilities & packets::SSL != 0);
    let refused = packets::greeting(b"\xff\x10\x04#08004Too many connections").expect("a packet");
    assert_eq!(refused.map_err(|refused| (refused.code, refused.state)), Err((1040, "08004".to_owned())));
    assert_eq!(packets::row(b"\x03151\xfb"), Some(vec![Some("151".to_owned()), None]));
    assert_eq!(packets::row(b"\x05151"), None);
    let switch = packets::answer(b"\xfecaching_sha2_password\0saltsaltsaltsaltsalt\0");
    let salt = b"saltsaltsaltsaltsalt".to_vec();
    assert_eq!(switch, Some(Answer::Switch("caching_sha2_password".to_owned(), salt)));
    assert_eq!(packets::proof("client_ed25519", "x", b""), None);
    assert_eq!(packets::proof("mysql_native_password", "", b""), Some(Vec::new()));
    let proof = packets::proof("mysql_native_password", "x", &[7; 20]).map(|proof| proof.len());
    assert_eq!(proof, Some(20));
}

proptest! {
    #[test]
    fn any_packet_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0_usize..80, byte in any::<u8>()) {
        let _ = packets::greeting(&bytes);
        let _ = packets::answer(&bytes);
        let _ = packets::columns(&bytes);
        if let Some(fields) = packets::row(&bytes) {
            prop_assert!(fields.len() <= bytes.len());
        }
        // Near to a real one: one byte changed, and cut short.
        let mut near = greeting();
        if let Some(place) = near.get_mut(at) {
            *place = byte;
        }
        let _ = packets::greeting(&near);
        let _ = packets::greeting(near.get(..at).unwrap_or_default());
    }

    #[test]
    fn any_message_is_read_or_refused(tag in any::<u8>(), body in proptest::collection::vec(any::<u8>(), 0..300), claim in any::<u32>()) {
        let length = u32::try_from(body.len() + 4).unwrap_or(0);
        for length in [length, claim] {
            let mut frame = vec![tag];
            frame.extend(length.to_be_bytes());
            if let Ok(rest) = postgres::body_length(&length.to_be_bytes()) {
                prop_assert!(rest <= MAX_MESSAGE);
            }
            frame.extend(&body);
            if let Ok(Message::ErrorResponse(error)) = postgres::parse(&frame) {
                let _ = postgres::read_error(&error);
            }
        }
    }

    #[test]
    fn any_text_is_an_answer_of_redis(text in "\\PC*") {
        let _ = redis::cause(&text);
        let _ = redis::info(&text);
    }

    #[test]
    fn any_bytes_are_a_certificate(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let seen = tls::described(&bytes);
        prop_assert!(seen.names.len() <= 16);
    }
}
