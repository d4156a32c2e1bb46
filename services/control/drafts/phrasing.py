"""Sentences of drafts, for pages and for REST: listed, understood, and written into a draft's text."""

from typing import Final

from gateway.core.changes import Place
from services.control.changes import Who
from services.control.drafts import probing, sentences
from services.control.drafts.drafting import Drafting
from services.control.drafts.edits import Edit
from services.control.drafts.sentences import Clash, Phrase, Phrased
from services.control.drafts.store import Draft, DraftProblem
from services.control.jobs import Job
from services.sentences.kinds import Kind
from services.sentences.reading import SECTIONS


class Phrasing:
    """What is done with sentences. Every method raises `RedisError` where the store does not answer."""

    def __init__(self, drafting: Drafting) -> None:
        self._drafting: Final = drafting
        self._workshop: Final = drafting.workshop

    async def listed(self, draft: str, *, language: str, text: str | None = None) -> tuple[Draft, tuple[Phrase, ...]]:
        """A draft, and all parts of it of which sentences speak.

        Raises:
            EditRefused: the text is no YAML.
            DraftProblem: there is no such draft, or the text is too hard.
        """
        stored, there = await self._drafting.store.read(draft)
        asked = there if text is None else text
        return stored, await self._workshop.run(sentences.listed, asked, language=language)

    async def conflicts(self, draft: str, *, language: str, text: str | None = None) -> tuple[Draft, tuple[Clash, ...]]:
        """A draft, and what of it gets in the way of what. Raises like `listed`."""
        stored, there = await self._drafting.store.read(draft)
        asked = there if text is None else text
        return stored, await self._workshop.run(sentences.conflicts_in, asked, language=language)

    async def understand(self, text: str, *, language: str) -> Phrased:
        """What somebody has typed, and what it would write; or where it is not understood."""
        return await self._workshop.run(sentences.phrased, text, language=language)

    async def meant(self, text: str, *, language: str) -> Kind:
        """The sentence that somebody has typed.

        Raises:
            DraftProblem: it is none.
        """
        return await self._workshop.run(sentences.understood, text, language=language)

    async def put(
        self,
        draft: str,
        sentence: Kind,
        *,
        version: int,
        who: Who,
        language: str,
        section: str = "",
        part: str = "",
        named: str = "",
        text: str | None = None,
    ) -> tuple[Draft, Phrase, str]:
        """Write a sentence into a draft: a new part, or in place of that part; the draft, the phrase, and the text.

        Raises:
            EditRefused: it cannot be put there.
            DraftChanged: another version is there.
            DraftProblem: there is no such draft.
        """
        stored, there = await self._drafting.store.read(draft)
        before = there if text is None else text
        after, where, name = await self._workshop.run(
            sentences.put, before, sentence, section=section, part=part, named=named
        )
        saved = await self._drafting.save(stored.id, version=version, who=who, text=after)
        phrase = await self._workshop.run(sentences.phrase_of, after, where, name, language=language)
        return saved, phrase, after

    async def examples(
        self, draft: str, *, owner: str, language: str, place: Place | None, typed: str = "", text: str | None = None
    ) -> Job:
        """Begin to find recorded calls that show what a sentence alone would have come to: of a part, or a typed one.

        Raises:
            EditRefused: it cannot be put into the draft.
            DraftProblem: there is no such draft, the text is no sentence, or recorded calls cannot be opened here.
            JobsFull: too much is under way.
        """
        if place is None:
            sentence = await self.meant(typed, language=language)
            there = (await self._drafting.store.read(draft))[1] if text is None else text
            text, section, name = await self._workshop.run(sentences.put, there, sentence)
            place = Place(section, name)
        return await self._drafting.questions.start_examples(draft, owner=owner, text=text, place=place)

    async def probes(self, draft: str, *, section: str, part: str, language: str) -> tuple[str, str]:
        """The name and the text of a suite of probes that passes with the sentence of a part, and fails without it.

        Raises:
            PolicyInvalid, EditRefused: the draft has mistakes, or no such part.
            DraftProblem: there is no such draft, or no probes can be made of it.
        """
        _, text = await self._drafting.store.read(draft)
        return await self._workshop.run(probing.suite_for, text, section, part, language=language)

    async def remove(
        self, draft: str, *, version: int, who: Who, section: str, part: str, text: str | None = None
    ) -> tuple[Draft, str]:
        """Take a part out of a draft. Raises like `put`."""
        if section not in SECTIONS:
            raise DraftProblem("sentence-section", section=section)
        edit = Edit(kind="remove", section=section, name=part)
        if text is None:
            return await self._drafting.edit(draft, (edit,), version=version, who=who)
        after = await self._drafting.questions.edit_text(text, (edit,))
        return await self._drafting.save(draft, version=version, who=who, text=after), after
