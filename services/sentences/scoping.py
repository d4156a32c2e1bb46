"""Which calls a sentence is about, also where it lets them be: "only sales-bot may contact" is about contacts."""

from gateway.core.call import Operation
from services.sentences.kinds import Consent, Hours, Never, Only, Sentence


def scope(sentence: Sentence) -> Never | None:
    """Those calls, as a sentence that is only watched; `None` where what it writes tells by itself."""
    match sentence:
        case Only():
            return Never(
                operations=sentence.operations,
                methods=sentence.methods,
                channels=sentence.channels,
                categories=sentence.categories,
                purposes=sentence.purposes,
                campaigns=sentence.campaigns,
                segments=sentence.segments,
                outside=sentence.outside,
                traits=sentence.traits,
                scores=sentence.scores,
                pressure=sentence.pressure,
                unagreed=sentence.unagreed,
                request=sentence.request,
                watched=True,
            )
        case Hours() | Consent():
            return Never(
                operations=(Operation.CONTACT,),
                channels=sentence.channels,
                categories=sentence.categories,
                purposes=sentence.purposes if isinstance(sentence, Consent) else (),
                watched=True,
            )
    return None
