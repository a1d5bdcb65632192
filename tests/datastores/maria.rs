//! MariaDB that takes logins over TLS only, and says "access denied" to others.

use super::certificates::{Authority, FAR};
use super::support::{ALL, Folder, PASSWORD, Project, Server, free_port};

pub fn secure_transport() {
    let (folder, authority, port) = (Folder::new(), Authority::new(), free_port());
    let pair = authority.pair("localhost", FAR);
    folder.write("server.crt", &pair.certificate);
    folder.write("server.key", &pair.key);
    folder.write("ca.pem", &authority.pem);
    folder.write(
        "setup.sql",
        &format!("CREATE DATABASE shop;\nCREATE USER 'app'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\nGRANT ALL ON shop.* TO 'app'@'127.0.0.1';\n"),
    );
    let data = format!("--datadir={}", folder.at("data"));
    folder.run(
        "mariadb-install-db",
        &["--no-defaults", &data, "--auth-root-authentication-method=normal", "--skip-test-db"],
    );
    let mut command = folder.command("mariadbd");
    command.args([
        "--no-defaults",
        &data,
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
        "--max-connections=12",
    ]);
    command.arg(format!("--port={port}")).arg(format!("--socket={}", folder.at("socket")));
    command
        .arg(format!("--ssl-cert={}", folder.at("server.crt")))
        .arg(format!("--ssl-key={}", folder.at("server.key")));
    command.arg(format!("--ssl-ca={}", folder.at("ca.pem"))).arg("--require-secure-transport=ON");
    command
        .arg(format!("--init-file={}", folder.at("setup.sql")))
        .arg(format!("--pid-file={}", folder.at("pid")));
    let server = Server::start(command, "TERM", port);

    let project = Project::new(("mysql2", "3.11.0"), "mariadb");
    let url = |query: &str| format!("mysql://app:{PASSWORD}@localhost:{}/shop{query}", server.port);
    let unverified = "?ssl=%7B%22rejectUnauthorized%22%3Afalse%7D";

    let said = project.ask(&url(""), "");
    said.is(&["gate-db-tls fail"], "the same password is taken with TLS");
    assert_eq!(said.steps(), "dns ok, tcp ok, tls not_run, login failed");
    let said = project.ask(&url(unverified), "");
    said.is(&[], "");
    assert_eq!(said.steps(), ALL);
    assert_eq!(said.capacity()["max"], 12);
    // A parameter of another driver is passed over, which the server then refuses.
    let said = project.ask(&url("?sslmode=require"), "");
    said.is(&["gate-db-tls fail", "gate-db-tls warn"], "sslmode in the URL is passed over by mysql2");
    let said = project.ask(&url(unverified).replace(PASSWORD, "another"), "");
    said.is(&["gate-db-auth fail"], "does not take the credentials");
    project.ask(&url(unverified).replace("/shop", "/absent"), "").is(&["gate-db-auth fail"], "1044");
    let said = project.ask(&url("?ssl=%7B%7D"), "");
    said.is(&["gate-db-tls fail"], "which the driver does not trust");
}
