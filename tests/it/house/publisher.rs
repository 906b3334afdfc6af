//! Somebody else who may publish to the bus, over the Pub/Sub API.

use quittance::salesforce::eventbus::pub_sub_client::PubSubClient;
use quittance::salesforce::eventbus::{ProducerEvent, PublishRequest, TopicRequest};
use tonic::Request;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use super::House;

const TOPIC: &str = "/event/Payment_Command__e";

/// A session of the administrator at the Pub/Sub API.
pub struct Publisher<'a> {
    house: &'a House,
    client: PubSubClient<Channel>,
}

impl<'a> Publisher<'a> {
    pub async fn open(house: &'a House) -> Publisher<'a> {
        let authority = std::fs::read(&house.endpoints.ca_file).expect("the authority's certificate");
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority));
        let url = format!("https://{}", house.endpoints.salesforce.pubsub);
        let endpoint = Endpoint::from_shared(url).and_then(|endpoint| endpoint.tls_config(tls)).expect("an address");
        Publisher { house, client: PubSubClient::new(endpoint.connect().await.expect("the bus")) }
    }

    /// The id of the schema in which events are written now.
    pub async fn schema_id(&mut self) -> String {
        let request = self.signed(TopicRequest { topic_name: TOPIC.to_owned() });
        self.client.get_topic(request).await.expect("the topic").into_inner().schema_id
    }

    /// Publishes bytes that claim to be written in the topic's schema.
    pub async fn publish(&mut self, payload: &[u8]) {
        let schema_id = self.schema_id().await;
        let event = ProducerEvent { schema_id, payload: payload.to_vec(), ..ProducerEvent::default() };
        let request = PublishRequest { topic_name: TOPIC.to_owned(), events: vec![event], ..PublishRequest::default() };
        let answer = self.client.publish(self.signed(request)).await.expect("publishing").into_inner();
        assert!(answer.results.iter().all(|result| result.error.is_none()), "{answer:?}");
    }

    fn signed<T>(&self, message: T) -> Request<T> {
        let org = &self.house.endpoints.salesforce;
        let mut request = Request::new(message);
        for (name, value) in
            [("accesstoken", &org.admin_token), ("instanceurl", &org.instance_url), ("tenantid", &org.org_id)]
        {
            request.metadata_mut().insert(name, value.parse().expect("plain text"));
        }
        request
    }
}
