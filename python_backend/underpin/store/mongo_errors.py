"""What went wrong with MongoDB, as a sentence for people. It names the host, never user, password or the driver's words."""

from collections.abc import Iterator

from bson.errors import InvalidDocument
from pymongo.errors import (
    ConfigurationError,
    DocumentTooLarge,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)

from ..errors import BadInput, ConfigError, StoreUnavailable, UnderpinError
from .fields import UNSTORABLE

_WRONG_LOGIN = {18, 8000}
_NOT_ALLOWED = 13
_DISK_FULL = {14031, 15926}
RETRY_AFTER_S = 5.0


class WrongLogin(ConfigError):
    """The server answered, and does not accept the user or password: waiting does not help."""


def bad_uri(error: Exception) -> ConfigError:
    """For a MONGODB_URI that the driver refuses, before any connection."""
    if isinstance(error, InvalidURI | ValueError):
        why = (
            "is not an address of MongoDB: it begins with mongodb:// or mongodb+srv://, and : / ? # [ ] @ in a user or "
            "password are percent-encoded"
        )
    elif isinstance(error, ConfigurationError):
        why = "cannot be used: its host is not found in the DNS, or one of its options is wrong"
    else:
        why = "cannot be used"
    return ConfigError(f"MONGODB_URI {why}. Correct it in python_backend/.env.")


def translated(error: PyMongoError, host: str) -> UnderpinError:
    """The error of a call, as ours."""
    if isinstance(error, DocumentTooLarge | InvalidDocument):
        return BadInput(UNSTORABLE)
    if isinstance(error, WriteConcernError):
        return _unavailable(f"MongoDB at {host} did not confirm a write to a majority of its members in time.")
    if isinstance(error, OperationFailure):
        return _refused(error, host)
    return _unavailable(f"MongoDB at {host} {_reason(error)}.")


def _refused(error: OperationFailure, host: str) -> UnderpinError:
    if error.code in _WRONG_LOGIN:
        return WrongLogin(
            f"MongoDB at {host} does not accept the user or password of MONGODB_URI. Correct them in python_backend/.env."
        )
    if error.code == _NOT_ALLOWED:
        return WrongLogin(
            f"The user of MONGODB_URI may not read and write its database at {host}. Give it the role readWrite there."
        )
    if error.code in _DISK_FULL:
        return _unavailable(f"The disk of MongoDB at {host} is full.")
    return _unavailable(f"MongoDB at {host} refused an operation (code {error.code}).")


def _reason(error: PyMongoError) -> str:
    """Why it does not answer. The driver wraps the cause, so the whole chain is looked at; its text decides, and is not shown."""
    text = " ".join(str(one) for one in _chain(error)).lower()
    if "ssl" in text or "certificate" in text or "tls" in text:
        return "cannot be reached over TLS: check the certificate, and whether the server wants TLS (tls=true in MONGODB_URI)"
    if "name or service not known" in text or "nodename" in text or "getaddrinfo" in text or "no address" in text:
        return "is not found: the host name is unknown"
    if "refused" in text or "connect call failed" in text:
        return "refuses connections: is it running?"
    if "replica set" in text or "replicaset" in text:
        return "is not the replica set that MONGODB_URI names"
    return "does not answer"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(10):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _unavailable(text: str) -> StoreUnavailable:
    return StoreUnavailable(text, retry_after_s=RETRY_AFTER_S)
