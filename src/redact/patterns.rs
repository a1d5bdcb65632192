//! What counts as a secret, as data: one entry per kind. The value to replace is the first group that took part.
//!
//! Prefixes of keys are those that the providers publish for secret scanning; publishable keys (`pk_live_`,
//! `sb_publishable_`) are made to be seen and stay. A new kind is a new entry and two lines in the tests:
//! a secret and a look-alike.

use super::{judge, place};

/// One kind of secret.
pub struct Pattern {
    /// Stands in the token. Lower case, digits and `-`.
    pub kind: &'static str,
    /// Literals, one of which stands in every match, in any case.
    pub hints: &'static [&'static str],
    /// Finds it; the first group that took part is the value. Every alternative must stop at a bounded
    /// distance or consume what it reads, so that all matches together take linear time.
    pub regex: &'static str,
    /// Gets the text before the value, the value, the text after it, and says whether it is one.
    pub accept: fn(&str, &str, &str) -> bool,
}

const fn key(kind: &'static str, hints: &'static [&'static str], regex: &'static str) -> Pattern {
    Pattern { kind, hints, regex, accept: judge::always }
}

/// All kinds. Where values overlap they are replaced as one, under the kind that stands first here.
pub const PATTERNS: &[Pattern] = &[
    Pattern {
        kind: "private-key",
        hints: &["PRIVATE KEY"],
        // The body has no `--`, so no match reads past the next dashed line.
        regex: r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:((?:[^-]|-[^-])*)-----END|((?:(?:\s|\\[nr])*[A-Za-z0-9+/=]{16,})+(?:(?:\s|\\[nr])*[A-Za-z0-9+/=]+)?))",
        accept: judge::key_material,
    },
    Pattern {
        kind: "url-password",
        hints: &["://"],
        regex: r#"[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#:"'<>`‹›]*:([^\s/"'<>`]+)@"#,
        accept: judge::url_password,
    },
    Pattern {
        // Passwords that nobody percent-encoded; only where a path cannot be meant.
        kind: "url-password",
        hints: &["postgres", "mysql", "mongodb", "redis", "amqp", "mssql", "sqlserver", "mariadb"],
        regex: r#"(?i)(?:postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqps?|mssql|sqlserver)(?:\+[a-z0-9]+)?://[^\s/?#:"'<>`‹›]*:([^\s"'<>`,‹›]+)@"#,
        accept: judge::url_password,
    },
    Pattern {
        kind: "authorization",
        hints: &["authorization"],
        regex: r#"(?i)authorization\\*["']?\s*(?:=>|[:=])\s*\[?\s*\\*["']?(?:(?:bearer|basic|digest|token|apikey|negotiate|aws4-hmac-sha256)\s+)?([^\s"'\\,;\[\]{}:=][^\s"'\\,;\[\]{}]*)"#,
        accept: judge::header_value,
    },
    Pattern {
        kind: "bearer",
        hints: &["bearer"],
        regex: r"(?i)(?-u:\b)bearer\s+([A-Za-z0-9._~+/=-]{8,})",
        accept: judge::bare_credential,
    },
    Pattern {
        kind: "basic",
        hints: &["basic"],
        regex: r"(?i)(?-u:\b)basic\s+([A-Za-z0-9+/]{12,}={0,2})",
        accept: judge::bare_credential,
    },
    Pattern {
        kind: "cookie",
        hints: &["cookie"],
        regex: r#"(?i)cookies?\\*["']?\s*(?:=>|[:=])\s*(?:\\+"([^"\\]+)|"((?:[^"\\]|\\.)+)|'((?:[^'\\]|\\.)+)|\[\s*(["'][^\]]+)|\{([^{}]+)|([^\s=;,"'{}\[\]\\<>]+=[^\s;,"'<>]+(?:;\s*[^\s=;,"'<>]+(?:=[^\s;,"'<>]*)?)*))"#,
        accept: judge::header_value,
    },
    // Keys that tell by their prefix whose they are.
    key("jwt", &["eyJ"], r"(?-u:\b)(eyJ[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]+){1,4})"),
    key(
        "stripe-key",
        &["k_live_", "k_test_", "whsec_"],
        r"(?-u:\b)((?:[sr]k_(?:live|test)_[A-Za-z0-9]{8,})|whsec_[A-Za-z0-9+/=]{16,})",
    ),
    Pattern {
        kind: "api-key",
        hints: &["sk-"],
        regex: r"(?-u:\b)(sk-[A-Za-z0-9_-]{16,})",
        accept: judge::random_key,
    },
    key("aws-key", &["AKIA", "ASIA"], r"(?-u:\b)((?:AKIA|ASIA)[A-Z0-9]{16})(?-u:\b)"),
    key(
        "github-token",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
        r"(?-u:\b)(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})",
    ),
    key("gitlab-token", &["glpat-", "gldt-", "glrt-"], r"(?-u:\b)(gl(?:pat|dt|rt)-[A-Za-z0-9_.-]{16,})"),
    key(
        "slack-token",
        &["xox", "xapp-"],
        r"(?-u:\b)(xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,})",
    ),
    key(
        "webhook",
        &["hooks.slack.com/", "/api/webhooks/"],
        r"(?:hooks\.slack\.com/(?:services|workflows)/|/api/webhooks/)([A-Za-z0-9_/-]{16,})",
    ),
    key(
        "google-key",
        &["AIza", "GOCSPX-", "ya29."],
        r"(?-u:\b)(AIza[A-Za-z0-9_-]{30,}|GOCSPX-[A-Za-z0-9_-]{20,}|ya29\.[A-Za-z0-9_-]{20,})",
    ),
    key("sendgrid-key", &["SG."], r"(?-u:\b)(SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,})"),
    // Only the two-part form: `re_` and 24 characters is a refund of Stripe, which is no secret.
    key("resend-key", &["re_"], r"(?-u:\b)(re_[A-Za-z0-9]{6,12}_[A-Za-z0-9]{16,})"),
    key("npm-token", &["npm_"], r"(?-u:\b)(npm_[A-Za-z0-9]{30,})"),
    key(
        "vercel-token",
        &["vercel_blob_rw_", "vcp_", "vck_"],
        r"(?-u:\b)(vercel_blob_rw_[A-Za-z0-9_]{16,}|vc[pk]_[A-Za-z0-9]{24,})",
    ),
    key(
        "database-token",
        &["sbp_", "sb_secret_", "pscale_", "napi_"],
        r"(?-u:\b)(sbp_[a-f0-9]{32,}|sb_secret_[A-Za-z0-9_-]{16,}|pscale_(?:pw|tkn|oauth)_[A-Za-z0-9_.-]{16,}|napi_[a-z0-9]{32,})",
    ),
    key(
        "provider-key",
        &["dop_v1_", "shpat_", "shpss_", "lin_api_", "hf_", "key-", "dp.pt.", "sq0", "ntn_", "gsk_"],
        r"(?-u:\b)(dop_v1_[a-f0-9]{32,}|shp(?:at|ss)_[a-fA-F0-9]{32}|lin_api_[A-Za-z0-9]{30,}|hf_[A-Za-z0-9]{30,}|key-[a-f0-9]{32}|dp\.pt\.[A-Za-z0-9]{30,}|sq0(?:csp|atp)-[A-Za-z0-9_-]{20,}|ntn_[A-Za-z0-9]{30,}|gsk_[A-Za-z0-9]{30,})(?-u:\b)",
    ),
    // Names that say that their value is secret.
    Pattern {
        kind: "secret",
        hints: NAME_HINTS,
        regex: r#"(?i)(?:passw(?:or)?d|passphrase|(?-u:\b|_)pass|secret|token|api[_-]?key|(?:access|secret|private|signing|encryption|service[_-]role)[_-]?key|credentials?)[0-9]?\]?(?:\\*["'`])?\]?\s*(?:=>|:=|[:=])\s*(?:\\+"([^"\\]+)|"((?:[^"\\]|\\.)+)|'((?:[^'\\]|\\.)+)|`([^`]+))"#,
        accept: judge::quoted,
    },
    Pattern {
        kind: "secret",
        hints: NAME_HINTS,
        regex: r#"(?i)(?:passw(?:or)?d|passphrase|(?-u:\b)pwd|_pass|secret|token|api[_-]?key|(?:access|secret|private|signing|encryption|service[_-]role)[_-]?key|x-amz-signature|x-goog-signature|[?&]sig)[0-9]?\\*["']?[ \t]*=[ \t]*([^\s,;&"'`=/>\[{(\\)}][^\s,;&"'`)}\]]*)"#,
        accept: judge::assigned,
    },
    Pattern {
        kind: "secret",
        hints: NAME_HINTS,
        regex: r#"(?i)(?:passw(?:or)?d|passphrase|_pass|secret|token|api[_-]?key|(?:access|secret|private|signing|encryption|service[_-]role)[_-]?key)[0-9]?\\*["']?:[ \t]*([^\s,;&"'`:=>\[{(\\)}][^\s,;&"'`)}\]]*)"#,
        accept: judge::after_colon,
    },
    // Personal data.
    Pattern {
        kind: "email",
        hints: &["@"],
        regex: r"([\p{L}\p{N}._%+-]+@(?:[\p{L}\p{N}-]+\.)+\p{L}{2,24})",
        accept: judge::email,
    },
    Pattern {
        kind: "email",
        hints: &["%40"],
        regex: r"([A-Za-z0-9._+-]+%40(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24})",
        accept: judge::email,
    },
    Pattern {
        kind: "ip",
        hints: &[".0", ".1", ".2", ".3", ".4", ".5", ".6", ".7", ".8", ".9"],
        regex: r"(?-u:\b)((?:[0-9]{1,3}\.){3}[0-9]{1,3})(?-u:\b)",
        accept: place::client_address,
    },
    Pattern {
        kind: "ip",
        // Blocks of global addresses that are given out: 2001::/16, 2003::/16 and 24, 26, 28, 2a, 2c.
        hints: &["2001:", "2003:", "24", "26", "28", "2a", "2c"],
        regex: r"(?-u:\b)(2[0-9A-Fa-f]{3}:(?:[0-9A-Fa-f]{0,4}:){1,6}[0-9A-Fa-f]{1,4})(?-u:\b)",
        accept: place::client_address,
    },
    Pattern {
        kind: "phone",
        hints: &["+"],
        regex: r"(?:^|[^\w+./-])(\+[1-9][0-9 .()-]{8,22}[0-9])(?-u:\b)",
        accept: place::telephone,
    },
    Pattern {
        kind: "phone",
        hints: &["-0", "-1", "-2", "-3", "-4", "-5", "-6", "-7", "-8", "-9"],
        regex: r"(?:^|[^\w.+/-])(\(?[2-9][0-9]{2}(?:\) ?|[ .-])[2-9][0-9]{2}-[0-9]{4})(?:$|[^\w-])",
        accept: place::telephone,
    },
    Pattern {
        kind: "phone",
        hints: &["phone", "mobile", "tel", "msisdn", "fax"],
        regex: r#"(?i)(?:phone|mobile|msisdn|(?-u:\b|_)(?:tel|fax))(?:_?(?:number|no|nr))?\\*["']?[ \t]*(?:=>|[:=])[ \t]*\\*["']?(\+?\(?[0-9][0-9 ().-]{5,20}[0-9])(?-u:\b)"#,
        accept: place::named_telephone,
    },
];

/// One of these stands in every name that says secret.
const NAME_HINTS: &[&str] = &[
    "passw",
    "passphrase",
    "pass",
    "pwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "accesskey",
    "access_key",
    "access-key",
    "privatekey",
    "private_key",
    "private-key",
    "signingkey",
    "signing_key",
    "signing-key",
    "encryptionkey",
    "encryption_key",
    "encryption-key",
    "role_key",
    "role-key",
    "rolekey",
    "credential",
    "signature",
    "sig",
];
