//! The pricing service of `../pricing.py` in Rust. Mainstay says who calls, in an assertion; the service asks the catalogue back with
//! the caller's rights.
//!
//! Arguments: the port, the URL of Mainstay.

mod caller;

use std::error::Error;
use std::pin::Pin;
use std::sync::atomic::{AtomicI32, Ordering};

use tokio_stream::{Stream, StreamExt as _, iter};
use tonic::transport::{Channel, Server};
use tonic::{Request, Response, Status, Streaming};

use self::caller::{Assertions, Caller};
use mainstay_example_pricing::proto::catalog::v1 as pb;
use mainstay_example_pricing::proto::catalog::v1::pricing_service_server::{PricingService, PricingServiceServer};
use mainstay_example_pricing::proto::catalog::v1::product_service_client::ProductServiceClient;
use mainstay_example_pricing::proto::google::api::HttpBody;

type Answer<T> = Result<Response<T>, Status>;
type Prices = Pin<Box<dyn Stream<Item = Result<pb::Price, Status>> + Send>>;

struct Pricing {
    catalogue: ProductServiceClient<Channel>,
    assertions: Assertions,
    /// In percent.
    margin: AtomicI32,
}

impl Pricing {
    async fn price(&self, caller: &Caller, name: &str, pieces: i32) -> Result<pb::Price, Status> {
        let asked = pb::GetProductRequest { name: name.to_owned(), ..pb::GetProductRequest::default() };
        let product = self.catalogue.clone().get_product(caller.asks(asked)).await?.into_inner();
        let pieces = pieces.max(1);
        let cents = product.cost * i64::from(pieces) * i64::from(100 + self.margin.load(Ordering::Relaxed)) / 100;
        Ok(pb::Price { product: product.name, cents, pieces })
    }
}

#[tonic::async_trait]
impl PricingService for Pricing {
    async fn price_product(&self, request: Request<pb::PriceProductRequest>) -> Answer<pb::Price> {
        let caller = self.assertions.caller(&request).await?;
        let pb::PriceProductRequest { name, pieces } = request.into_inner();
        Ok(Response::new(self.price(&caller, &name, pieces).await?))
    }

    async fn list_rates(&self, _: Request<pb::ListRatesRequest>) -> Answer<pb::ListRatesResponse> {
        Ok(Response::new(pb::ListRatesResponse { margin: self.margin.load(Ordering::Relaxed) }))
    }

    async fn export_rates(&self, _: Request<pb::ListRatesRequest>) -> Answer<HttpBody> {
        let data = format!("rate,percent\nmargin,{}\n", self.margin.load(Ordering::Relaxed)).into_bytes();
        Ok(Response::new(HttpBody { content_type: "text/csv".to_owned(), data, extensions: Vec::new() }))
    }

    type WatchPricesStream = Prices;

    async fn watch_prices(&self, request: Request<pb::PriceProductRequest>) -> Answer<Prices> {
        let caller = self.assertions.caller(&request).await?;
        let name = request.into_inner().name;
        let mut prices = Vec::new();
        for pieces in 1..=3 {
            prices.push(Ok(self.price(&caller, &name, pieces).await?));
        }
        Ok(Response::new(Box::pin(iter(prices))))
    }

    async fn add_up(&self, request: Request<Streaming<pb::Price>>) -> Answer<pb::Price> {
        self.assertions.caller(&request).await?;
        let mut prices = request.into_inner();
        let mut sum = pb::Price::default();
        while let Some(price) = prices.next().await.transpose()? {
            sum.cents += price.cents;
            sum.pieces += 1;
        }
        Ok(Response::new(sum))
    }

    type HaggleStream = Prices;

    async fn haggle(&self, request: Request<Streaming<pb::Price>>) -> Answer<Prices> {
        self.assertions.caller(&request).await?;
        let lower = |offer: pb::Price| pb::Price { cents: offer.cents * 9 / 10, ..offer };
        Ok(Response::new(Box::pin(request.into_inner().map(move |offer| offer.map(lower)))))
    }

    async fn set_margin(&self, request: Request<pb::SetMarginRequest>) -> Answer<pb::SetMarginResponse> {
        let caller = self.assertions.caller(&request).await?;
        self.margin.store(request.into_inner().margin, Ordering::Relaxed);
        Ok(Response::new(pb::SetMarginResponse { uid: caller.uid }))
    }

    async fn forget(&self, _: Request<pb::ListRatesRequest>) -> Answer<pb::ListRatesResponse> {
        Err(Status::unimplemented("nobody may call it"))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(port), Some(mainstay)) = (arguments.next(), arguments.next()) else {
        return Err("usage: mainstay-example-pricing PORT URL".into());
    };
    let catalogue = ProductServiceClient::connect(mainstay.clone()).await?;
    let pricing = Pricing { catalogue, assertions: Assertions::of("pricing", &mainstay), margin: AtomicI32::new(50) };
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_serving::<PricingServiceServer<Pricing>>().await;
    let serving = Server::builder().add_service(health).add_service(PricingServiceServer::new(pricing));
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("{{\"serves\": \"{port}\"}}");
    serving.serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener)).await?;
    Ok(())
}
