"""What reading one file may cost, and the errors of what costs more. The parent sends these numbers to the child that reads."""

from dataclasses import asdict, dataclass
from math import ceil

from .base import Unparsable

MB = 1_000_000
MOST_ENTRIES = 10_000
"""Parts of a container: a real document has some hundreds."""


@dataclass(frozen=True)
class Limits:
    """All of them count for one file. The kernel holds to `timeout_s` as processor time too, where it can."""

    timeout_s: float = 120
    memory_bytes: int = 512 * MB
    text_bytes: int = 16 * MB
    inflated_bytes: int = 100 * MB
    pages: int = 5000

    @property
    def cpu_s(self) -> int:
        return ceil(self.timeout_s)

    def as_numbers(self) -> dict[str, float]:
        return asdict(self)


def too_much_text(limits: Limits) -> Unparsable:
    return Unparsable(
        "invalid_file",
        f"This file holds more than {limits.text_bytes / MB:.15g} MB of text. Split it into smaller files and upload those.",
    )


def too_much_memory(limits: Limits) -> Unparsable:
    return Unparsable(
        "invalid_file",
        f"Reading this file takes more than {limits.memory_bytes / MB:.15g} MB of memory. It may be damaged; if not, split it "
        "into smaller files and upload those.",
    )


def too_slow(limits: Limits) -> Unparsable:
    return Unparsable(
        "invalid_file",
        f"Reading this file took longer than {limits.timeout_s:.15g} seconds. It may be damaged; if not, split it into smaller "
        "files and upload those.",
    )


def too_many_pages(pages: int, limits: Limits) -> Unparsable:
    return Unparsable(
        "invalid_file", f"This file has {pages:,} pages; at most {limits.pages:,} are read. Split it and upload the parts."
    )


def too_much_inflated(limits: Limits) -> Unparsable:
    return Unparsable(
        "invalid_file",
        f"Unpacked, this file is larger than {limits.inflated_bytes / MB:.15g} MB. Split it into smaller files and upload those.",
    )
