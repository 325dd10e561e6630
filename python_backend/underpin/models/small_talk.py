"""What the extractive model says to a greeting or a thank-you, which no document answers."""

import re

_HELLO = "Hello! Ask me something about the documents, and I will quote what they say."
_WELCOME = "You are welcome."
_BYE = "Goodbye!"
_SELF = (
    "I answer questions by quoting the documents that this server holds, with a reference to each quote. No language model is "
    "configured. For written answers, set OPENAI_API_KEY or OPENAI_BASE_URL in python_backend/.env and restart the server."
)
_GO_ON = "All right. What would you like to know about the documents?"

_PRAISE = r"(?:(?:ok|okay|great|perfect|cool|nice|super|good|excellent|wonderful|many|that helps|got it) )*"
_HOW_ARE_YOU = r"(?:how are you|how is it going|what s up)(?: doing)?(?: today)?"
_REPLIES = tuple(
    (re.compile(pattern), answer)
    for pattern, answer in (
        (
            r"(?:hello|hi|hiya|hey|howdy|greetings|hallo|hola|bonjour|salut|ciao|guten tag)"
            r"(?: there| all| everyone| again| assistant| friend)*"
            rf"(?: {_HOW_ARE_YOU})?",
            _HELLO,
        ),
        (rf"good (?:morning|afternoon|evening|day)(?: {_HOW_ARE_YOU})?|{_HOW_ARE_YOU}", _HELLO),
        (
            _PRAISE + r"(?:thanks|thank you|thx|ty|cheers|danke|merci|gracias)"
            r"(?: (?:a lot|so much|very much|again|everyone|anyway|for (?:the|your|this|that|all)(?: \w+){0,3}))*"
            r"(?: (?:that|this) (?:helps|helped|was helpful|is helpful|is great|was great)(?: a lot)?)?",
            _WELCOME,
        ),
        (r"(?:bye|goodbye|bye bye|see you(?: later| soon| tomorrow)?|good night)", _BYE),
        (
            r"(?:who|what) are you|what (?:can|do) you do|what is this|what can i ask(?: you)?|how do(?:es)? (?:this|you) work"
            r"|help(?: me)?(?: please)?",
            _SELF,
        ),
        (
            r"(?:ok|okay|great|perfect|cool|nice|super|yes|no|sure|test|testing|got it|i see)(?: (?:ok|okay|great|thanks))?",
            _GO_ON,
        ),
    )
)


def reply(message: str) -> str | None:
    """The friendly sentence for a message that is nothing but small talk; None for everything else."""
    words = " ".join(re.findall(r"[^\W_]+", message.lower()))
    return next((answer for pattern, answer in _REPLIES if pattern.fullmatch(words)), None)
