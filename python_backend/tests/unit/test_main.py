"""What the command says before it serves."""

import logging
import os
import subprocess
import sys

import pytest
from pydantic import SecretStr

from underpin.__main__ import _warn
from underpin.settings import Settings

QUOTED = (
    "answers are quoted from the example documents. Set OPENAI_API_KEY or OPENAI_BASE_URL in python_backend/.env and restart."
)


def warnings(caplog: pytest.LogCaptureFixture, **given: object) -> list[str]:
    caplog.set_level(logging.WARNING, "underpin")
    settings = Settings.model_construct(**given)  # type: ignore[arg-type]
    _warn(settings, [])
    return [record.getMessage() for record in caplog.records]


def test_a_model_that_no_server_is_named_for_is_warned_of(caplog):
    why = "OPENAI_MODEL is 'gpt-5.4', but nothing says which server has it"
    assert warnings(caplog, openai_model="gpt-5.4") == [f"⚠️ {why}: {QUOTED}"]


def test_no_model_at_all_is_warned_of(caplog):
    assert warnings(caplog) == [f"⚠️ No language model is configured: {QUOTED}"]


@pytest.mark.parametrize(
    "given",
    [
        {"openai_model": "gpt-5.4", "openai_api_key": SecretStr("sk-x")},
        {"openai_model": "gpt-5.4", "openai_base_url": "http://127.0.0.1:1/v1"},
        {"openai_base_url": "http://127.0.0.1:1/v1"},
        {"openai_model": "extractive"},
        {"openai_model": "scripted"},
        {"openai_model": "test", "model_aliases": "test=scripted"},
    ],
    ids=str,
)
def test_a_model_that_can_be_asked_is_not(caplog, given):
    assert warnings(caplog, **given) == []


@pytest.mark.parametrize(("given", "there"), [({}, "1"), ({"OPENBLAS_NUM_THREADS": "3"}, "3")], ids=str)
def test_numpy_gets_one_thread_unless_somebody_says_otherwise(given, there):
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"} | given
    asked = "import underpin, sys, os; print('numpy' in sys.modules, os.environ['OPENBLAS_NUM_THREADS'])"
    said = subprocess.run([sys.executable, "-c", asked], env=environment, capture_output=True, text=True, timeout=30, check=True)
    assert said.stdout.split() == ["False", there]
