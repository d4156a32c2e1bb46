"""From what the audit service says of a person to the report about them, as files."""

from collections.abc import Iterable

from pilote.audit.v1 import persons_pb2
from services.reports.counted import Checkpoint
from services.reports.person import Entry, Told


def told(answers: Iterable[persons_pb2.ReportPersonResponse], *, tenant: str, checkpoint: Checkpoint | None) -> Told:
    """All of one answer, the first message of which has the summary."""
    summary, entries, unreadable = persons_pb2.PersonSummary(), [], dict[str, None]()
    for answer in answers:
        if answer.HasField("summary"):
            summary = answer.summary
        unreadable |= dict.fromkeys(answer.unreadable_segments)
        entries += [
            Entry(each.name, each.receive_time.ToMilliseconds(), tuple(each.sentences)) for each in answer.entries
        ]
    return Told(
        language=summary.language_code or "en",
        tenant=tenant,
        subject_ref=summary.subject_ref,
        made_ms=summary.report_time.ToMilliseconds(),
        summary=tuple(summary.sentences),
        contacts=tuple(sorted(summary.contacts.items(), key=lambda each: (-each[1], each[0]))),
        entries=tuple(entries),
        unreadable=tuple(unreadable),
        checkpoint=checkpoint,
    )
