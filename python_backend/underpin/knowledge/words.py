"""Words as they are compared: lower case, light stems, and lists of words that carry little meaning.

One stemmer serves the index, the questions and the quotes, so that they can never disagree.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

RULES = 2
"""Another number where the same text has other stems: what was counted by the old ones is counted again."""

_WORD = re.compile(r"[^\W_]+(?:[.,]\d+)*(?:['’_\-‐‑–/][^\W_]+(?:[.,]\d+)*)*′{0,2}")
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_SIGNS = ((re.compile(r"%|\bper cent\b", re.IGNORECASE), " percent "), (re.compile("°"), " degrees "))
_PARTS = re.compile(r"[_\-‐‑–/]")

UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Scripts that are written without spaces between words, as a class of a regular expression."""
_IN_UNSPACED = re.compile(f"[{UNSPACED}]")
_RUN = re.compile(f"[{UNSPACED}]+|[^{UNSPACED}]+")
_PARTICLES = re.compile("[\u3040-\u309f]+")
"""Hiragana alone: between the words of a Japanese sentence, particles and endings."""

_STOP_WORDS = """
a about above across after again against all along also although am amid among an and any are aren around as aside at away
be because been before behind being below beneath beside besides between beyond both but by can cannot could d despite did
didn do does doesn doing don done down during each either else ever except for from further had has have having he her
here hers him his how i if in inside instead into is isn it its itself just ll m may me might more most must my near no
nor not of off on once only onto opposite or other our out outside over own past per rather re s shall she should since so
some still such t than that the their them then there therefore these they this those through throughout thus to too
toward towards under unless until up upon us ve versus very via was we were what when where whereas whether which while
who whom whose why will with within without would yet you your
"""
STOP = frozenset(_STOP_WORDS.split())
"""Never searched for."""

_FORMS = """
criterion criteria
stratum strata
analysis analyses
half halves
modulus moduli
radius radii
foot feet
begin began begun
break broke broken
bring brought
build built
buy bought
choose chose chosen
dig dug
draw drew drawn
drive drove driven
fall fell fallen
feel felt
find found
flow flowed
freeze froze frozen
give gave given
go goes went gone
grow grew grown
hold held
keep kept
know knew known
lay laid
leave left
lie lain lying
lose lost
make made
mean meant
put putting
rise rose risen
run ran
say said
see saw seen
sell sold
send sent
shake shook shaken
show shown
shrink shrank shrunk
sink sank sunk
stand stood
swell swollen
take took taken
tell told
think thought
wear wore worn
write wrote written
"""
# Stems that the suffixes would make equal to another word's.
_WHOLE = frozenset({"foundation", "footing", "fines", "half", "analysis", "criterion", "stratum"})

_IRREGULAR = {form: line.split()[0] for line in _FORMS.split("\n") for form in line.split()[1:]}

# Suffix, what stands in its place, least letters that must be left. The longest come first; each pass takes one.
_SUFFIXES = (
    ("ifications", "if", 3),
    ("ification", "if", 3),
    ("uction", "uc", 3),
    ("isation", "", 4),
    ("ization", "", 4),
    ("ifying", "if", 3),
    ("ability", "", 4),
    ("ibility", "", 4),
    ("ically", "ic", 3),
    ("ively", "", 4),
    ("ivity", "", 4),
    ("ation", "", 4),
    ("ating", "", 4),
    ("ative", "", 4),
    ("ified", "if", 3),
    ("ising", "", 4),
    ("izing", "", 4),
    ("ical", "ic", 3),
    ("ment", "", 4),
    ("ness", "", 4),
    ("able", "", 4),
    ("ible", "", 4),
    ("ated", "", 4),
    ("ised", "", 4),
    ("ized", "", 4),
    ("ful", "", 4),
    ("est", "", 3),
    ("ity", "", 4),
    ("ion", "", 4),
    ("ive", "", 4),
    ("ate", "", 4),
    ("ise", "", 5),
    ("ize", "", 5),
    ("ify", "if", 3),
    ("ing", "", 3),
    ("ied", "y", 3),
    ("ed", "", 3),
    ("er", "", 4),
    ("ey", "", 4),
    ("ly", "", 4),
    ("al", "", 4),
    ("y", "", 4),
    ("e", "", 3),
)


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """A stem that the forms of a word share (`graded`, `grading`, `gradation`: `grad`). Symbols stay; `0.50` is `0.5`."""
    word = _IRREGULAR.get(word, word)
    if word in _WHOLE or word.removesuffix("s") in _WHOLE:
        return word if word in _WHOLE else word[:-1]
    if _NUMBER.fullmatch(word):
        whole, point, decimals = word.replace(",", "").partition(".")
        return (whole + point + decimals.rstrip("0")).rstrip(".")
    if len(word) <= 3 or not word.isalpha() or not word.isascii():
        return word
    word = _singular(word)
    if word.endswith("our") and len(word) > 5:
        word = word[:-3] + "or"  # colour, behaviour
    for _ in range(3):
        shorter = _without_suffix(word)
        if shorter == word:
            break
        word = shorter
    return word


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _without_suffix(word: str) -> str:
    for suffix, replacement, least in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= least:
            short = word[: -len(suffix)] + replacement
            doubled = (
                suffix in ("ing", "ed", "er", "est") and len(short) > 3 and short[-1] == short[-2] and short[-1] not in "lsz"
            )
            return short[:-1] if doubled else short
    return word


def tokens(text: str) -> list[str]:
    """The words of a text in order, lower case. `well-graded` is its two parts, a class such as `A-7-6` is `a76`, and `A-line` is
    both `aline` and `line`. Of a script without spaces each two neighbours are one."""
    text = unicodedata.normalize("NFKC", text)
    for sign, word in _SIGNS:
        text = sign.sub(word, text)
    found: list[str] = []
    for match in _WORD.finditer(text.lower()):
        word = match[0].removesuffix("'s").removesuffix("’s")
        if _IN_UNSPACED.search(word):
            found += _of_runs(word)
            continue
        parts = _PARTS.split(word)
        if len(parts) > 1 and not all(len(part) > 2 for part in parts):
            found.append("".join(parts))
        found += parts if len(parts) == 1 else (part for part in parts if len(part) > 2)
    return found


def _of_runs(word: str) -> list[str]:
    found: list[str] = []
    for run in _RUN.findall(word):
        pairs = [one + other for one, other in pairwise(run)] if _IN_UNSPACED.match(run) else []
        found += (pair for pair in pairs or [run] if not _PARTICLES.fullmatch(pair))
    return found


def stems(text: str) -> list[str]:
    """`tokens`, each as its stem."""
    return [stem(token) for token in tokens(text)]


def content(text: str) -> list[str]:
    """`stems` of what is not a stop word."""
    return [stem(token) for token in tokens(text) if token not in STOP]


_CARRIER_WORDS = """
able according actual actually another apply approximate approximately ask assume available become begin belong best
better bring build calculate call came carry case certain choose come common commonly compare comparison compute consider
contain correspond data deal define definition denote depend describe description detail determine differ difference
different distinguish document documents draw estimate exact exactly example exist expect explain express expression fact
feel figure find follow found function gave general generally get give given go good got happen help idea include indicate
information involve keep kind know known leave let lie like list look made main make many mark mean meaning means meant
mention method much name need normal normally obtain obtained occur often order outline part people perform place please
point possible present produce proper properly provide purpose put question quote range reason recorded refer regard
relate relation remain represent require required result role rough roughly rule run said say see seem select serve set
show significance simple sort specify stand start state stay step stop suggest suit suitable summarise summarize symbol
take taken talk technique tell term thing think tip told topic try turn type typical typically use used useful usual
usually value variety want way word work write written
"""
CARRIERS = frozenset(map(stem, _CARRIER_WORDS.split()))
"""Stems of words with which questions are built. They help to choose among quotes, and an answer need not have them."""
