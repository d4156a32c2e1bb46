"""A draft's parts as sentences, and sentences as edits of its text. Runs in processes beside the control plane."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import yaml

from gateway.core.analysis.findings import analyse
from gateway.core.revision.decode import PolicyInvalid
from gateway.core.texts import LANGUAGES
from services.control.drafts.checking import loaded
from services.control.drafts.edits import Edit, EditRefused, edited
from services.control.drafts.layout import composed, plain
from services.control.drafts.rendering import keyed
from services.control.drafts.store import DraftProblem
from services.sentences.conflicts import Code, Conflict, Said, conflicts
from services.sentences.engine import engine
from services.sentences.kinds import Kind, kind_of, made
from services.sentences.reading import SECTIONS, Unsaid, read
from services.sentences.saying import say
from services.sentences.understanding import Understood, understand
from services.sentences.writing import SECTIONS as WRITTEN_IN
from services.sentences.writing import Written, write

_OTHER: Final = re.compile(r"[^a-z0-9]+")
_NAMING: Final = ("segments", "categories", "channels", "agents", "operations", "topics", "brands")


class Phrase(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A part of a draft as a sentence."""

    section: str
    part: str
    """Its name."""
    sentence: dict[str, Any] | None = None
    """Its slots; `null` where no sentence says it."""
    said: str = ""
    """In the reader's language."""
    besides: tuple[str, ...] = ()
    """Fields that the part has and the sentence does not say; they stay when it changes."""
    why: str = ""
    """Why no sentence says it."""
    writes: str = ""
    """The part as YAML."""


class Clash(msgspec.Struct, frozen=True, kw_only=True):
    """A part that another one gets in the way of."""

    code: str
    """"tighter", "swallowed", "nobody", "shadowed", "redundant" or "never"."""
    section: str
    part: str
    others: tuple[str, ...]
    """`{section}/{part}` of those that get in its way."""
    problem: str
    fix: str


class Phrased(msgspec.Struct, frozen=True, kw_only=True):
    """What a text says."""

    sentence: dict[str, Any] | None = None
    said: dict[str, str] = {}
    """By language."""
    section: str = ""
    writes: str = ""
    """The part that it would write, as YAML."""
    remarks: tuple[Any, ...] = ()
    next: tuple[str, ...] = ()
    """What may stand where it could not be understood further, or could go on."""


def listed(text: str, *, language: str) -> tuple[Phrase, ...]:
    """All parts of which sentences speak, section by section.

    Raises:
        EditRefused: the text is no YAML.
    """
    data = _data(text)
    labels = _labels(data)
    return tuple(
        _phrase(section, part, labels, language=language)
        for section in SECTIONS
        for part in _parts(data, section)
        if isinstance(part, Mapping)
    )


def conflicts_in(text: str, *, language: str) -> tuple[Clash, ...]:
    """What gets in the way of what, in words. Of rules only where the text has no mistakes.

    Raises:
        EditRefused: the text is no YAML.
    """
    phrases = listed(text, language=language)
    said = [
        Said(section=each.section, part=each.part, sentence=made(each.sentence), besides=each.besides)
        for each in phrases
        if each.sentence is not None
    ]
    words = {(each.section, each.part): each.said.rstrip(".") or each.part for each in phrases}
    found = {(each.section, each.part): each for each in (*_between_rules(text), *conflicts(said))}
    return tuple(_clash(each, words, language) for place in words if (each := found.get(place)) is not None)


def _between_rules(text: str) -> Iterator[Conflict]:
    try:
        revision, lines = loaded(text)
    except PolicyInvalid:
        return
    codes: Mapping[str, Code] = {"never": "never", "never-but-fails": "never"}
    for finding in analyse(revision, lines).findings:
        code: Any = codes.get(finding.kind, finding.kind)
        others = tuple(("rules", other) for other in finding.others)
        yield Conflict(code=code, section="rules", part=finding.rule, others=others)


def _clash(conflict: Conflict, words: Mapping[tuple[str, str], str], language: str) -> Clash:
    others = [words.get(each, each[1]) for each in conflict.others]
    this = words[conflict.section, conflict.part]
    problem, fix = conflict.worded(language, this=this, others=others)
    return Clash(
        code=conflict.code,
        section=conflict.section,
        part=conflict.part,
        others=tuple("/".join(each) for each in conflict.others),
        problem=problem,
        fix=fix,
    )


def phrase_of(text: str, section: str, name: str, *, language: str) -> Phrase:
    """One part.

    Raises:
        EditRefused: there is none of that name, or the text is no YAML.
    """
    data = _data(text)
    found = _part(data, section, name)
    if found is None:
        raise EditRefused("edit-name", section=section, name=name)
    return _phrase(section, found, _labels(data), language=language)


def phrased(text: str, *, language: str) -> Phrased:
    """What somebody has typed, understood, and what it would write."""
    found: Understood = understand(text, language)
    remarks = tuple(msgspec.to_builtins(each) for each in found.remarks)
    if found.sentence is None:
        return Phrased(remarks=remarks, next=found.next)
    written = write(found.sentence, name=_name(found.sentence))
    return Phrased(
        sentence=msgspec.to_builtins(found.sentence),
        said={each: say(found.sentence, each) for each in LANGUAGES},
        section=written.section,
        writes=keyed(written.section, [written.part]),
        next=found.next,
    )


def understood(text: str, *, language: str) -> Kind:
    """The sentence that somebody has typed.

    Raises:
        DraftProblem: it is none; it says where and what was expected.
    """
    found = understand(text, language)
    if found.sentence is None:
        raise DraftProblem("sentence-odd", field="text", problem=found.remarks[0].problem)
    return found.sentence


def put(text: str, sentence: Kind, *, section: str = "", part: str = "", named: str = "") -> tuple[str, str, str]:
    """The text with a sentence in it, in place of that part where one is named; then its section and name.

    Raises:
        EditRefused: it cannot be put there; nothing else of the text changes otherwise.
    """
    data = _data(text)
    old = _part(data, section, part) if part else None
    if part and old is None:
        raise EditRefused("edit-name", section=section, name=part)
    stays = old is not None and WRITTEN_IN[kind_of(sentence)] == section
    written = _written(data, sentence, name=named or part, over=old if stays else None)
    name = str(written.part["name"])
    edits: list[Edit]
    if stays:
        edits = [Edit(kind="replace", section=section, name=part, value=written.part)]
    else:
        edits = [Edit(kind="remove", section=section, name=part)] if part else []
        edits.append(Edit(kind="add", section=written.section, value=written.part))
    return edited(text, edits), written.section, name


def _written(data: Mapping[str, Any], sentence: Kind, *, name: str, over: Any) -> Written:
    taken = {each.get("name") for section in SECTIONS for each in _parts(data, section) if isinstance(each, Mapping)}
    return write(sentence, name=name or _free(_name(sentence), taken), over=over)


def _phrase(section: str, part: Mapping[str, Any], labels: Sequence[str], *, language: str) -> Phrase:
    name = str(part.get("name", ""))
    writes = keyed(section, [dict(part)])
    found = read(section, part, engine=engine(), labels=labels)
    if isinstance(found, Unsaid):
        return Phrase(section=section, part=name, why=found.why(language), writes=writes)
    return Phrase(
        section=section,
        part=name,
        sentence=msgspec.to_builtins(found.sentence),
        said=say(found.sentence, language),
        besides=found.besides,
        writes=writes,
    )


def _name(sentence: Kind) -> str:
    """A name that says what it is about: "cap-vip-marketing"."""
    words = [kind_of(sentence)]
    for slot in _NAMING:
        values = msgspec.to_builtins(getattr(sentence, slot, ()))
        words += [_OTHER.sub("-", str(each).lower()).strip("-") for each in values[:1]]
    return "-".join(word for word in words if word)[:50].rstrip("-")


def _free(name: str, taken: set[Any]) -> str:
    number = 1
    found = name
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    return found


def _data(text: str) -> Mapping[str, Any]:
    try:
        root = composed(text)
        data = {} if root is None else plain(root)
    except (yaml.YAMLError, PolicyInvalid, ValueError) as error:
        raise EditRefused("edit-yaml") from error
    if not isinstance(data, Mapping):
        raise EditRefused("edit-yaml")
    return data


def _parts(data: Mapping[str, Any], section: str) -> Sequence[Any]:
    found = data.get(section)
    return found if isinstance(found, list) else ()


def _part(data: Mapping[str, Any], section: str, name: str) -> Mapping[str, Any] | None:
    if section not in SECTIONS:
        return None
    return next(
        (each for each in _parts(data, section) if isinstance(each, Mapping) and each.get("name") == name), None
    )


def _labels(data: Mapping[str, Any]) -> tuple[str, ...]:
    """The labels that every agent has."""
    agents = [each for each in _parts(data, "agents") if isinstance(each, Mapping)]
    each_has = [set(labels) if isinstance(labels := agent.get("labels"), Mapping) else set() for agent in agents]
    return tuple(sorted(set.intersection(*each_has))) if each_has else ()
