"""An SMTP server that wants STARTTLS and a password, and prints every mail that it takes as one JSON object."""

import json
import ssl
import sys
import threading
from email import message_from_bytes
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Mailbox:
    async def handle_DATA(self, server, session, envelope):
        mail = message_from_bytes(envelope.content, policy=default)
        parts = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
        print(
            json.dumps(
                {
                    "from": envelope.mail_from,
                    "to": envelope.rcpt_tos,
                    "headers": {name: str(value) for name, value in mail.items()},
                    "defects": [str(defect) for defect in mail.defects],
                    "text": parts.get("text/plain"),
                    "html": parts.get("text/html"),
                    "tls": session.ssl is not None,
                    "user": session.auth_data.decode() if session.auth_data else None,
                }
            ),
            flush=True,
        )
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    if (data.login, data.password) == (b"shop", b"a secret of the relay"):
        return AuthResult(success=True, auth_data=data.login)
    return AuthResult(success=False, handled=False)


port, certificate, key = int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
Controller(
    Mailbox(),
    hostname="127.0.0.1",
    port=port,
    tls_context=context,
    require_starttls=True,
    auth_required=True,
    authenticator=authenticate,
).start()
print(json.dumps({"ready": True}), flush=True)
threading.Event().wait()
