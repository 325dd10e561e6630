"""What went wrong with MongoDB, as a sentence for people. It names the hosts, never user, password or the driver's words."""

import re
from collections.abc import Iterable, Iterator

from bson.errors import BSONError
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    DocumentTooLarge,
    ExecutionTimeout,
    InvalidOperation,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WriteConcernError,
)

from ..errors import BadInput, StoreUnavailable, UnderpinError
from .fields import UNSTORABLE
from .mongo_address import Address

RETRY_AFTER_S = 5.0
UNCONFIRMED = "did not confirm a write to most of its members in time"
TOO_LARGE = "It is larger than the 16 MB that MongoDB keeps in one piece."

DRIVER_ERRORS = (PyMongoError, BSONError, UnicodeEncodeError, OSError)
"""Whatever a call of the driver may raise."""

_AUTHENTICATION_FAILED = 18
_ATLAS = 8000
_UNAUTHORIZED = 13
_DISK_FULL = {14031, 15926}
_TOO_LARGE = {10334, 17419, 17420}
_STOPPING = {91, 11600, 11602}
_HOST_AND_PORT = re.compile(r"[^\s,'\"]+:\d+")

# The driver keeps the cause of a failed connection as text only. The text decides, and is not shown; the first that fits counts.
_CERTIFICATE = "certificate verify failed"
_CAUSES: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        (_CERTIFICATE,),
        "has a TLS certificate that is not trusted here: give the authority's file as tlsCAFile in MONGODB_URI, and the host as "
        "the certificate has it",
    ),
    (("ssl", "tls"), "cannot be spoken to over TLS: look at tls and the certificate files in MONGODB_URI"),
    (
        ("name or service not known", "nodename nor servname", "getaddrinfo failed", "name resolution", "no address associated"),
        "is not found: no address is known for that host name",
    ),
    (("connection refused", "connect call failed"), "refuses connections: look whether it runs, and at the port"),
    (("unreachable", "no route to host"), "is not reachable from this network"),
    (
        ("connection closed", "connection is closed", "connection reset", "broken pipe"),
        "closes every connection: it may ask for TLS (tls=true in MONGODB_URI), or not admit this machine",
    ),
    (("replica set",), "has no member of the replica set that MONGODB_URI names"),
)


class Refused(StoreUnavailable):
    """The server answered, and will not serve us: waiting does not mend it, a setting does."""


def translated(error: Exception, address: Address, seen: Iterable[Exception | None] = ()) -> UnderpinError:
    """One of DRIVER_ERRORS as ours; `seen` is why each server of the address could not be used."""
    match error:
        case DocumentTooLarge():
            return BadInput(TOO_LARGE)
        case BSONError() | UnicodeEncodeError():
            return BadInput(UNSTORABLE)
        case InvalidOperation():
            return StoreUnavailable("The store is closed.")
        case NotPrimaryError():
            return _away("is choosing another primary member", address)
        case WriteConcernError():
            return _away(UNCONFIRMED, address)
        case ExecutionTimeout():
            return _away("took too long", address)
        case BulkWriteError():
            return _refused_in_bulk(error, address)
        case OperationFailure():
            return _refused(error.code, str(error), address)
        case WaitQueueTimeoutError():
            return _away("is busy: no connection to it became free", address)
        case ServerSelectionTimeoutError():
            known = [str(one) for one in seen if one is not None]
            return _unreachable(known or [str(error).partition("Topology Description")[0]], address, silent=not known)
        case ConfigurationError():
            return _misconfigured(error, address)
        case _:
            return _unreachable([str(error)], address)


def _refused_in_bulk(error: BulkWriteError, address: Address) -> UnderpinError:
    for one in (error.details or {}).get("writeErrors", []):
        return _refused(one.get("code"), str(one.get("errmsg")), address)
    return _away(UNCONFIRMED, address)


def _refused(code: int | None, text: str, address: Address) -> UnderpinError:
    text = text.lower()
    if code == _AUTHENTICATION_FAILED or (code == _ATLAS and "auth" in text):
        return _not_for_us(
            "does not accept the user or the password of MONGODB_URI. Correct them in python_backend/.env", address
        )
    if code == _UNAUTHORIZED:
        return _not_for_us(
            f"does not let the user of MONGODB_URI read and write the database '{address.database}'. Give it the role readWrite "
            "there",
            address,
        )
    if code in _TOO_LARGE:
        return BadInput(TOO_LARGE)
    if code in _DISK_FULL or (code == _ATLAS and ("space" in text or "quota" in text)):
        return _away("has no space left", address)
    if code in _STOPPING:
        return _away("is being stopped", address)
    return _away(f"refused an operation (its error {code})", address)


def _misconfigured(error: Exception, address: Address) -> UnderpinError:
    """What the driver finds out after the first word: names in the DNS, and whether it knows so old a server."""
    kinds = {type(one).__name__ for one in _chain(error)}
    if kinds & {"NXDOMAIN", "NoAnswer"} or "DNS query name does not exist" in str(error):
        return _not_for_us("is not found: the DNS knows no MongoDB of that name (mongodb+srv://)", address)
    if "Invalid URI host" in str(error):
        return _not_for_us("cannot be looked up: mongodb+srv:// goes with a name of the DNS, mongodb:// with any host", address)
    if "wire version" in str(error):
        return _not_for_us("is too old: MongoDB 4.4 or newer is needed", address)
    if address.srv:
        return _away("is not found: the DNS does not answer", address)
    return _not_for_us("cannot be used with the options of MONGODB_URI", address)


def _unreachable(texts: list[str], address: Address, *, silent: bool = False) -> UnderpinError:
    # A host may be called anything, also tls-1.
    text = _HOST_AND_PORT.sub("", " ".join(texts)).lower()
    for marks, reason in _CAUSES:
        if any(mark in text for mark in marks):
            return (_not_for_us if _CERTIFICATE in marks else _away)(reason, address)
    if address.tls and silent:
        return _away("does not answer over TLS: it may not speak it (tls in MONGODB_URI)", address)
    return _away("does not answer", address)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(10):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _away(reason: str, address: Address) -> StoreUnavailable:
    return StoreUnavailable(f"MongoDB at {address.hosts} {reason}.", retry_after_s=RETRY_AFTER_S)


def _not_for_us(reason: str, address: Address) -> Refused:
    return Refused(f"MongoDB at {address.hosts} {reason}.", retry_after_s=RETRY_AFTER_S)
