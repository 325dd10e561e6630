"""MONGODB_URI: what the driver makes of it, and what of it may be shown, which is the hosts alone."""

import logging
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo import AsyncMongoClient, ReadPreference, WriteConcern
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConfigurationError, InvalidURI, PyMongoError
from pymongo.read_concern import ReadConcern

from ..errors import ConfigError

logger = logging.getLogger("underpin.store")

Document = dict[str, Any]

DEFAULT_DATABASE = "ai-geotech-db"
"""The guide's, for a URI that names none."""
IDLE_S = 60
"""A connection that was idle for longer is opened anew: routers forget one after minutes, and the next write is lost in it."""

FORM = (
    "It looks like mongodb://user:password@host:27017/database or mongodb+srv://user:password@host/database, and the characters "
    ": / ? # [ ] @ % in a user or password are percent-encoded"
)


@dataclass(frozen=True)
class Timeouts:
    """`answer_s`: to find a server that can be written to, and to open a connection to it; `socket_s`: one answer of it;
    `majority_s`: the confirmation of a write by most members of a replica set; `close_s`: what is under way when the server
    stops."""

    answer_s: float = 3.0
    socket_s: float = 10.0
    majority_s: float = 5.0
    close_s: float = 5.0


@dataclass(frozen=True)
class Address:
    """What may be shown of a URI."""

    hosts: str
    """`host:port`, with commas."""
    database: str
    tls: bool
    srv: bool


def client_of(uri: str, timeouts: Timeouts) -> tuple[AsyncMongoClient[Document], Address]:
    """A client that has not connected yet. Raises ConfigError for a URI that cannot be used, without a word of it."""
    options = dict(part.partition("=")[::2] for part in uri.rpartition("?")[2].lower().split("&")) if "?" in uri else {}
    given: dict[str, Any] = {
        "serverSelectionTimeoutMS": int(timeouts.answer_s * 1000),
        "connectTimeoutMS": int(timeouts.answer_s * 1000),
        "socketTimeoutMS": int(timeouts.socket_s * 1000),
        "waitQueueTimeoutMS": int(timeouts.answer_s * 1000),
        "maxIdleTimeMS": IDLE_S * 1000,
        "appname": "underpin",
        # Not every server has them, and nothing here relies on them: who calls the store repeats its writes.
        **({} if "retrywrites" in options else {"retryWrites": False}),
    }
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            client: AsyncMongoClient[Document] = AsyncMongoClient(uri, **given)
            database = client.get_default_database(DEFAULT_DATABASE).name
    except (PyMongoError, ValueError, TypeError) as error:
        raise ConfigError(f"MONGODB_URI cannot be used: {_why(error)}. Correct it in python_backend/.env.") from None
    except OSError:
        raise ConfigError(
            "MONGODB_URI names a certificate file that cannot be read. Correct it in python_backend/.env."
        ) from None
    _tell_of_ignored(options, " ".join(str(one.message) for one in said).lower())
    srv = uri.startswith("mongodb+srv://")
    tls = options.get("tls", options.get("ssl", str(srv).lower())) == "true"
    return client, Address(_hosts(client), database, tls, srv)


def _tell_of_ignored(options: Iterable[str], said: str) -> None:
    names = [name for name in options if re.fullmatch("[a-z]{3,50}", name) and name in said]
    if names:
        logger.warning("⚠️ MONGODB_URI has options that are not known, or whose values cannot be used: %s", ", ".join(names))


def database_of(client: AsyncMongoClient[Document], address: Address, timeouts: Timeouts) -> AsyncDatabase[Document]:
    """The database as this program needs it, whatever the URI asks for: what was written is read, and outlives a failover."""
    return client.get_database(
        address.database,
        # Rows of other programs may hold any date and any bytes.
        codec_options=CodecOptions(
            tz_aware=True,
            tzinfo=UTC,
            datetime_conversion=DatetimeConversion.DATETIME_AUTO,
            unicode_decode_error_handler="replace",
        ),
        read_preference=ReadPreference.PRIMARY,
        write_concern=WriteConcern("majority", wtimeout=int(timeouts.majority_s * 1000)),
        read_concern=ReadConcern(),
    )


def _why(error: Exception) -> str:
    text = str(error)
    if "escaped" in text or "percent" in text:
        return f"the user or the password holds a character that must be percent-encoded. {FORM}"
    if re.search(r"\bport\b", text, re.IGNORECASE):
        return f"its port is not a number from 1 to 65535, or a character of the password is not percent-encoded. {FORM}"
    if isinstance(error, ConfigurationError) and not isinstance(error, InvalidURI) and "host" not in text:
        return "its options do not fit each other, or need a part of the driver that is not installed"
    return f"it is not an address of MongoDB. {FORM}"


def _hosts(client: AsyncMongoClient[Document]) -> str:
    seeds = sorted(client.topology_description.server_descriptions(), key=str)
    return ", ".join(_shown(host, port) for host, port in seeds) or "the host of MONGODB_URI"


def _shown(host: str, port: int | None) -> str:
    host = f"[{host}]" if ":" in host else host
    return host if port is None else f"{host}:{port}"
