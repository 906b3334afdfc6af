//! The sandbox's own certificate authority, and a listener that speaks TLS with it.
//!
//! Salesforce's clients refuse plain text, so the stand-in has a real certificate for every name that they may call.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// The names that the server's certificate is good for.
pub const NAMES: [&str; 5] =
    ["localhost", "127.0.0.1", "login.salesforce.com", "api.pubsub.salesforce.com", "*.my.salesforce.com"];

/// How long a client may take over its handshake before the connection is given up.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the sandbox's certificates in {} cannot be read or written; check that the folder is writable", path.display())]
    Files {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("a certificate could not be made")]
    Making(#[from] rcgen::Error),
    #[error("the certificate in {} is not usable; delete the folder to have it made again", path.display())]
    Unusable {
        path: PathBuf,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A certificate authority of the sandbox's own, and the one server certificate that it signed.
///
/// The authority's private key is not kept: nobody can sign a second certificate with it.
pub struct Authority {
    ca_file: PathBuf,
    ca_pem: String,
    config: rustls::ServerConfig,
}

/// Which protocols a listener offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alpn {
    /// HTTP/2 or HTTP/1.1, as the client likes.
    Web,
    /// HTTP/2 alone, as gRPC demands.
    Grpc,
}

impl Authority {
    /// Takes the certificates of `folder`, or makes them on the first start.
    pub fn open(folder: &Path) -> Result<Authority, Error> {
        let ca_file = folder.join("ca.pem");
        let (chain_file, key_file) = (folder.join("server.pem"), folder.join("server.key"));
        if ![&ca_file, &chain_file, &key_file].iter().all(|file| file.is_file()) {
            let made = make()?;
            let files = |source| Error::Files { path: folder.to_owned(), source };
            std::fs::create_dir_all(folder).map_err(files)?;
            // The authority goes last: it is what tells the next start that all three are whole.
            write_private(&key_file, &made.server_key).map_err(files)?;
            std::fs::write(&chain_file, &made.server).map_err(files)?;
            std::fs::write(&ca_file, &made.authority).map_err(files)?;
        }
        let ca_pem =
            std::fs::read_to_string(&ca_file).map_err(|source| Error::Files { path: ca_file.clone(), source })?;
        let unusable =
            |source: Box<dyn std::error::Error + Send + Sync>| Error::Unusable { path: folder.to_owned(), source };
        let chain = CertificateDer::pem_file_iter(&chain_file)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| unusable(error.into()))?;
        let key = PrivateKeyDer::from_pem_file(&key_file).map_err(|error| unusable(error.into()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(error.into()))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| unusable(error.into()))?;
        Ok(Authority { ca_file, ca_pem, config })
    }

    /// The file that a client must trust.
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    fn acceptor(&self, alpn: Alpn) -> TlsAcceptor {
        let mut config = self.config.clone();
        config.alpn_protocols = match alpn {
            Alpn::Web => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            Alpn::Grpc => vec![b"h2".to_vec()],
        };
        TlsAcceptor::from(Arc::new(config))
    }
}

struct Made {
    authority: String,
    server: String,
    server_key: String,
}

fn make() -> Result<Made, Error> {
    let mut ca = CertificateParams::default();
    ca.distinguished_name = named("Quittance sandbox authority");
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    (ca.not_before, ca.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2049, 1, 1));
    let ca_key = KeyPair::generate()?;
    let ca_certificate = ca.self_signed(&ca_key)?;
    let issuer = Issuer::new(ca, ca_key);

    let mut server = CertificateParams::new(NAMES.map(str::to_owned).to_vec())?;
    server.distinguished_name = named("Quittance sandbox");
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    (server.not_before, server.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2048, 1, 1));
    let server_key = KeyPair::generate()?;
    let certificate = server.signed_by(&server_key, &issuer)?;
    Ok(Made { authority: ca_certificate.pem(), server: certificate.pem(), server_key: server_key.serialize_pem() })
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// Who is at the other end of a connection, and the means to cut it.
#[derive(Clone, Debug)]
pub struct Peer {
    pub addr: SocketAddr,
    cut: CancellationToken,
}

impl Peer {
    /// Breaks the connection off at once: what was not yet answered never is.
    pub fn cut(&self) {
        self.cut.cancel();
    }
}

/// One TLS connection, which can be cut from the server's side.
pub struct Connection {
    stream: TlsStream<TcpStream>,
    peer: Peer,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Connection {
    fn refuse_when_cut(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.cut.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionReset.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.refuse_when_cut(context)?;
        Pin::new(&mut self.stream).poll_read(context, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.peer.cut.is_cancelled() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_write(context, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.peer.cut.is_cancelled() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.peer.cut.is_cancelled() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl tonic::transport::server::Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

/// Accepts TLS connections. Handshakes run beside each other, so that a slow client holds up nobody.
pub struct TlsListener {
    ready: mpsc::Receiver<Connection>,
    local: SocketAddr,
    accepting: tokio::task::JoinHandle<()>,
}

impl TlsListener {
    pub async fn bind(addr: SocketAddr, authority: &Authority, alpn: Alpn) -> io::Result<TlsListener> {
        let listener = TcpListener::bind(addr).await?;
        let local = listener.local_addr()?;
        let (sender, ready) = mpsc::channel(16);
        let accepting = tokio::spawn(accept(listener, authority.acceptor(alpn), sender));
        Ok(TlsListener { ready, local, accepting })
    }

    /// The port that the listener got.
    pub fn addr(&self) -> SocketAddr {
        self.local
    }

    /// The connections, as tonic wants them.
    pub fn into_stream(self) -> impl futures_util::Stream<Item = io::Result<Connection>> {
        futures_util::stream::unfold(self, |mut listener| async move {
            let connection = listener.ready.recv().await?;
            Some((Ok(connection), listener))
        })
    }
}

impl Drop for TlsListener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, ready: mpsc::Sender<Connection>) {
    loop {
        let (tcp, addr) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file handles, mostly: wait, else this loop would spin.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (acceptor, ready) = (acceptor.clone(), ready.clone());
        tokio::spawn(async move {
            // Without this each gRPC round waits 40 ms for an acknowledgement.
            let _ = tcp.set_nodelay(true);
            match tokio::time::timeout(HANDSHAKE_LIMIT, acceptor.accept(tcp)).await {
                Ok(Ok(stream)) => {
                    let cut = CancellationToken::new();
                    let connection =
                        Connection { stream, cut: Box::pin(cut.clone().cancelled_owned()), peer: Peer { addr, cut } };
                    let _ = ready.send(connection).await;
                }
                Ok(Err(error)) => tracing::debug!(%addr, %error, "a TLS handshake failed"),
                Err(_) => tracing::debug!(%addr, "a TLS handshake took too long"),
            }
        });
    }
}

impl axum::serve::Listener for TlsListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        match self.ready.recv().await {
            Some(connection) => {
                let addr = connection.peer.addr;
                (connection, addr)
            }
            // The accepting task ends only with this listener.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }
}

impl axum::extract::connect_info::Connected<axum::serve::IncomingStream<'_, TlsListener>> for Peer {
    fn connect_info(stream: axum::serve::IncomingStream<'_, TlsListener>) -> Peer {
        stream.io().peer.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_start_keeps_the_authority_that_clients_already_trust() {
        let folder = tempfile::tempdir().unwrap();
        let first = Authority::open(folder.path()).unwrap();
        let second = Authority::open(folder.path()).unwrap();
        assert_eq!(first.ca_pem(), second.ca_pem());
        assert!(first.ca_pem().starts_with("-----BEGIN CERTIFICATE-----"));
    }

    #[test]
    fn a_half_written_folder_is_made_whole_again() {
        let folder = tempfile::tempdir().unwrap();
        Authority::open(folder.path()).unwrap();
        std::fs::remove_file(folder.path().join("server.key")).unwrap();
        assert!(Authority::open(folder.path()).is_ok());
    }
}
