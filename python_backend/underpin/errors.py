"""The tree of errors, and the one table that turns them into HTTP.

UnderpinError
    BadInput                 the request is wrong: names the field and the remedy
        TooLarge             the body is larger than the setting allows
        UnknownHost          the Host header names a host that this server is not
    OriginRefused            a web page that is not allowed asked for a change
    NotFound                 missing, or another owner's: the two look the same
    AlreadyExists            an id that is taken
    ConditionFailed          a conditional update lost: carries the object as it is now
    ThreadBusy               the thread has an active run
    TooManyWaiting           the thread's queue of waiting messages is full
    WrongState               the run's status does not allow the call
    KeyReused                an Idempotency-Key came with another body
    ShuttingDown             the server takes no new runs
    StoreUnavailable         the database does not answer
    ConfigError              a setting that cannot work; raised at start only
    ModelError               the model did not answer; the message is for people
        ModelKeyRejected
        ModelUnknown
        ModelRateLimited     carries retry_after_s where the upstream named it
        ModelRefusedRequest
            ToolsRefused     it takes no tools; it may be asked without them
        ModelUnreachable
        ModelBroken          it answered something that is not a model's answer
    VectorStoreAway          the server that keeps a vector store cannot be asked, so nobody knows what it holds
    EmbeddingFailed          text could not be made into vectors: carries `retryable`
"""

from typing import Literal

LastErrorCode = Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]


class UnderpinError(Exception):
    """An error whose text may be shown to the caller: no key, path or traceback is ever in it."""

    def __init__(self, message: str, *, param: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s


class BadInput(UnderpinError):
    pass


class TooLarge(BadInput):
    pass


class UnknownHost(BadInput):
    pass


class OriginRefused(UnderpinError):
    pass


class NotFound(UnderpinError):
    pass


class AlreadyExists(UnderpinError):
    pass


class ConditionFailed(UnderpinError):
    """A conditional update found other values.

    `field` names the condition that failed; `current` is the object as it was read after the failure. It is typed as
    object because this module knows no kinds: whoever catches it knows which kind it updated.
    """

    def __init__(self, message: str, *, field: str, current: object) -> None:
        super().__init__(message)
        self.field = field
        self.current = current


class ThreadBusy(UnderpinError):
    def __init__(self, thread_id: str, run_id: str) -> None:
        super().__init__(f"Thread {thread_id} already has an active run {run_id}.")
        self.run_id = run_id


class TooManyWaiting(UnderpinError):
    pass


class WrongState(UnderpinError):
    pass


class KeyReused(UnderpinError):
    pass


class ShuttingDown(UnderpinError):
    pass


class StoreUnavailable(UnderpinError):
    pass


class ConfigError(UnderpinError):
    pass


class ModelError(UnderpinError):
    code: LastErrorCode = "server_error"


class ModelKeyRejected(ModelError):
    pass


class ModelUnknown(ModelError):
    code: LastErrorCode = "invalid_prompt"


class ModelRateLimited(ModelError):
    code: LastErrorCode = "rate_limit_exceeded"


class ModelRefusedRequest(ModelError):
    code: LastErrorCode = "invalid_prompt"


class ToolsRefused(ModelRefusedRequest):
    pass


class ModelUnreachable(ModelError):
    pass


class ModelBroken(ModelError):
    pass


class VectorStoreAway(UnderpinError):
    pass


class EmbeddingFailed(UnderpinError):
    """Text could not be made into vectors. `retryable`: the same call may work later, after `retry_after_s` where known."""

    def __init__(self, message: str, *, retryable: bool, retry_after_s: float | None = None) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.retryable = retryable


# Looked up along the class's bases, so that a new error has its parent's status until it gets its own. Busy is 400, as it
# was at OpenAI: the SDKs retry 409 by themselves, and would send the message twice.
HTTP_STATUS: dict[type[UnderpinError], int] = {
    UnderpinError: 500,
    BadInput: 400,
    TooLarge: 413,
    OriginRefused: 403,
    NotFound: 404,
    AlreadyExists: 400,
    ConditionFailed: 400,
    ThreadBusy: 400,
    TooManyWaiting: 429,
    WrongState: 400,
    KeyReused: 422,
    ShuttingDown: 503,
    StoreUnavailable: 503,
    ModelError: 502,
    ModelKeyRejected: 401,
    ModelUnknown: 400,
    ModelRateLimited: 429,
    ModelRefusedRequest: 400,
    VectorStoreAway: 503,
    EmbeddingFailed: 502,
}


def http_status(error: UnderpinError) -> int:
    """The HTTP status of an error: its own, or its nearest base's."""
    return next(HTTP_STATUS[cls] for cls in type(error).__mro__ if cls in HTTP_STATUS)
