//! Is what stands there a secret, or prose about one? `token: expired` must stay readable, `token: 8f3kQ` must not.
//! Each function gets the text before the value, the value, and the text after it.

/// Words that stand where a value could stand and are none. Compared in lower case.
const PROSE: &[&str] = &[
    "a",
    "absent",
    "an",
    "any",
    "are",
    "argument",
    "array",
    "at",
    "be",
    "bigint",
    "blank",
    "boolean",
    "buffer",
    "but",
    "can",
    "cannot",
    "can't",
    "contains",
    "could",
    "decoding",
    "default",
    "denied",
    "deprecated",
    "does",
    "empty",
    "eof",
    "error",
    "exceeded",
    "expected",
    "expired",
    "failed",
    "false",
    "fetch",
    "for",
    "forbidden",
    "format",
    "found",
    "from",
    "function",
    "has",
    "hidden",
    "identifier",
    "in",
    "incorrect",
    "invalid",
    "is",
    "keyword",
    "length",
    "malformed",
    "masked",
    "may",
    "mismatch",
    "missing",
    "must",
    "my",
    "name",
    "nan",
    "needs",
    "neither",
    "nil",
    "no",
    "none",
    "not",
    "null",
    "number",
    "object",
    "ok",
    "omitted",
    "on",
    "off",
    "operator",
    "optional",
    "or",
    "parse",
    "please",
    "present",
    "provided",
    "punc",
    "redacted",
    "refused",
    "rejected",
    "required",
    "revoked",
    "set",
    "should",
    "string",
    "symbol",
    "template",
    "the",
    "to",
    "too",
    "true",
    "unauthorized",
    "undefined",
    "unexpected",
    "unknown",
    "unset",
    "unsupported",
    "using",
    "valid",
    "value",
    "was",
    "when",
    "with",
    "wrong",
    "yes",
    "you",
    "your",
];

/// What a right-hand side in source code begins with (frames of code are printed below an error).
const CODE: &[&str] = &[
    "process.",
    "import.",
    "os.environ",
    "os.getenv",
    "req.",
    "request.",
    "res.",
    "ctx.",
    "this.",
    "self.",
    "config.",
    "env.",
    "env[",
    "options.",
    "opts.",
    "props.",
    "params.",
    "await",
    "new",
    "deno.",
    "event.",
    "headers.",
    "typeof",
    "async",
    "function",
    "z.",
    "body.",
    "data.",
    "user.",
];

/// File endings that follow an `@` in asset names (`logo@2x.png`), and internal host names.
const NOT_A_DOMAIN: &[&str] = &[
    "png",
    "jpg",
    "jpeg",
    "gif",
    "webp",
    "avif",
    "svg",
    "js",
    "mjs",
    "cjs",
    "ts",
    "tsx",
    "jsx",
    "json",
    "css",
    "map",
    "html",
    "tgz",
    "internal",
    "local",
    "localdomain",
    "localhost",
    "lan",
    "svc",
    "service",
    "socket",
    "timer",
];

/// Characters before an address in which a URL's `://` is looked for.
const MAX_LOOK_BACK: usize = 256;

/// Accepts everything.
pub fn always(_before: &str, _value: &str, _after: &str) -> bool {
    true
}

/// The password part of a URL, unless it is masked already or a port.
pub fn url_password(_before: &str, value: &str, _after: &str) -> bool {
    let port = value.split('/').next().unwrap_or_default();
    let is_port = port.len() < value.len() && port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    !is_port && !is_masked(value) && !value.contains("://")
}

/// A credential behind an `Authorization:` header.
pub fn header_value(_before: &str, value: &str, after: &str) -> bool {
    !is_masked(value)
        && !is_prose(value)
        && !is_word_in_prose(value, after)
        && !is_code(value)
        && !is_constant_name(value)
}

/// A credential behind the bare word `Bearer` or `Basic`.
pub fn bare_credential(_before: &str, value: &str, _after: &str) -> bool {
    looks_random(value) || value.len() >= 24
}

/// Key material, and not a sentence about it.
pub fn key_material(_before: &str, value: &str, _after: &str) -> bool {
    let base64 = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/' || c == '=';
    value.split(|c: char| !base64(c)).any(|run| run.len() >= 16)
}

/// A key with a common prefix (`sk-`) needs to look random; `sk-loading-indicator-wrapper` does not.
pub fn random_key(_before: &str, value: &str, _after: &str) -> bool {
    let body = value.split_once(['-', '_']).map_or(value, |(_, body)| body);
    let digits = body.bytes().filter(u8::is_ascii_digit).count();
    let upper = body.bytes().any(|b| b.is_ascii_uppercase());
    let long_run =
        body.split(['-', '_']).any(|run| run.len() >= 16 && run.bytes().any(|b| b.is_ascii_digit()));
    long_run || (digits >= 3 && upper)
}

/// An e-mail address, and not a package version, an asset, a unit or a URL's user.
pub fn email(before: &str, value: &str, after: &str) -> bool {
    let (local, domain) = match value.split_once('@') {
        Some(parts) => parts,
        None => match value.split_once("%40") {
            Some(parts) => parts,
            None => return false,
        },
    };
    let ending = domain.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let mut labels = domain.split('.');
    let first_is_number = labels.next().is_some_and(|label| label.bytes().all(|b| b.is_ascii_digit()));
    let second_starts_with_digit =
        labels.next().is_some_and(|label| label.starts_with(|c: char| c.is_ascii_digit()));
    let is_version = first_is_number && second_starts_with_digit;
    // `scheme://user@host`, `scheme://user:password@host`: the host must stay, the password has a kind of its own.
    // Looking back is bounded, or a long list of addresses would take quadratic time.
    let word_start = before
        .char_indices()
        .rev()
        .take(MAX_LOOK_BACK)
        .find(|(_, c)| c.is_whitespace() || *c == '/')
        .map_or(before.len(), |(at, _)| at);
    let in_authority = before[..word_start].ends_with(":/") && before[word_start..].starts_with('/');
    let is_url_user = in_authority && (before[word_start..].contains(':') || !after.starts_with(':'));
    local != "git" && !is_version && !is_url_user && !NOT_A_DOMAIN.contains(&ending.as_str())
}

/// A value behind `name=`; the separator itself says that a value follows.
pub fn assigned(_before: &str, value: &str, after: &str) -> bool {
    is_value(value)
        && !is_code(value)
        && !(after.starts_with('(') || after.starts_with('[') || value.contains('('))
}

/// A value behind `name:` without quotes, where prose is as likely as a value.
pub fn after_colon(before: &str, value: &str, after: &str) -> bool {
    let is_position = before.ends_with(':') && value.bytes().all(|b| b.is_ascii_digit() || b == b':');
    !is_position
        && assigned(before, value, after)
        && !is_word_in_prose(value, after)
        && !is_constant_name(value)
}

/// A value in quotes behind a name.
pub fn quoted(_before: &str, value: &str, _after: &str) -> bool {
    let first = value.split_whitespace().next().unwrap_or_default();
    let is_sentence = first.len() < value.trim().len() && is_prose(first);
    is_value(value) && !is_sentence && !is_constant_name(value)
}

/// Neither empty, masked, a placeholder, a URL, nor a word of prose.
fn is_value(value: &str) -> bool {
    let trimmed = value.trim();
    let placeholder = trimmed.starts_with(['$', '<', '{', '[', '%']) && !looks_random(trimmed);
    let url = trimmed.starts_with("http://") || trimmed.starts_with("https://");
    let tiny_number = trimmed.len() <= 2 && trimmed.bytes().all(|b| b.is_ascii_digit());
    !trimmed.is_empty() && !placeholder && !url && !tiny_number && !is_masked(trimmed) && !is_prose(trimmed)
}

/// `***`, `xxxx`, `[REDACTED]`, `sk_live_****1234`: somebody has hidden it before.
fn is_masked(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    value.contains("***")
        || value.contains('•')
        || lower.contains("redacted")
        || lower.contains("filtered")
        || (!value.is_empty() && lower.bytes().all(|b| b == b'x' || b == b'*' || b == b'.'))
}

fn is_prose(value: &str) -> bool {
    let word = value.trim_matches(|c: char| c.is_ascii_punctuation());
    word.is_empty() || (word.len() <= 16 && PROSE.contains(&word.to_ascii_lowercase().as_str()))
}

/// A plain word with more words behind it: a sentence.
fn is_word_in_prose(value: &str, after: &str) -> bool {
    let word = value.trim_end_matches(['.', ':', ',', '!', ';']);
    let plain = word.chars().skip(1).all(|c| c.is_lowercase() || c == '\'' || c == '-');
    let goes_on = after.trim_start_matches([',', '.', ';']).starts_with(' ')
        && after
            .trim_start_matches([',', '.', ';', ' '])
            .starts_with(|c: char| c.is_alphanumeric() || "\"'`(<".contains(c));
    plain && goes_on
}

/// `ENOENT`, `YES`, `STRIPE_SECRET_KEY`: names and codes, not values.
fn is_constant_name(value: &str) -> bool {
    value.len() >= 2 && value.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
}

fn is_code(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    CODE.iter().any(|start| {
        lower
            .strip_prefix(start)
            .is_some_and(|rest| !start.ends_with(|c: char| c.is_ascii_alphabetic()) || rest.is_empty())
    }) || lower.starts_with("os.environ")
        || lower.starts_with("os.getenv")
}

/// Letters with digits, or letters whose case changes again and again.
fn looks_random(value: &str) -> bool {
    let digits = value.bytes().any(|b| b.is_ascii_digit());
    let letters = value.bytes().any(|b| b.is_ascii_alphabetic());
    let turns = value
        .as_bytes()
        .windows(2)
        .filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
        .count();
    (digits && letters) || turns >= 2
}
