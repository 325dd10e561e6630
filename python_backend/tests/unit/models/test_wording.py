import pytest

from underpin.models.wording import MAX_CHARACTERS, Wording

WORDING = Wording(secrets=("hunter2canary", "ollama"), hosts=("10.0.0.5:8080", "10.0.0.5"), root="/v1")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("The model is too small.", "The model is too small."),
        ("Key hunter2canary is wrong", "Key *** is wrong"),
        ("Incorrect API key provided: sk-proj-abcdEFGH1234.", "Incorrect API key provided: ***"),
        ("sk-ab****************************yz is no key", "*** is no key"),
        ("header Authorization: Bearer abc.def-123, sorry", "header Authorization: ***, sorry"),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "token ***"),
        ("id 0123456789abcdef0123456789abcdef0123", "id ***"),
        ("could not reach 10.0.0.5:8080 (10.0.0.5)", "could not reach the model's server (the model's server)"),
        ("POST http://10.0.0.5:8080/v1/chat/completions?x=1 failed", "POST the model's server failed"),
        ("buy more at http://10.0.0.5/billing?from=1", "buy more at http://10.0.0.5/billing"),
        ("10.0.0.5:8080/v1/models is gone", "the model's server is gone"),
        ("http://10.0.0.5:8080, or http://10.0.0.5:8080/", "the model's server, or the model's server"),
        ("HTTP://10.0.0.5:8080: refused", "the model's server: refused"),
        (r'{"url": "http:\/\/10.0.0.5:8080\/v1\/models"}', '{"url": "the model\'s server"}'),
        ("http://10.0.0.50:8080/v1", "http://10.0.0.50:8080/v1"),
        ("Basic authentication is off", "Basic authentication is off"),
        ("see https://user:pass@docs.example.com/errors?key=abc#x for more", "see https://docs.example.com/errors for more"),
        ('bad\nTraceback (most recent call last):\n  File "/srv/app.py", line 3', "bad"),
        ('bad File "/srv/app.py", line 3, in f', "bad"),
        ("cannot open /home/anna/models/secret.gguf today", "cannot open … today"),
        ("no /srv/x, /app/main.py: or /opt/.cache/y", "no …, …: or …"),
        ("POST /v1/models or /chat/completions", "POST /v1/models or /chat/completions"),
        ("and/or 1/2 meta-llama/Llama-3.1-8B-Instruct", "and/or 1/2 meta-llama/Llama-3.1-8B-Instruct"),
        ("line\r\n\x1b[31mred\x00\u2028end", "line [31mred end"),
        ("Authorization: Basic YW5uYTpodW50ZXIy", "Authorization: ***"),
        ("model ollama-7 of ollama is gone", "model ollama-7 of *** is gone"),
        ("", ""),
    ],
)
def test_what_must_not_be_seen_is_hidden_and_the_rest_is_kept(said, shown):
    assert WORDING.clean(said) == shown


def test_a_long_text_is_cut_to_three_hundred_characters():
    assert len(WORDING.clean("clay and " * 100_000)) <= MAX_CHARACTERS


@pytest.mark.parametrize(
    "said", ["a://" * 100_000, "/a" * 100_000, "A1" * 100_000, "sk-" * 100_000, "eyJ." * 100_000, "\n " * 1_000_000]
)
def test_a_hostile_text_is_cleaned_quickly(said):
    # Bounded before the patterns run; unbounded input would take minutes here.
    assert len(WORDING.clean(said)) <= MAX_CHARACTERS


@pytest.mark.parametrize("shift", range(0, 40, 3))
def test_a_key_that_is_cut_off_at_the_bound_does_not_show_its_half(shift):
    key = "very-secret-canary"
    said = "x " * 5 + " " * (10 * MAX_CHARACTERS - 10 - shift) + key + " " * 100
    shown = Wording(secrets=(key,)).clean(said)
    assert shown in ("x x x x x", "x x x x x ***")
