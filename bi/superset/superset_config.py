"""Superset for the first dashboard: everything secret comes from the environment, and nothing has a default.

SUPERSET_SECRET_KEY signs sessions. AME_READER_URI is the address of the warehouse as the role ame_reader, for
example postgresql+psycopg2://ame_reader:…@db.example:5432/ame?sslmode=require; it is put in when a connection
is made and never stored in Superset's own database, whose place is SUPERSET_METADATA_URI.
"""

import os
from typing import Any

from sqlalchemy.engine import URL, make_url

SECRET_KEY = os.environ["SUPERSET_SECRET_KEY"]
SQLALCHEMY_DATABASE_URI = os.environ["SUPERSET_METADATA_URI"]
READER = make_url(os.environ["AME_READER_URI"])
if READER.username != "ame_reader":
    raise SystemExit("AME_READER_URI must name the role ame_reader, which may only read")

# Numbers in Swedish form: decimal comma, thin space.
D3_FORMAT = {"decimal": ",", "thousands": "\u202f", "grouping": [3], "currency": ["", "\u202fkr"]}
# A publication replaces all tables at once; what it brought is to be seen at the next look.
CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
# Nothing outside this server is asked: no pictures or telemetry from elsewhere.
TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,  # a proxy with TLS stands in front when others than this machine are served
    "session_cookie_secure": False,
}
WTF_CSRF_ENABLED = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
PREVENT_UNSAFE_DB_CONNECTIONS = True


def DB_CONNECTION_MUTATOR(uri: URL, params: dict[str, Any], *_: Any) -> tuple[URL, dict[str, Any]]:  # noqa: N802
    """Put the address of the warehouse in the place of the one in assets/databases/AME.yaml."""
    return (READER if uri.username == READER.username else uri), params
