"""How many tokens a text is about, before any model has counted it: one rule for the whole server, that depends on no model."""

BYTES_A_TOKEN = 4
"""Of English; of other scripts a little more. An estimate need not be better: what a model counts is what is kept."""


def tokens(text: str) -> int:
    """About how many tokens a text is."""
    return -(-len(text.encode("utf-8", "replace")) // BYTES_A_TOKEN)
