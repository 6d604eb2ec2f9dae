"""grpcio: the journey from Python. Arguments: the folder with the generated modules."""

import json
import os
import sys

sys.path.insert(0, sys.argv[1])

import grpc
from google.protobuf import field_mask_pb2, struct_pb2
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from mainstay.data.v1 import contract_service_pb2, contract_service_pb2_grpc
from mainstay.v1 import transform_pb2
from shop.v1 import commit_service_pb2, commit_service_pb2_grpc, order_pb2, order_service_pb2
from shop.v1 import product_service_pb2, product_service_pb2_grpc, review_pb2, review_service_pb2, review_service_pb2_grpc

ADDRESS = os.environ["MAINSTAY_URL"].removeprefix("http://")
USER = [("authorization", "Bearer " + os.environ["USER_TOKEN"])]
ADMIN = [("authorization", "Bearer " + os.environ["ADMIN_TOKEN"])]


def refusal(call):
    try:
        call()
        return {"code": 0}
    except grpc.RpcError as error:
        status = rpc_status.from_call(error)
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        for detail in status.details if status else []:
            detail.Unpack(info) or detail.Unpack(bad)
        return {
            "code": error.code().value[0],
            "reason": info.reason,
            "domain": info.domain,
            "fields": [violation.field for violation in bad.field_violations],
            "said": bool(error.details()),
        }


def review(stars):
    return review_service_pb2.CreateReviewRequest(
        review=review_pb2.Review(product="products/cup", stars=stars, text="Grüße ☕")
    )


def commit(*writes):
    return commits.Commit(commit_service_pb2.CommitRequest(writes=[write(**it) for it in writes]), metadata=USER)


def together(stars):
    line = order_pb2.Order.Line(product="products/cup", quantity=2)
    order = order_service_pb2.CreateOrderRequest(order=order_pb2.Order(lines=[line]))
    return commit({"label": "order", "create_order": order}, {"create_review": review(stars)})


def get(name):
    return product_service_pb2.GetProductRequest(name=name)


channel = grpc.insecure_channel(ADDRESS)
products = product_service_pb2_grpc.ProductServiceStub(channel)
reviews = review_service_pb2_grpc.ReviewServiceStub(channel)
commits = commit_service_pb2_grpc.CommitServiceStub(channel)
write = commit_service_pb2.CommitRequest.Write
contracts = contract_service_pb2_grpc.ContractServiceStub(channel)

cup, call = products.GetProduct.with_call(get("products/cup"))
page = products.ListProducts(product_service_pb2.ListProductsRequest(page_size=3, filter="stock > 0", order_by="sku"))
made = reviews.CreateReview(review(4), metadata=USER)
changed = reviews.UpdateReview(
    review_service_pb2.UpdateReviewRequest(
        review=review_pb2.Review(name=made.name, stars=5), update_mask=field_mask_pb2.FieldMask(paths=["stars"])
    ),
    metadata=USER,
)
reviews.DeleteReview(review_service_pb2.DeleteReviewRequest(name=made.name), metadata=USER)
results = together(4).results
lower = transform_pb2.FieldTransform(field="stars", add=struct_pb2.Value(number_value=-2))
update = review_service_pb2.UpdateReviewRequest(review=review_pb2.Review(name=results[1].review.name), transforms=[lower])
lowered = commit({"update_review": update})
removed = commit(
    {"delete_order": order_service_pb2.DeleteOrderRequest(name=results[0].order.name)},
    {"delete_review": review_service_pb2.DeleteReviewRequest(name=results[1].review.name)},
)
watch = contracts.WatchContract(contract_service_pb2.WatchContractRequest(), metadata=ADMIN)
contract = next(watch)
watch.cancel()
nobodys = contracts.WatchContract(contract_service_pb2.WatchContractRequest())
print(
    json.dumps(
        {
            "name": "grpcio",
            "cup": {"name": cup.name, "title": cup.title, "units": cup.price.units},
            "page": {"skus": [product.sku for product in page.products], "more": bool(page.next_page_token)},
            "review": {"stars": made.stars, "text": made.text},
            "changed": {"stars": changed.stars, "text": changed.text},
            "committed": {
                "kinds": [result.WhichOneof("record") for result in results],
                "stars": results[1].review.stars,
                "quantity": results[0].order.lines[0].quantity,
                "lowered": lowered.results[0].review.stars,
                "removed": len(removed.results),
            },
            "uncommitted": refusal(lambda: together(9)),
            "gone": refusal(lambda: reviews.GetReview(review_service_pb2.GetReviewRequest(name=made.name))),
            "missing": refusal(lambda: products.GetProduct(get("products/nowhere"))),
            "nobody": refusal(lambda: reviews.CreateReview(review(4))),
            "forged": refusal(lambda: reviews.CreateReview(review(4), metadata=[("authorization", "Bearer not-a-token")])),
            "invalid": refusal(lambda: reviews.CreateReview(review(9), metadata=USER)),
            "watched": {"revision": contract.revision},
            "unwatched": refusal(lambda: next(nobodys)),
            "requestId": any(key == "x-request-id" and value for key, value in call.initial_metadata()),
        }
    )
)
