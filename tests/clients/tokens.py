"""PyPI's `joserfc`: verifies access tokens with the keys that the server publishes."""

import base64
import json
import os
import urllib.request

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

token = os.environ["USER_TOKEN"]
with urllib.request.urlopen(os.environ["MAINSTAY_URL"] + "/.well-known/jwks.json") as answer:
    keys = KeySet.import_key_set(json.load(answer))
algorithms = ["EdDSA", "Ed25519", "ES256"]


def verified(token, **expected):
    decoded = jwt.decode(token, keys, algorithms=algorithms)
    claims = {"iss": "mainstay", "aud": "mainstay", **expected}
    essential = {name: {"essential": True, "value": value} for name, value in claims.items()}
    jwt.JWTClaimsRegistry(exp={"essential": True}, **essential).validate(decoded.claims)
    return decoded


def refusal(token, **expected):
    try:
        verified(token, **expected)
        return "taken"
    except JoseError as error:
        return error.error


decoded = verified(token)
header, claims, signature = token.split(".")
other = base64.urlsafe_b64encode(json.dumps({**decoded.claims, "sub": "another"}).encode()).decode().rstrip("=")
print(json.dumps({
    "alg": decoded.header["alg"],
    "typ": decoded.header["typ"],
    "email": decoded.claims["email"],
    "otherClaims": refusal(f"{header}.{other}.{signature}"),
    "otherAudience": refusal(token, aud="another"),
}))
