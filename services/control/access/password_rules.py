"""Which passwords are taken: long ones that are not on top of every guesser's list. No rules about kinds of characters.

As NIST SP 800-63B, section 5.1.1.2, says: they make people write "Password1!" and no guess any harder.
"""

import functools
import re
from importlib import resources
from typing import Final

from services.control.access.passwords import normal

SHORTEST: Final = 12
LONGEST: Final = 256
_DIFFERENT: Final = 5
"""Fewer different characters than these are no password, however often they are repeated."""
_ROWS: Final = ("01234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm", "azertyuiopqsdfghjklmwxcvbn")
_LEET: Final = str.maketrans("0134578@$!", "oleastbasi")


def weakness(password: str, *, names: tuple[str, ...] = ()) -> str:
    """Why a password is not taken, as the code of a text; empty where it is.

    `names` are those of its owner: account, person, e-mail address.
    """
    password = normal(password)
    if len(password) < SHORTEST:
        return "password-short"
    if len(password) > LONGEST:
        return "password-long"
    folded = password.casefold()
    if any(part in folded for name in names for part in _parts(name)):
        return "password-name"
    return "password-common" if _is_common(folded) else ""


def _parts(name: str) -> list[str]:
    return [part for part in re.split(r"[^\w]+|_", normal(name).casefold()) if len(part) > 3] or [
        part for part in (normal(name).casefold(),) if len(part) > 2
    ]


def _is_common(folded: str) -> bool:
    if len(set(folded)) < _DIFFERENT:
        return True
    letters = re.sub(r"[\W_]", "", folded)
    if any(letters in row * 3 or letters in row[::-1] * 3 for row in _ROWS):
        return True
    # "P@ssw0rd2024!!" is "password" to every guesser, and "motdepassemotdepasse" is no longer than "motdepasse".
    bare = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", folded)
    return any(_is_made_of_words(re.sub(r"[\W\d_]", "", each)) for each in (folded, bare.translate(_LEET)))


def _is_made_of_words(letters: str) -> bool:
    """Whether there is nothing in it but common words; they may touch."""
    words = _words()
    longest = max(map(len, words))
    reached = {0}
    for end in range(1, len(letters) + 1):
        if any(start in reached and letters[start:end] in words for start in range(max(0, end - longest), end)):
            reached.add(end)
    return len(letters) in reached


@functools.cache
def _words() -> frozenset[str]:
    text = resources.files(__package__).joinpath("common_words.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.split() if line)
