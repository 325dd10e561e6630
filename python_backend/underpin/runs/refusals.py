"""The models' refusals of late: a request may ask for one when its run is over already."""

from ..errors import ModelError

REMEMBERED = 1000


class Refusals:
    """A bounded memory, oldest out first."""

    def __init__(self) -> None:
        self._errors: dict[str, ModelError] = {}

    def remember(self, run_id: str, error: ModelError) -> None:
        self._errors[run_id] = error
        if len(self._errors) > REMEMBERED:
            del self._errors[next(iter(self._errors))]

    def of(self, run_id: str) -> ModelError | None:
        """The refusal that ended the run; None when there was none, or it is long ago."""
        return self._errors.get(run_id)
