"""A pricing service. Mainstay says who calls, in an assertion; the service asks the catalogue back with the caller's rights.

Arguments: the port, the folder with the generated modules, the URL of Mainstay.
"""

import json, sys, urllib.request
from concurrent.futures import ThreadPoolExecutor

port, modules, mainstay = sys.argv[1:]
sys.path.insert(0, modules)
import grpc
from catalog.v1 import catalog_pb2 as pb, catalog_pb2_grpc, product_service_pb2, product_service_pb2_grpc
from google.api.httpbody_pb2 import HttpBody
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

catalogue = product_service_pb2_grpc.ProductServiceStub(grpc.insecure_channel(mainstay.removeprefix("http://")))
expected = jwt.JWTClaimsRegistry(exp={"essential": True}, iss={"value": "mainstay"}, aud={"value": "pricing"})
margin = 50


def caller(context):
    """Who calls, and what to call back with. Mainstay lets nobody in who may not; without this, whoever finds the port would be."""
    bearer = dict(context.invocation_metadata()).get("authorization", "")
    try:
        with urllib.request.urlopen(mainstay + "/.well-known/jwks.json") as answer:
            keys = KeySet.import_key_set(json.load(answer))
        token = jwt.decode(bearer.removeprefix("Bearer "), keys, algorithms=["EdDSA", "Ed25519", "ES256"])
        expected.validate(token.claims)
    except (JoseError, ValueError):
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "show an assertion that Mainstay made for this service")
    return token.claims, [("authorization", bearer)]


class Pricing(catalog_pb2_grpc.PricingServiceServicer):
    def PriceProduct(self, request, context):
        _, back = caller(context)
        try:
            product = catalogue.GetProduct(product_service_pb2.GetProductRequest(name=request.name), metadata=back)
        except grpc.RpcError as error:
            context.abort(error.code(), error.details())
        pieces = request.pieces or 1
        return pb.Price(product=product.name, cents=product.cost * pieces * (100 + margin) // 100, pieces=pieces)

    def ListRates(self, request, context):
        return pb.ListRatesResponse(margin=margin)

    def ExportRates(self, request, context):
        return HttpBody(content_type="text/csv", data=b"rate,percent\nmargin,%d\n" % margin)

    def WatchPrices(self, request, context):
        for pieces in (1, 2, 3):
            request.pieces = pieces
            yield self.PriceProduct(request, context)

    def AddUp(self, requests, context):
        caller(context)
        prices = list(requests)
        return pb.Price(cents=sum(price.cents for price in prices), pieces=len(prices))

    def Haggle(self, requests, context):
        caller(context)
        for price in requests:
            yield pb.Price(product=price.product, cents=price.cents * 9 // 10, pieces=price.pieces)

    def SetMargin(self, request, context):
        global margin
        claims, _ = caller(context)
        margin = request.margin
        if margin < 0:
            raise ValueError("postgres://pricing:secret@10.0.0.7/prices is upside down")
        return pb.SetMarginResponse(uid=claims["sub"])


server = grpc.server(ThreadPoolExecutor(16))
catalog_pb2_grpc.add_PricingServiceServicer_to_server(Pricing(), server)
serving = health.HealthServicer()
serving.set("", health_pb2.HealthCheckResponse.SERVING)
health_pb2_grpc.add_HealthServicer_to_server(serving, server)
server.add_insecure_port("127.0.0.1:" + port)
server.start()
print(json.dumps({"serves": port}), flush=True)
server.wait_for_termination()
