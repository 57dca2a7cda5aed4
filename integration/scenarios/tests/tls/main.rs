//! A whole game with TLS of a private authority on every connection inside the installation, and certificates of both sides
//! between gateway and push-hub.

mod proxy;

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use galaxy_http_client::{HttpClient, Limits};
use galaxy_scenarios::{Admin, Authority, Inbox, Player, Table};
use galaxy_stack::{Stack, StackOptions};
use http::{Request, Uri};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use self::proxy::{Before, Proxy};

#[tokio::test(flavor = "multi_thread")]
async fn a_game_is_played_with_tls_between_all_processes_and_servers() -> Result<()> {
    let authority = Authority::new()?;
    for server in ["postgres", "nats", "smtp", "push-hub"] {
        authority.sign_server(server)?;
    }
    authority.sign_client("gateway")?;
    let postgres = Proxy::start(&authority, "postgres", Before::Postgres).await?;
    let smtp = Proxy::start(&authority, "smtp", Before::Tls).await?;
    let push_hub = free_port()?;
    let options = options(&authority, &postgres, &smtp, push_hub)?;
    let mut stack = Stack::start(options).await?;
    smtp.lead_to(&stack.inbox().smtp_address().to_string());

    let file = stack.file()?;
    assert!(file.nats_url.starts_with("tls://"), "{}", file.nats_url);
    let admin = Admin::new(&file);
    let players = vec![
        Player::sign_in(&file, "ada", "ada@example.org").await?,
        Player::sign_in(&file, "grace", "grace@example.org").await?,
    ];
    let mut table = Table::open(players, "Encrypted").await?;
    table.seat_all(&["Terrans", "Vegans"]).await?;
    table.start().await?;
    table.force_turn(&admin, 1).await?;
    table.shows("current_turn", 1).await?;
    let mails = Inbox::new(&file.inbox)
        .mails_to("grace@example.org")
        .await?;
    assert!(!mails.is_empty(), "the mails came through TLS, too");
    is_refused_without_certificate(push_hub, &authority).await?;
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_another_authority_is_not_trusted() -> Result<()> {
    let (authority, other) = (Authority::new()?, Authority::new()?);
    other.sign_server("smtp")?;
    let smtp = Proxy::start(&other, "smtp", Before::Tls).await?;
    let options = StackOptions::for_test()?
        .env("BACKEND_TLS_CA", &text(&authority.root()))
        .env("BACKEND_SMTP_URL", &format!("smtps://{}", smtp.address));
    let mut stack = Stack::start(options).await?;
    smtp.lead_to(&stack.inbox().smtp_address().to_string());
    let file = stack.file()?;
    send_code(&file.gateway_http, "ada@example.org").await?;
    let log =
        galaxy_scenarios::eventually("the mailer says why", Duration::from_secs(20), async || {
            let log = std::fs::read_to_string(stack.process("mailer")?.log())?;
            let said = log.contains("the SMTP server cannot be used");
            Ok((said && log.to_lowercase().contains("certificate")).then_some(log))
        });
    log.await?;
    assert!(
        Inbox::new(&file.inbox)
            .mails_to("ada@example.org")
            .await?
            .is_empty()
    );
    stack.stop().await
}

/// Push-hub ends a connection that shows no certificate before it takes a request.
async fn is_refused_without_certificate(port: u16, authority: &Authority) -> Result<()> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority.root())?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let name = "localhost".try_into()?;
    let refused = async {
        let mut stream = TlsConnector::from(Arc::new(tls))
            .connect(name, stream)
            .await?;
        stream
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .await?;
        stream.read_u8().await
    };
    match refused.await {
        Ok(_) => bail!("an answer without a certificate"),
        Err(error) if error.to_string().contains("CertificateRequired") => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn options(
    authority: &Authority,
    postgres: &Proxy,
    smtp: &Proxy,
    push_hub: u16,
) -> Result<StackOptions> {
    let (root, postgres) = (text(&authority.root()), postgres.clone());
    let of_postgres = root.clone();
    let listener = format!("127.0.0.1:{push_hub}");
    Ok(StackOptions::for_test()?
        .postgres_by(move |url| through_tls(url, &postgres, &of_postgres).unwrap_or_default())
        .nats_with_tls(&authority.certificate("nats"), &authority.key("nats"))
        .env("BACKEND_TLS_CA", &root)
        .env("BACKEND_SMTP_URL", &format!("smtps://{}", smtp.address))
        .env(
            "GATEWAY_PUSH_TLS_CERTIFICATE",
            &text(&authority.certificate("gateway")),
        )
        .env("GATEWAY_PUSH_TLS_KEY", &text(&authority.key("gateway")))
        .env("BACKEND_GRPC_PUSH_LISTEN_ADDR", &listener)
        .env(
            "GATEWAY_BACKEND_GRPC_PUSH_URL",
            &format!("https://{listener}"),
        )
        .env(
            "BACKEND_PUSH_TLS_CERTIFICATE",
            &text(&authority.certificate("push-hub")),
        )
        .env("BACKEND_PUSH_TLS_KEY", &text(&authority.key("push-hub")))
        .env("BACKEND_PUSH_TLS_CLIENT_CA", &root))
}

/// The URL of the same database through `proxy`, which is told where Postgres is.
fn through_tls(url: &str, proxy: &Proxy, root: &str) -> Result<String> {
    let uri: Uri = url.parse()?;
    let authority = uri.authority().context("a URL with a host")?.as_str();
    let (user, server) = authority
        .rsplit_once('@')
        .unwrap_or(("postgres", authority));
    let server = if server.contains(':') {
        server.to_owned()
    } else {
        format!("{server}:5432")
    };
    proxy.lead_to(&server);
    Ok(format!(
        "postgres://{user}@{}{}?sslmode=verify-full&sslrootcert={root}",
        proxy.address,
        uri.path()
    ))
}

async fn send_code(gateway: &str, email: &str) -> Result<()> {
    let client = HttpClient::new(Limits::default());
    let body = serde_json::json!({ "email": email }).to_string();
    let request = Request::post(format!("{gateway}/api/v1/public/auth/send-email-code"));
    let request = galaxy_http_client::with_json(request, Some(body.into()))?;
    let answer = client.send(request).await?;
    ensure!(answer.status().is_success(), "{answer:?}");
    Ok(())
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port())
}

fn text(path: &std::path::Path) -> String {
    path.display().to_string()
}
