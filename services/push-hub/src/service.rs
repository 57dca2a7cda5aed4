//! The gRPC service `galaxy.push.v1.Push`.
//!
//! Written by hand instead of generated, for one reason: its messages are bytes that were encoded
//! once for all subscribers, which the generated service would encode again for each.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context as TaskContext, Poll},
};

use bytes::{BufMut, Bytes};
use futures_util::{future::BoxFuture, stream::BoxStream};
use galaxy_http::bearer;
use galaxy_proto::push::v1::GatewaySubscribeRequest;
use galaxy_service::config::RotatingSecret;
use http::HeaderMap;
use prost::Message;
use tonic::{
    Request, Response, Status,
    body::Body,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    server::{Grpc, NamedService, ServerStreamingService},
};

use crate::{
    connection::{Connection, Context},
    registry::Registry,
};

/// Path of the one method.
const SUBSCRIBE_PUSH: &str = "/galaxy.push.v1.Push/SubscribePush";
/// Largest request, bytes.
const MAX_REQUEST: usize = 4 << 10;

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct PushService(Arc<Inner>);

struct Inner {
    context: Context,
    registry: Registry,
    token: Option<RotatingSecret>,
}

impl PushService {
    /// A service whose subscribers authenticate by `token`, if there is one.
    pub fn new(context: Context, token: Option<RotatingSecret>) -> Self {
        let registry = Registry::default();
        registry.observe(&context.feed);
        Self(Arc::new(Inner {
            context,
            registry,
            token,
        }))
    }

    async fn subscribe(
        self,
        request: Request<GatewaySubscribeRequest>,
    ) -> Result<Response<BoxStream<'static, Result<Bytes, Status>>>, Status> {
        let Self(inner) = self;
        let (metadata, _, request) = request.into_parts();
        inner.authorise(&metadata.into_headers())?;
        let name = &request.gateway_client_id;
        let visible = name.bytes().all(|byte| byte.is_ascii_graphic());
        if name.is_empty() || name.len() > 128 || !visible {
            let hint = "gateway_client_id must be 1 to 128 visible ASCII characters";
            return Err(Status::invalid_argument(hint));
        }
        let registration = inner.registry.register(name);
        let connection =
            Connection::begin(inner.context.clone(), registration, &request.cursor).await?;
        tracing::info!(gateway = name, "a gateway subscribed");
        Ok(Response::new(Box::pin(connection.into_stream())))
    }
}

impl Inner {
    fn authorise(&self, headers: &HeaderMap) -> Result<(), Status> {
        match &self.token {
            Some(token) if !bearer::carries(headers, token) => Err(Status::unauthenticated(
                "send the gateway's token as authorization: Bearer",
            )),
            _ => Ok(()),
        }
    }
}

impl NamedService for PushService {
    const NAME: &'static str = "galaxy.push.v1.Push";
}

impl tower::Service<http::Request<Body>> for PushService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            if request.uri().path() != SUBSCRIBE_PUSH {
                return Ok(Status::unimplemented("there is no such method").into_http());
            }
            let mut grpc =
                Grpc::new(Encoded).apply_max_message_size_config(Some(MAX_REQUEST), None);
            Ok(grpc.server_streaming(Subscribe(service), request).await)
        })
    }
}

struct Subscribe(PushService);

impl ServerStreamingService<GatewaySubscribeRequest> for Subscribe {
    type Response = Bytes;
    type ResponseStream = BoxStream<'static, Result<Bytes, Status>>;
    type Future = BoxFuture<'static, Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<GatewaySubscribeRequest>) -> Self::Future {
        Box::pin(self.0.clone().subscribe(request))
    }
}

/// Passes encoded messages through.
#[derive(Debug, Clone, Copy)]
struct Encoded;

impl Codec for Encoded {
    type Encode = Bytes;
    type Decode = GatewaySubscribeRequest;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Encoded {
    type Item = GatewaySubscribeRequest;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, Status> {
        GatewaySubscribeRequest::decode(buffer)
            .map(Some)
            .map_err(|_| Status::invalid_argument("the request is not a GatewaySubscribeRequest"))
    }
}
