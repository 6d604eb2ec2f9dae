"""Authenticators with one passkey each: reads a ceremony a line, `{"do", "device", "origin", "options"}`, and answers with the
line that a browser would send (`PublicKeyCredential.toJSON`).

The device `soft` is `soft-webauthn` as it is, which makes sure that somebody is there and not who. `fido2` is made of the
structures of Yubico's library, reads the options by it, and makes sure of both.
"""

import json
import os
import sys

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import features
from fido2.cose import ES256
from fido2.utils import sha256, websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
    PublicKeyCredentialCreationOptions,
    PublicKeyCredentialRequestOptions,
    UserVerificationRequirement,
)
from soft_webauthn import SoftWebauthnDevice

features.webauthn_json_mapping.enabled = True
FLAG = AuthenticatorData.FLAG


class Verifying:
    """Has a passkey that it finds without a name, and counts what it signs."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = os.urandom(32)
        self.count = 0

    def create(self, options, origin):
        options = PublicKeyCredentialCreationOptions.from_dict(options)
        assert options.authenticator_selection.user_verification == UserVerificationRequirement.REQUIRED
        assert ES256.ALGORITHM in [parameter.alg for parameter in options.pub_key_cred_params]
        assert self.id not in [known.id for known in options.exclude_credentials or []]
        self.user, self.rp_id = options.user.id, options.rp.id
        public = ES256.from_cryptography_key(self.key.public_key())
        attested = AttestedCredentialData.create(bytes(16), self.id, public)
        data = AuthenticatorData.create(options.rp.id_hash, FLAG.UP | FLAG.UV | FLAG.AT, self.count, attested)
        client = CollectedClientData.create(CollectedClientData.TYPE.CREATE, options.challenge, origin)
        attestation = AttestationObject.create("none", data, {})
        return self.credential({"clientDataJSON": client, "attestationObject": attestation})

    def get(self, options, origin):
        options = PublicKeyCredentialRequestOptions.from_dict(options)
        assert options.rp_id == self.rp_id and options.user_verification == UserVerificationRequirement.REQUIRED
        if options.allow_credentials:
            assert self.id in [known.id for known in options.allow_credentials]
        self.count += 1
        data = AuthenticatorData.create(sha256(self.rp_id.encode()), FLAG.UP | FLAG.UV, self.count)
        client = CollectedClientData.create(CollectedClientData.TYPE.GET, options.challenge, origin)
        signature = self.key.sign(data + client.hash, ec.ECDSA(hashes.SHA256()))
        shown = {"clientDataJSON": client, "authenticatorData": data, "signature": signature, "userHandle": self.user}
        return self.credential(shown)

    def credential(self, response):
        return as_json({"id": self.id, "rawId": self.id, "response": response, "type": "public-key"})


class Soft(SoftWebauthnDevice):
    """Takes its options in bytes, as `navigator.credentials` does."""

    def create(self, options, origin):
        options = {**options, "challenge": websafe_decode(options["challenge"]), "user": dict(options["user"])}
        options["user"]["id"] = websafe_decode(options["user"]["id"])
        return as_json({**super().create({"publicKey": options}, origin), "id": self.credential_id})

    def get(self, options, origin):
        options = {**options, "challenge": websafe_decode(options["challenge"])}
        return as_json({**super().get({"publicKey": options}, origin), "id": self.credential_id})


def as_json(credential):
    encoded = {name: websafe_encode(value) for name, value in credential["response"].items()}
    ids = {name: websafe_encode(credential[name]) for name in ("id", "rawId")}
    return {**ids, "type": credential["type"], "response": encoded, "clientExtensionResults": {}}


devices = {"fido2": Verifying(), "soft": Soft()}
for line in sys.stdin:
    asked = json.loads(line)
    device = devices[asked["device"]]
    print(json.dumps(getattr(device, asked["do"])(asked["options"], asked["origin"])), flush=True)
