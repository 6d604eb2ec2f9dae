"""Authlib signs somebody in by the pages, and joserfc verifies what it gets. Prints what it sees."""

import json
import os
import re
import secrets
from urllib.parse import parse_qs, urljoin, urlsplit

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import requests
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

ISSUER = os.environ["MAINSTAY_URL"]
REDIRECT = "https://shop.example.net/signed-in"


def say(**what):
    print(json.dumps(what))


jar = {}


def browse(address, form=None):
    """A browser without scripts: it keeps cookies, and follows nothing by itself."""
    headers = {"sec-fetch-site": "same-origin"}
    if jar:
        headers["cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
    address = urljoin(ISSUER, address)
    call = requests.post if form else requests.get
    answer = call(address, data=form, headers=headers, allow_redirects=False)
    for line in answer.raw.headers.getlist("set-cookie"):
        name, value = line.split(";")[0].split("=", 1)
        jar[name] = value
    return answer


def led(address):
    page = browse(address)
    if page.status_code == 303 and page.headers["location"].startswith("/auth/sign-in"):
        back = parse_qs(urlsplit(page.headers["location"]).query)["return_to"][0]
        browse("/auth/sign-in", {"email": os.environ["EMAIL"], "password": os.environ["PASSWORD"], "return_to": back})
        page = browse(back)
    if page.status_code != 200:
        return page.headers["location"]
    ticket = re.search(r'name="ticket" value="([^"]*)"', page.text)[1]
    return browse("/auth/oauth2/consent", {"ticket": ticket, "decision": "allow"}).headers["location"]


made = requests.post(
    f"{ISSUER}/auth/v1/oauthClients",
    json={"displayName": "Shop", "redirectUris": [REDIRECT]},
    headers={"authorization": f"Bearer {os.environ['ADMIN_TOKEN']}"},
).json()
metadata = requests.get(f"{ISSUER}/.well-known/oauth-authorization-server").json()
session = OAuth2Session(
    made["clientId"],
    made["clientSecret"],
    scope="openid email profile offline_access",
    redirect_uri=REDIRECT,
    code_challenge_method="S256",
    token_endpoint=metadata["token_endpoint"],
)
verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
address, state = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce)
location = led(address)
answer = parse_qs(urlsplit(location).query)
say(iss=answer["iss"] == [ISSUER], state=answer["state"] == [state])
token = session.fetch_token(authorization_response=location, code_verifier=verifier, state=state)
say(type=token["token_type"], scope=token["scope"])

keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"]).json())
algorithms = metadata["id_token_signing_alg_values_supported"]
verified = jwt.decode(token["id_token"], keys, algorithms=algorithms)
registry = jwt.JWTClaimsRegistry(
    iss={"essential": True, "value": ISSUER},
    aud={"essential": True, "value": made["clientId"]},
    nonce={"essential": True, "value": nonce},
    exp={"essential": True},
    sub={"essential": True},
)
registry.validate(verified.claims)
access = jwt.decode(token["access_token"], keys, algorithms=algorithms)
say(id_token=verified.header["typ"], access_token=access.header["typ"], client=access.claims["client_id"] == made["clientId"])
user = session.get(metadata["userinfo_endpoint"]).json()
say(same=user["sub"] == verified.claims["sub"], email=user["email"])
renewed = session.refresh_token(metadata["token_endpoint"])
say(renewed=renewed["refresh_token"] != token["refresh_token"])
looked = session.introspect_token(metadata["introspection_endpoint"], token=renewed["access_token"]).json()
session.revoke_token(metadata["revocation_endpoint"], token=renewed["refresh_token"])
after = session.introspect_token(metadata["introspection_endpoint"], token=renewed["access_token"]).json()
say(active=looked["active"], after=after)

machine = OAuth2Session(os.environ["SERVICE"], os.environ["SERVICE_KEY"], token_endpoint=metadata["token_endpoint"])
own = machine.fetch_token(grant_type="client_credentials")
called = requests.get(f"{ISSUER}/auth/v1/accounts/me", headers={"authorization": f"Bearer {own['access_token']}"})
say(machine=own["token_type"], let_in=called.status_code == 404)
