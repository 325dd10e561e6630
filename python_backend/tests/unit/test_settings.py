"""Settings: what is read from where, what is refused and in which words, and that no value is ever repeated."""

import sys
from pathlib import Path

import pytest

from underpin.errors import ConfigError
from underpin.settings import BACKEND_DIR, OPENAI_BASE_URL, Settings

SECRET = "sk-live-51c0ffee51c0ffee"
NAMES = [name.upper() for name in Settings.model_fields]
TAKE_ANY_TEXT = {
    "OPENAI_API_KEY",
    "OPENAI_ASSISTANT_ID",
    "MONGODB_URI",
    "OPENAI_VECTOR_STORE_ID",
    "OPENAI_KNOWLEDGE_STORE_ID",
    "OPENAI_MODEL",
    "EMBEDDING_MODEL",
    "HOST",
    "ALLOWED_HOSTS",
    "UNDERPIN_DATA_DIR",
}
"""Settings whose values are checked where they are used, if at all."""
MAY_BE_ZERO = {"MODEL_RETRY_AFTER_S"}

GUIDES_ENV = """\
OPENAI_API_KEY=sk-proj-xxx
OPENAI_ASSISTANT_ID=asst_xxx
MONGODB_URI=mongodb+srv://user:pass@cluster.mongodb.net/...
OPENAI_VECTOR_STORE_ID=vs_xxx
OPENAI_KNOWLEDGE_STORE_ID=vs_xxx
"""


@pytest.fixture(autouse=True)
def no_settings_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def load(env_file: Path, text: str = "") -> Settings:
    env_file.write_text(text, "utf-8")
    settings, _ = Settings.load(env_file)
    return settings


def refused(env_file: Path, text: str) -> str:
    env_file.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        Settings.load(env_file)
    return caught.value.message


# --- where values come from ---


def test_nothing_set_is_a_server_for_this_machine_alone_without_a_model(env_file: Path) -> None:
    settings, placeholders = Settings.load(env_file)
    assert placeholders == []
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.cors_origins == ["http://localhost:3000", "http://127.0.0.1:3000"]
    assert settings.model_base_url is None
    assert settings.mongodb_uri is None
    assert settings.underpin_data_dir == BACKEND_DIR / "data"


def test_env_file_is_read(env_file: Path) -> None:
    settings = load(env_file, f"OPENAI_API_KEY={SECRET}\nPORT=9000\nMAX_WAITING=3 # a comment\nrun_lease_s=10.5\n")
    assert settings.openai_api_key is not None
    assert settings.openai_api_key.get_secret_value() == SECRET
    assert (settings.port, settings.max_waiting, settings.run_lease_s) == (9000, 3, 10.5)


def test_env_file_as_windows_notepad_saves_it_is_read(env_file: Path) -> None:
    env_file.write_bytes(b"\xef\xbb\xbfPORT=9000\r\nOPENAI_MODEL=a model\r\n")
    settings, _ = Settings.load(env_file)
    assert (settings.port, settings.openai_model) == (9000, "a model")


def test_process_environment_wins_over_the_env_file(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9001")
    settings = load(env_file, "PORT=9000\nHOST=localhost\n")
    assert (settings.port, settings.host) == (9001, "localhost")


def test_empty_value_counts_as_not_set(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    settings = load(env_file, "PORT=\nOPENAI_API_KEY=\nCORS_ORIGINS=\nMODEL_ALIASES=\n")
    assert settings == load(env_file)


def test_empty_variable_of_the_process_leaves_the_env_file_its_say(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "")
    assert load(env_file, "PORT=9000\n").port == 9000


def test_names_that_are_no_settings_are_ignored(env_file: Path) -> None:
    assert load(env_file, "NEXT_PUBLIC_PYTHON_API_URL=http://127.0.0.1:8000\n") == load(env_file)


def test_env_file_that_is_not_utf_8_is_one_clear_line(env_file: Path) -> None:
    env_file.write_bytes(f"OPENAI_API_KEY={SECRET}\n".encode("utf-16"))
    with pytest.raises(ConfigError, match=r"^python_backend/.env is not UTF-8 text\. Save it again in that encoding\.$"):
        Settings.load(env_file)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file that root cannot read either")
def test_env_file_that_cannot_be_read_is_one_clear_line() -> None:
    with pytest.raises(ConfigError, match=r"^python_backend/.env cannot be read: .+\.$"):
        Settings.load(Path("/proc/self/mem"))


# --- the guide's placeholders ---


def test_guides_env_file_counts_as_not_set_and_is_told(env_file: Path) -> None:
    env_file.write_text(GUIDES_ENV)
    settings, placeholders = Settings.load(env_file)
    assert placeholders == [line.partition("=")[0] for line in GUIDES_ENV.splitlines()]
    assert all(getattr(settings, name.lower()) is None for name in placeholders)
    assert settings.model_base_url is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_API_KEY", "sk-xxx"),
        ("OPENAI_API_KEY", "sk-proj-XXXXXXXX"),
        ("OPENAI_API_KEY", "your_openai_api_key"),
        ("OPENAI_API_KEY", "your-key-here"),
        ("OPENAI_API_KEY", '" sk-proj-xxx "'),
        ("OPENAI_ASSISTANT_ID", "asst_xxxxxxxx"),
        ("OPENAI_VECTOR_STORE_ID", "vs_xxx"),
        ("MONGODB_URI", "mongodb://user:password@cluster.mongodb.net/ai-geotech-db"),
        ("MONGODB_URI", "mongodb+srv://user:pass@cluster"),
    ],
)
def test_what_stands_in_for_a_value_is_a_placeholder(env_file: Path, name: str, value: str) -> None:
    env_file.write_text(f"{name}={value}\n")
    settings, placeholders = Settings.load(env_file)
    assert placeholders == [name]
    assert getattr(settings, name.lower()) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_API_KEY", "sk-proj-xxxy"),
        ("OPENAI_API_KEY", "no-key"),
        ("OPENAI_ASSISTANT_ID", "asst_abc123"),
        ("OPENAI_KNOWLEDGE_STORE_ID", "vs_67xxx"),
        ("MONGODB_URI", "mongodb+srv://user:pass@cluster0.ab12c.mongodb.net/ai-geotech-db"),
        ("MONGODB_URI", "mongodb://127.0.0.1:27017"),
    ],
)
def test_what_only_looks_like_a_placeholder_is_a_value(env_file: Path, name: str, value: str) -> None:
    env_file.write_text(f"{name}={value}\n")
    settings, placeholders = Settings.load(env_file)
    assert placeholders == []
    assert getattr(settings, name.lower()) is not None


def test_only_the_guides_five_can_be_placeholders(env_file: Path) -> None:
    assert load(env_file, "OPENAI_MODEL=your-model\n").openai_model == "your-model"


# --- lists, pairs, addresses ---


def test_lists_are_written_with_commas(env_file: Path) -> None:
    settings = load(env_file, "CORS_ORIGINS=https://a.example/ , http://localhost:5173,\nALLOWED_HOSTS=a.example,b.example\n")
    assert settings.cors_origins == ["https://a.example", "http://localhost:5173"]
    assert settings.allowed_hosts == ["a.example", "b.example"]


@pytest.mark.parametrize("origin", ["https://a.example:8443", "chrome-extension://abcdef", "tauri://localhost"])
def test_origins_of_any_scheme_are_taken(env_file: Path, origin: str) -> None:
    assert load(env_file, f"CORS_ORIGINS={origin}\n").cors_origins == [origin]


@pytest.mark.parametrize("origin", ["*", "https://*.example", "localhost:3000", "null", "http://localhost:3000/chat", "http://"])
def test_origin_that_could_never_match_is_refused(env_file: Path, origin: str) -> None:
    assert refused(env_file, f"CORS_ORIGINS=http://localhost:3000,{origin}\n").startswith("CORS_ORIGINS: each origin must be")


def test_aliases_are_pairs(env_file: Path) -> None:
    settings = load(env_file, "MODEL_ALIASES= gpt-4o-mini = gpt-5.4-mini ,gpt-4=gpt-5.4,\n")
    assert settings.aliases == {"gpt-4o-mini": "gpt-5.4-mini", "gpt-4": "gpt-5.4"}
    assert load(env_file).aliases == {}


@pytest.mark.parametrize("pairs", ["gpt-4", "gpt-4=", "=gpt-5.4", "gpt-4=gpt-5.4 gpt-4o=gpt-5.4", "a=b=c"])
def test_aliases_that_are_no_pairs_are_refused(env_file: Path, pairs: str) -> None:
    assert refused(env_file, f"MODEL_ALIASES={pairs}\n").startswith("MODEL_ALIASES: each pair must be of the form old=new")


@pytest.mark.parametrize("address", ["localhost:11434/v1", "127.0.0.1:8080", "ftp://a.example/v1"])
def test_address_of_the_model_must_be_http(env_file: Path, address: str) -> None:
    assert refused(env_file, f"OPENAI_BASE_URL={address}\n") == (
        "OPENAI_BASE_URL: must begin with http:// or https://. Correct it in python_backend/.env or in the environment."
    )


def test_key_alone_means_openai_and_an_address_wins_over_it(env_file: Path) -> None:
    assert load(env_file, f"OPENAI_API_KEY={SECRET}\n").model_base_url == OPENAI_BASE_URL
    both = load(env_file, f"OPENAI_API_KEY={SECRET}\nOPENAI_BASE_URL=http://127.0.0.1:11434/v1/\n")
    assert both.model_base_url == "http://127.0.0.1:11434/v1"
    assert load(env_file, "OPENAI_BASE_URL=http://127.0.0.1:11434/v1\n").model_base_url == "http://127.0.0.1:11434/v1"


# --- what is refused, and in which words ---


@pytest.mark.parametrize(
    "line",
    [
        "PORT=http",
        "PORT=65536",
        "PORT=-1",
        "WEB_CONCURRENCY=0",
        "MAX_WAITING=0",
        "LAST_MESSAGES=0",
        "MAX_COMPLETION_TOKENS=0",
        "MAX_BODY_BYTES=0",
        "ALLOW_OPEN_ACCESS=perhaps",
        "LOG_FORMAT=xml",
        "LOG_LEVEL=LOUD",
        "TAKEOVER=fight",
        *(f"{name}=0" for name in NAMES if name.endswith("_S") and name not in MAY_BE_ZERO),
        *(f"{name}={value}" for name in NAMES if name.endswith("_S") for value in ("soon", "inf", "nan", "-inf", "1e999")),
    ],
)
def test_impossible_value_is_one_line_that_names_the_setting(env_file: Path, line: str) -> None:
    name, _, value = line.partition("=")
    message = refused(env_file, line + "\n")
    assert message.startswith(f"{name}: ")
    assert message.endswith(" Correct it in python_backend/.env or in the environment.")
    assert "\n" not in message
    assert "Value error" not in message
    if len(value) > 3:
        assert value not in message


@pytest.mark.parametrize("text", ["RUN_LEASE_S=9.9\n", "RUN_HEARTBEAT_S=8\n", "RUN_LEASE_S=1\nRUN_HEARTBEAT_S=0.6\n"])
def test_a_lease_that_does_not_outlive_two_heartbeats_is_refused(env_file: Path, text: str) -> None:
    assert refused(env_file, text) == (
        "RUN_LEASE_S: must be at least twice RUN_HEARTBEAT_S, or owners that live are taken for dead. "
        "Correct it in python_backend/.env or in the environment."
    )


def test_a_lease_of_two_heartbeats_is_taken(env_file: Path) -> None:
    assert load(env_file, "RUN_LEASE_S=1\nRUN_HEARTBEAT_S=0.5\n").run_lease_s == 1


def test_every_impossible_value_is_told_at_once(env_file: Path) -> None:
    message = refused(env_file, "PORT=x\nLOG_LEVEL=LOUD\n")
    assert "PORT: " in message
    assert "LOG_LEVEL: " in message


@pytest.mark.parametrize("name", [name for name in NAMES if name not in TAKE_ANY_TEXT])
def test_no_error_repeats_a_value(env_file: Path, name: str) -> None:
    """Somebody may have pasted a key into the wrong line."""
    env_file.write_text(f"{name}={SECRET}\n")
    with pytest.raises(ConfigError) as caught:
        Settings.load(env_file)
    assert SECRET not in caught.value.message
    assert caught.value.__suppress_context__  # a traceback would show pydantic's error, which knows the value


def test_secrets_are_not_shown_when_settings_are(env_file: Path) -> None:
    settings = load(env_file, f"OPENAI_API_KEY={SECRET}\nMONGODB_URI=mongodb://u:{SECRET}@db.example\n")
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings.model_dump())


def test_seconds_are_told_by_the_name() -> None:
    for name, field in Settings.model_fields.items():
        if field.annotation is float:
            assert name.endswith("_s"), name
