"""Every environment variable: its name, default, unit and reason. The only module that reads the environment.

`.env` beside main.py is read too; a variable of the process wins over it. A test holds `env.example` and SETUP.md to this file.
"""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from .errors import ConfigError

_PACKAGE_DIR = Path(__file__).resolve().parent
# In a checkout `.env` and `data` stand beside main.py, from wherever it is started; an installed package has no such place of
# its own, and uses the folder in which it is started.
BACKEND_DIR = _PACKAGE_DIR.parent if (_PACKAGE_DIR.parent / "main.py").is_file() else Path.cwd()
OPENAI_BASE_URL = "https://api.openai.com/v1"

# What the guide and its env.example print in place of a value. Somebody who copies the file and starts has set nothing yet.
_PLACEHOLDER = re.compile(
    r"^(sk-(proj-)?x+|(asst|vs)_x+|mongodb(\+srv)?://user:pass(word)?@cluster\b.*|your[-_].*)$", re.IGNORECASE
)
_PLACEHOLDER_NAMES = (
    "OPENAI_API_KEY",
    "OPENAI_ASSISTANT_ID",
    "MONGODB_URI",
    "OPENAI_VECTOR_STORE_ID",
    "OPENAI_KNOWLEDGE_STORE_ID",
)

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/*\s]+", re.IGNORECASE)

Names = Annotated[list[str], NoDecode]
"""A list written with commas."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_file_encoding="utf-8",
        extra="ignore",
        env_ignore_empty=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,  # no wait is for ever, and a deadline must be a number that can be stored
    )

    # --- the guide's ---
    openai_api_key: SecretStr | None = Field(None, description="Key of the model's server. None: no Authorization is sent.")
    openai_assistant_id: str | None = Field(None, description="Id of the assistant made at the first start; made up when unset.")
    mongodb_uri: SecretStr | None = Field(None, description="MongoDB to keep everything in. Unset: SQLite in UNDERPIN_DATA_DIR.")
    openai_vector_store_id: str | None = Field(
        None, description="Vector store of uploads, here or at the model's server; made up when unset."
    )
    openai_knowledge_store_id: str | None = Field(None, description="Vector store of the knowledge base, likewise.")

    # --- the model ---
    openai_base_url: str | None = Field(
        None, description="Any OpenAI-compatible server, with its /v1. Default with a key: OpenAI."
    )
    openai_model: str | None = Field(None, description="Model to ask; gpt-5.4-mini at OpenAI, else the first of /models.")
    model_aliases: str = Field("", description="Old model names for new ones: gpt-4o-mini=gpt-5.4-mini,gpt-4=gpt-5.4")
    model_connect_timeout_s: float = Field(10, gt=0, description="To open a connection to the model's server.")
    model_first_byte_timeout_s: float = Field(120, gt=0, description="To its first byte: large local models load for a minute.")
    model_gap_timeout_s: float = Field(
        60, gt=0, description="Between two reads of an answer: a server that lives says something."
    )
    model_list_timeout_s: float = Field(
        5, gt=0, description="To list its models; asked when OPENAI_MODEL is unset, and by /ready."
    )
    model_retry_after_s: float = Field(
        5, ge=0, description="Longest Retry-After that is waited for; a longer one is told to whoever asked."
    )
    embedding_model: str | None = Field(
        None, description="Model of the same server that embeds documents and questions. Unset: MiniLM, here."
    )
    embedding_window_chars: int = Field(
        2000, ge=200, description="Text that EMBEDDING_MODEL is given at once: about 500 tokens, which most models read."
    )

    # --- the server ---
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    web_concurrency: int = Field(
        1, ge=1, description="Worker processes. This version runs one and says so when more are asked for."
    )
    cors_origins: Names = Field(
        default=["http://localhost:3000", "http://127.0.0.1:3000"],
        description="Web pages' origins that may call, with commas. The server's own is always allowed.",
    )
    allowed_hosts: Names = Field(
        default=[], description="Host names under which the server is reached, besides localhost and IP addresses."
    )
    allow_open_access: bool = Field(False, description="Listen beyond loopback although anyone who reaches the port can use it.")
    max_body_bytes: int = Field(
        3_200_000, gt=0, description="Largest JSON body: 256,000 characters as JSON escapes, of at most 12 bytes each, and more."
    )
    log_format: Literal["auto", "text", "json"] = Field("auto", description="json: one object a line; auto is text.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged.")

    # --- where things are kept ---
    underpin_data_dir: Path = Field(BACKEND_DIR / "data", description="Database, files and caches of the embedded defaults.")

    # --- files ---
    max_file_bytes: int = Field(536_870_912, gt=0, description="Largest file, in one piece or in parts: 512 MB as at OpenAI.")
    upload_timeout_s: float = Field(3600, gt=0, description="An upload in parts that was not completed expires after this.")
    file_gap_s: float = Field(60, gt=0, description="Longest silence of a client that sends or takes a file's bytes.")

    # --- reading files ---
    ingest_at_once: int = Field(2, ge=1, le=32, description="Files that are put into vector stores at once, by this process.")
    ingest_poll_s: float = Field(1, gt=0, description="How often files are looked for that another process was given.")
    parse_processes: int = Field(2, ge=1, description="Files that are read at once, each in a process of its own.")
    parse_timeout_s: float = Field(120, gt=0, description="Longest time for reading one file.")
    parse_memory_bytes: int = Field(512_000_000, ge=256_000_000, description="Most memory for reading one file.")
    parse_text_bytes: int = Field(16_000_000, gt=0, description="Most text that a file may hold.")
    parse_inflated_bytes: int = Field(
        100_000_000, gt=0, description="Most that the parts with text of a Word, PowerPoint or Excel file may be, unpacked."
    )
    parse_pages: int = Field(5000, ge=1, description="Most pages of a PDF, or slides of a presentation.")

    # --- runs ---
    adopt_old_threads: bool = Field(
        False, description="A message to a thread of the conversations list that lived at OpenAI starts it afresh, under its id."
    )
    takeover: Literal["auto", "cancel", "wait"] = Field(
        "auto", description="A message on a busy thread cancels its run, or waits for it; auto: waits in group threads only."
    )
    max_waiting: int = Field(20, ge=1, description="Messages that may wait in one thread; more get 429.")
    last_messages: int = Field(10, ge=1, description="Messages that the first assistant's model reads, as the original had.")
    max_completion_tokens: int = Field(1000, ge=1, description="Tokens of an answer of the first assistant, as the original had.")
    file_search_mode: Literal["auto", "tool", "prompt"] = Field(
        "auto",
        description="tool: the model asks for a search; prompt: the server searches first; auto: a tool where it is taken.",
    )
    file_search_chars: int = Field(48_000, ge=1000, description="Characters of the passages that one search gives a model.")
    file_search_wait_s: float = Field(
        60, gt=0, description="How long a run waits for files that came with its thread's messages to be searchable."
    )
    run_timeout_s: float = Field(600, gt=0, description="A run expires this long after it was made, as at OpenAI.")
    run_lease_s: float = Field(15, gt=0, description="An owner that is silent for this long is dead.")
    run_heartbeat_s: float = Field(5, gt=0, description="How often an owner renews its lease; a third of it survives two misses.")
    sweep_s: float = Field(5, gt=0, description="How often runs without a living owner are looked for.")
    journal_flush_s: float = Field(
        0.1, gt=0, description="How often what runs said is written; at most this much is lost by a crash."
    )
    run_log_keep_s: float = Field(86_400, gt=0, description="How long the events of an ended run can be replayed one by one.")
    idempotency_keep_s: float = Field(86_400, gt=0, description="How long an Idempotency-Key is remembered.")
    refusal_wait_s: float = Field(
        2, gt=0, description="How long an answer's HTTP status waits for the model's first sign of life."
    )
    keep_alive_s: float = Field(15, gt=0, description="Longest silence on a stream; proxies cut at 30 to 60 s.")

    @field_validator("cors_origins", "allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip().rstrip("/") for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: list[str]) -> list[str]:
        # One that can never match would be a CORS error in the browser; `*` would let any page read every thread.
        if not all(_ORIGIN.fullmatch(origin) for origin in value):
            raise ValueError("each origin must be of the form http://localhost:3000, without a path or '*', and commas part them")
        return value

    @field_validator("openai_base_url")
    @classmethod
    def _http(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value.rstrip("/") if value else value

    @field_validator("model_aliases")
    @classmethod
    def _pairs(cls, value: str) -> str:
        for pair in filter(None, (part.strip() for part in value.split(","))):
            if not re.fullmatch(r"[^=\s]+\s*=\s*[^=\s]+", pair):
                raise ValueError("each pair must be of the form old=new, and commas part them")
        return value

    @model_validator(mode="after")
    def _lease_outlives_a_missed_heartbeat(self) -> Self:
        if self.run_lease_s < 2 * self.run_heartbeat_s:
            raise ValueError("RUN_LEASE_S: must be at least twice RUN_HEARTBEAT_S, or owners that live are taken for dead")
        return self

    @property
    def aliases(self) -> dict[str, str]:
        """MODEL_ALIASES as a mapping, old name to new."""
        pairs = (part.split("=") for part in self.model_aliases.split(",") if part.strip())
        return {old.strip(): new.strip() for old, new in pairs}

    @property
    def model_base_url(self) -> str | None:
        """Address of the model's server, or None when no language model is configured."""
        if self.openai_base_url:
            return self.openai_base_url
        return OPENAI_BASE_URL if self.openai_api_key else None

    @classmethod
    def load(cls, env_file: Path = BACKEND_DIR / ".env") -> tuple[Self, list[str]]:
        """The settings, and the names whose value is the guide's placeholder and counts as unset.

        Raises ConfigError with one line for each setting that cannot be read; values are never repeated in it.
        """
        try:
            settings = cls(_env_file=env_file if env_file.is_file() else None)  # type: ignore[call-arg]
        except ValidationError as error:
            lines = [f"{_name(item['loc'])}{item['msg'].removeprefix('Value error, ')}." for item in error.errors()]
            raise ConfigError(" ".join(lines) + " Correct it in python_backend/.env or in the environment.") from None
        except UnicodeDecodeError:
            raise ConfigError("python_backend/.env is not UTF-8 text. Save it again in that encoding.") from None
        except OSError as error:
            raise ConfigError(f"python_backend/.env cannot be read: {error.strerror}.") from None
        placeholders = [name for name in _PLACEHOLDER_NAMES if _is_placeholder(_plain(getattr(settings, name.lower())))]
        return settings.model_copy(update={name.lower(): None for name in placeholders}), placeholders


def _name(place: tuple[int | str, ...]) -> str:
    """Empty for what is wrong with several settings together: that names them itself."""
    return ".".join(map(str, place)).upper() + ": " if place else ""


def _plain(value: SecretStr | str | None) -> str | None:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _is_placeholder(value: str | None) -> bool:
    return value is not None and _PLACEHOLDER.match(value.strip()) is not None
