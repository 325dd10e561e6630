"""Which embedder makes new vectors, and which still answers for those that another made.

A vector store names the embedder of its vectors; after a change of settings its questions go to that one until it is embedded
anew.
"""

from collections.abc import Callable

from ..errors import ConfigError
from .base import Embedder
from .minilm import MiniLM
from .upstream import UpstreamEmbedder, model_of


class Embedders:
    """`model`: one of the model's server, None for the one that comes along. `ask` makes the embedder of a model of that server,
    which is at `address`; None where no server is configured. Raises ConfigError for a model without a server."""

    def __init__(
        self, model: str | None = None, *, ask: Callable[[str], UpstreamEmbedder] | None = None, address: str = ""
    ) -> None:
        self._ask = ask
        self._address = address
        self._made: dict[str, Embedder] = {}
        if model and ask is None:
            raise ConfigError(
                "EMBEDDING_MODEL is set, and there is no model's server to ask for it: set OPENAI_BASE_URL as well."
            )
        self.current = self._kept(ask(model) if model and ask else MiniLM())
        """Makes the vectors of new files."""

    def named(self, name: str) -> Embedder | None:
        """The embedder of that name; None when it cannot be had with these settings, as after the model's server was changed."""
        if name not in self._made:
            model = model_of(name, self._address)
            if name == MiniLM.name:
                self._kept(MiniLM())
            elif model and self._ask:
                self._kept(self._ask(model))
        return self._made.get(name)

    async def close(self) -> None:
        """Close all of them."""
        for embedder in self._made.values():
            await embedder.close()

    def _kept(self, embedder: Embedder) -> Embedder:
        self._made[embedder.name] = embedder
        return embedder
