"""An app that makes codes: reads the address that it is given and prints the code of now, and its secret's Base32."""

import sys

import pyotp

app = pyotp.parse_uri(sys.argv[1])
print(app.now(), app.secret, app.issuer, app.name, sep="\n")
