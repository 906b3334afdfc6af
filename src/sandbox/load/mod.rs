//! Traffic and audit: clerks who send links, customers who pay them, and an auditor who reads only the outside.
//!
//! Everything here speaks to the running sandbox by the addresses in `endpoints.json`, as any other tool would.

pub mod auditor;
mod bank;
mod bank_auditor;
pub mod customer;
pub mod endpoints;
pub mod mailbox;
pub mod org;
mod phone;
pub mod run;
pub mod stripe;

pub use endpoints::Endpoints;

/// The running sandbox as seen from outside.
#[derive(Clone)]
pub struct World {
    pub endpoints: Endpoints,
    pub http: reqwest::Client,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{what} could not be reached")]
    Unreachable {
        what: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("{what} answered {status}: {body}")]
    Refused { what: String, status: u16, body: String },
    #[error("{what} answered something that can't be read: {why}")]
    Unreadable { what: String, why: String },
    #[error("{path} could not be read: {why}")]
    File { path: String, why: String },
    #[error("waited {seconds} s for {what}; last seen: {last}")]
    Late { what: String, seconds: u64, last: String },
}

impl World {
    pub fn open(endpoints: Endpoints) -> Result<World, Error> {
        let file = |why: String| Error::File { path: endpoints.ca_file.clone(), why };
        let pem = std::fs::read(&endpoints.ca_file).map_err(|error| file(error.to_string()))?;
        let authority = reqwest::Certificate::from_pem(&pem).map_err(|error| file(error.to_string()))?;
        let http = reqwest::Client::builder()
            .tls_certs_only([authority])
            .redirect(reqwest::redirect::Policy::none())
            .timeout(std::time::Duration::from_secs(60))
            .no_proxy()
            .build()
            .map_err(|source| Error::Unreachable { what: "the HTTP client".to_owned(), source })?;
        Ok(World { endpoints, http })
    }

    /// Sends, and turns every answer but a 2xx into an error that tells what was asked.
    pub(crate) async fn send(&self, what: &str, request: reqwest::RequestBuilder) -> Result<String, Error> {
        let unreachable = |source| Error::Unreachable { what: what.to_owned(), source };
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let body = answer.text().await.map_err(unreachable)?;
        if status.is_success() {
            return Ok(body);
        }
        Err(Error::Refused { what: what.to_owned(), status: status.as_u16(), body: body.chars().take(2_000).collect() })
    }

    pub(crate) async fn json(&self, what: &str, request: reqwest::RequestBuilder) -> Result<serde_json::Value, Error> {
        let body = self.send(what, request).await?;
        if body.trim().is_empty() {
            return Ok(serde_json::Value::Null);
        }
        serde_json::from_str(&body).map_err(|error| Error::Unreadable { what: what.to_owned(), why: error.to_string() })
    }
}

/// Asks again until there is an answer, with a growing pause; tells what was last seen when it gives up.
pub async fn until<T, F>(what: &str, seconds: u64, mut look: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<Result<T, String>, Error>>,
{
    let start = std::time::Instant::now();
    let mut pause_ms = 20;
    loop {
        let last = match look().await {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(seen)) => seen,
            Err(error) => error.to_string(),
        };
        if start.elapsed().as_secs() >= seconds {
            return Err(Error::Late { what: what.to_owned(), seconds, last });
        }
        tokio::time::sleep(std::time::Duration::from_millis(pause_ms)).await;
        pause_ms = (pause_ms * 2).min(400);
    }
}
