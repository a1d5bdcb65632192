//! What edge has, and packages that are known to need Node.js (for projects whose packages are not installed).

/// Modules of Node.js that edge has, since Next.js 13.3, with and without `node:`.
pub const EDGE_MODULES: &[&str] = &["assert", "async_hooks", "buffer", "events", "util"];

/// Whether edge of this version of Next.js has the module.
pub fn edge_has(module: &str, version: (u32, u32)) -> bool {
    version >= (13, 3) && EDGE_MODULES.contains(&module)
}

/// Members of the modules that edge has in part. `None`: all of it.
pub fn members(module: &str) -> Option<&'static [&'static str]> {
    match module {
        "async_hooks" => Some(&["AsyncLocalStorage", "AsyncResource"]),
        "buffer" => Some(&["constants", "kMaxLength", "kStringMaxLength", "Buffer", "SlowBuffer"]),
        "events" => Some(&[
            "EventEmitter",
            "captureRejectionSymbol",
            "defaultMaxListeners",
            "errorMonitor",
            "listenerCount",
            "on",
            "once",
        ]),
        "util" => Some(&["_extend", "callbackify", "format", "inherits", "promisify", "types"]),
        _ => None,
    }
}

/// A package that needs Node.js, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeOnly {
    /// The specifier; longer ones below it count too, if `below`.
    pub name: &'static str,
    /// What to use on edge instead; empty where there is nothing.
    pub instead: &'static str,
    /// Whether sub-paths count.
    pub below: bool,
    /// Some set-ups of it work on edge.
    pub depends: bool,
}

const fn needs(name: &'static str, instead: &'static str) -> NodeOnly {
    NodeOnly { name, instead, below: true, depends: false }
}
const fn exact(name: &'static str, instead: &'static str, depends: bool) -> NodeOnly {
    NodeOnly { name, instead, below: false, depends }
}

/// The list. What is not on it is not accused.
const NODE_ONLY: &[NodeOnly] = &[
    needs("pg", "@neondatabase/serverless"),
    needs("pg-pool", "@neondatabase/serverless"),
    exact("postgres", "@neondatabase/serverless", false),
    needs("mysql2", "@planetscale/database"),
    needs("mysql", "@planetscale/database"),
    needs("mongodb", ""),
    needs("mongoose", ""),
    needs("ioredis", "@upstash/redis"),
    needs("redis", "@upstash/redis"),
    needs("jsonwebtoken", "jose"),
    needs("nodemailer", "an HTTP mail API"),
    needs("bcrypt", "bcryptjs"),
    needs("argon2", "PBKDF2 of WebCrypto"),
    needs("sharp", "an image service"),
    needs("canvas", ""),
    needs("better-sqlite3", "@libsql/client/web"),
    needs("sqlite3", "@libsql/client/web"),
    needs("onnxruntime-node", ""),
    exact("@prisma/client", "@prisma/client/edge or a driver adapter", true),
    exact("@auth/prisma-adapter", "an auth configuration split in two", false),
    exact("@next-auth/prisma-adapter", "an auth configuration split in two", false),
    exact("@auth/pg-adapter", "an auth configuration split in two", false),
    exact("@prisma/adapter-pg", "", false),
    needs("drizzle-orm/node-postgres", "drizzle-orm/neon-http"),
    needs("drizzle-orm/postgres-js", "drizzle-orm/neon-http"),
    needs("drizzle-orm/mysql2", "drizzle-orm/planetscale-serverless"),
    needs("drizzle-orm/better-sqlite3", "drizzle-orm/libsql"),
    needs("typeorm", ""),
    needs("sequelize", ""),
    needs("knex", ""),
    needs("firebase-admin", "the REST API with jose"),
    needs("aws-sdk", "aws4fetch"),
    needs("googleapis", "the REST API with jose"),
    needs("@grpc/grpc-js", ""),
    needs("fs-extra", ""),
    needs("rimraf", ""),
    needs("chokidar", ""),
    needs("archiver", ""),
    needs("puppeteer", ""),
    needs("puppeteer-core", ""),
    needs("playwright", ""),
    needs("jsdom", ""),
    needs("pdfkit", ""),
    needs("exceljs", ""),
    needs("winston", ""),
    needs("dd-trace", ""),
    needs("newrelic", ""),
    needs("@opentelemetry/sdk-node", "@vercel/otel"),
    needs("express", ""),
    needs("ws", "WebSocket"),
    needs("socket.io", ""),
    needs("kafkajs", ""),
    needs("amqplib", ""),
    needs("bullmq", ""),
    needs("tedious", ""),
    needs("mssql", ""),
    needs("oracledb", ""),
    needs("ssh2", ""),
    needs("ldapjs", ""),
    needs("web-push", ""),
    needs("multer", "request.formData()"),
    needs("formidable", "request.formData()"),
    needs("busboy", "request.formData()"),
];

/// The entry for a specifier.
pub fn node_only(specifier: &str) -> Option<&'static NodeOnly> {
    NODE_ONLY.iter().find(|entry| {
        let rest = specifier.strip_prefix(entry.name);
        rest.is_some_and(|rest| rest.is_empty() || (entry.below && rest.starts_with('/')))
    })
}
