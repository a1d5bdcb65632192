//! TLS that looks on: the handshake goes through whatever the certificate is, and what each list of authorities says of it is
//! written down. Whether anything secret is sent after that is decided by what the driver would verify.

use std::io;
use std::sync::{Arc, Mutex};

use chrono::DateTime;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme,
};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::line::Failure;
use super::seen::{Cause, Certificate, Verdict};

/// Most names of a certificate that are kept.
const MAX_NAMES: usize = 16;
/// Most characters of a text in a certificate.
const MAX_TEXT: usize = 200;

/// What a handshake showed.
#[derive(Debug, Clone)]
pub struct Handshake {
    /// `TLS 1.3`.
    pub version: String,
    /// The certificate.
    pub certificate: Option<Certificate>,
}

/// Lists of authorities.
#[derive(Debug, Clone)]
pub struct Trust {
    provider: Arc<CryptoProvider>,
    mozilla: Option<Arc<WebPkiServerVerifier>>,
    system: Option<Arc<WebPkiServerVerifier>>,
    own: Option<Arc<WebPkiServerVerifier>>,
}

impl Trust {
    /// Mozilla's list, that of this machine and, where one is named, an own authority (PEM).
    pub fn new(own: Option<&str>) -> Trust {
        let provider = Arc::new(ring::default_provider());
        let verifier = |roots: RootCertStore| {
            let roots = Arc::new(roots);
            WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build().ok()
        };
        let listed = |certificates: Vec<CertificateDer<'static>>| {
            let mut roots = RootCertStore::empty();
            let (added, _) = roots.add_parsable_certificates(certificates);
            (added > 0).then_some(roots)
        };
        let mozilla = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let own = own.map(|pem| CertificateDer::pem_slice_iter(pem.as_bytes()).flatten().collect());
        Trust {
            mozilla: verifier(mozilla),
            system: listed(rustls_native_certs::load_native_certs().certs).and_then(verifier),
            own: own.and_then(listed).and_then(verifier),
            provider,
        }
    }

    /// Whether there is an own authority.
    pub fn has_own(&self) -> bool {
        self.own.is_some()
    }

    /// A client for a host, and what will have looked on.
    ///
    /// # Errors
    /// The host is no name that a certificate could be for.
    pub fn client(&self, host: &str) -> Result<(ClientConnection, Arc<Recorder>), Failure> {
        let unfit = || Failure::NotRun("the host is no name that a certificate could be for".to_owned());
        let name = ServerName::try_from(host.to_owned()).map_err(|_| unfit())?;
        let recorder = Arc::new(Recorder { trust: self.clone(), seen: Mutex::new(None) });
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::Failed(Cause::TlsFailed, error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&recorder) as Arc<dyn ServerCertVerifier>)
            .with_no_client_auth();
        let client = ClientConnection::new(Arc::new(config), name)
            .map_err(|error| Failure::Failed(Cause::TlsFailed, error.to_string()))?;
        Ok((client, recorder))
    }
}

/// Looks on, see [`Trust::client`].
#[derive(Debug)]
pub struct Recorder {
    trust: Trust,
    seen: Mutex<Option<Certificate>>,
}

impl Recorder {
    /// What was seen.
    pub fn handshake(&self, client: &ClientConnection) -> Handshake {
        let version = client.protocol_version().map_or_else(String::new, |version| match version.as_str() {
            Some(name) => name.replace("TLSv1_", "TLS 1."),
            None => "TLS".to_owned(),
        });
        let certificate = self.seen.lock().ok().and_then(|seen| seen.clone());
        Handshake { version, certificate }
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let by = |verifier: &Arc<WebPkiServerVerifier>| {
            let result =
                verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
            verdict(result.map(|_| ()))
        };
        let name_matches = ParsedCertificate::try_from(end_entity)
            .is_ok_and(|parsed| rustls::client::verify_server_name(&parsed, server_name).is_ok());
        let mut seen = described(end_entity);
        let is_own_issuer = seen.subject == seen.issuer && !seen.subject.is_empty();
        let told = |verdict: Verdict| match verdict {
            Verdict::UnknownIssuer | Verdict::Bad if is_own_issuer => Verdict::SelfSigned,
            other => other,
        };
        seen.chain = intermediates.len() + 1;
        seen.name_matches = name_matches;
        seen.mozilla = self.trust.mozilla.as_ref().map_or(Verdict::UnknownIssuer, |list| told(by(list)));
        seen.system = self.trust.system.as_ref().map(|list| told(by(list)));
        seen.own = self.trust.own.as_ref().map(|list| told(by(list)));
        if let Ok(mut place) = self.seen.lock() {
            *place = Some(seen);
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.trust.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.trust.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn verdict(result: Result<(), Error>) -> Verdict {
    use CertificateError as Wrong;
    match result {
        Ok(()) => Verdict::Good,
        Err(Error::InvalidCertificate(wrong)) => match wrong {
            Wrong::Expired | Wrong::ExpiredContext { .. } => Verdict::Expired,
            Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => Verdict::NotYet,
            Wrong::NotValidForName | Wrong::NotValidForNameContext { .. } => Verdict::WrongName,
            Wrong::UnknownIssuer => Verdict::UnknownIssuer,
            _ => Verdict::Bad,
        },
        Err(_) => Verdict::Bad,
    }
}

/// Names and days of a certificate; empty where it cannot be read.
pub fn described(der: &[u8]) -> Certificate {
    let mut seen = Certificate {
        subject: String::new(),
        issuer: String::new(),
        names: Vec::new(),
        from: String::new(),
        until: String::new(),
        chain: 1,
        name_matches: false,
        mozilla: Verdict::Bad,
        system: None,
        own: None,
    };
    let Ok((_, parsed)) = X509Certificate::from_der(der) else { return seen };
    let day = |seconds: i64| {
        DateTime::from_timestamp(seconds, 0).map_or_else(String::new, |time| time.date_naive().to_string())
    };
    seen.subject = cut(&parsed.subject().to_string());
    seen.issuer = cut(&parsed.issuer().to_string());
    seen.from = day(parsed.validity().not_before.timestamp());
    seen.until = day(parsed.validity().not_after.timestamp());
    if let Ok(Some(names)) = parsed.subject_alternative_name() {
        let names = names.value.general_names.iter().filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(cut(name)),
            GeneralName::IPAddress(bytes) => {
                let four = <[u8; 4]>::try_from(*bytes).map(std::net::IpAddr::from);
                let sixteen = <[u8; 16]>::try_from(*bytes).map(std::net::IpAddr::from);
                four.or(sixteen).ok().map(|address| address.to_string())
            }
            _ => None,
        });
        seen.names = names.take(MAX_NAMES).collect();
    }
    seen
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

/// Why a handshake failed.
pub fn failure(error: &io::Error) -> Failure {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(Error::InvalidMessage(_)) => Failure::Failed(
            Cause::Garbled,
            "the answer is not TLS: the server speaks without it here".to_owned(),
        ),
        Some(error) => Failure::Failed(Cause::TlsFailed, cut(&error.to_string())),
        None => io::Error::new(error.kind(), error.to_string()).into(),
    }
}
